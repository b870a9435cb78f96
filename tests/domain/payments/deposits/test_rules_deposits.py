"""Who may pay how, and what follows from what a PSP says: every branch, both directions."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from domain.kernel.errors import DomainError
from domain.kernel.money import Money
from domain.kernel.pages import is_own_page
from domain.payments.deposits.rules import (
    decide,
    decide_fee,
    deposit_subject,
    fee_on,
    poll_pause,
    why_not,
)
from domain.payments.deposits.values import (
    Deposit,
    Finding,
    Method,
    SentBack,
    Terms,
    Verdict,
)
from domain.payments.psp_values import PspPayment, PspPaymentStatus
from domain.payments.values import DiscrepancyKind, MethodKind, PaymentStatus

S, P, D = PaymentStatus, PspPaymentStatus, DiscrepancyKind
TERMS = Terms("EUR", min_minor=1_000, max_minor=500_000, fee_fixed_minor=30, fee_bps=150)
METHOD = Method(UUID(int=1), UUID(int=2), MethodKind.CARD, True, frozenset({"CY", "DE"}), TERMS)
ASKED = Money(10_000, "EUR")


def eur(cents: int) -> Money:
    return Money(cents, "EUR")


def deposit(status: S = S.PENDING, **columns: Any) -> Deposit:
    """A deposit of 100.00 EUR that nothing was credited to."""
    made = Deposit(
        status=status, asked=ASKED, fee_minor=0, credited=None, refunded_minor=0,
        taken_back_minor=0, version=1,
    )  # fmt: skip
    return replace(made, **columns)


def state(status: P = P.PAID, received: Money | None = ASKED, **columns: Any) -> PspPayment:
    """The PSP's state of it, 100.00 EUR received."""
    currency = received.currency if received else "EUR"
    made = PspPayment(
        id="pay_1", reference="r", status=status, version=2, amount=ASKED, received=received,
        refunded=Money(0, currency), fee=None, source=None, failure_code=None,
        checkout_url="http://psp.example/1", expires_at=None,
    )  # fmt: skip
    return replace(made, **columns)


def applied(one: Deposit, verdict: Verdict, version: int) -> Deposit:
    """The deposit after a verdict."""
    taken = verdict.take_back.amount_minor if verdict.take_back else 0
    return replace(
        one,
        status=verdict.statuses[-1] if verdict.statuses else one.status,
        credited=verdict.credited,
        refunded_minor=verdict.refunded_minor,
        taken_back_minor=one.taken_back_minor + taken,
        version=one.version if verdict.is_stale else version,
    )


# Who may pay how -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "amount", "country", "reason"),
    [
        pytest.param({}, 10_000, "CY", None, id="fits"),
        pytest.param({}, None, "CY", None, id="fits-without-an-amount"),
        pytest.param({}, 1_000, "DE", None, id="smallest"),
        pytest.param({}, 999, "CY", "BELOW_MINIMUM", id="too-small"),
        pytest.param({}, 500_000, "CY", None, id="largest"),
        pytest.param({}, 500_001, "CY", "ABOVE_MAXIMUM", id="too-large"),
        pytest.param({}, 10_000, "FR", "COUNTRY_NOT_ALLOWED", id="another-country"),
        pytest.param({"countries": frozenset()}, 10_000, "FR", None, id="every-country"),
        pytest.param({"is_open": False}, 10_000, "CY", "METHOD_CLOSED", id="closed"),
        pytest.param({"terms": None}, 10_000, "CY", "CURRENCY_UNAVAILABLE", id="no-terms"),
    ],
)
def test_why_an_amount_can_not_be_paid(changed, amount, country, reason):
    assert why_not(replace(METHOD, **changed), amount, country=country) == reason


@pytest.mark.parametrize(
    ("changed", "amount", "country", "code"),
    [
        pytest.param({}, 999, "CY", "BELOW_MINIMUM", id="too-small"),
        pytest.param({}, 500_001, "CY", "ABOVE_MAXIMUM", id="too-large"),
        pytest.param({}, 10_000, "FR", "METHOD_UNAVAILABLE", id="another-country"),
        pytest.param({"is_open": False}, 10_000, "CY", "METHOD_UNAVAILABLE", id="closed"),
        pytest.param({"terms": None}, 10_000, "CY", "METHOD_UNAVAILABLE", id="no-terms"),
    ],
)
def test_a_deposit_that_may_not_be_is_refused_with_a_code(changed, amount, country, code):
    with pytest.raises(DomainError) as refused:
        decide_fee(replace(METHOD, **changed), eur(amount), country=country)
    assert refused.value.code == code


