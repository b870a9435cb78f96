"""Judge what closed deals earn the lines that brought their clients, each once."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from domain.accounts.deals.queries import list_cancelled
from domain.ibs.commissions.figures import Figure
from domain.ibs.commissions.gather import Case, Seen, gather
from domain.ibs.commissions.queries import list_judgements
from domain.ibs.commissions.reckon import Reckoned, reckon
from domain.ibs.commissions.tables import ib_accrual, ib_judgement
from domain.ibs.events import IbEventKind, ib_event
from domain.ibs.values import AccrualStatus, Judgement
from tenants.bulk import insert_rows
from tenants.work import WriteWork


async def judge_deal(work: WriteWork, deal_id: UUID) -> Judgement | None:
    """`judge_deals` of one; None when there is nothing to judge."""
    return (await judge_deals(work, [deal_id])).get(deal_id)


async def judge_deals(work: WriteWork, deal_ids: Sequence[UUID]) -> dict[UUID, Judgement]:
    """Accrue what some deals earned, provisionally, or write down why they earned nothing, in the
    order given; what became of each.

    Left out are those with nothing to judge: no LIVE deal, nothing closed, nobody introduced the
    client, or it was judged before. What waits for an exchange rate is judged again as it was seen.
    Effects: an event `accrued` per accrual; `rates_inverted` for staff when a plan pays more than
    the one above it.
    """
    known = await list_judgements(work, deal_ids)
    waiting = {
        key: Seen.from_json(row.seen)
        for key, row in known.items()
        if row.judgement == Judgement.WAITING_FOR_RATE
    }
    asked = [one for one in deal_ids if one not in known or one in waiting]
    cases = await gather(work, asked, seen=waiting)
    if not cases:
        return {}
    cancelled = await list_cancelled(work, [one.row for one in cases.values()])
    found = {
        key: await _reckon(work, cases[key], is_cancelled=key in cancelled)
        for key in dict.fromkeys(asked)
        if key in cases
    }
    ours = await _write_down(work, [(cases[key], one) for key, one in found.items()])
    await _accrue(work, [(cases[key], one) for key, one in found.items() if key in ours])
    return {key: one.judgement for key, one in found.items() if key in ours}


async def _reckon(work: WriteWork, case: Case, *, is_cancelled: bool) -> Reckoned:
    """A deal that was taken back before it was judged earns nothing."""
    if is_cancelled:
        return Reckoned(Judgement.CANCELLED, case.seen)
    return await reckon(work, case)


async def _write_down(work: WriteWork, several: Sequence[tuple[Case, Reckoned]]) -> set[UUID]:
    """Of which deals the judgement is ours: one is judged once, except while it waits for a
    rate."""
    rows = [
        {
            "brand_id": work.scope.brand_id,
            "deal_id": case.deal.id,
            "client_id": case.row.client_id,
            "judgement": found.judgement,
            "seen": found.seen.to_json(),
            "deal_at": case.deal.at,
            "judged_at": work.now(),
        }
        for case, found in several
    ]
    made = insert(ib_judgement).values(rows)
    changed = ("judgement", "seen", "judged_at")
    settled = made.on_conflict_do_update(
        index_elements=["brand_id", "deal_id"],
        set_={name: made.excluded[name] for name in changed},
        where=ib_judgement.c.judgement == Judgement.WAITING_FOR_RATE,
    )
    return {row.deal_id for row in await work.rows(settled.returning(ib_judgement.c.deal_id))}


async def _accrue(work: WriteWork, several: Sequence[tuple[Case, Reckoned]]) -> None:
    rows = []
    for case, found in several:
        for figure in found.figures:
            row = _row(work, case, figure, work.new_id())
            rows.append(row)
            work.emit(ib_event(IbEventKind.ACCRUED, row["id"], row["ib_path"], _told(row)))
        for ib_id in found.inverted:
            payload = {"ib_id": str(ib_id), "deal_id": str(case.deal.id)}
            work.emit(ib_event(IbEventKind.RATES_INVERTED, ib_id, "", payload))
    await insert_rows(work, ib_accrual, rows)


def _told(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "ib_id": str(row["ib_id"]),
        "deal_id": str(row["deal_id"]),
        "client_id": str(row["client_id"]),
        "tier": row["tier"],
        "component": row["component"],
        "amount_minor": str(row["amount_minor"]),
        "currency": row["currency"],
        "status": row["status"].value,
    }


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
