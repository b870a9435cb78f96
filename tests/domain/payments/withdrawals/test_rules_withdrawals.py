"""Pure verdicts on withdrawals: approvals, split (D4), fees, four eyes, status."""

from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.errors import DomainError
from domain.payments.values import LegKind, LegStatus, MethodKind
from domain.payments.values import PaymentStatus as Status
from domain.payments.withdrawals.rules import (
    ask_pause,
    charge,
    is_old_news,
    owed_elsewhere,
    same_holder,
    split,
    status_of,
    what_becomes,
)
from domain.payments.withdrawals.values import (
    LegState,
    Part,
    Payout,
    Source,
    Terms,
)

NOW = datetime(2026, 11, 22, tzinfo=UTC)
BANK = Payout(uuid4(), uuid4(), uuid4(), "Bank DE •••• 3000")


def source(left: int, kind: MethodKind = MethodKind.CARD, **more: object) -> Source:
    values = {"settled_at": NOW - timedelta(days=10), "refundable_days": 180, "label": kind.value,
              "currency": "EUR"}  # fmt: skip
    return Source(
        deposit_id=uuid4(),
        method_id=uuid4(),
        connection_id=uuid4(),
        kind=kind,
        left_minor=left,
        **(values | more),  # type: ignore[arg-type] # fields of a Source
    )


def test_the_worked_example_of_d4():
    card, skrill = source(60_000), source(40_000, MethodKind.EWALLET)
    parts = split(150_000, [skrill, card], BANK, at=NOW)
    assert [(p.kind, p.amount_minor, p.deposit_id, p.destination_id) for p in parts] == [
        (LegKind.REFUND, 60_000, card.deposit_id, None),
        (LegKind.REFUND, 40_000, skrill.deposit_id, None),
        (LegKind.PAYOUT, 50_000, None, BANK.destination_id),
    ]


def test_the_oldest_card_first_and_none_past_its_days():
    old = source(100, settled_at=NOW - timedelta(days=180))
    older = source(100, settled_at=NOW - timedelta(days=179, hours=23))
    newer = source(100, settled_at=NOW - timedelta(days=1))
    parts = split(150, [newer, old, older], None, at=NOW)
    assert [(p.deposit_id, p.amount_minor) for p in parts] == [
        (older.deposit_id, 100),
        (newer.deposit_id, 50),
    ]


def test_a_rest_needs_a_destination():
    with pytest.raises(DomainError) as refused:
        split(101, [source(100)], None, at=NOW)
    assert refused.value.code == "DESTINATION_REQUIRED"
    assert refused.value.rest_minor == 1


_sources = st.lists(
    st.builds(
        source,
        st.integers(min_value=-5, max_value=10**30),
        st.sampled_from(list(MethodKind)),
        settled_at=st.integers(0, 400).map(lambda days: NOW - timedelta(days=days)),
    ),
    max_size=12,
)


@given(amount=st.integers(min_value=1, max_value=10**31), sources=_sources)
def test_parts_sum_exactly_and_no_part_is_over_its_source(amount, sources):
    parts = split(amount, sources, BANK, at=NOW)
    left = {one.deposit_id: one.left_minor for one in sources}
    back = [part for part in parts if part.kind is LegKind.REFUND]
    assert sum(part.amount_minor for part in parts) == amount
    assert all(0 < part.amount_minor <= left[part.deposit_id] for part in back)
    assert len({part.deposit_id for part in back}) == len(back)
    usable = sum(max(0, o.left_minor) for o in sources if o.takes_back(NOW))
    assert sum(part.amount_minor for part in back) == min(amount, usable)


METHOD = uuid4()


def part(amount: int, kind: LegKind = LegKind.PAYOUT, method: UUID = METHOD) -> Part:
    return Part(kind, method, uuid4(), "x", amount)


TERMS = {METHOD: Terms(min_minor=100, max_minor=1_000, fee_fixed_minor=10, fee_bps=50)}


@pytest.mark.parametrize(
    ("parts", "fee"),
    [
        ([part(1_000)], 15),
        ([part(101)], 11),
        ([part(500, LegKind.REFUND), part(500)], 15),
        ([part(5_000, LegKind.REFUND, uuid4())], 0),
        ([part(999, LegKind.REFUND), part(1, LegKind.REFUND, uuid4())], 15),
    ],
    ids=["exact", "rounded up", "once per method", "no terms", "a small rest goes back"],
)
def test_the_fee_is_each_methods_own_on_its_sum(parts, fee):
    assert charge(parts, TERMS, "EUR") == fee


