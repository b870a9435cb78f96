"""Disputes: the money is gone when one opens, and comes back when it is won. The fee stays."""

from decimal import Decimal

from domain.kernel.ids import new_uuid
from sandbox.psp import rules
from sandbox.psp.desk import Desk
from sandbox.psp.values import (
    Dispute,
    DisputeStatus,
    Evidence,
    LineType,
    Payment,
    Refund,
    Refusal,
)


async def open_dispute(
    desk: Desk, payment: Payment, *, amount: Decimal | None, reason: str
) -> tuple[Payment, Dispute]:
    """Takes back `amount`, or all that is left, of a locked payment.

    Refusals: NOT_DISPUTABLE, AMOUNT_TOO_HIGH.
    """
    refunds = await desk.find(Refund, payment_id=payment.id)
    disputes = await desk.find(Dispute, payment_id=payment.id)
    left = rules.left_of(payment, refunds, disputes)
    if payment.received_currency is None or left <= 0:
        raise Refusal("NOT_DISPUTABLE", "Nothing of this payment is left.")
    if amount is not None and amount > left:
        shown = rules.show(left, payment.received_currency)
        raise Refusal("AMOUNT_TOO_HIGH", f"{shown} is left of this payment.")
    dispute = Dispute(
        id=desk.new_id(Dispute),
        merchant=payment.merchant,
        payment_id=payment.id,
        reference=payment.reference,
        amount=left if amount is None else amount,
        currency=payment.received_currency,
        fee_amount=rules.dispute_fee(payment.received_currency),
        reason=reason,
        evidence_due_at=desk.now + rules.EVIDENCE_WINDOW,
        created_at=desk.now,
        updated_at=desk.now,
    )
    await desk.keep(dispute)
    await desk.tell(dispute)
    currency = dispute.currency
    await desk.book(dispute, LineType.DISPUTE, -dispute.amount, currency=currency)
    if dispute.fee_amount:
        await desk.book(dispute, LineType.DISPUTE_FEE, -dispute.fee_amount, currency=currency)
    return await desk.change(payment), dispute


async def close(desk: Desk, key: str, outcome: DisputeStatus) -> Dispute:
    """Decides a dispute, WON or LOST. Refusals: UNKNOWN_DISPUTE, ALREADY_CLOSED."""
    found = await desk.find(Dispute, id=key)
    if not found:
        raise Refusal("UNKNOWN_DISPUTE", f"There is no dispute {key}.")
    # The payment first, as everybody who locks both.
    payment = await desk.take(Payment, found[0].payment_id)
    dispute = await desk.take(Dispute, key)
    if dispute.status not in (DisputeStatus.OPEN, DisputeStatus.UNDER_REVIEW):
        raise Refusal("ALREADY_CLOSED", f"This dispute is {dispute.status}.")
    dispute = await desk.change(dispute, status=outcome)
    if outcome is DisputeStatus.WON:
        await desk.book(
            dispute, LineType.DISPUTE_REVERSAL, dispute.amount, currency=dispute.currency
        )
    await desk.change(payment)
    return dispute


async def lose_overdue(desk: Desk, key: str) -> None:
    """Who says nothing in time loses. Refusals: ALREADY_CLOSED."""
    (dispute,) = await desk.find(Dispute, id=key)
    if dispute.status is DisputeStatus.OPEN:
        await close(desk, key, DisputeStatus.LOST)


async def take_evidence(
    desk: Desk, dispute: Dispute, *, reference: str, text: str, files: list[dict[str, str]]
) -> Dispute:
    """Keeps what the merchant says about a locked dispute. Refusals: EVIDENCE_CLOSED."""
    rules.check_evidence(dispute, desk.now)
    await desk.keep(
        Evidence(
            id=f"ev_{new_uuid().hex}",
            dispute_id=dispute.id,
            reference=reference,
            text=text,
            files=files,
            created_at=desk.now,
        )
    )
    return await desk.change(dispute, status=DisputeStatus.UNDER_REVIEW)
