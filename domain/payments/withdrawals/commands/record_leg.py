"""What became of a leg at its PSP: money is posted, given free, or brought back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import select

from domain.kernel.money import Money
from domain.payments.commands.record_payment import advance, change
from domain.payments.ledger.post import post
from domain.payments.ledger.values import TransferState
from domain.payments.queries import lock_payment
from domain.payments.reconciliation.commands.open_discrepancy import open_discrepancy
from domain.payments.reconciliation.commands.settle_discrepancies import settle_discrepancies
from domain.payments.tables import withdrawal_leg
from domain.payments.values import (
    DiscrepancyKind,
    LegKind,
    LegStatus,
    PaymentStatus,
)
from domain.payments.withdrawals.commands.hold_parts import set_leg
from domain.payments.withdrawals.commands.tell_deposit import ask_deposit, tell_deposit
from domain.payments.withdrawals.movements import FEE, WITHDRAWAL, Movements, of_fee, of_leg
from domain.payments.withdrawals.queries import list_legs
from domain.payments.withdrawals.rules import is_old_news, status_of, what_becomes
from domain.payments.withdrawals.values import LegState
from tenants.work import WriteWork

_S = PaymentStatus
_LEFT = (LegStatus.PAID, LegStatus.RETURNED)
_IN_DOUBT = (LegStatus.SENDING, LegStatus.UNKNOWN)
_OPEN = (*_IN_DOUBT, LegStatus.SENT)
_ENDED = (LegStatus.PAID, LegStatus.FAILED, LegStatus.RETURNED)


@dataclass(frozen=True, slots=True)
class LegNews:
    """What a PSP said of a leg; `ext_version` grows there with each change, 0 is our own verdict.

    `paid` is what it says it moves, which may be less than was asked.
    """

    status: LegStatus
    ext_id: str | None = None
    ext_version: int = 0
    paid: Money | None = None
    reason_code: str | None = None


async def record_leg(work: WriteWork, leg_id: UUID, news: LegNews) -> bool:
    """Record news of a leg; False when it says nothing new, however often and late it comes.

    PAID posts the hold (what the PSP did not pay is free again), FAILED releases it, RETURNED or
    FAILED after PAID brings the money back by a transfer of its own. A deposit that was paid back
    says so, and its PSP is asked about one that was not paid back as it should. Effects: the
    withdrawal's event when its status changes; discrepancies for staff when the PSP paid another
    amount, or paid what it had said it would not; OUTCOME_UNKNOWN is settled by an answer.
    """
    found = await work.maybe(
        select(withdrawal_leg.c.payment_id).where(
            withdrawal_leg.c.brand_id == work.scope.brand_id, withdrawal_leg.c.id == leg_id
        )
    )
    row = None if found is None else await lock_payment(work, found.payment_id)
    if row is None:
        return False
    legs = {leg.id: dict(leg._mapping) for leg in await list_legs(work, row["id"])}
    leg = legs[leg_id]
    if is_old_news(news.ext_version, leg["ext_version"]):
        return False
    then = what_becomes(LegStatus(leg["status"]), news.status)
    if then is None:
        await _judge_late(work, row, leg, news)
        return False
    movements = Movements()
    told = replace(news, status=then)
    legs[leg_id] = await _apply(work, row, leg, told, movements=movements)
    if leg["status"] in _OPEN and then not in _IN_DOUBT:
        subjects = {DiscrepancyKind.OUTCOME_UNKNOWN: [f"leg:{leg_id.hex}"]}
        await settle_discrepancies(work, subjects, resolution="The payment provider has answered.")
    await _tell_payment(work, row, list(legs.values()), movements)
    await post(work, await movements.transfers(work, row["client_id"]))
    return True


async def _apply(
    work: WriteWork,
    row: Mapping[str, Any],
    leg: dict[str, Any],
    news: LegNews,
    *,
    movements: Movements,
) -> dict[str, Any]:
    """The leg as it is now, with the transfers that follow from it."""
    before = LegStatus(leg["status"])
    changed: dict[str, Any] = {
        "status": news.status,
        "ext_id": news.ext_id or leg["ext_id"],
        "ext_version": max(news.ext_version, leg["ext_version"]),
        "reason_code": news.reason_code,
    }
    if news.status in _ENDED:
        changed["ask_at"] = None
    if news.status in _LEFT and before is not LegStatus.PAID:
        changed["paid_minor"] = await _pay(work, row, leg, news, movements=movements)
    now = leg | changed
    if news.status is LegStatus.FAILED:
        movements.release(of_leg(row, leg).stem, WITHDRAWAL, leg["hold_id"], TransferState.VOID)
    if news.status is LegStatus.RETURNED and now["paid_minor"]:
        back = of_leg(row, now, int(now["paid_minor"]))
        source = f"psp:{leg['connection_id'].hex}:return"
        movements.bring_back(back, source=source, external_id=now["ext_id"])
    await set_leg(work, leg["id"], **changed)
    if leg["kind"] == LegKind.REFUND and news.status in _ENDED:
        await _tell_source(work, leg, now)
    return now


async def _tell_source(work: WriteWork, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """The deposit knows what went back to its source; a PSP that did not send it all is asked."""
    was_paid, paid = before["status"] == LegStatus.PAID, int(now["paid_minor"] or 0)
    if now["status"] == LegStatus.PAID:
        await tell_deposit(work, now, paid)
    elif was_paid:
        await tell_deposit(work, now, -paid)
    if now["status"] != LegStatus.PAID or paid != now["amount_minor"]:
        await ask_deposit(work, now)


async def _pay(
    work: WriteWork,
    row: Mapping[str, Any],
    leg: Mapping[str, Any],
    news: LegNews,
    *,
    movements: Movements,
) -> int:
    """Post what the PSP paid against the hold; how much that is."""
    asked = Money(int(leg["amount_minor"]), leg["currency"])
    paid = asked if news.paid is None else news.paid
    if paid != asked:
        await open_discrepancy(
            work,
            DiscrepancyKind.AMOUNT_DIFFERS,
            subject=f"leg:{leg['id'].hex}",
            payment_id=row["id"],
            connection_id=leg["connection_id"],
            expected=asked,
            actual=paid,
        )
    # More than was held, or another currency, can't be taken from the wallet: staff decide.
    same = paid.currency == asked.currency
    taken = min(paid.amount_minor, asked.amount_minor) if same else asked.amount_minor
    if taken <= 0:
        movements.release(of_leg(row, leg).stem, WITHDRAWAL, leg["hold_id"])
        return 0
    source = f"psp:{leg['connection_id'].hex}"
    movements.pay(of_leg(row, leg, taken), leg["hold_id"], source=source, external_id=news.ext_id)
    return taken


async def _tell_payment(
    work: WriteWork,
    row: Mapping[str, Any],
    legs: Sequence[Mapping[str, Any]],
    movements: Movements,
) -> None:
    """The withdrawal's status follows from its legs; its fee from whether anything was paid."""
    states = [LegState(LegStatus(leg["status"]), int(leg["paid_minor"] or 0)) for leg in legs]
    status = status_of(states, int(row["amount_minor"]))
    changed: dict[str, Any] = {}
    if status in (_S.PAID, _S.PARTLY_PAID, _S.FAILED, _S.RETURNED):
        codes = [leg["reason_code"] for leg in legs if leg["status"] in ("FAILED", "RETURNED")]
        changed["reason_code"] = next((code for code in codes if code), None)
        if row["hold_id"] is not None:
            changed["hold_id"] = None
            if any(leg["paid_minor"] for leg in legs):
                movements.pay(of_fee(row), row["hold_id"], source=None, external_id=None)
            else:
                movements.release(of_fee(row).stem, FEE, row["hold_id"])
    if status is None or status == row["status"]:
        await change(work, row, changed)
    else:
        await advance(work, row, status, changed=changed)


async def _judge_late(
    work: WriteWork, row: Mapping[str, Any], leg: Mapping[str, Any], news: LegNews
) -> None:
    """Money that left after we were told it would not, or was back: no hold is left, so that staff
    decide."""
    is_back = leg["status"] == LegStatus.RETURNED and news.ext_version > leg["ext_version"]
    is_over = leg["status"] in (LegStatus.FAILED, LegStatus.RELEASED) and not leg["paid_minor"]
    if (is_over or is_back) and news.status is LegStatus.PAID:
        await open_discrepancy(
            work,
            DiscrepancyKind.LATE,
            subject=f"leg:{leg['id'].hex}",
            payment_id=row["id"],
            connection_id=leg["connection_id"],
            expected=Money(0, leg["currency"]),
            actual=news.paid or Money(int(leg["amount_minor"]), leg["currency"]),
        )
