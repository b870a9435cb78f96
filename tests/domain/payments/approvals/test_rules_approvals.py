"""Pure verdicts on approvals: whose an amount needs, and who may give the next one."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clients.values import ClientRisk
from domain.kernel.errors import DomainError
from domain.kernel.money import Money
from domain.payments.approvals.rules import decide_approval, position, required_levels
from domain.payments.approvals.values import ApprovalRule, ApprovalState, Case
from domain.payments.values import ApprovalLevel as Level
from domain.payments.values import ApprovalStatus

BO, FIN, COM = Level.BACK_OFFICE, Level.FINANCE, Level.COMPLIANCE
LOW, MEDIUM, HIGH = ClientRisk.LOW, ClientRisk.MEDIUM, ClientRisk.HIGH


def case(minor: int, risk: ClientRisk = LOW, currency: str = "EUR", **more: bool) -> Case:
    return Case(Money(minor, currency), risk, **more)


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
    assert required_levels([], case(minor, risk)) == levels


@pytest.mark.parametrize(
    ("currency", "minor", "levels"),
    [("JPY", 500, ()), ("JPY", 501, (BO,)), ("KWD", 500_000, ()), ("KWD", 500_001, (BO,)),
     ("BTC", 1, (BO, FIN, COM))],
)  # fmt: skip
def test_defaults_are_in_major_units_and_no_coin_goes_by_itself(currency, minor, levels):
    assert required_levels([], case(minor, LOW, currency)) == levels


@pytest.mark.parametrize(
    ("minor", "risk", "levels"),
    [(100, LOW, ()), (101, LOW, (FIN,)), (200, LOW, (FIN,)), (201, LOW, (BO, FIN, COM)),
     (100, MEDIUM, (BO,)), (100, HIGH, (BO, COM))],
)  # fmt: skip
def test_a_brands_rules_replace_the_table_and_never_the_floor_of_risk(minor, risk, levels):
    rules = [ApprovalRule(200, (FIN,)), ApprovalRule(100, ())]
    assert required_levels(rules, case(minor, risk)) == levels


def test_a_rule_without_a_bound_holds_for_the_rest():
    rules = [ApprovalRule(None, (COM, BO)), ApprovalRule(100, ())]
    assert required_levels(rules, case(100)) == ()
    assert required_levels(rules, case(10**12)) == (BO, COM)


@pytest.mark.parametrize("rules", [[], [ApprovalRule(None, ())]], ids=["default", "brand"])
@pytest.mark.parametrize(
    ("facts", "levels"),
    [
        ({}, ()),
        ({"is_by_others": True}, (BO,)),
        ({"is_in_debt": True}, (BO,)),
        ({"leaves_source": True}, (COM,)),
        ({"is_by_others": True, "is_in_debt": True, "leaves_source": True}, (BO, COM)),
    ],
    ids=["nothing", "others", "debt", "source", "all"],
)
def test_what_speaks_against_it_is_looked_at_whatever_the_rules_say(rules, facts, levels):
    assert required_levels(rules, case(1, **facts)) == levels


def test_the_chain_has_one_place_for_each_level():
    assert [position(level) for level in (BO, FIN, COM)] == [1, 2, 3]


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


AMOUNTS = st.integers(1, 6_000_000)


@given(AMOUNTS, AMOUNTS, AMOUNTS)
def test_splitting_over_currencies_passes_no_level(a: int, b: int, c: int) -> None:
    """Where the steps are the same, parts in other currencies count as one amount does."""
    others = [((), Money(b, "USD")), ((), Money(c, "GBP"))]
    assert required_levels((), case(a), others) == required_levels((), case(a + b + c))


def test_each_currency_counts_as_its_share_of_its_own_steps() -> None:
    yen = (ApprovalRule(80_000, ()), ApprovalRule(None, (BO,)))
    assert required_levels((), case(250_00), [(yen, Money(40_000, "JPY"))]) == ()
    assert required_levels((), case(250_01), [(yen, Money(40_000, "JPY"))]) == (BO,)
    always = (ApprovalRule(None, (BO, COM)),)
    assert required_levels((), case(500_00), [(always, Money(1, "JPY"))]) == ()
