"""Judge what a closed deal earns the line that brought its client, once."""

from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from domain.accounts.deals.queries import find_cancelling
from domain.ibs.commissions.figures import Figure
from domain.ibs.commissions.gather import Case, Seen, gather
from domain.ibs.commissions.queries import find_judgement
from domain.ibs.commissions.reckon import Reckoned, reckon
from domain.ibs.commissions.tables import ib_accrual, ib_judgement
from domain.ibs.events import IbEventKind, ib_event
from domain.ibs.values import AccrualStatus, Judgement
from tenants.work import WriteWork


async def judge_deal(work: WriteWork, deal_id: UUID) -> Judgement | None:
    """Accrue what the deal earned, provisionally, or write down why it earned nothing.

    None when there is nothing to judge: no LIVE deal, nothing closed, nobody introduced the
    client, or it was judged before. What waits for an exchange rate is judged again as it was seen.
    Effects: an event `accrued` per accrual; `rates_inverted` for staff when a plan pays more than
    the one above it.
    """
    known = await find_judgement(work, deal_id)
    if known is not None and known.judgement != Judgement.WAITING_FOR_RATE:
        return None
    seen = None if known is None else Seen.from_json(known.seen)
    case = await gather(work, deal_id, seen=seen)
    if case is None:
        return None
    found = await _reckon(work, case)
    if not await _write_down(work, case, found):
        return None
    for figure in found.figures:
        await _accrue(work, case, figure)
    for ib_id in found.inverted:
        payload = {"ib_id": str(ib_id), "deal_id": str(deal_id)}
        work.emit(ib_event(IbEventKind.RATES_INVERTED, ib_id, "", payload))
    return found.judgement


async def _reckon(work: WriteWork, case: Case) -> Reckoned:
    """A deal that was taken back before it was judged earns nothing."""
    if await find_cancelling(work, case.row.server_id, case.row.ext_id) is not None:
        return Reckoned(Judgement.CANCELLED, case.seen)
    return await reckon(work, case)


async def _write_down(work: WriteWork, case: Case, found: Reckoned) -> bool:
    """Whether the judgement is ours: a deal is judged once, except while it waits for a rate."""
    row = {
        "brand_id": work.scope.brand_id,
        "deal_id": case.deal.id,
        "client_id": case.row.client_id,
        "judgement": found.judgement,
        "seen": found.seen.to_json(),
        "deal_at": case.deal.at,
        "judged_at": work.now(),
    }
    made = insert(ib_judgement).values(row)
    changed = ("judgement", "seen", "judged_at")
    settled = made.on_conflict_do_update(
        index_elements=["brand_id", "deal_id"],
        set_={name: made.excluded[name] for name in changed},
        where=ib_judgement.c.judgement == Judgement.WAITING_FOR_RATE,
    )
    return bool(await work.rows(settled.returning(ib_judgement.c.deal_id)))


async def _accrue(work: WriteWork, case: Case, figure: Figure) -> None:
    accrual_id, path = work.new_id(), case.paths[figure.ib_id]
    await work.rows(insert(ib_accrual).values(_row(work, case, figure, accrual_id)))
    payload = {
        "ib_id": str(figure.ib_id),
        "deal_id": str(case.deal.id),
        "client_id": str(case.row.client_id),
        "tier": figure.tier,
        "component": figure.component,
        "amount_minor": str(figure.amount_minor),
        "currency": figure.currency,
        "status": AccrualStatus.PROVISIONAL.value,
    }
    work.emit(ib_event(IbEventKind.ACCRUED, accrual_id, path, payload))


def _row(work: WriteWork, case: Case, figure: Figure, accrual_id: UUID) -> dict[str, Any]:
    return {
        "brand_id": work.scope.brand_id,
        "id": accrual_id,
        "ib_id": figure.ib_id,
        "ib_path": case.paths[figure.ib_id],
        "client_id": case.row.client_id,
        "deal_id": case.deal.id,
        "component": figure.component,
        "tier": figure.tier,
        "plan_version_id": figure.plan_version_id,
        "place_version": case.place_version,
        "lots": figure.lots,
        "rate": figure.rate,
        "plan_currency": figure.plan_currency,
        "plan_minor": figure.plan_minor,
        "fx_rate": figure.fx_rate,
        "currency": figure.currency,
        "amount_minor": figure.amount_minor,
        "status": AccrualStatus.PROVISIONAL,
        "grounds": dict(figure.grounds),
        "deal_at": case.deal.at,
        "payable_at": figure.payable_at,
        "created_at": work.now(),
    }
