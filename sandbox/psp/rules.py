"""The PSP's arithmetic and judgements, pure.

Fees are rounded up to the currency's unit: of a payment 2.9 % by card, 1.9 % by e-wallet, 0.5 % by
bank; of a payout 0.5 %; of a dispute 15 units where the currency has cents, 1500 where it has none,
nothing for coins. A refund is free, and the fee of its payment is kept.
"""

import re
from datetime import datetime, timedelta
from decimal import ROUND_UP, Decimal

from domain.kernel.errors import Invalid
from domain.kernel.money import from_minor, parse_decimal, scale_of, to_minor
from sandbox.psp.values import (
    DestinationKind,
    Dispute,
    DisputeStatus,
    Instrument,
    Method,
    Payment,
    PaymentStatus,
    Refund,
    RefundStatus,
    Refusal,
    Verdict,
)

EXPIRY = {
    Method.CARD: timedelta(hours=1),
    Method.EWALLET: timedelta(hours=1),
    Method.BANK: timedelta(days=3),
}
REFUND_WINDOW = timedelta(days=180)
EVIDENCE_WINDOW = timedelta(days=7)
NOTICE_LIFE = timedelta(hours=24)
FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 0.25, 60.0
CARDS = {
    "4242424242424242": Verdict.PAYS,
    "4000000000000002": Verdict.DECLINES,
    "4000000000003220": Verdict.ASKS,
    "4000000000000259": Verdict.DISPUTES,
}
USUAL = {
    Method.CARD: "4242 4242 4242 4242",
    Method.EWALLET: "payer@example.com",
    Method.BANK: "DE89 3704 0044 0532 0130 00",
}
_RATES = {
    Method.CARD: Decimal("0.029"),
    Method.EWALLET: Decimal("0.019"),
    Method.BANK: Decimal("0.005"),
}
_PAYOUT_RATE = Decimal("0.005")
_DISPUTE_FEE = Decimal(15)
_CENTS_AT_MOST = 3
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,185}\.[^@\s.]{1,63}")
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_COIN_ADDRESS = re.compile(r"[A-Za-z0-9:]{20,128}")
_CARD_TOKEN = re.compile(r"[!-~]{4,128}")
PAYABLE = {
    PaymentStatus.CREATED,
    PaymentStatus.PENDING,
    PaymentStatus.AUTHORISED,
    PaymentStatus.EXPIRED,
}
WAITING = {PaymentStatus.CREATED, PaymentStatus.PENDING, PaymentStatus.AUTHORISED}
HOLDS_MONEY = {PaymentStatus.PAID, PaymentStatus.PARTLY_REFUNDED}


def unit(currency: str) -> Decimal:
    return Decimal(1).scaleb(-scale_of(currency))


def show(amount: Decimal, currency: str) -> str:
    """An amount as text with exactly the currency's decimals."""
    return format(amount.quantize(unit(currency)), "f")


def read_amount(text: str, currency: str) -> Decimal:
    """A positive amount that the currency can hold exactly. Refusals: INVALID_AMOUNT."""
    try:
        amount = from_minor(to_minor(parse_decimal(text), currency), currency)
    except Invalid as error:
        raise Refusal("INVALID_AMOUNT", error.message) from None
    if amount <= 0:
        raise Refusal("INVALID_AMOUNT", "An amount must be more than zero.")
    return amount


def payment_fee(method: Method, amount: Decimal, currency: str) -> Decimal:
    return (amount * _RATES[method]).quantize(unit(currency), ROUND_UP)


def payout_fee(amount: Decimal, currency: str) -> Decimal:
    return (amount * _PAYOUT_RATE).quantize(unit(currency), ROUND_UP)


def dispute_fee(currency: str) -> Decimal:
    scale = scale_of(currency)
    if scale > _CENTS_AT_MOST:
        return Decimal(0)
    return _DISPUTE_FEE * 100 if scale == 0 else _DISPUTE_FEE


def find_instrument(method: Method, account: str) -> Instrument:
    """What is behind a test card's number, an e-mail or an IBAN. Refusals: INVALID_INSTRUMENT."""
    match method:
        case Method.CARD:
            number = re.sub(r"[ -]", "", account)
            if number in CARDS:
                return Instrument(method, number, f"visa •••• {number[-4:]}", CARDS[number])
            raise Refusal("INVALID_INSTRUMENT", "This is none of the test cards.")
        case Method.EWALLET:
            email = account.strip().lower()
            if _EMAIL.fullmatch(email):
                return Instrument(method, email, f"{email[0]}•••@{email.partition('@')[2]}")
            raise Refusal("INVALID_INSTRUMENT", "Write an e-mail address.")
        case _:
            iban = plain_iban(account)
            if is_iban(iban):
                return Instrument(method, iban, f"{iban[:2]} •••• {iban[-4:]}")
            raise Refusal("INVALID_INSTRUMENT", "Write an IBAN.")


