"""A deposit hears what withdrawals sent back to its source."""

from collections.abc import Mapping
from typing import Any

from domain.events.jobs import defer
from domain.payments.commands.record_payment import advance, change
from domain.payments.deposits.jobs import PULL_AGAIN
from domain.payments.notices import QUEUE
from domain.payments.queries import lock_payment
from domain.payments.rules import may_follow
from domain.payments.values import PaymentKind
from domain.payments.values import PaymentStatus as _S
from domain.payments.withdrawals.queries import sum_paid_back
from tenants.work import WriteWork


async def tell_deposit(work: WriteWork, leg: Mapping[str, Any], paid: int) -> None:
    """What a leg paid back to its deposit, or, below nothing, what of that has come again.

    Called when the leg is written; the deposit is locked after the withdrawal, always. The PSP's
    own state of the deposit may have said so before: what went back is never less than our legs
    paid, and is counted once. A disputed one is moved by its dispute alone.
    Effects: the deposit's event when its status changes.
    """
    deposit = await lock_payment(work, leg["deposit_id"])
    assert deposit is not None, "a leg names its deposit"
    before, credited = int(deposit["refunded_minor"]), int(deposit["credited_minor"] or 0)
    ours = await sum_paid_back(work, leg["deposit_id"])
    # Less than our legs had paid: the PSP has told of the return before the leg did.
    is_told = paid < 0 and before < ours - paid
    refunded = before if paid > 0 or is_told else before + paid
    refunded = min(max(refunded, ours), credited)
    if refunded == before:
        return
    status = _S.PARTLY_REFUNDED if refunded else _S.SETTLED
    if refunded == credited:
        status = _S.REFUNDED
    changed = {"refunded_minor": refunded}
    is_disputed = deposit["status"] in (_S.DISPUTED, _S.CHARGED_BACK)
    if not is_disputed and may_follow(PaymentKind.DEPOSIT, _S(deposit["status"]), status):
        await advance(work, deposit, status, changed=changed)
    else:
        await change(work, deposit, changed)


async def ask_deposit(work: WriteWork, leg: Mapping[str, Any]) -> None:
    """Have the PSP asked about a leg's deposit: what it gave back by itself while the leg was on
    its way was taken for the leg's."""
    payment_id = str(leg["deposit_id"])
    await defer(work, PULL_AGAIN, {"payment_id": payment_id}, key=payment_id, queue=QUEUE)
