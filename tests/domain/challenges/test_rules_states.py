"""Limit, present figure, distance, next reset; and the distance after a move."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from domain.accounts.values import DealEntry, Side
from domain.challenges.rule_states import moved_minor, rule_states, what_if
from domain.challenges.values import (
    DailyLoss,
    DayCount,
    Exposure,
    MaxLoss,
    MaxLossKind,
    MinDays,
    RuleKind,
    RuleSet,
    RuleStatus,
    Severity,
    Standing,
)
from tests.domain.challenges.steps import NOON, Account, amount, percent

FULL = RuleSet(
    profit_target=percent("10"),
    max_loss=MaxLoss(MaxLossKind.TRAIL_EOD_BALANCE, percent("10")),
    daily_loss=DailyLoss(percent("5")),
    min_days=MinDays(4),
    max_days=30,
    max_day_share=Decimal(50),
)


def by_rule(account):
    return {one.rule: one for one in rule_states(account.rules, account.state)}


def test_each_rule_of_the_set_has_one_state_in_order():
    account = Account(FULL)
    assert list(by_rule(account)) == list(RuleKind)
    assert rule_states(RuleSet(), Account(RuleSet()).state) == ()


def test_floors_tell_limit_current_distance_and_the_next_limit():
    account = Account(FULL)
    account.see(104_000, 96_500)
    daily, total = (by_rule(account)[one] for one in (RuleKind.DAILY_LOSS, RuleKind.MAX_LOSS))
    assert (daily.limit_minor, daily.current_minor) == (95_000_00, 96_500_00)
    assert (daily.distance_minor, daily.after_reset_minor) == (1_500_00, 99_000_00)
    assert (total.limit_minor, total.after_reset_minor) == (90_000_00, 94_000_00)
    assert (daily.status, total.status) == (RuleStatus.KEPT, RuleStatus.KEPT)


def test_a_floor_that_no_reset_moves_stays():
    account = Account(RuleSet(max_loss=MaxLoss(MaxLossKind.STATIC, percent("10"))))
    account.see(120_000)
    assert by_rule(account)[RuleKind.MAX_LOSS].after_reset_minor == 90_000_00


@pytest.mark.parametrize(
    ("zone", "reset_utc", "local"),
    [
        ("Europe/Prague", (2026, 6, 1, 22), "2026-06-02T00:00:00+02:00"),
        ("NY_CLOSE", (2026, 6, 1, 21), "2026-06-02T00:00:00+03:00"),
        ("America/Chicago", (2026, 6, 2, 5), "2026-06-02T00:00:00-05:00"),
    ],
)
def test_the_next_reset_is_told_in_utc_and_in_local_time(zone, reset_utc, local):
    account = Account(RuleSet(zone=zone, daily_loss=DailyLoss(percent("5"))))
    state = by_rule(account)[RuleKind.DAILY_LOSS]
    assert state.next_reset_at == datetime(*reset_utc, tzinfo=UTC)
    assert state.next_reset_local.isoformat() == local
    assert state.time_zone == zone


def test_the_target_counts_the_closed_balance():
    account = Account(FULL)
    account.see(104_000, 96_500)
    target = by_rule(account)[RuleKind.PROFIT_TARGET]
    assert (target.limit_minor, target.current_minor) == (110_000_00, 104_000_00)
    assert (target.distance_minor, target.status) == (-6_000_00, RuleStatus.PENDING)
    account.see(110_000, 110_000)
    assert by_rule(account)[RuleKind.PROFIT_TARGET].status is RuleStatus.MET


def test_days_are_counted_against_what_is_asked():
    account = Account(RuleSet(min_days=MinDays(1, DayCount.ANY_TRADE)))
    days = by_rule(account)[RuleKind.MIN_TRADING_DAYS]
    assert (days.days_done, days.days_required, days.status) == (0, 1, RuleStatus.PENDING)
    account.deal(DealEntry.IN)
    assert by_rule(account)[RuleKind.MIN_TRADING_DAYS].status is RuleStatus.MET


def test_a_good_day_moves_the_consistency_target():
    account = Account(FULL)
    account.see(101_600)
    state = by_rule(account)[RuleKind.CONSISTENCY]
    assert (state.limit_minor, state.distance_minor) == (103_200_00, -1_600_00)
    assert state.status is RuleStatus.PENDING


def test_the_time_limit_tells_its_end():
    account = Account(RuleSet(max_days=1))
    assert by_rule(account)[RuleKind.TIME_LIMIT].ends_at == account.state.ends_at
    account.next_day()
    account.next_day()
    assert account.state.standing is Standing.EXPIRED
    assert by_rule(account)[RuleKind.TIME_LIMIT].status is RuleStatus.BREACHED


@pytest.mark.parametrize("severity", list(Severity))
def test_a_broken_floor_stays_broken_until_its_reset(severity):
    account = Account(RuleSet(daily_loss=DailyLoss(percent("5"), severity=severity)))
    account.see(100_000, 94_000)
    assert by_rule(account)[RuleKind.DAILY_LOSS].status is RuleStatus.BREACHED
    account.see(99_000)
    assert by_rule(account)[RuleKind.DAILY_LOSS].status is RuleStatus.BREACHED
    account.next_day()
    kept = severity is Severity.SOFT
    assert (by_rule(account)[RuleKind.DAILY_LOSS].status is RuleStatus.KEPT) == kept


def exposure(side=Side.BUY, lots="1", move="-0.0050", **more):
    return Exposure(side, Decimal(lots), Decimal(move), Decimal(100_000), Decimal(1), **more)


@pytest.mark.parametrize(
    ("asked", "moved"),
    [
        (exposure(), -500_00),
        (exposure(Side.SELL), 500_00),
        (exposure(held_lots=Decimal("-1")), 0),
        (exposure(held_lots=Decimal("2.5")), -1_750_00),
        (exposure(lots="0.01", move="-0.00001"), -1),
        (exposure(lots="0.01", move="-0.000011"), -2),
        (exposure(scale=0), -500),
    ],
    ids=["buy", "sell", "hedged", "added", "a cent", "rounded down", "no decimals"],
)
def test_what_a_move_brings(asked, moved):
    assert moved_minor(asked) == moved


def test_a_quote_in_another_currency_is_converted_once():
    """1 lot USDJPY, 50 pips against: 50,000 JPY at 151.37 is 330.32 USD."""
    asked = Exposure(
        Side.BUY, Decimal(1), Decimal("-0.50"), Decimal(100_000), 1 / Decimal("151.37")
    )
    assert moved_minor(asked) == -330_32


def test_the_distance_after_a_move():
    account = Account(FULL)
    account.see(100_000, 96_500)
    kept = account.state
    assert what_if(FULL, kept, RuleKind.DAILY_LOSS, exposure()) == 1_000_00
    assert what_if(FULL, kept, RuleKind.DAILY_LOSS, exposure(lots="4")) == -500_00
    assert what_if(FULL, kept, RuleKind.MAX_LOSS, exposure()) == 6_000_00
    assert what_if(FULL, kept, RuleKind.PROFIT_TARGET, exposure()) is None
    assert what_if(RuleSet(), kept, RuleKind.MAX_LOSS, exposure(lots="0")) == 6_500_00
    assert account.state == kept


def test_a_gain_lifts_a_floor_that_follows_equity():
    kind = MaxLossKind.TRAIL_INTRADAY_EQUITY
    rules = RuleSet(max_loss=MaxLoss(kind, amount(2_000)))
    state = Account(rules, 50_000, NOON).state
    assert what_if(rules, state, RuleKind.MAX_LOSS, exposure(Side.SELL)) == 2_000_00


def test_a_rule_that_is_not_there_has_no_distance():
    state = Account(RuleSet()).state
    for rule in (RuleKind.MAX_LOSS, RuleKind.DAILY_LOSS):
        assert what_if(RuleSet(), state, rule, exposure()) is None
