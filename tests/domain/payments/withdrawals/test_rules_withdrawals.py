"""Pure verdicts on withdrawals: approvals, split (D4), fees, four eyes, status."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clients.values import ClientRisk
from domain.kernel.errors import DomainError
from domain.payments.values import ApprovalLevel as Level
from domain.payments.values import ApprovalStatus, LegKind, LegStatus, MethodKind
from domain.payments.values import PaymentStatus as Status
from domain.payments.withdrawals.rules import (
    charge,
    decide_approval,
    may_become,
    required_levels,
    same_holder,
    split,
    status_of,
)
from domain.payments.withdrawals.values import (
    ApprovalRule,
    ApprovalState,
    LegState,
    Part,
    Payout,
    Source,
    Terms,
)

NOW = datetime(2026, 11, 22, tzinfo=UTC)
BO, FIN, COM = Level.BACK_OFFICE, Level.FINANCE, Level.COMPLIANCE
LOW, MEDIUM, HIGH = ClientRisk.LOW, ClientRisk.MEDIUM, ClientRisk.HIGH
BANK = Payout(uuid4(), uuid4(), uuid4(), "Bank DE •••• 3000")


def source(left: int, kind: MethodKind = MethodKind.CARD, **more: object) -> Source:
    values = {"settled_at": NOW - timedelta(days=10), "refundable_days": 180, "label": kind.value}
    return Source(
        deposit_id=uuid4(),
        method_id=uuid4(),
        connection_id=uuid4(),
        kind=kind,
        left_minor=left,
        **(values | more),  # type: ignore[arg-type] # fields of a Source
    )


@pytest.mark.parametrize(
    ("major", "risk", "levels"),
    [
        ("500.00", LOW, ()),
        ("500.01", LOW, (BO,)),
        ("5000.00", LOW, (BO,)),
        ("5000.01", LOW, (BO, FIN)),
        ("50000.00", LOW, (BO, FIN)),
        ("50000.01", LOW, (BO, FIN, COM)),
        ("1.00", MEDIUM, (BO,)),
        ("5000.01", MEDIUM, (BO, FIN)),
        ("1.00", HIGH, (BO, COM)),
        ("5000.01", HIGH, (BO, FIN, COM)),
    ],
)
def test_the_default_chain_grows_with_amount_and_risk(major, risk, levels):
    minor = int(major.replace(".", ""))
    assert required_levels([], "EUR", minor, risk) == levels


@pytest.mark.parametrize(
    ("currency", "minor", "levels"),
    [("JPY", 500, ()), ("JPY", 501, (BO,)), ("KWD", 500_000, ()), ("KWD", 500_001, (BO,)),
     ("BTC", 1, (BO, FIN, COM))],
)  # fmt: skip
def test_defaults_are_in_major_units_and_no_coin_goes_by_itself(currency, minor, levels):
    assert required_levels([], currency, minor, LOW) == levels


@pytest.mark.parametrize(
    ("minor", "risk", "levels"),
    [(100, LOW, ()), (101, LOW, (FIN,)), (200, LOW, (FIN,)), (201, LOW, (BO, FIN, COM)),
     (100, MEDIUM, (BO,)), (100, HIGH, (BO, COM))],
)  # fmt: skip
def test_a_brands_rules_replace_the_table_and_never_the_floor_of_risk(minor, risk, levels):
    rules = [ApprovalRule(200, (FIN,)), ApprovalRule(100, ())]
    assert required_levels(rules, "EUR", minor, risk) == levels


def test_a_rule_without_a_bound_holds_for_the_rest():
    rules = [ApprovalRule(None, (COM, BO)), ApprovalRule(100, ())]
    assert required_levels(rules, "EUR", 100, LOW) == ()
    assert required_levels(rules, "EUR", 10**12, LOW) == (BO, COM)


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


MAKER, ONE, TWO = uuid4(), uuid4(), uuid4()
ALL = {f"approvals:{level.lower()}" for level in Level}


def chain(*decided: UUID) -> list[ApprovalState]:
    waiting = [ApprovalState(uuid4(), level, ApprovalStatus.PENDING) for level in Level]
    return [
        replace(one, status=ApprovalStatus.APPROVED, decided_by=who)
        for one, who in zip(waiting, decided, strict=False)
    ] + waiting[len(decided) :]


def test_the_first_that_waits_is_decided():
    assert decide_approval(chain(), ONE, permissions=ALL, makers={MAKER}).level is BO
    assert decide_approval(chain(ONE), TWO, permissions=ALL, makers={MAKER}).level is FIN


@pytest.mark.parametrize(
    ("who", "before", "rights", "code"),
    [
        (MAKER, (), ALL, "FOUR_EYES"),
        (MAKER, (ONE,), ALL, "FOUR_EYES"),
        (ONE, (ONE,), ALL, "FOUR_EYES"),
        (ONE, (ONE, TWO), ALL, "FOUR_EYES"),
        (ONE, (), {"approvals:finance", "approvals:compliance"}, "LEVEL_MISSING"),
        (TWO, (ONE,), {"approvals:back_office"}, "LEVEL_MISSING"),
        (TWO, (), set(), "LEVEL_MISSING"),
    ],
    ids=["maker", "maker later", "twice", "twice later", "level", "next level", "none"],
)
def test_nobody_decides_alone_or_out_of_turn(who, before, rights, code):
    with pytest.raises(DomainError) as refused:
        decide_approval(chain(*before), who, permissions=rights, makers={MAKER})
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
    able = {(a, b) for a, b in product(L, L) if may_become(a, b)}
    ends = {(a, b) for a in (L.SENDING, L.UNKNOWN, L.SENT) for b in (L.PAID, L.FAILED, L.RETURNED)}
    sent = {(L.SENDING, L.SENT), (L.SENDING, L.UNKNOWN), (L.UNKNOWN, L.SENT)}
    assert able == ends | sent | {(L.PAID, L.RETURNED)}


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
