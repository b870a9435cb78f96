"""The PSP's judgements, by hand: fees, instruments, what is left of a payment, pauses."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from sandbox.psp import rules
from sandbox.psp.signing import sign
from sandbox.psp.values import (
    DestinationKind,
    Dispute,
    DisputeStatus,
    Method,
    Payment,
    PaymentStatus,
    Refund,
    RefundStatus,
    Refusal,
    Verdict,
)
from tests.sandbox.conftest import START

PAID = Payment(
    id="pay_1",
    merchant="aurora",
    reference="dep-1",
    status=PaymentStatus.PAID,
    method=Method.CARD,
    amount=Decimal(100),
    currency="USD",
    received_amount=Decimal(100),
    received_currency="USD",
    description="",
    return_url="https://portal.example/",
    form_token="t",
    paid_at=START,
    created_at=START,
    updated_at=START,
    expires_at=START + timedelta(hours=1),
)


def refund(amount: int, status: RefundStatus) -> Refund:
    return Refund(
        id="ref_1", merchant="aurora", payment_id="pay_1", reference="r", status=status,
        amount=Decimal(amount), currency="USD", created_at=START, updated_at=START,
    )  # fmt: skip


def dispute(amount: int, status: DisputeStatus) -> Dispute:
    return Dispute(
        id="dp_1", merchant="aurora", payment_id="pay_1", reference="dep-1", status=status,
        amount=Decimal(amount), currency="USD", fee_amount=Decimal(15), reason="fraudulent",
        evidence_due_at=START + rules.EVIDENCE_WINDOW, created_at=START, updated_at=START,
    )  # fmt: skip


def code_of(call: Any, *arguments: Any, **named: Any) -> str:
    with pytest.raises(Refusal) as refused:
        call(*arguments, **named)
    return refused.value.code


def test_signatures_are_those_of_stripe() -> None:
    """The vector was computed with another library's verifier."""
    made = sign(["whsec_test"], b'{"id":"evt_1"}', at=1_700_000_000)
    vector = "c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925"
    assert made == f"t=1700000000,v1={vector}"
    both = sign(["whsec_new", "whsec_test"], b'{"id":"evt_1"}', at=1_700_000_000)
    assert both.startswith("t=1700000000,v1=")
    assert both.endswith(f",v1={vector}")
    assert both.count("v1=") == 2


@pytest.mark.parametrize(
    ("text", "currency", "shown"),
    [
        ("100", "USD", "100.00"),
        ("0.01", "USD", "0.01"),
        ("7", "JPY", "7"),
        ("1.5", "KWD", "1.500"),
        ("0.00000001", "BTC", "0.00000001"),
    ],
)
def test_amounts_are_read_and_shown_exactly(text: str, currency: str, shown: str) -> None:
    assert rules.show(rules.read_amount(text, currency), currency) == shown


@pytest.mark.parametrize("text", ["0", "-1", "1e2", "NaN", "1.001", "", "+1", "1,5"])
def test_other_amounts_are_refused(text: str) -> None:
    assert code_of(rules.read_amount, text, "USD") == "INVALID_AMOUNT"


@pytest.mark.parametrize(
    ("method", "amount", "currency", "fee"),
    [
        (Method.CARD, "100", "USD", "2.90"),
        (Method.CARD, "0.01", "USD", "0.01"),
        (Method.EWALLET, "10.50", "USD", "0.20"),
        (Method.BANK, "101", "JPY", "1"),
    ],
)
def test_fees_are_rounded_up(method: Method, amount: str, currency: str, fee: str) -> None:
    assert rules.payment_fee(method, Decimal(amount), currency) == Decimal(fee)


def test_fees_of_payouts_and_disputes() -> None:
    assert rules.payout_fee(Decimal("80.01"), "EUR") == Decimal("0.41")
    fees = [rules.dispute_fee(currency) for currency in ("USD", "KWD", "JPY", "BTC")]
    assert fees == [15, 15, 1500, 0]


@pytest.mark.parametrize(
    ("method", "account", "label", "verdict"),
    [
        (Method.CARD, "4242 4242 4242 4242", "visa •••• 4242", Verdict.PAYS),
        (Method.CARD, "4000-0000-0000-0002", "visa •••• 0002", Verdict.DECLINES),
        (Method.CARD, "4000000000003220", "visa •••• 3220", Verdict.ASKS),
        (Method.CARD, "4000000000000259", "visa •••• 0259", Verdict.DISPUTES),
        (Method.EWALLET, " Ada@Example.com ", "a•••@example.com", Verdict.PAYS),
        (Method.BANK, "de89 3704 0044 0532 0130 00", "DE •••• 3000", Verdict.PAYS),
    ],
)
def test_instruments_are_known(method: Method, account: str, label: str, verdict: Verdict) -> None:
    found = rules.find_instrument(method, account)
    assert (found.kind, found.label, found.verdict) == (method, label, verdict)