@pytest.mark.parametrize(
    ("sources", "least", "owed"),
    [
        ([], 0, []),
        ([("USD", 60, 10), ("EUR", 40, 10), ("USD", 1, 10)], 0, [("EUR", 40), ("USD", 61)]),
        ([("USD", 60, 180)], 0, []),
        ([("USD", 0, 10), ("USD", -5, 10)], 0, []),
        ([("USD", 60, 10)], 61, []),
        ([("USD", 60, 10), ("USD", 1, 10)], 61, [("USD", 61)]),
    ],
    ids=["none", "two currencies", "past its days", "spent", "too little", "just enough"],
)
def test_what_can_still_go_back_in_other_currencies_is_owed(sources, least, owed):
    made = [
        source(left, currency=currency, settled_at=NOW - timedelta(days=days))
        for currency, left, days in sources
    ]
    floors = {(one.method_id, one.currency): least for one in made} if least else {}
    told = owed_elsewhere(made, floors, at=NOW)
    assert [(one.currency, one.amount_minor) for one in told] == owed


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ([part(99)], "AMOUNT_TOO_LOW"),
        ([part(99, LegKind.REFUND)], "AMOUNT_TOO_LOW"),
        ([part(500, LegKind.REFUND), part(99)], "AMOUNT_TOO_LOW"),
        ([part(1_001)], "AMOUNT_TOO_HIGH"),
        ([part(600, LegKind.REFUND), part(600)], "AMOUNT_TOO_HIGH"),
        ([part(500, method=uuid4())], "METHOD_UNAVAILABLE"),
    ],
    ids=["payout low", "refund low", "payout part low", "high", "high together", "no terms"],
)
def test_limits_are_each_methods_own(parts, code):
    with pytest.raises(DomainError) as refused:
        charge(parts, TERMS, "EUR")
    assert refused.value.code == code


L = LegStatus
PAID = LegState(L.PAID, 60)


@pytest.mark.parametrize(
    ("legs", "status"),
    [
        ([LegState(L.HELD), PAID], None),
        ([LegState(L.SENDING), LegState(L.SENT)], Status.SENDING),
        ([LegState(L.SENDING), LegState(L.UNKNOWN), PAID], Status.UNKNOWN),
        ([LegState(L.SENT), PAID, LegState(L.FAILED)], Status.SENT),
        ([PAID, LegState(L.PAID, 40)], Status.PAID),
        ([PAID, LegState(L.PAID, 39)], Status.PARTLY_PAID),
        ([PAID, LegState(L.FAILED)], Status.PARTLY_PAID),
        ([PAID, LegState(L.RETURNED, 40)], Status.PARTLY_PAID),
        ([PAID, LegState(L.RELEASED), LegState(L.PAID, 40)], Status.PAID),
        ([LegState(L.FAILED), LegState(L.RELEASED)], Status.FAILED),
        ([LegState(L.PAID, 0)], Status.FAILED),
        ([LegState(L.FAILED), LegState(L.RETURNED, 60)], Status.RETURNED),
    ],
    ids=lambda value: value.value if isinstance(value, Status) else None,
)
def test_the_status_follows_from_the_legs(legs, status):
    assert status_of(legs, 100) is status
    assert status_of(reversed(legs), 100) is status


def test_a_leg_only_learns_what_it_does_not_know():
    able = {(a, b) for a, b in product(L, L) if what_becomes(a, b) is b}
    ends = {(a, b) for a in (L.SENDING, L.UNKNOWN, L.SENT) for b in (L.PAID, L.FAILED, L.RETURNED)}
    sent = {(L.SENDING, L.SENT), (L.SENDING, L.UNKNOWN), (L.UNKNOWN, L.SENT)}
    assert able == ends | sent | {(L.PAID, L.RETURNED)}


def test_what_was_paid_and_failed_has_come_back():
    others = {(a, b): what_becomes(a, b) for a, b in product(L, L)}
    assert {pair: then for pair, then in others.items() if then not in (None, pair[1])} == {
        (L.PAID, L.FAILED): L.RETURNED
    }


@pytest.mark.parametrize(
    ("version", "known", "is_old"), [(1, 2, True), (2, 2, False), (3, 2, False), (0, 2, False)]
)
def test_an_answer_that_was_overtaken_is_old(version, known, is_old):
    assert is_old_news(version, known) is is_old


@pytest.mark.parametrize(
    ("minutes", "pause"), [(0, 1), (4, 1), (8, 2), (120, 30), (240, 60), (10_000, 60)]
)
def test_a_silent_leg_is_looked_after_ever_more_seldom(minutes, pause):
    assert ask_pause(timedelta(minutes=minutes)) == timedelta(minutes=pause)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Alma Okafor-Kestrel", "OKAFOR KESTREL  Alma", True),
        ("José Nuñez", "Jose Nunez", True),
        ("O'Neil, Ann", "Ann ONeil", True),
        ("Alma Okafor", "Alma Okafor-Kestrel", False),
        ("Ann Neil", "Ann Neal", False),
        ("", "", False),
        ("...", "---", False),
    ],
)
def test_whose_account_it_is_does_not_hang_on_spelling(one, other, same):
    assert same_holder(one, other) is same
