"""What a phase is judged by: worked tables of daily and maximum loss, resets, targets, cash."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import pytest

from domain.accounts.values import DealEntry
from domain.challenges.rules import begin, decide_rules, evaluate, is_stale
from domain.challenges.values import (
    CashEffect,
    CashMoved,
    DailyAnchor,
    DailyBase,
    DailyLoss,
    DayBegan,
    DayCount,
    FloorBroken,
    MaxLoss,
    MaxLossKind,
    MinDays,
    PhaseExpired,
    PhasePassed,
    RuleKind,
    RuleSet,
    Severity,
    Share,
    Standing,
    TimePassed,
)
from domain.kernel.errors import Invalid
from tests.domain.challenges.steps import DAY, NOON, Account, amount, figures, percent

START = 100_000_00

STATIC = MaxLoss(MaxLossKind.STATIC, percent("10"))
FIVE = DailyLoss(percent("5"))


def trailing(kind, share, lock=None):
    return RuleSet(max_loss=MaxLoss(kind, share, lock))


@pytest.mark.parametrize(
    ("balance", "equity", "base", "anchor", "floor"),
    [
        (103_000, 105_000, DailyBase.INITIAL, DailyAnchor.BALANCE, 98_000),
        (103_000, 101_000, DailyBase.INITIAL, DailyAnchor.BALANCE, 98_000),
        (98_000, 99_500, DailyBase.INITIAL, DailyAnchor.BALANCE, 93_000),
        (103_000, 105_000, DailyBase.INITIAL, DailyAnchor.HIGHER, 100_000),
        (103_000, 101_000, DailyBase.INITIAL, DailyAnchor.HIGHER, 98_000),
        (98_000, 99_500, DailyBase.INITIAL, DailyAnchor.HIGHER, 94_500),
        (103_000, 105_000, DailyBase.ANCHOR, DailyAnchor.HIGHER, 99_750),
        (103_000, 101_000, DailyBase.ANCHOR, DailyAnchor.HIGHER, 97_850),
        (98_000, 99_500, DailyBase.ANCHOR, DailyAnchor.HIGHER, 94_525),
        (103_000, 105_000, DailyBase.INITIAL, DailyAnchor.EQUITY, 100_000),
        (103_000, 101_000, DailyBase.INITIAL, DailyAnchor.EQUITY, 96_000),
    ],
    ids=lambda value: str(value),
)
def test_daily_floors_by_base_and_anchor(balance, equity, base, anchor, floor):
    account = Account(RuleSet(daily_loss=DailyLoss(percent("5"), base, anchor)))
    account.see(balance, equity)
    (began,) = account.next_day()
    assert isinstance(began, DayBegan)
    assert (began.floor_daily_minor, began.floor_total_minor) == (floor * 100, None)
    assert account.see(floor, floor) == ()
    (broken,) = account.see(floor, floor - 1)
    assert (broken.rule, broken.floor_minor) == (RuleKind.DAILY_LOSS, floor * 100)


@pytest.mark.parametrize(
    ("rules", "start", "closes", "floors"),
    [
        (RuleSet(max_loss=STATIC), 100_000, (104_000, 97_000), (90_000, 90_000)),
        (
            trailing(MaxLossKind.TRAIL_EOD_BALANCE, amount(2_000), amount(0)),
            50_000,
            (50_500, 51_200, 50_900, 52_000, 53_500, 51_900),
            (48_500, 49_200, 49_200, 50_000, 50_000, 50_000),
        ),
        (
            trailing(MaxLossKind.TRAIL_EOD_BALANCE, percent("10")),
            100_000,
            (104_000, 103_000, 125_000),
            (94_000, 94_000, 115_000),
        ),
        (
            trailing(MaxLossKind.TRAIL_EOD_BALANCE, percent("6"), percent("0")),
            100_000,
            (103_000, 106_000, 112_000),
            (97_000, 100_000, 100_000),
        ),
    ],
    ids=["static", "locked at the start", "never locked", "six percent"],
)
def test_maximum_loss_at_the_end_of_days(rules, start, closes, floors):
    account = Account(rules, start)
    for close, floor in zip(closes, floors, strict=True):
        (began,) = account.close_day(close)
        assert began.floor_total_minor == floor * 100


@pytest.mark.parametrize(
    ("kind", "lock", "last"),
    [
        (MaxLossKind.TRAIL_INTRADAY_EQUITY, None, 50_600),
        (MaxLossKind.TRAIL_INTRADAY_EQUITY, amount(100), 50_100),
        (MaxLossKind.TRAIL_INTRADAY_BALANCE, None, 50_600),
    ],
    ids=["equity", "equity locked at start + 100", "balance"],
)
def test_maximum_loss_within_the_day(kind, lock, last):
    account = Account(trailing(kind, amount(2_000), lock), 50_000)
    seen = zip((50_400, 51_800, 50_900, 52_600), (48_400, 49_800, 49_800, last), strict=True)
    for peak, floor in seen:
        account.see(peak)
        assert account.state.floor_total_minor == floor * 100


def test_a_balance_that_a_deal_lifts_lifts_the_floor():
    account = Account(trailing(MaxLossKind.TRAIL_INTRADAY_BALANCE, amount(2_000)), 50_000)
    account.see(50_000, 50_700)
    account.deal(DealEntry.OUT, balance=50_700)
    assert account.state.floor_total_minor == 48_700 * 100


@pytest.mark.parametrize(("at_floor", "standing"), [(False, "ACTIVE"), (True, "BREACHED")])
def test_equity_equal_to_the_floor_is_by_the_program(at_floor, standing):
    account = Account(RuleSet(max_loss=STATIC, breach_at_floor=at_floor))
    account.see(100_000, 90_000)
    assert account.state.standing == standing


def test_one_minor_unit_under_the_floor_is_a_breach_with_its_evidence():
    account = Account(RuleSet(max_loss=STATIC, daily_loss=FIVE))
    event = replace(figures(100_000, at=NOON + DAY / 24), equity_minor=94_999_99)
    state, (broken,) = evaluate(account.rules, account.state, event)
    assert broken == FloorBroken(
        at=event.at,
        rule=RuleKind.DAILY_LOSS,
        severity=Severity.HARD,
        floor_minor=95_000_00,
        balance_minor=100_000_00,
        equity_minor=94_999_99,
        seen_at=event.at,
        source=event.source,
        anchor_minor=100_000_00,
        peak_minor=100_000_00,
        day=NOON.date(),
        zone="Europe/Prague",
    )
    assert state.standing is Standing.BREACHED


@pytest.mark.parametrize(
    ("daily", "rule"),
    [("5", RuleKind.DAILY_LOSS), ("15", RuleKind.MAX_LOSS), ("10", RuleKind.MAX_LOSS)],
)
def test_of_two_broken_floors_the_higher_is_named(daily, rule):
    account = Account(RuleSet(max_loss=STATIC, daily_loss=DailyLoss(percent(daily))))
    (broken,) = account.see(100_000, 50_000)
    assert broken.rule is rule


def test_nothing_changes_what_is_over():
    account = Account(RuleSet(max_loss=STATIC))
    account.see(80_000)
    over = account.state
    assert account.see(200_000) == ()
    assert account.next_day() == ()
    assert account.cash(50_000) == ()
    assert account.state == over


def test_a_profit_held_over_night_can_breach_at_midnight():
    """Equity 96,500 with balance 104,000 holds today's floor of 95,000, not tomorrow's 99,000."""
    account = Account(RuleSet(daily_loss=FIVE))
    assert account.see(104_000, 96_500) == ()
    seen_at = account.at
    began, broken = account.next_day()
    assert began.floor_daily_minor == 99_000 * 100
    assert (broken.at, broken.seen_at) == (began.at, seen_at)
    assert began.at == datetime(2026, 6, 1, 22, tzinfo=UTC)


def test_a_soft_floor_pauses_until_the_reset():
    account = Account(RuleSet(max_loss=STATIC, daily_loss=replace(FIVE, severity=Severity.SOFT)))
    (broken,) = account.see(96_000, 94_000)
    assert (broken.severity, account.state.standing) == (Severity.SOFT, Standing.PAUSED)
    assert account.see(96_000, 93_000) == ()
    account.see(94_000)
    account.next_day()
    assert account.state.standing is Standing.ACTIVE
    assert account.state.floor_daily_minor == 89_000 * 100
    (again,) = account.see(94_000, 88_000)
    assert (again.rule, again.severity) == (RuleKind.MAX_LOSS, Severity.HARD)


def test_a_paused_phase_still_breaks_its_maximum_loss_and_passes_nothing():
    daily = replace(FIVE, severity=Severity.SOFT)
    rules = RuleSet(max_loss=STATIC, daily_loss=daily, profit_target=percent("1"))
    account = Account(rules)
    account.see(100_000, 94_000)
    assert account.see(120_000) == ()
    (broken,) = account.see(100_000, 89_000)
    assert broken.rule is RuleKind.MAX_LOSS


def test_resets_that_nobody_looked_at_happen_at_their_own_instants():
    account = Account(RuleSet(daily_loss=FIVE))
    account.see(102_000)
    account.at += 3 * DAY
    began = account.see(103_000)
    assert [one.at for one in began] == [
        datetime(2026, 6, day, 22, tzinfo=UTC) for day in (1, 2, 3)
    ]
    assert {one.anchor_minor for one in began} == {102_000 * 100}
    assert account.state.day_balance_minor == 102_000 * 100


def test_stale_figures_and_repeated_deals_change_nothing():
    account = Account(RuleSet(max_loss=STATIC, min_days=MinDays(1)))
    account.see(100_000)
    account.deal(DealEntry.IN)
    before = account.state
    state, found = evaluate(account.rules, before, figures(10_000, at=NOON))
    assert (state, found) == (before, ())
    account.sequence -= 1
    assert account.deal(DealEntry.IN) == ()
    assert account.state == before
    assert not is_stale(before, TimePassed(NOON))


def test_a_deal_older_than_the_figures_does_not_bring_back_its_balance():
    account = Account(RuleSet(min_days=MinDays(1)))
    account.see(101_000)
    account.at = NOON
    account.deal(DealEntry.OUT, balance=99_000)
    assert account.state.balance_minor == 101_000 * 100


def test_the_target_is_passed_when_days_are_there_and_nothing_is_open():
    rules = RuleSet(profit_target=percent("10"), min_days=MinDays(2))
    account = Account(rules)
    account.deal(DealEntry.IN)
    assert account.see(100_000, 111_000) == ()  # floating is not closed
    account.deal(DealEntry.OUT, balance=111_000)
    assert account.see(111_000) == ()  # one day is not two
    account.next_day()
    assert account.deal(DealEntry.IN) == ()
    assert account.see(111_000) == ()  # open, though at no profit
    account.deal(DealEntry.OUT, balance=111_000)
    passed = account.verdicts[-1]
    assert isinstance(passed, PhasePassed)
    assert (passed.target_minor, len(passed.days)) == (110_000_00, 2)
    assert account.state.standing is Standing.PASSED


def test_figures_that_show_something_open_do_not_pass_before_its_deal_is_told():
    account = Account(RuleSet(profit_target=percent("10")))
    assert account.see(110_000, 110_001) == ()
    assert account.see(109_999) == ()
    (passed,) = account.see(110_000)
    assert isinstance(passed, PhasePassed)


@pytest.mark.parametrize(
    ("kind", "entries", "count"),
    [
        (DayCount.OPENED_TRADE, (DealEntry.IN,), 1),
        (DayCount.OPENED_TRADE, (DealEntry.INOUT, DealEntry.IN), 1),
        (DayCount.OPENED_TRADE, (DealEntry.OUT, DealEntry.OUT_BY), 0),
        (DayCount.ANY_TRADE, (DealEntry.OUT,), 1),
        (DayCount.PROFIT, (DealEntry.IN, DealEntry.OUT), 0),
    ],
    ids=["opened", "turned", "closed only", "any", "no profit"],
)
def test_which_days_count(kind, entries, count):
    share = Decimal("0.5") if kind is DayCount.PROFIT else None
    account = Account(RuleSet(min_days=MinDays(3, kind, share)))
    for entry in entries:
        account.deal(entry)
    account.next_day()
    assert len(account.state.days) == count


def test_days_of_profit_count_when_they_end_with_it():
    """0.5 % of 100,000: 500 counts, 499 does not, and what was lost again does not."""
    account = Account(RuleSet(min_days=MinDays(3, DayCount.PROFIT, Decimal("0.5"))))
    account.close_day(100_500)
    account.close_day(100_999)
    account.see(109_000)
    account.close_day(101_000)
    assert account.state.days == (NOON.date(),)


def test_open_lots_follow_the_deals():
    account = Account(RuleSet())
    account.deal(DealEntry.IN, "1.5", position="a")
    account.deal(DealEntry.IN, "0.5", position="a")
    account.deal(DealEntry.IN, "1", position="b")
    assert account.state.open_lots == (("a", Decimal("2.0")), ("b", Decimal(1)))
    account.deal(DealEntry.OUT, "0.4", position="a")
    account.deal(DealEntry.INOUT, "3", position="b")
    assert account.state.open_lots == (("a", Decimal("1.6")), ("b", Decimal(2)))
    account.deal(DealEntry.OUT_BY, "1.6", position="a")
    account.deal(DealEntry.OUT, "2", position="b")
    assert account.state.open_lots == ()


@pytest.mark.parametrize(("share", "total"), [("50", 3_200), ("40", 4_000)])
def test_consistency_moves_the_target(share, total):
    """400, 1,600, −300, 700, 600: the best day is 53.3 % of 3,000."""
    rules = RuleSet(profit_target=amount(1_000), max_day_share=Decimal(share))
    account, balance = Account(rules), 100_000
    for gained in (400, 1_600, -300, 700, 600):
        balance += gained
        account.close_day(balance)
    assert account.state.standing is Standing.ACTIVE
    assert account.see(100_000 + total - 1) == ()
    (passed,) = account.see(100_000 + total)
    assert passed.best_day_minor == 1_600_00


def test_the_time_limit_ends_with_the_last_day():
    account = Account(RuleSet(max_days=30, profit_target=percent("8")))
    assert account.state.ends_at == datetime(2026, 7, 1, 22, tzinfo=UTC)
    for _ in range(30):
        (began,) = account.next_day()
        assert isinstance(began, DayBegan)
    account.see(107_999)
    (expired,) = account.next_day()
    assert expired == PhaseExpired(account.state.next_reset_at, 107_999_00, 108_000_00)
    assert account.state.standing is Standing.EXPIRED


def test_a_day_that_ends_well_at_the_last_moment_passes():
    days = MinDays(1, DayCount.PROFIT, Decimal(1))
    account = Account(RuleSet(max_days=1, profit_target=percent("8"), min_days=days))
    account.next_day()
    assert account.see(108_000) == ()
    (passed,) = account.next_day()
    assert isinstance(passed, PhasePassed)


@pytest.mark.parametrize(
    ("effect", "peak", "daily", "total"),
    [
        (CashEffect.SHIFT, 96_000, 91_000, 86_000),
        (CashEffect.NONE, 104_000, 99_000, 94_000),
        (CashEffect.RESET, 100_000, 89_000, 90_000),
    ],
    ids=lambda value: str(value),
)
def test_money_taken_out_is_no_loss(effect, peak, daily, total):
    """Day begins at 104,000 (the highest), stands at 102,000, and 8,000 is taken out."""
    rules = RuleSet(
        max_loss=MaxLoss(MaxLossKind.TRAIL_EOD_BALANCE, percent("10")),
        daily_loss=FIVE,
        profit_target=percent("10"),
        cash=effect,
    )
    account = Account(rules)
    account.close_day(104_000)
    account.see(102_000)
    account.cash(-8_000)
    state = account.state
    assert (state.balance_minor, state.equity_minor) == (94_000_00, 94_000_00)
    assert (state.peak_minor, state.floor_daily_minor) == (peak * 100, daily * 100)
    assert state.floor_total_minor == total * 100
    assert state.day_balance_minor == 96_000_00
    broken = effect is CashEffect.NONE
    assert (state.standing is Standing.BREACHED) == broken


def test_money_put_in_is_no_profit():
    account = Account(RuleSet(profit_target=percent("10"), max_loss=STATIC))
    assert account.cash(50_000) == ()
    assert account.see(159_999) == ()
    assert account.state.floor_total_minor == 90_000_00
    (passed,) = account.see(160_000)
    assert passed.target_minor == 160_000_00


def test_a_lock_moves_with_the_money():
    rules = trailing(MaxLossKind.TRAIL_EOD_BALANCE, amount(2_000), amount(0))
    account = Account(rules, 50_000)
    account.close_day(53_000)
    account.cash(-1_000)
    assert account.state.floor_total_minor == 49_000_00
    account.close_day(53_000)
    assert account.state.floor_total_minor == 49_000_00


def test_money_that_figures_hold_already_is_not_counted_twice():
    account = Account(RuleSet())
    account.see(101_000)
    event = CashMoved(1, account.at + timedelta(seconds=1), 1_000_00, 101_000_00)
    state, _ = evaluate(account.rules, account.state, event)
    assert (state.balance_minor, state.equity_minor) == (101_000_00, 101_000_00)
    assert state.cash_minor == 1_000_00


def test_a_loss_is_rounded_in_favour_of_the_trader():
    rules = RuleSet(max_loss=STATIC, profit_target=percent("10"))
    state = begin(rules, start_minor=100_005, at=NOON)
    assert state.floor_total_minor == 90_004  # 90,004.5
    state, (passed,) = evaluate(
        rules, state, replace(figures(0), balance_minor=110_005, equity_minor=110_005)
    )
    assert passed.target_minor == 110_005  # 110,005.5


GOOD = RuleSet(
    reset_time=time(0, 30),
    max_loss=MaxLoss(MaxLossKind.TRAIL_EOD_BALANCE, percent("10"), amount(0)),
    daily_loss=FIVE,
    profit_target=percent("8"),
    min_days=MinDays(3, DayCount.PROFIT, Decimal("0.5")),
    max_days=30,
    max_day_share=Decimal(40),
)


@pytest.mark.parametrize("rules", [GOOD, RuleSet()], ids=["full", "empty"])
def test_rules_that_make_sense_are_taken(rules):
    assert refused(rules) is None
    state = begin(rules, start_minor=START, at=NOON)
    assert evaluate(rules, state, TimePassed(NOON))[1] == (), "nobody breaks them by beginning"


def refused(rules):
    """The refusal of a rule set; None when it is taken."""
    try:
        decide_rules(rules, start_minor=START)
    except Invalid as refusal:
        return refusal
    return None


@pytest.mark.parametrize(
    "change",
    [
        {"zone": "Mars/Base"},
        {"reset_time": time(0, 0, 30)},
        {"reset_time": time(0, tzinfo=UTC)},
        {"profit_target": Share()},
        {"profit_target": Share(Decimal(1), 1)},
        {"profit_target": percent("0")},
        {"max_loss": MaxLoss(MaxLossKind.STATIC, percent("101"))},
        {"max_loss": MaxLoss(MaxLossKind.STATIC, percent("5"), amount(0))},
        {"max_loss": MaxLoss(MaxLossKind.TRAIL_EOD_BALANCE, percent("5"), amount(-1))},
        {"daily_loss": DailyLoss(amount(-5))},
        {"min_days": MinDays(0)},
        {"min_days": MinDays(1, DayCount.PROFIT)},
        {"min_days": MinDays(1, DayCount.ANY_TRADE, Decimal(1))},
        {"min_days": MinDays(1, DayCount.PROFIT, Decimal(-1))},
        {"max_days": 0},
        {"max_days": 3_661},
        {"min_days": MinDays(3_661)},
        {"min_days": MinDays(31), "max_days": 30},
        {"min_days": MinDays(1, DayCount.PROFIT, Decimal(101))},
        {"profit_target": percent("1000.01")},
        {"profit_target": amount(START * 10 + 1)},
        {"max_loss": MaxLoss(MaxLossKind.STATIC, amount(START + 1))},
        {"daily_loss": DailyLoss(amount(START + 1))},
        {"max_day_share": Decimal(0)},
        {"max_day_share": Decimal(101)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_rules_that_make_no_sense_are_refused(change):
    with pytest.raises(Invalid) as refusal:
        decide_rules(replace(GOOD, **change), start_minor=START)
    assert refusal.value.code == "INVALID"
