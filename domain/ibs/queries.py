"""SELECTs that commands need of ibs, of this context and of others through ports."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, cast, func, null, select

from domain.clients.values import Introducer
from domain.ibs.tables import ib, ib_invitation, ib_link
from domain.ibs.values import IbStatus
from tenants.tables import asset, brand
from tenants.work import WriteWork


async def find_introducer(work: WriteWork, code: str) -> Introducer | None:
    """The active ib of that code, its own or a link's, in whatever case it was typed.

    None for suspended ones too. It does not move until the work ends.
    """
    columns, link = ib.c, ib_link.c
    wanted = code.upper()
    own = select(columns.id, cast(null(), link.id.type).label("link_id")).where(
        columns.brand_id == work.scope.brand_id, columns.code == wanted
    )
    of_link = select(link.ib_id, link.id).where(
        link.brand_id == work.scope.brand_id, link.code == wanted
    )
    found = own.union_all(of_link).subquery("found")
    row = await work.maybe(
        select(columns.id, columns.path, found.c.link_id)
        .join(found, found.c.id == columns.id)
        .where(columns.brand_id == work.scope.brand_id, columns.status == IbStatus.ACTIVE)
        .with_for_update(read=True, key_share=True, of=ib)
    )
    return None if row is None else Introducer(row.id, row.path, row.link_id)


async def is_link_code(work: WriteWork, code: str) -> bool:
    """Whether a link of the brand has a code."""
    rows = await work.rows(
        select(ib_link.c.id).where(
            ib_link.c.brand_id == work.scope.brand_id, ib_link.c.code == code
        )
    )
    return bool(rows)


async def is_currency(work: WriteWork, code: str) -> bool:
    """Whether an asset is known that somebody could be paid in."""
    return bool(await work.rows(select(asset.c.code).where(asset.c.code == code)))


async def lock_ib(work: WriteWork, ib_id: UUID) -> Row[Any] | None:
    """An ib, locked for change."""
    return await work.maybe(
        select(ib).where(ib.c.brand_id == work.scope.brand_id, ib.c.id == ib_id).with_for_update()
    )


async def lock_branch(work: WriteWork, path: str) -> Sequence[Row[Any]]:
    """The ib at `path` and all below it, locked for change in the order of their ids."""
    return await work.rows(
        select(ib.c.id, ib.c.path, ib.c.level, ib.c.place_version)
        .where(ib.c.brand_id == work.scope.brand_id, func.starts_with(ib.c.path, path))
        .order_by(ib.c.id)
        .with_for_update()
    )


async def find_parent(work: WriteWork, ib_id: UUID) -> Row[Any] | None:
    """An ib's place and status, kept from changing until the work ends."""
    return await work.maybe(
        select(ib.c.path, ib.c.level, ib.c.status)
        .where(ib.c.brand_id == work.scope.brand_id, ib.c.id == ib_id)
        .with_for_update(read=True, key_share=True)
    )


async def find_invitation(
    work: WriteWork, invitation_id: UUID, *, lock: bool = False
) -> Row[Any] | None:
    """An invitation with the names of who invites and of the brand; locked on demand."""
    statement = (
        select(
            ib_invitation,
            ib.c.name.label("inviter"),
            brand.c.name.label("brand_name"),
            brand.c.branding,
        )
        .join(ib, (ib.c.brand_id == ib_invitation.c.brand_id) & (ib.c.id == ib_invitation.c.ib_id))
        .join(brand, brand.c.id == ib_invitation.c.brand_id)
        .where(ib_invitation.c.brand_id == work.scope.brand_id, ib_invitation.c.id == invitation_id)
    )
    return await work.maybe(statement.with_for_update(of=ib_invitation) if lock else statement)
