"""Send a withdrawal elsewhere: one that waits, or a part that failed or came back.

Whoever approved it approved another payee, so that all approvals begin anew.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from domain.clients.standing import ClientStanding, find_standing, lock_client
from domain.kernel.money import Money
from domain.payments.commands.record_payment import advance
from domain.payments.events import PaymentEventKind, payment_event
from domain.payments.ledger.post import post
from domain.payments.queries import find_client_id, find_policy, get_payment
from domain.payments.values import ApprovalStatus, LegStatus, PaymentKind, PaymentStatus
from domain.payments.withdrawals.commands.give_up import release_held
from domain.payments.withdrawals.commands.hold_parts import (
    add_approvals,
    add_legs,
    end_approvals,
    hold_fee,
    set_legs,
)
from domain.payments.withdrawals.commands.take_decision import checked_reason
from domain.payments.withdrawals.errors import NotWaiting, VersionMoved
from domain.payments.withdrawals.movements import Movements
from domain.payments.withdrawals.plan import make_plan
from domain.payments.withdrawals.queries import list_legs
from domain.payments.withdrawals.values import Before, Plan
from tenants.log import Change
from tenants.work import WriteWork

_S = PaymentStatus
_DEAD = (LegStatus.FAILED, LegStatus.RETURNED)
_ENDED = (_S.FAILED, _S.PARTLY_PAID, _S.RETURNED)


async def change_destination(
    work: WriteWork, withdrawal_id: UUID, destination_id: UUID, reason: str, *, version: int
) -> dict[str, str]:
    """Pay what is not paid to another destination, after approvals of a new round.

    One that waits is split anew; of one that ended, what failed or came back is held again and
    goes to the destination whole.
    Refusals: NOT_FOUND, VERSION_CONFLICT, WITHDRAWAL_NOT_WAITING, INSUFFICIENT_FUNDS, INVALID and
    those of `make_plan`. Effects: events `approvals_reset` and `withdrawal_requested` (or
    `withdrawal_approved`), old holds released and new ones made in one posting.
    """
    row, payer = await _lock(work, withdrawal_id, version=version)
    told = checked_reason(reason)
    movements = Movements()
    legs = await list_legs(work, row["id"])
    freed = await _free(work, row, legs, movements)
    before = Before(
        payment_id=row["id"],
        amount_minor=int(row["amount_minor"]),
        makers=frozenset(row["maker_ids"]),
        was_sent=any(_was_sent(leg) for leg in legs),
    )
    amount = Money(sum(int(leg.amount_minor) for leg in freed), row["currency"])
    plan = await make_plan(work, payer, amount, destination_id, before=before)
    row = await _begin_round(work, row, plan, destination_id, legs=legs, payer=payer)
    await add_legs(work, row, plan.parts, movements, first=len(legs) + 1)
    if not _is_fee_taken(legs):
        row = await hold_fee(work, row, movements)
    await add_approvals(work, row, plan.levels)
    work.audit(_redirected(row, told))
    await post(work, await movements.transfers(work, row["client_id"]))
    return {"withdrawal": str(withdrawal_id)}


def _redirected(row: Mapping[str, Any], reason: str) -> Change:
    return Change(
        "withdrawal.redirect",
        object_kind="payment",
        object_id=row["id"],
        after={"destination_id": str(row["destination_id"]), "round": row["approval_round"]},
        reason=reason,
    )


async def _lock(
    work: WriteWork, withdrawal_id: UUID, *, version: int
) -> tuple[Mapping[str, Any], ClientStanding]:
    """The withdrawal and whose it is, both locked, the client first as everybody does.

    Refusals: NOT_FOUND, VERSION_CONFLICT.
    """
    client_id = await find_client_id(work, withdrawal_id)
    if client_id is not None:
        await lock_client(work, client_id)
    row = await get_payment(
        work, withdrawal_id, PaymentKind.WITHDRAWAL, path=("input", "withdrawalId")
    )
    if row["version"] != version:
        raise VersionMoved()
    payer = await find_standing(work, row["client_id"])
    assert payer is not None, "whoever reaches the payment reaches the client"
    return row, payer


def _was_sent(leg: Any) -> bool:
    return leg.ext_id is not None or leg.reason_code is not None


def _is_fee_taken(legs: Sequence[Any]) -> bool:
    """The fee is the client's once the PSP has paid anything, even if it came back."""
    return any(leg.paid_minor for leg in legs)


async def _free(
    work: WriteWork, row: Mapping[str, Any], legs: Sequence[Any], movements: Movements
) -> list[Any]:
    """The legs that will be replaced; their holds are released, or were when they failed.

    Refusals: WITHDRAWAL_NOT_WAITING.
    """
    status = _S(row["status"])
    if status is _S.REQUESTED and row["expires_at"] > work.now():
        await release_held(work, row, movements)
        return [leg for leg in legs if leg.status == LegStatus.HELD]
    dead = [leg for leg in legs if leg.status in _DEAD]
    if status not in _ENDED or not dead:
        raise NotWaiting(status)
    await set_legs(work, dead, LegStatus.RELEASED)
    return dead


async def _begin_round(
    work: WriteWork,
    row: Mapping[str, Any],
    plan: Plan,
    destination_id: UUID,
    *,
    legs: Sequence[Any],
    payer: ClientStanding,
) -> dict[str, Any]:
    """The payment waits again, for a payee nobody has approved yet: others than the client had a
    hand in it, so that somebody looks however small it is."""
    reset = (ApprovalStatus.PENDING, ApprovalStatus.APPROVED)
    await end_approvals(work, row, ApprovalStatus.RESET, of=reset)
    policy = await find_policy(work)
    ends = row["expires_at"] or work.now() + timedelta(days=policy.withdrawal_days)
    changed = {
        "destination_id": destination_id,
        "approval_round": row["approval_round"] + 1,
        "maker_ids": sorted(plan.makers),
        "risk": payer.risk,
        "hold_id": None,
        "reason_code": None,
        "expires_at": ends,
    }
    if not _is_fee_taken(legs):
        changed["fee_minor"] = plan.fee_minor
    more = {"round": str(changed["approval_round"])}
    made = await advance(work, row, _S.REQUESTED, changed=changed, more=more)
    work.emit(payment_event(PaymentEventKind.APPROVALS_RESET, made, more))
    return made
