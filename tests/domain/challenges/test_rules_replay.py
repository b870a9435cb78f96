"""What is recorded of a phase: little, and enough to decide it again."""

from datetime import timedelta
from decimal import Decimal

from domain.accounts.values import DealEntry
from domain.challenges.rules import begin, evaluate, replay, to_keep
from domain.challenges.values import (
    CashMoved,
    DailyLoss,
    DayBegan,
    Dealt,
    FloorBroken,
    MaxLoss,
    MaxLossKind,
    RuleSet,
    TimePassed,
)
from tests.domain.challenges.steps import NOON, amount, figures, percent

RULES = RuleSet(daily_loss=DailyLoss(percent("5")))
SECOND = timedelta(seconds=1)


def live(rules, events):
    """Events as they arrive: the verdicts, and what was recorded of each."""
    state = begin(rules, start_minor=100_000_00, at=NOON)
    verdicts, kept = [], []
    for event in events:
        after, found = evaluate(rules, state, event)
        kept.append(to_keep(state, event, after, found))
        verdicts.extend(found)
        state = after
    return verdicts, kept


def test_a_breach_after_a_thousand_quiet_ticks_is_replayed_from_two():
    quiet = [figures(100_000, 99_000 + n, at=NOON + n * SECOND) for n in range(1_000)]
    breach = figures(100_000, 94_999, at=NOON + 1_000 * SECOND)
    verdicts, kept = live(RULES, [*quiet, breach])
    assert [one for one in kept if one] == [(quiet[-1], breach)]
    _, again = replay(RULES, begin(RULES, start_minor=100_000_00, at=NOON), kept[-1])
    assert list(again) == verdicts
    assert isinstance(again[0], FloorBroken)


def test_a_reset_is_recorded_with_the_figures_it_was_made_from():
    last, look = figures(104_000, 103_000, at=NOON + SECOND), TimePassed(NOON + timedelta(days=1))
    verdicts, kept = live(RULES, [last, look])
    assert kept == [(), (last, look)]
    state, again = replay(RULES, begin(RULES, start_minor=100_000_00, at=NOON), kept[1])
    assert list(again) == verdicts
    assert isinstance(again[0], DayBegan)
    assert state.floor_daily_minor == 99_000_00


def test_deals_and_cash_are_always_recorded_and_repetitions_never():
    deal = Dealt(1, NOON, DealEntry.IN, "p", Decimal(1), 100_000_00)
    cash = CashMoved(2, NOON, -1_00, 99_999_00)
    _, kept = live(RULES, [deal, deal, cash, cash, figures(99_999, at=NOON - SECOND)])
    assert [one[-1:] for one in kept] == [(deal,), (), (cash,), (), ()]


def test_a_peak_is_recorded_when_a_floor_follows_it():
    rules = RuleSet(max_loss=MaxLoss(MaxLossKind.TRAIL_INTRADAY_EQUITY, amount(2_000)))
    peak, less = figures(100_500, at=NOON + SECOND), figures(100_400, at=NOON + 2 * SECOND)
    _, kept = live(rules, [peak, less])
    assert [one[-1:] for one in kept] == [(peak,), ()]


def test_nothing_is_recorded_of_a_phase_that_is_over():
    _, kept = live(RULES, [figures(90_000), figures(80_000, at=NOON + SECOND)])
    assert kept[1] == ()