def test_the_limits_are_named_in_the_refusal():
    with pytest.raises(DomainError, match=r"at least 10\.00 EUR"):
        decide_fee(METHOD, eur(1), country="CY")
    with pytest.raises(DomainError, match=r"at most 5000\.00 EUR"):
        decide_fee(METHOD, eur(500_001), country="CY")


def test_a_fee_has_a_fixed_part_and_a_share_rounded_up():
    assert decide_fee(METHOD, ASKED, country="CY") == 30 + 150
    assert fee_on(TERMS, 10_001) == 30 + 151


# Where a payer may be sent -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "local", "own"),
    [
        pytest.param("https://pay.brand.example/thanks?x=1", False, True, id="host"),
        pytest.param("https://PAY.brand.example:443/", False, True, id="host-with-its-port"),
        pytest.param("https://pay.brand.example:8443/", False, False, id="host-other-port"),
        pytest.param("http://pay.brand.example/", False, False, id="host-without-tls"),
        pytest.param("https://portal.example:8443/a", False, True, id="origin"),
        pytest.param("https://portal.example/a", False, False, id="origin-other-port"),
        pytest.param("https://evil.example/pay.brand.example", False, False, id="another"),
        pytest.param("https://pay.brand.example.evil.example/", False, False, id="longer-name"),
        pytest.param("https://pay.brand.example@evil.example/", False, False, id="user-info"),
        pytest.param("https://evil.example\\@pay.brand.example/", False, False, id="backslash"),
        pytest.param("javascript://pay.brand.example/%0aalert(1)", False, False, id="script"),
        pytest.param("//pay.brand.example/", False, False, id="no-scheme"),
        pytest.param("/thanks", False, False, id="relative"),
        pytest.param("https://[pay.brand.example/", False, False, id="malformed"),
        pytest.param("http://localhost:3000/thanks", True, True, id="local-in-development"),
        pytest.param("http://localhost:3000/thanks", False, False, id="local-in-production"),
        pytest.param("http://localhost.evil.example/", True, False, id="not-local"),
    ],
)
def test_payers_are_sent_back_to_the_brands_own_pages_only(url, local, own):
    hosts = frozenset({"pay.brand.example"})
    origins = frozenset({"https://portal.example:8443"})
    assert is_own_page(url, hosts=hosts, origins=origins, allow_local=local) is own


# What follows from what the PSP says ---------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "said", "statuses"),
    [
        pytest.param(S.CREATED, P.CREATED, (S.PENDING,), id="made"),
        pytest.param(S.PENDING, P.PENDING, (), id="still-pending"),
        pytest.param(S.PENDING, P.AUTHORISED, (S.AUTHORISED,), id="promised"),
        pytest.param(S.AUTHORISED, P.PENDING, (), id="older-than-promised"),
        pytest.param(S.PENDING, P.FAILED, (S.FAILED,), id="declined"),
        pytest.param(S.AUTHORISED, P.EXPIRED, (S.EXPIRED,), id="expired"),
        pytest.param(S.PENDING, P.CANCELLED, (S.CANCELLED,), id="cancelled"),
        pytest.param(S.CANCELLED, P.PENDING, (), id="cancelled-here-alone"),
        pytest.param(S.EXPIRED, P.FAILED, (), id="ended-twice"),
        pytest.param(S.PENDING, P.PAID, (), id="paid-and-nothing-received"),
    ],
)
def test_statuses_without_money(before, said, statuses):
    verdict = decide(deposit(before), state(said, received=None))
    assert verdict == Verdict(None, 0, statuses=statuses)


def test_what_was_received_is_credited_whole():
    assert decide(deposit(), state()) == Verdict(
        ASKED, 0, credit=ASKED, statuses=(S.SETTLED,)
    )  # fmt: skip


@pytest.mark.parametrize("received", [eur(6_000), eur(12_500), Money(9_000, "USD")], ids=str)
def test_another_amount_or_currency_is_credited_as_it_came_and_told(received):
    verdict = decide(deposit(), state(received=received))
    assert verdict.credit == verdict.credited == received
    assert verdict.findings == (Finding(D.AMOUNT_DIFFERS, ASKED, received),)


@pytest.mark.parametrize("status", [S.FAILED, S.EXPIRED, S.CANCELLED])
def test_money_that_comes_late_is_credited_and_told(status):
    verdict = decide(deposit(status), state())
    assert (verdict.credit, verdict.statuses) == (ASKED, (S.SETTLED,))
    assert verdict.findings == (Finding(D.LATE, None, ASKED),)


