"""Which floor of a phase is nearest, and which phases are."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from domain.challenges.values import RuleKind, RuleState, RuleStatus
from domain.reporting.rules import nearest, nearest_floor
from domain.reporting.values import NearFloor

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def rule(kind: RuleKind, distance: int | None) -> RuleState:
    return RuleState(kind, RuleStatus.KEPT, "UTC", distance_minor=distance)


def near(n: int, distance: int, start: int) -> NearFloor:
    state = rule(RuleKind.MAX_LOSS, distance)
    return NearFloor(UUID(int=n), 1, "USD", start, state, NOW)


def test_the_floor_with_the_least_left_counts():
    target, total = rule(RuleKind.PROFIT_TARGET, -900), rule(RuleKind.MAX_LOSS, 500)
    daily, days = rule(RuleKind.DAILY_LOSS, 200), rule(RuleKind.MIN_TRADING_DAYS, None)
    assert nearest_floor((target, total, daily, days)) is daily
    assert nearest_floor((target, total)) is total
    assert nearest_floor((target, days)) is None
    assert nearest_floor((rule(RuleKind.MAX_LOSS, None),)) is None


def test_accounts_of_any_size_compare_by_their_share():
    large, small, broken = near(1, 500, 100_000), near(2, 60, 10_000), near(3, -1, 50_000)
    assert nearest([small, large, broken], 2) == [broken, large]
    assert large.share == Decimal("0.005")
    assert nearest([near(5, 10, 100), near(4, 10, 100)], 5)[0].challenge_id == UUID(int=4)