@pytest.mark.parametrize(
    ("method", "account"),
    [
        (Method.CARD, "4111111111111111"),
        (Method.CARD, ""),
        (Method.EWALLET, "nobody"),
        (Method.BANK, "DE89370400440532013001"),
        (Method.BANK, "not an iban"),
    ],
)
def test_other_instruments_are_refused(method: Method, account: str) -> None:
    assert code_of(rules.find_instrument, method, account) == "INVALID_INSTRUMENT"


GOOD_DESTINATIONS = [
    (DestinationKind.BANK, "GB82 WEST 1234 5698 7654 32"),
    (DestinationKind.EWALLET, "ada@example.com"),
    (DestinationKind.CARD, "src_0123456789abcdef0123456789abcdef"),
    (DestinationKind.CRYPTO, "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"),
]


@pytest.mark.parametrize(("kind", "account"), GOOD_DESTINATIONS)
def test_destinations_are_what_they_say(kind: DestinationKind, account: str) -> None:
    rules.check_destination(kind, account)
    assert code_of(rules.check_destination, kind, "…") == "INVALID_DESTINATION"


@pytest.mark.parametrize("status", PaymentStatus)
def test_who_may_be_paid(status: PaymentStatus) -> None:
    payment = replace(PAID, status=status)
    if status in (PaymentStatus.FAILED, PaymentStatus.CANCELLED, PaymentStatus.REFUNDED):
        assert code_of(rules.check_payable, payment, "USD") == "NOT_PAYABLE"
    else:
        rules.check_payable(payment, "USD")
        assert code_of(rules.check_payable, payment, "EUR") == "CURRENCY_DIFFERS"
        rules.check_payable(replace(payment, received_currency=None), "EUR")


@pytest.mark.parametrize("status", PaymentStatus)
def test_who_waits(status: PaymentStatus) -> None:
    payment = replace(PAID, status=status)
    if status in ("CREATED", "PENDING", "AUTHORISED"):
        rules.check_waiting(payment)
    else:
        assert code_of(rules.check_waiting, payment) == "NOT_WAITING"


def test_what_is_left_of_a_payment() -> None:
    refunds = [
        refund(10, RefundStatus.PENDING),
        refund(20, RefundStatus.SUCCEEDED),
        refund(70, RefundStatus.FAILED),
    ]
    disputes = [
        dispute(5, DisputeStatus.OPEN),
        dispute(6, DisputeStatus.UNDER_REVIEW),
        dispute(7, DisputeStatus.LOST),
        dispute(50, DisputeStatus.WON),
    ]
    assert rules.left_of(PAID, refunds, disputes) == 100 - 10 - 20 - 5 - 6 - 7
    assert rules.left_of(replace(PAID, received_amount=None), [], []) == 0


def test_what_may_be_refunded() -> None:
    hundred, cent = Decimal(100), Decimal("0.01")
    last = START + rules.REFUND_WINDOW
    rules.check_refundable(PAID, hundred, left=hundred, now=last)
    check = rules.check_refundable
    assert code_of(check, PAID, hundred + cent, left=hundred, now=START) == "AMOUNT_TOO_HIGH"
    late = last + timedelta(microseconds=1)
    assert code_of(check, PAID, cent, left=hundred, now=late) == "REFUND_WINDOW_CLOSED"
    unpaid = replace(PAID, paid_at=None)
    assert code_of(check, unpaid, cent, left=hundred, now=START) == "NOT_REFUNDABLE"
    gone = replace(PAID, status=PaymentStatus.REFUNDED)
    assert code_of(check, gone, cent, left=hundred, now=START) == "NOT_REFUNDABLE"
    odd = replace(PAID, received_currency=None)
    assert code_of(check, odd, hundred, left=cent, now=START) == "AMOUNT_TOO_HIGH"


def test_the_status_says_what_went_back() -> None:
    told = [rules.status_with(Decimal(back), Decimal(100)) for back in (0, 1, 100)]
    assert told == ["PAID", "PARTLY_REFUNDED", "REFUNDED"]


def test_evidence_is_taken_until_it_is_decided_or_late() -> None:
    for status in (DisputeStatus.OPEN, DisputeStatus.UNDER_REVIEW):
        rules.check_evidence(dispute(1, status), START + rules.EVIDENCE_WINDOW)
    for status in (DisputeStatus.WON, DisputeStatus.LOST):
        assert code_of(rules.check_evidence, dispute(1, status), START) == "EVIDENCE_CLOSED"
    late = START + rules.EVIDENCE_WINDOW + timedelta(seconds=1)
    code = code_of(rules.check_evidence, dispute(1, DisputeStatus.OPEN), late)
    assert code == "EVIDENCE_CLOSED"


def test_pauses_double_up_to_a_minute() -> None:
    pauses = [rules.retry_seconds(attempts) for attempts in range(1, 12)]
    assert pauses == [0.25, 0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert rules.retry_seconds(100_000) == 60
