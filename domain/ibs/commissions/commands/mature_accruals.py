"""Make what was accrued payable once its hold has passed."""

from collections import defaultdict
from uuid import UUID

from sqlalchemy import exists, func, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY

from domain.ibs.commissions.tables import ib_accrual
from domain.ibs.events import IbEventKind, ib_event
from domain.ibs.tables import ib
from domain.ibs.values import AccrualStatus, IbStatus
from tenants.work import WriteWork


async def mature_accruals(work: WriteWork, *, limit: int) -> int:
    """Turn up to `limit` provisional accruals whose time has come PAYABLE; how many.

    Each has been payable since the end of its own hold, whenever the round comes by. What a
    suspended ib earned waits until it is active again (docs/decisions/0014). What is payable stays
    so when the clock goes back: a debt that was told is not undone, and what is not payable yet
    waits until the clock has come there again.
    Effects: an event `became_payable` per ib and currency with their sum.
    """
    columns = ib_accrual.c
    is_suspended = exists().where(
        ib.c.brand_id == columns.brand_id,
        ib.c.id == columns.ib_id,
        ib.c.status == IbStatus.SUSPENDED,
    )
    due = await work.rows(
        select(columns.id)
        .where(
            columns.brand_id == work.scope.brand_id,
            columns.status == AccrualStatus.PROVISIONAL,
            columns.payable_at <= work.now(),
            ~is_suspended,
        )
        .order_by(columns.payable_at, columns.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    if not due:
        return 0
    ids = literal([row.id for row in due], ARRAY(columns.id.type))
    matured = await work.rows(
        update(ib_accrual)
        .where(columns.brand_id == work.scope.brand_id, columns.id == func.any(ids))
        .values(status=AccrualStatus.PAYABLE, payable_since=columns.payable_at)
        .returning(columns.ib_id, columns.ib_path, columns.currency, columns.amount_minor)
    )
    sums: dict[tuple[UUID, str, str], list[int]] = defaultdict(list)
    for row in matured:
        sums[row.ib_id, row.ib_path, row.currency].append(int(row.amount_minor))
    for (ib_id, path, currency), amounts in sorted(sums.items()):
        payload = {
            "ib_id": str(ib_id),
            "count": len(amounts),
            "amount_minor": str(sum(amounts)),
            "currency": currency,
        }
        work.emit(ib_event(IbEventKind.BECAME_PAYABLE, ib_id, path, payload))
    return len(matured)
