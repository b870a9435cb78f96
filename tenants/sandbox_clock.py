"""The time of a sandbox brand: the database's own, plus an offset that may be moved."""

from datetime import timedelta

from sqlalchemy import select, update

from tenants.tables import brand, brand_state
from tenants.work import WriteWork

_MS = timedelta(milliseconds=1)


async def is_sandbox(work: WriteWork) -> bool:
    """Whether the brand serves nobody, so that its time and money may be moved by hand."""
    row = await work.one(select(brand.c.sandbox).where(brand.c.id == work.scope.brand_id))
    return bool(row.sandbox)


async def put_clock(work: WriteWork, offset: timedelta) -> None:
    """Let works of a sandbox that begin after this one run at the database's time plus `offset`.

    Credentials keep the real time (`docs/decisions/0004`).
    """
    assert await is_sandbox(work), "who is served lives in real time"
    await work.rows(
        update(brand_state)
        .where(brand_state.c.brand_id == work.scope.brand_id)
        .values(clock_offset_ms=offset // _MS)
    )
