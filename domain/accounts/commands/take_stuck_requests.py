"""Take the requests that have been open for too long, to be carried out once more."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY

from domain.accounts.tables import platform_request
from domain.accounts.values import RequestStatus
from tenants.work import WriteWork

_AT_ONCE = 100


async def take_stuck_requests(work: WriteWork, *, older_than: timedelta) -> list[UUID]:
    """Open requests that nobody touched for that long, marked as touched now; at most 100."""
    columns = platform_request.c
    rows = await work.rows(
        select(columns.id)
        .where(
            columns.brand_id == work.scope.brand_id,
            or_(columns.status == RequestStatus.SENDING, columns.status == RequestStatus.UNKNOWN),
            columns.updated_at < work.now() - older_than,
        )
        .order_by(columns.id)
        .limit(_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    stuck = [row.id for row in rows]
    if stuck:
        await work.rows(
            update(platform_request)
            .where(
                columns.brand_id == work.scope.brand_id,
                columns.id == func.any(literal(stuck, ARRAY(columns.id.type))),
            )
            .values(updated_at=work.now())
        )
    return stuck
