"""SELECTs that commands need of ibs, of this context and of others through ports."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from domain.clients.values import Introducer
from domain.ibs.tables import ib
from domain.ibs.values import IbStatus
from tenants.work import WriteWork


async def find_introducer(work: WriteWork, code: str) -> Introducer | None:
    """The active ib of that code, in whatever case it was typed; None for suspended ones too."""
    row = await work.maybe(
        select(ib.c.id, ib.c.path).where(
            ib.c.brand_id == work.scope.brand_id,
            ib.c.code == code.upper(),
            ib.c.status == IbStatus.ACTIVE,
        )
    )
    return None if row is None else Introducer(row.id, row.path)


async def find_parent(work: WriteWork, ib_id: UUID) -> Row[Any] | None:
    """An ib's place and status, kept from changing until the work ends."""
    return await work.maybe(
        select(ib.c.path, ib.c.level, ib.c.status)
        .where(ib.c.brand_id == work.scope.brand_id, ib.c.id == ib_id)
        .with_for_update(read=True, key_share=True)
    )
