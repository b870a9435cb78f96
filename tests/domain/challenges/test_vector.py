"""The arrays say what the rules say, for every phase, at every step."""

import random
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.accounts.trading import AccountState
from domain.accounts.values import StateSource
from domain.challenges.rules import begin, evaluate
from domain.challenges.samples import sample_of
from domain.challenges.values import (
    DailyLoss,
    EquitySampled,
    MaxLoss,
    MaxLossKind,
    RuleSet,
    Severity,
    Standing,
)
from domain.challenges.vector import Book, Figures
from tests.domain.challenges.phases import START, histories, rule_sets
from tests.domain.challenges.steps import NOON, percent

RULES = [
    RuleSet(
        zone=zone,
        max_loss=MaxLoss(kind, percent("10"), lock),
        daily_loss=DailyLoss(percent("3"), severity=severity),
        profit_target=percent("10"),
        max_days=6,
        breach_at_floor=severity is Severity.HARD,
    )
    for zone in ("Europe/Prague", "NY_CLOSE")
    for kind in MaxLossKind
    for lock in (None, *([percent("0")] if kind is not MaxLossKind.STATIC else []))
    for severity in Severity
]


@settings(max_examples=60, deadline=None)
@given(
    phases=st.lists(st.tuples(rule_sets, histories(size=15)), min_size=1, max_size=8),
)
def test_the_book_equals_the_oracle(phases):
    """Step by step: figures of all phases in one call, whatever else one by one."""
    oracle = [begin(rules, start_minor=START, at=NOON) for rules, _ in phases]
    book = Book((rules, state) for (rules, _), state in zip(phases, oracle, strict=True))
    for step in range(max(len(events) for _, events in phases)):
        told = {row: events[step] for row, (_, events) in enumerate(phases) if step < len(events)}
        expected, found = {}, {}
        for row, event in told.items():
            oracle[row], verdicts = evaluate(phases[row][0], oracle[row], event)
            if verdicts:
                expected[row] = verdicts
            if not isinstance(event, EquitySampled) and (verdicts := book.apply(row, event)):
                found[row] = verdicts
        samples = [(row, one) for row, one in told.items() if isinstance(one, EquitySampled)]
        found.update(book.observe(Figures.of(samples)))
        assert found == expected
        assert [book.state(row) for row in range(len(book))] == oracle


def test_the_book_equals_the_oracle_over_weeks():
    """600 accounts of every kind of rule on a random walk that ends them all."""
    chance, step = random.Random(4), timedelta(minutes=37)
    rules = [RULES[row % len(RULES)] for row in range(600)]
    oracle = [begin(one, start_minor=START, at=NOON) for one in rules]
    book = Book(zip(rules, oracle, strict=True))
    balances, at, verdicts = [START] * 600, NOON, 0
    for _ in range(300):
        at += step
        samples = []
        for row in chance.sample(range(600), 400):
            balances[row] += chance.choice((-350, 0, 0, 0, 370))
            floating = chance.choice((0, 0, -900, 850))
            samples.append((row, EquitySampled(at, balances[row], balances[row] + floating)))
        expected = []
        for row, sample in sorted(samples):
            oracle[row], found = evaluate(rules[row], oracle[row], sample)
            expected += [(row, found)] if found else []
        assert sorted(book.observe(Figures.of(samples)), key=lambda one: one[0]) == expected
        verdicts += len(expected)
    assert [book.state(row) for row in range(600)] == oracle
    assert verdicts > 600
    ended = {Standing.PASSED, Standing.BREACHED, Standing.EXPIRED}
    assert {state.standing for state in oracle} == ended


def test_only_the_row_that_breaks_a_floor_is_told():
    """Not the whole batch: a thousand accounts, one of them one minor unit too low."""
    rules = RuleSet(max_loss=MaxLoss(MaxLossKind.STATIC, percent("10")))
    book = Book((rules, begin(rules, start_minor=START, at=NOON)) for _ in range(1_000))
    at = NOON + timedelta(seconds=1)
    samples = [(row, EquitySampled(at, START, 90_000 - (row == 617))) for row in range(1_000)]
    ((row, (broken,)),) = book.observe(Figures.of(samples))
    assert (row, broken.equity_minor, broken.floor_minor) == (617, 89_999, 90_000)
    assert sum(book.state(row).is_over for row in range(len(book))) == 1


def test_two_figures_of_one_phase_in_one_call_are_refused():
    rules = RuleSet()
    book = Book([(rules, begin(rules, start_minor=START, at=NOON))])
    sample = EquitySampled(NOON, START, START)
    with pytest.raises(ValueError, match="two calls"):
        book.observe(Figures.of([(0, sample), (0, sample)]))


def test_no_figures_decide_nothing():
    assert Book().observe(Figures.of([])) == []
    assert Figures.of([]).rows.dtype == np.intp


def test_amounts_beyond_64_bits_are_refused_not_wrapped():
    rules = RuleSet()
    with pytest.raises(OverflowError):
        Book([(rules, begin(rules, start_minor=10**20, at=NOON))])
    with pytest.raises(OverflowError):
        Figures.of([(0, EquitySampled(NOON, 10**20, 10**20))])


@pytest.mark.parametrize(
    ("currency", "balance", "equity", "minor"),
    [
        ("USD", "100000.00", "99500.25", (100_000_00, 99_400_25)),
        ("JPY", "1000000", "999999", (1_000_000, 999_899)),
        ("KWD", "10.000", "110.0005", (10_000, 10_000)),
    ],
)
def test_figures_of_a_state_are_minor_units_without_credit(currency, balance, equity, minor):
    state = AccountState(
        login=1,
        balance=Decimal(balance),
        credit=Decimal(100),
        equity=Decimal(equity),
        margin=Decimal(0),
        free_margin=Decimal(0),
        floating=Decimal(0),
        margin_level_percent=None,
        currency=currency,
        digits=2,
        as_of=NOON,
        source=StateSource.STREAM,
    )
    sample = sample_of(state)
    assert sample == EquitySampled(NOON, *minor, StateSource.STREAM)
    columns, same = Figures.of_states([(3, state)]), Figures.of([(3, sample)])
    for name in ("rows", "at", "balance", "equity", "source"):
        assert getattr(columns, name).tolist() == getattr(same, name).tolist()