def test_a_receipt_that_grows_is_credited_by_the_difference():
    partly = deposit(S.SETTLED, credited=eur(6_000), version=2)
    verdict = decide(partly, state(version=3))
    assert (verdict.credit, verdict.credited) == (eur(4_000), ASKED)
    assert verdict.statuses == (S.SETTLED,)
    assert verdict.findings == (Finding(D.AMOUNT_DIFFERS, ASKED, ASKED),), (
        "nothing differs any more"
    )


def test_the_same_state_again_moves_nothing():
    settled = deposit(S.SETTLED, credited=ASKED, version=2)
    assert decide(settled, state()) == Verdict(ASKED, 0)


def test_an_older_state_is_not_applied():
    settled = deposit(S.SETTLED, credited=ASKED, refunded_minor=5, version=3)
    late = state(P.PENDING, received=None, version=2)
    assert decide(settled, late) == Verdict(ASKED, 5, is_stale=True)


@pytest.mark.parametrize("received", [eur(4_000), Money(6_000, "USD")], ids=str)
def test_a_receipt_that_shrinks_or_changes_its_currency_is_told_and_moves_nothing(received):
    settled = deposit(S.SETTLED, credited=eur(6_000), version=2)
    verdict = decide(settled, state(received=received, version=3))
    assert (verdict.credit, verdict.take_back, verdict.credited) == (None, None, eur(6_000))
    assert verdict.findings == (Finding(D.AMOUNT_DIFFERS, eur(6_000), received),)


def test_the_fee_is_taken_once_and_from_nothing_but_what_came():
    asked = deposit(fee_minor=180)
    first = decide(asked, state(received=eur(100)))
    assert first.fee == eur(100), "never more than what came"
    partly = applied(asked, first, 2)
    second = decide(partly, state(version=3))
    assert second.fee == eur(80)
    assert decide(applied(partly, second, 3), state(version=4)).fee is None
    assert decide(asked, state(received=Money(9_000, "USD"))).fee is None


def test_what_the_psp_gave_back_by_itself_is_taken_back_once():
    settled = deposit(S.SETTLED, credited=ASKED, version=2)
    said = state(P.PARTLY_REFUNDED, refunded=eur(3_000), version=3)
    verdict = decide(settled, said)
    assert (verdict.take_back, verdict.refunded_minor) == (eur(3_000), 3_000)
    assert verdict.statuses == (S.PARTLY_REFUNDED,)
    again = applied(settled, verdict, 3)
    assert decide(again, said) == Verdict(ASKED, 3_000)
    whole = decide(again, state(P.REFUNDED, refunded=ASKED, version=4))
    assert (whole.take_back, whole.statuses) == (eur(7_000), (S.REFUNDED,))


def test_what_our_withdrawals_sent_back_is_not_taken_again():
    settled = deposit(S.SETTLED, credited=ASKED, version=2)
    said = state(P.PARTLY_REFUNDED, refunded=eur(5_000), version=3)
    verdict = decide(settled, said, sent_back=SentBack(5_000, 5_000))
    assert (verdict.take_back, verdict.refunded_minor) == (None, 5_000)
    assert verdict.statuses == (S.PARTLY_REFUNDED,)
    both = decide(settled, said, sent_back=SentBack(2_000, 2_000))
    assert both.take_back == eur(3_000)


@pytest.mark.parametrize(
    ("taken", "sent_back", "due"),
    [
        pytest.param(3_000, SentBack(), -3_000, id="the psp has it again"),
        pytest.param(3_000, SentBack(0, 2_000), -3_000, id="and ours is on its way"),
        pytest.param(0, SentBack(1_000, 1_000), None, id="ours that came back: its leg tells"),
        pytest.param(0, SentBack(), None, id="nothing was taken"),
    ],
)
def test_what_the_psp_has_again_is_given_back(taken: int, sent_back: SentBack, due: int | None):
    partly = deposit(
        S.PARTLY_REFUNDED, credited=ASKED, refunded_minor=3_000, taken_back_minor=taken, version=3
    )
    verdict = decide(partly, state(version=4), sent_back=sent_back)
    assert verdict.take_back == (None if due is None else eur(due))


