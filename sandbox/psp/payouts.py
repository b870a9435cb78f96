"""Payouts: money sent to a client's bank, wallet, card or coin address."""

from dataclasses import dataclass

from sandbox.psp import rules
from sandbox.psp.desk import Desk
from sandbox.psp.payments import check_currency, due_at
from sandbox.psp.values import (
    DestinationKind,
    LineType,
    Merchant,
    Payout,
    PayoutStatus,
    Refusal,
)

_MAY_BECOME = {
    PayoutStatus.PENDING: {PayoutStatus.PAID, PayoutStatus.FAILED, PayoutStatus.RETURNED},
    # It came back, or it was never there: PSPs say either of money they had called paid.
    PayoutStatus.PAID: {PayoutStatus.RETURNED, PayoutStatus.FAILED},
}
_CODES = {PayoutStatus.FAILED: "PAYOUT_REJECTED", PayoutStatus.RETURNED: "ACCOUNT_CLOSED"}


@dataclass(frozen=True, slots=True)
class PayoutSpec:
    """What a merchant asks for."""

    reference: str
    amount: str
    currency: str
    kind: DestinationKind
    account: str
    holder_name: str


async def create(desk: Desk, merchant: Merchant, spec: PayoutSpec) -> Payout:
    """Refusals: UNSUPPORTED_CURRENCY, INVALID_AMOUNT, INVALID_DESTINATION, DUPLICATE_REFERENCE."""
    check_currency(merchant, spec.currency)
    rules.check_destination(spec.kind, spec.account)
    amount = rules.read_amount(spec.amount, spec.currency)
    auto = desk.faults.knobs.auto.payouts
    return await desk.add(
        Payout(
            id=desk.new_id(Payout),
            merchant=merchant.name,
            reference=spec.reference,
            amount=amount,
            currency=spec.currency,
            destination_kind=spec.kind,
            destination_account=spec.account,
            holder_name=spec.holder_name,
            fee_amount=rules.payout_fee(amount, spec.currency),
            was_key_forgotten=desk.faults.knobs.forget_keys,
            due_at=due_at(desk) if auto else None,
            due_status=PayoutStatus(auto) if auto else None,
            created_at=desk.now,
            updated_at=desk.now,
        )
    )


async def settle(
    desk: Desk, key: str, status: PayoutStatus, *, failure_code: str | None = None
) -> Payout:
    """Decides a payout; a paid one may still come back or fail after all.

    One that comes back has left before: both movements are on the settlement.
    Refusals: UNKNOWN_PAYOUT, ALREADY_SETTLED.
    """
    payout = await desk.take(Payout, key)
    if status not in _MAY_BECOME.get(payout.status, ()):
        raise Refusal("ALREADY_SETTLED", f"This payout is {payout.status}.")
    had_left = payout.status is PayoutStatus.PAID
    payout = await desk.change(
        payout,
        status=status,
        failure_code=failure_code or _CODES.get(status),
        due_at=None,
        due_status=None,
    )
    leaves = status is not PayoutStatus.FAILED
    if leaves and not had_left:
        await desk.book(
            payout,
            LineType.PAYOUT,
            -payout.amount,
            currency=payout.currency,
            fee=payout.fee_amount,
        )
    if status is PayoutStatus.RETURNED or (had_left and not leaves):
        await desk.book(payout, LineType.PAYOUT_RETURN, payout.amount, currency=payout.currency)
    return payout


async def settle_due(desk: Desk, key: str) -> None:
    """Refusals: ALREADY_SETTLED when it no longer waits."""
    (payout,) = await desk.find(Payout, id=key)
    if payout.due_status is not None:
        await settle(desk, key, payout.due_status)
