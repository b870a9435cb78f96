"""Take back what a deal had earned when its platform took the deal back."""

from typing import Any
from uuid import UUID

from sqlalchemy import insert, update

from domain.accounts.deals.queries import find_by_ticket, find_live_deal
from domain.accounts.values import DealEntry
from domain.ibs.commissions.queries import lock_accruals_of
from domain.ibs.commissions.tables import ib_accrual
from domain.ibs.events import IbEventKind, ib_event
from domain.ibs.values import AccrualStatus
from tenants.work import WriteWork


async def reverse_deal(work: WriteWork, cancel_id: UUID) -> int:
    """Reverse every accrual of the deal that a CANCEL deal names; how many, each once.

    A reversal is a row of its own with the amount below zero; what it reverses stays as it was
    reckoned and is REVERSED. What was payable already is carried against the next statement.
    A deal that was not judged yet is left to its judgement, which finds the CANCEL.
    Effects: an event `reversed` per accrual.
    """
    cancel = await find_live_deal(work, cancel_id)
    if cancel is None or cancel.entry != DealEntry.CANCEL or cancel.reverses_ext_id is None:
        return 0
    deal_id = await find_by_ticket(work, cancel.server_id, cancel.reverses_ext_id)
    if deal_id is None:
        return 0
    accruals = await lock_accruals_of(work, deal_id)
    for accrual in accruals:
        await _reverse(work, accrual, cancel)
    return len(accruals)


async def _reverse(work: WriteWork, accrual: Any, cancel: Any) -> None:
    row = _reversal(work, accrual, cancel)
    await work.rows(insert(ib_accrual).values(row))
    await work.rows(
        update(ib_accrual)
        .where(ib_accrual.c.brand_id == work.scope.brand_id, ib_accrual.c.id == accrual.id)
        .values(status=AccrualStatus.REVERSED)
    )
    payload = {
        "ib_id": str(accrual.ib_id),
        "deal_id": str(accrual.deal_id),
        "client_id": str(accrual.client_id),
        "reverses_id": str(accrual.id),
        "tier": accrual.tier,
        "component": accrual.component,
        "amount_minor": str(row["amount_minor"]),
        "currency": accrual.currency,
        "status": row["status"].value,
    }
    work.emit(ib_event(IbEventKind.REVERSED, row["id"], accrual.ib_path, payload))


def _reversal(work: WriteWork, accrual: Any, cancel: Any) -> dict[str, Any]:
    kept = (
        "ib_id", "ib_path", "client_id", "deal_id", "component", "tier", "plan_version_id",
        "place_version", "rate", "plan_currency", "fx_rate", "currency",
    )  # fmt: skip
    was_payable = accrual.status == AccrualStatus.PAYABLE
    return {
        **{name: getattr(accrual, name) for name in kept},
        "brand_id": work.scope.brand_id,
        "id": work.new_id(),
        "lots": -accrual.lots,
        "plan_minor": -accrual.plan_minor,
        "amount_minor": -accrual.amount_minor,
        "status": AccrualStatus.PAYABLE if was_payable else AccrualStatus.REVERSED,
        "reverses_id": accrual.id,
        "grounds": {
            "cancelled_by": str(cancel.id),
            "at": cancel.at.isoformat(),
            "ticket": cancel.ext_id,
        },
        "deal_at": cancel.at,
        "payable_at": work.now(),
        "payable_since": work.now() if was_payable else None,
        "created_at": work.now(),
    }
