"""Refunds: asked for by the merchant, or made at the PSP's own side."""

from decimal import Decimal

from sandbox.psp import rules
from sandbox.psp.desk import Desk
from sandbox.psp.payments import due_at
from sandbox.psp.values import Dispute, LineType, Payment, Refund, RefundStatus, Refusal


async def create(desk: Desk, payment: Payment, *, amount: str, reference: str) -> Refund:
    """Of a locked payment. Refusals: INVALID_AMOUNT, NOT_REFUNDABLE, AMOUNT_TOO_HIGH,
    REFUND_WINDOW_CLOSED, DUPLICATE_REFERENCE."""
    asked = await _refundable(desk, payment, amount)
    auto = desk.faults.knobs.auto.refunds
    return await desk.add(
        Refund(
            id=desk.new_id(Refund),
            merchant=payment.merchant,
            payment_id=payment.id,
            reference=reference,
            amount=asked,
            currency=payment.received_currency or payment.currency,
            was_key_forgotten=desk.faults.knobs.forget_keys,
            due_at=due_at(desk) if auto else None,
            due_status=RefundStatus(auto) if auto else None,
            created_at=desk.now,
            updated_at=desk.now,
        )
    )


async def give_back(desk: Desk, payment: Payment, *, amount: str) -> Refund:
    """A refund that the PSP makes by itself: it has succeeded, and its own id is its reference.

    Refusals: as `create`.
    """
    key = desk.new_id(Refund)
    made = await desk.add(
        Refund(
            id=key,
            merchant=payment.merchant,
            payment_id=payment.id,
            reference=key,
            status=RefundStatus.SUCCEEDED,
            amount=await _refundable(desk, payment, amount),
            currency=payment.received_currency or payment.currency,
            created_at=desk.now,
            updated_at=desk.now,
        )
    )
    await desk.tell(made)
    await _count(desk, payment, made)
    return made


async def settle(
    desk: Desk, key: str, status: RefundStatus, *, failure_code: str | None = None
) -> Refund:
    """Decides a refund that is under way; one that succeeded may fail after all.

    Refusals: UNKNOWN_REFUND, ALREADY_SETTLED.
    """
    found = await desk.find(Refund, id=key)
    if not found:
        raise Refusal("UNKNOWN_REFUND", f"There is no refund {key}.")
    # The payment first, as everybody who locks both.
    payment = await desk.take(Payment, found[0].payment_id)
    refund = await desk.take(Refund, key)
    is_failed, had_left = status is RefundStatus.FAILED, refund.status is RefundStatus.SUCCEEDED
    if refund.status is not RefundStatus.PENDING and not (had_left and is_failed):
        raise Refusal("ALREADY_SETTLED", f"This refund is {refund.status}.")
    refund = await desk.change(
        refund,
        status=status,
        failure_code=(failure_code or "REFUND_DECLINED") if is_failed else None,
        due_at=None,
        due_status=None,
    )
    if not is_failed:
        await _count(desk, payment, refund)
    elif had_left:
        await _count_back(desk, payment, refund)
    return refund


async def settle_due(desk: Desk, key: str) -> None:
    """Refusals: ALREADY_SETTLED when it no longer waits."""
    (refund,) = await desk.find(Refund, id=key)
    if refund.due_status is not None:
        await settle(desk, key, refund.due_status)


async def _refundable(desk: Desk, payment: Payment, amount: str) -> Decimal:
    asked = rules.read_amount(amount, payment.received_currency or payment.currency)
    refunds = await desk.find(Refund, payment_id=payment.id)
    disputes = await desk.find(Dispute, payment_id=payment.id)
    left = rules.left_of(payment, refunds, disputes)
    rules.check_refundable(payment, asked, left=left, now=desk.now)
    return asked


async def _count(desk: Desk, payment: Payment, refund: Refund) -> None:
    refunded = payment.refunded_amount + refund.amount
    await desk.change(
        payment,
        refunded_amount=refunded,
        status=rules.status_with(refunded, payment.received_amount),
    )
    await desk.book(refund, LineType.REFUND, -refund.amount, currency=refund.currency)


async def _count_back(desk: Desk, payment: Payment, refund: Refund) -> None:
    refunded = payment.refunded_amount - refund.amount
    await desk.change(
        payment,
        refunded_amount=refunded,
        status=rules.status_with(refunded, payment.received_amount),
    )
    await desk.book(refund, LineType.PAYOUT_RETURN, refund.amount, currency=refund.currency)