@pytest.mark.parametrize(
    ("sent_back", "taken", "due"),
    [
        pytest.param(SentBack(0, 5_000), 0, None, id="may be ours that is on its way"),
        pytest.param(SentBack(0, 5_000), 5_000, None, id="or the psp's, as it was held to be"),
        pytest.param(SentBack(0, 0), 0, 5_000, id="ours came to nothing: the psp did it"),
        pytest.param(SentBack(5_000, 5_000), 5_000, -5_000, id="it was ours after all"),
        pytest.param(SentBack(2_000, 4_000), 0, 1_000, id="at least so much is the psp's"),
        pytest.param(SentBack(2_000, 4_000), 4_500, -1_500, id="at most so much is"),
    ],
)
def test_doubt_about_a_refund_of_ours_moves_nothing(
    sent_back: SentBack, taken: int, due: int | None
):
    settled = deposit(S.SETTLED, credited=ASKED, taken_back_minor=taken, version=2)
    said = state(P.PARTLY_REFUNDED, refunded=eur(5_000), version=3)
    assert decide(settled, said, sent_back=sent_back).take_back == (
        None if due is None else eur(due)
    )


def test_paid_and_refunded_before_anybody_looked():
    verdict = decide(deposit(), state(P.REFUNDED, refunded=ASKED))
    assert (verdict.credit, verdict.take_back) == (ASKED, ASKED)
    assert verdict.statuses == (S.SETTLED, S.REFUNDED)


def test_a_refund_that_comes_back_is_settled_again():
    partly = deposit(S.PARTLY_REFUNDED, credited=ASKED, refunded_minor=3_000, version=3)
    verdict = decide(partly, state(version=4))
    assert (verdict.statuses, verdict.refunded_minor) == ((S.SETTLED,), 0)


def test_a_receipt_that_grows_after_a_refund_stays_partly_refunded():
    partly = deposit(
        S.PARTLY_REFUNDED, credited=eur(6_000), refunded_minor=1_000, taken_back_minor=1_000,
        version=3,
    )  # fmt: skip
    verdict = decide(partly, state(P.PARTLY_REFUNDED, refunded=eur(1_000), version=4))
    assert (verdict.credit, verdict.take_back) == (eur(4_000), None)
    assert verdict.statuses == (S.SETTLED, S.PARTLY_REFUNDED)


def test_more_given_back_than_was_credited_is_not_taken():
    settled = deposit(S.SETTLED, credited=eur(6_000), version=2)
    verdict = decide(settled, state(received=eur(6_000), refunded=eur(9_000), version=3))
    assert verdict.take_back == eur(6_000)


@pytest.mark.parametrize("status", [S.DISPUTED, S.CHARGED_BACK])
def test_a_disputed_deposit_is_moved_by_its_dispute_alone(status):
    disputed = deposit(status, credited=ASKED, version=2)
    verdict = decide(disputed, state(P.REFUNDED, refunded=ASKED, version=3))
    assert (verdict.statuses, verdict.take_back) == ((), ASKED)


@given(
    some.lists(
        some.tuples(some.integers(1, 20_000), some.integers(0, 20_000)), min_size=1, max_size=6
    ),
    some.data(),
)
def test_whatever_order_states_come_in_the_newest_decides(figures, data):
    """Receipts and refunds only grow; each state comes any number of times, in any order."""
    received = sorted(one for one, _ in figures)
    refunded = sorted(min(one, received[0]) for _, one in figures)
    states = [
        state(received=eur(came), refunded=eur(went), version=n)
        for n, (came, went) in enumerate(zip(received, refunded, strict=True), 2)
    ]
    shuffled = data.draw(some.permutations(states * 2))
    one, credited, taken = deposit(), 0, 0
    for said in shuffled:
        verdict = decide(one, said)
        credited += verdict.credit.amount_minor if verdict.credit else 0
        taken += verdict.take_back.amount_minor if verdict.take_back else 0
        one = applied(one, verdict, said.version)
    assert (credited, taken) == (received[-1], refunded[-1])
    assert one.credited == eur(received[-1])


@pytest.mark.parametrize(
    ("age", "pause"),
    [
        pytest.param(timedelta(minutes=1), timedelta(seconds=20), id="young"),
        pytest.param(timedelta(minutes=30), timedelta(minutes=3), id="half-an-hour"),
        pytest.param(timedelta(days=2), timedelta(minutes=30), id="old"),
    ],
)
def test_silent_deposits_are_asked_about_ever_more_seldom(age, pause):
    assert poll_pause(age) == pause


@given(one=some.uuids(), other=some.uuids())
def test_what_is_about_one_deposit_is_about_no_other(one, other):
    assert (deposit_subject(one) == deposit_subject(other)) is (one == other)
    assert deposit_subject(one) == f"deposit:{one.hex}", "for ever: it is in rows"
