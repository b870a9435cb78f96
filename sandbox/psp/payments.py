"""Payments in: made by a merchant, paid, late, twice or not at all by a payer."""

import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sandbox.psp import disputes, rules
from sandbox.psp.desk import Desk
from sandbox.psp.values import (
    Instrument,
    LineType,
    Merchant,
    Method,
    Payment,
    PaymentStatus,
    Refusal,
    Verdict,
)


@dataclass(frozen=True, slots=True)
class PaymentSpec:
    """What a merchant asks for."""

    reference: str
    amount: str
    currency: str
    method: Method
    return_url: str
    description: str


async def create(desk: Desk, merchant: Merchant, spec: PaymentSpec) -> Payment:
    """Refusals: UNSUPPORTED_CURRENCY, INVALID_AMOUNT, DUPLICATE_REFERENCE."""
    check_currency(merchant, spec.currency)
    auto = desk.faults.knobs.auto.payments
    payment = Payment(
        id=desk.new_id(Payment),
        merchant=merchant.name,
        reference=spec.reference,
        method=spec.method,
        amount=rules.read_amount(spec.amount, spec.currency),
        currency=spec.currency,
        description=spec.description,
        return_url=spec.return_url,
        form_token=secrets.token_urlsafe(24),
        was_key_forgotten=desk.faults.knobs.forget_keys,
        due_at=due_at(desk) if auto else None,
        due_status=PaymentStatus(auto) if auto else None,
        created_at=desk.now,
        updated_at=desk.now,
        expires_at=desk.now + rules.EXPIRY[spec.method],
    )
    return await desk.add(payment)


def check_currency(merchant: Merchant, currency: str) -> None:
    """Refusals: UNSUPPORTED_CURRENCY."""
    if currency not in merchant.currencies:
        shown = ", ".join(merchant.currencies) or "none"
        raise Refusal("UNSUPPORTED_CURRENCY", f"This merchant takes {shown}.")


def due_at(desk: Desk) -> datetime:
    """When something that happens by itself does so, by the machine's clock."""
    return datetime.now(UTC) + timedelta(milliseconds=desk.faults.knobs.payout_delay_ms)


async def present(desk: Desk, payment: Payment, instrument: Instrument) -> Payment:
    """A payer shows a card or a wallet: it pays, is declined, or is asked to confirm.

    Refusals: NOT_WAITING.
    """
    rules.check_waiting(payment)
    payment = _with_source(payment, instrument)
    match instrument.verdict:
        case Verdict.DECLINES:
            return await _end(desk, payment, PaymentStatus.FAILED, "CARD_DECLINED")
        case Verdict.ASKS if payment.status is not PaymentStatus.AUTHORISED:
            return await desk.change(payment, status=PaymentStatus.AUTHORISED)
        case _:
            return await pay(desk, payment, instrument, payment.amount)


async def announce_transfer(
    desk: Desk, payment: Payment, instrument: Instrument, amount: Decimal
) -> Payment:
    """A payer says that a bank transfer is on its way; it arrives by itself, in a moment.

    Refusals: NOT_PAYABLE.
    """
    rules.check_payable(payment, payment.currency)
    is_first = payment.status in rules.PAYABLE
    return await desk.change(
        _with_source(payment, instrument),
        status=PaymentStatus.PENDING if is_first else payment.status,
        due_at=due_at(desk),
        due_status=PaymentStatus.PAID,
        due_amount=(payment.due_amount or Decimal(0)) + amount,
    )


async def pay(
    desk: Desk,
    payment: Payment,
    instrument: Instrument,
    amount: Decimal,
    *,
    currency: str | None = None,
) -> Payment:
    """Money comes in, for the first time or again. Refusals: NOT_PAYABLE, CURRENCY_DIFFERS."""
    currency = currency or payment.received_currency or payment.currency
    rules.check_payable(payment, currency)
    fee = rules.payment_fee(payment.method, amount, currency)
    received = (payment.received_amount or Decimal(0)) + amount
    paid = await desk.change(
        _with_source(payment, instrument),
        status=rules.status_with(payment.refunded_amount, received),
        received_amount=received,
        received_currency=currency,
        fee_amount=(payment.fee_amount or Decimal(0)) + fee,
        paid_at=payment.paid_at or desk.now,
        due_at=None,
        due_status=None,
        due_amount=None,
    )
    await desk.book(paid, LineType.PAYMENT, amount, currency=currency, fee=fee)
    if instrument.verdict is Verdict.DISPUTES:
        paid, _ = await disputes.open_dispute(desk, paid, amount=amount, reason="fraudulent")
    return paid


async def authorise(desk: Desk, payment: Payment) -> Payment:
    """Refusals: NOT_WAITING."""
    rules.check_waiting(payment)
    return await desk.change(payment, status=PaymentStatus.AUTHORISED)


async def fail(desk: Desk, payment: Payment, code: str) -> Payment:
    """Refusals: NOT_WAITING."""
    rules.check_waiting(payment)
    return await _end(desk, payment, PaymentStatus.FAILED, code)


async def cancel(desk: Desk, payment: Payment) -> Payment:
    """The payer leaves. Refusals: NOT_WAITING."""
    rules.check_waiting(payment)
    return await _end(desk, payment, PaymentStatus.CANCELLED, None)


async def expire(desk: Desk, key: str) -> Payment:
    """Refusals: UNKNOWN_PAYMENT, NOT_WAITING."""
    payment = await desk.take(Payment, key)
    rules.check_waiting(payment)
    return await _end(desk, payment, PaymentStatus.EXPIRED, None)


async def settle_due(desk: Desk, key: str) -> None:
    """What was to happen by itself happens. Refusals: those of `pay` and `fail`."""
    payment = await desk.take(Payment, key)
    if payment.due_at is None:
        return
    if payment.due_status is PaymentStatus.FAILED:
        await fail(desk, payment, "CARD_DECLINED")
    elif payment.status in rules.PAYABLE | rules.HOLDS_MONEY:
        usual = rules.find_instrument(payment.method, rules.USUAL[payment.method])
        await pay(desk, payment, usual, payment.due_amount or payment.amount)
    else:
        await desk.change(payment, due_at=None, due_status=None, due_amount=None)


def source_id(payment: Payment, instrument: Instrument) -> str:
    """The same for the same instrument at the same merchant, and for nobody else."""
    named = f"{payment.merchant}\n{instrument.kind}\n{instrument.account}"
    return f"src_{hashlib.sha256(named.encode()).hexdigest()[:32]}"


def _with_source(payment: Payment, instrument: Instrument) -> Payment:
    """The first instrument is the payment's source; later ones do not change it."""
    if payment.source_id is not None:
        return payment
    made = source_id(payment, instrument)
    return replace(payment, source_id=made, source_label=instrument.label)


async def _end(desk: Desk, payment: Payment, status: PaymentStatus, code: str | None) -> Payment:
    return await desk.change(
        payment,
        status=status,
        failure_code=code,
        due_at=None,
        due_status=None,
        due_amount=None,
    )
