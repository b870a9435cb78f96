"""What a deal earns a line: the worked numbers, every gate and cap, and sums to the last cent."""

from decimal import Decimal
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.accounts.values import DealEntry
from domain.ibs.commissions.rules import convert, judge, pip_of, rate_of, split
from domain.ibs.commissions.values import (
    Component,
    Gates,
    Rate,
    SymbolGroup,
    Terms,
)
from domain.ibs.values import CloseBy, ComponentKind, Convention, Judgement
from tests.domain.ibs.commissions.plans import deal, line, minors, terms


def test_an_override_pays_the_difference_between_rates() -> None:
    verdict = judge(deal("2.35"), line(terms("5"), terms("8"), terms("10")))
    assert minors(verdict.earned) == [(1, 1_175), (2, 705), (3, 470)]
    assert [str(one.rate) for one in verdict.earned] == ["5", "3", "2"]
    assert (verdict.judgement, verdict.inverted) == (Judgement.ACCRUED, ())
    assert sum(one.minor for one in verdict.earned) == 2_350


def test_a_pool_is_split_and_the_largest_share_takes_the_last_cent() -> None:
    pool = terms("12", "60", "25", "15")
    verdict = judge(deal("1.37"), line(pool, None, None))
    # 60, 25 and 15 % of 16.44 are 9.864, 4.11 and 2.466: rounded down 9.86, 4.11 and 2.46.
    assert minors(verdict.earned) == [(1, 987), (2, 411), (3, 246)]
    assert sum(one.minor for one in verdict.earned) == 1_644
    assert split(1_644, [Decimal(60), Decimal(25), Decimal(15)]) == [987, 411, 246]


def test_tiers_that_the_line_lacks_are_not_paid() -> None:
    verdict = judge(deal("1.37"), line(terms("12", "60", "25", "15")))
    assert minors(verdict.earned) == [(1, 986)]
    longer = judge(deal("1.37"), line(terms("12", "100"), terms("1", "100")))
    assert minors(longer.earned) == [(1, 1_644)]


@pytest.mark.parametrize(
    ("lots", "minor"), [("0.4", 400), ("0.01", 10), ("0.004", 4), ("0.0019", 1)]
)
def test_fractions_of_a_lot_are_paid_for(lots: str, minor: int) -> None:
    assert minors(judge(deal(lots), line(terms("10"))).earned) == [(1, minor)]


@given(
    lots=st.decimals("0.01", "500", places=2),
    rates=st.lists(st.decimals("0", "100", places=4), min_size=1, max_size=10),
)
def test_an_override_never_pays_more_than_the_highest_rate(
    lots: Decimal, rates: list[Decimal]
) -> None:
    verdict = judge(deal(str(lots)), line(*(terms(str(rate)) for rate in rates)))
    whole = int(max(rates) * lots * 100)
    assert sum(one.minor for one in verdict.earned) == whole
    assert all(one.minor > 0 for one in verdict.earned)
    runs = [max(rates[:at]) for at in range(1, len(rates))]
    assert len(verdict.inverted) == sum(a < b for a, b in zip(rates[1:], runs, strict=True))


@given(
    total=st.integers(0, 10**12),
    cuts=st.lists(st.integers(1, 9_999), max_size=9, unique=True),
    tiers=st.integers(1, 10),
)
@example(total=1_644, cuts=[6_000, 8_500], tiers=3)
def test_the_tiers_sum_to_the_pool(total: int, cuts: list[int], tiers: int) -> None:
    ends = [0, *sorted(cuts), 10_000]
    shares = [Decimal(b - a) / 100 for a, b in pairwise(ends)]
    parts = split(total, shares)
    assert sum(parts) == total
    exact = [total * share / 100 for share in shares]
    assert all(0 <= part - int(due) < len(parts) for part, due in zip(parts, exact, strict=True))
    largest = shares.index(max(shares))
    assert all(
        part == int(due) for at, (part, due) in enumerate(zip(parts, exact, strict=True))
        if at != largest
    )  # fmt: skip
    present = split(total, shares[:tiers])
    assert sum(present) == int(total * sum(shares[:tiers]) / 100)


def test_nobody_shares_nothing() -> None:
    assert split(100, []) == []


def test_a_symbol_beats_its_group_and_a_group_beats_the_rest() -> None:
    rates = (
        Rate(Decimal(7), symbol="XAUUSD"),
        Rate(Decimal(5), group="METALS"),
        Rate(Decimal(3), group="REST"),
    )
    component = Component("REBATE", ComponentKind.REBATE_PER_LOT, rates)
    groups = (SymbolGroup("REST", ("*",)), SymbolGroup("METALS", ("XAUUSD", "XAGUSD")))
    plan = Terms("USD", Convention.OVERRIDE, (component,), groups)
    found = {one: rate_of(plan, component, one) for one in ("XAUUSD", "XAGUSD", "EURUSD")}
    assert {one: (str(it.per_lot), it.by) for one, it in found.items() if it} == {
        "XAUUSD": ("7", "symbol XAUUSD"),
        "XAGUSD": ("5", "group METALS"),
        "EURUSD": ("3", "group REST"),
    }
    only = Terms("USD", Convention.OVERRIDE, (component,), groups[1:])
    assert rate_of(only, component, "EURUSD") is None
    assert judge(deal(symbol="EURUSD"), line(only)).judgement is Judgement.NO_RATE