def plain_iban(text: str) -> str:
    return re.sub(r"\s", "", text).upper()


def is_iban(text: str) -> bool:
    """Whether an IBAN without spaces has the right form and check digits (ISO 13616, mod 97)."""
    if not _IBAN.fullmatch(text):
        return False
    turned = text[4:] + text[:4]
    return int("".join(str(int(sign, 36)) for sign in turned)) % 97 == 1


def check_destination(kind: DestinationKind, account: str) -> None:
    """Refusals: INVALID_DESTINATION."""
    fits = {
        DestinationKind.BANK: is_iban(plain_iban(account)),
        DestinationKind.EWALLET: _EMAIL.fullmatch(account.strip()) is not None,
        DestinationKind.CARD: _CARD_TOKEN.fullmatch(account) is not None,
        DestinationKind.CRYPTO: _COIN_ADDRESS.fullmatch(account) is not None,
    }
    if not fits[kind]:
        raise Refusal("INVALID_DESTINATION", f"This account is no {kind} destination.")


def check_payable(payment: Payment, currency: str) -> None:
    """Money may come, late or again, unless the payment failed or was given back.

    Refusals: NOT_PAYABLE, CURRENCY_DIFFERS.
    """
    if payment.status not in PAYABLE | HOLDS_MONEY:
        raise Refusal("NOT_PAYABLE", f"This payment is {payment.status}.")
    if payment.received_currency not in (None, currency):
        raise Refusal("CURRENCY_DIFFERS", f"{payment.received_currency} came before.")


def check_waiting(payment: Payment) -> None:
    """Refusals: NOT_WAITING when the payment is no longer open."""
    if payment.status not in WAITING:
        raise Refusal("NOT_WAITING", f"This payment is {payment.status}.")


def left_of(payment: Payment, refunds: list[Refund], disputes: list[Dispute]) -> Decimal:
    """What of a payment is neither refunded, nor on its way back, nor disputed."""
    back = sum((r.amount for r in refunds if r.status is not RefundStatus.FAILED), Decimal(0))
    taken = sum((d.amount for d in disputes if d.status is not DisputeStatus.WON), Decimal(0))
    return (payment.received_amount or Decimal(0)) - back - taken


def check_refundable(payment: Payment, amount: Decimal, *, left: Decimal, now: datetime) -> None:
    """Refusals: NOT_REFUNDABLE, REFUND_WINDOW_CLOSED, AMOUNT_TOO_HIGH."""
    if payment.status not in HOLDS_MONEY or payment.paid_at is None:
        raise Refusal("NOT_REFUNDABLE", f"This payment is {payment.status}.")
    if now - payment.paid_at > REFUND_WINDOW:
        raise Refusal("REFUND_WINDOW_CLOSED", f"Paid more than {REFUND_WINDOW.days} days ago.")
    if amount > left:
        shown = show(left, payment.received_currency or payment.currency)
        raise Refusal("AMOUNT_TOO_HIGH", f"{shown} is left of this payment.")


def status_with(refunded: Decimal, received: Decimal | None) -> PaymentStatus:
    """The status of a paid payment of which `refunded` went back."""
    if not refunded:
        return PaymentStatus.PAID
    return PaymentStatus.REFUNDED if refunded == received else PaymentStatus.PARTLY_REFUNDED


def check_evidence(dispute: Dispute, now: datetime) -> None:
    """Refusals: EVIDENCE_CLOSED when the dispute is decided or the time is over."""
    if dispute.status not in (DisputeStatus.OPEN, DisputeStatus.UNDER_REVIEW):
        raise Refusal("EVIDENCE_CLOSED", f"This dispute is {dispute.status}.")
    if now > dispute.evidence_due_at:
        raise Refusal("EVIDENCE_CLOSED", "The time for evidence is over.")


def retry_seconds(attempts: int) -> float:
    """How long to wait after `attempts` (1 or more) failed deliveries of a notice."""
    return float(min(FIRST_RETRY_SECONDS * 2 ** min(attempts - 1, 16), LAST_RETRY_SECONDS))