def test_a_child_above_its_parent_is_paid_and_raises_an_alarm() -> None:
    verdict = judge(deal("1"), line(terms("5"), terms("4"), terms("6")))
    assert minors(verdict.earned) == [(1, 500), (3, 100)]
    assert verdict.inverted == (UUID(int=2),)


def test_plans_of_another_kind_currency_or_component_override_nothing() -> None:
    other = terms("9")
    euros = Terms("EUR", other.convention, other.components, other.groups)
    named = Component("EXTRA", ComponentKind.REBATE_PER_LOT, other.components[0].rates)
    extra = Terms("USD", Convention.OVERRIDE, (named,), other.groups)
    for above in (None, terms("9", "100"), euros, extra):
        assert minors(judge(deal(), line(terms("5"), above)).earned) == [(1, 500)]


def test_an_ib_without_plan_leaves_all_to_those_above() -> None:
    assert minors(judge(deal(), line(None, terms("8"))).earned) == [(2, 800)]
    assert judge(deal(), line(None, None)).judgement is Judgement.NO_PLAN
    assert judge(deal(), []).judgement is Judgement.NO_PLAN


def test_caps_hold_for_the_whole_line() -> None:
    low, high = terms("5", max_lots=Decimal(2)), terms("8", max_lots=Decimal(50))
    assert minors(judge(deal("10"), line(low, high)).earned) == [(1, 1_000), (2, 600)]
    capped = terms("5", max_minor=1_200)
    assert minors(judge(deal("2"), line(capped, terms("8"))).earned) == [(1, 1_000), (2, 200)]
    pooled = terms("12", "75", "25", max_minor=1_000)
    assert minors(judge(deal("5"), line(pooled, None)).earned) == [(1, 750), (2, 250)]


def test_less_than_a_cent_is_nothing() -> None:
    for plan in (terms("0.1"), terms("0.1", "100"), terms("0")):
        verdict = judge(deal("0.01"), line(plan))
        assert (verdict.judgement, verdict.earned) == (Judgement.TOO_SMALL, ())


@pytest.mark.parametrize(
    ("gates", "changes", "judgement"),
    [
        (Gates(min_seconds=180), {"seconds": 179}, Judgement.TOO_SHORT),
        (Gates(min_seconds=180), {"seconds": 180}, Judgement.ACCRUED),
        (Gates(min_pips=Decimal(3)), {"pips": "2.9"}, Judgement.TOO_FEW_PIPS),
        (Gates(min_pips=Decimal(3)), {"pips": "-3"}, Judgement.ACCRUED),
        (Gates(min_seconds=1), {"opening": None}, Judgement.OPENING_UNKNOWN),
        (Gates(min_pips=Decimal(1)), {"pip": None}, Judgement.OPENING_UNKNOWN),
        (Gates(), {"opening": None, "pip": None}, Judgement.ACCRUED),
        (Gates(close_by=CloseBy.NEVER), {"entry": DealEntry.OUT_BY}, Judgement.CLOSED_BY),
        (Gates(close_by=CloseBy.NEVER), {}, Judgement.ACCRUED),
        (Gates(pays_hedged=False), {"is_hedged": True}, Judgement.HEDGED),
        (Gates(), {"is_hedged": True}, Judgement.ACCRUED),
        (Gates(), {"owners": frozenset({UUID(int=1)})}, Judgement.OWN_ACCOUNT),
        (
            Gates(pays_own_accounts=True),
            {"owners": frozenset({UUID(int=1)})},
            Judgement.ACCRUED,
        ),
    ],
    ids=lambda value: value.value if isinstance(value, Judgement) else "",
)
def test_gates(gates: Gates, changes: dict[str, object], judgement: Judgement) -> None:
    for plan in (terms("10", gates=gates), terms("10", "100", gates=gates)):
        verdict = judge(deal(**changes), line(plan))  # type: ignore[arg-type] # any keyword
        assert verdict.judgement is judgement
        assert bool(verdict.earned) is (judgement is Judgement.ACCRUED)


def test_two_deals_that_close_each_other_count_as_one() -> None:
    one = judge(deal("1.5", entry=DealEntry.OUT_BY), line(terms("10")))
    assert minors(one.earned) == [(1, 750)]


def test_the_symbol_of_a_pool_may_have_no_rate() -> None:
    pool = terms("10", "100")
    none = Terms(pool.currency, pool.convention, pool.components, ())
    assert judge(deal(), line(none)).judgement is Judgement.NO_RATE


def test_money_is_converted_down_and_pips_follow_the_decimals() -> None:
    assert convert(1_175, "USD", rate=Decimal("0.92"), to="EUR") == 1_081
    assert convert(1_175, "USD", rate=Decimal("151.379"), to="JPY") == 1_778
    pips = [str(pip_of(digits)) for digits in (5, 4, 3, 2, 1)]
    assert pips == ["0.0001", "0.0001", "0.01", "0.01", "0.1"]
