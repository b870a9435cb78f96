"""Where an account stands by each of its rules, and where a trade not made yet would put it."""

from decimal import ROUND_FLOOR, localcontext

from domain.accounts.values import Side
from domain.challenges.floors import (
    anchor_of,
    best_day,
    daily_floor,
    is_below,
    required_total,
    target_level,
    total_floor,
)
from domain.challenges.rules import evaluate
from domain.challenges.values import (
    EquitySampled,
    Exposure,
    MaxLossKind,
    PhaseState,
    RuleKind,
    RuleSet,
    RuleState,
    RuleStatus,
    Standing,
)
from domain.challenges.zones import local_of
from domain.kernel.money import EXACT


def rule_states(rules: RuleSet, state: PhaseState) -> tuple[RuleState, ...]:
    """One for each rule of the set, in the order of `RuleKind`."""
    found = (
        _target(rules, state),
        _max_loss(rules, state),
        _daily_loss(rules, state),
        _min_days(rules, state),
        _time_limit(rules, state),
        _consistency(rules, state),
    )
    return tuple(one for one in found if one is not None)


def what_if(rules: RuleSet, state: PhaseState, rule: RuleKind, exposure: Exposure) -> int | None:
    """The distance to a floor after the move, in minor units: negative is a breach. A move that
    lifts a trailing floor lifts it here too. None for a rule that no move changes at once."""
    if rule not in (RuleKind.MAX_LOSS, RuleKind.DAILY_LOSS):
        return None
    equity = state.equity_minor + moved_minor(exposure)
    sample = EquitySampled(state.seen_at, state.balance_minor, equity, state.source)
    after, _ = evaluate(rules, state, sample)
    floor = after.floor_total_minor if rule is RuleKind.MAX_LOSS else after.floor_daily_minor
    return None if floor is None else equity - floor


def moved_minor(exposure: Exposure) -> int:
    """What the move brings, rounded down once at the end."""
    with localcontext(EXACT):
        lots = exposure.lots if exposure.side is Side.BUY else -exposure.lots
        units = (lots + exposure.held_lots) * exposure.contract_size
        money = units * exposure.move * exposure.rate
        return int(money.scaleb(exposure.scale).to_integral_value(ROUND_FLOOR))


def _target(rules: RuleSet, state: PhaseState) -> RuleState | None:
    target = target_level(rules, state)
    if target is None:
        return None
    return RuleState(
        rule=RuleKind.PROFIT_TARGET,
        status=_reached(state.balance_minor >= target),
        time_zone=rules.zone,
        limit_minor=target,
        current_minor=state.balance_minor,
        distance_minor=state.balance_minor - target,
    )


def _max_loss(rules: RuleSet, state: PhaseState) -> RuleState | None:
    floor = state.floor_total_minor
    if rules.max_loss is None or floor is None:
        return None
    after = floor
    if rules.max_loss.kind is MaxLossKind.TRAIL_EOD_BALANCE:
        peak = max(state.peak_minor, state.balance_minor)
        after = total_floor(rules, state.start_minor, peak, cash_minor=state.cash_minor) or 0
    return RuleState(
        rule=RuleKind.MAX_LOSS,
        status=_held(is_below(rules, state.equity_minor, floor)),
        time_zone=rules.zone,
        limit_minor=floor,
        current_minor=state.equity_minor,
        distance_minor=state.equity_minor - floor,
        after_reset_minor=after,
        next_reset_at=state.next_reset_at,
        next_reset_local=local_of(rules.zone, state.next_reset_at),
    )


def _daily_loss(rules: RuleSet, state: PhaseState) -> RuleState | None:
    floor = state.floor_daily_minor
    if rules.daily_loss is None or floor is None:
        return None
    anchor = anchor_of(rules.daily_loss, state.balance_minor, state.equity_minor)
    is_broken = is_below(rules, state.equity_minor, floor)
    return RuleState(
        rule=RuleKind.DAILY_LOSS,
        status=_held(is_broken or state.standing is Standing.PAUSED),
        time_zone=rules.zone,
        limit_minor=floor,
        current_minor=state.equity_minor,
        distance_minor=state.equity_minor - floor,
        after_reset_minor=daily_floor(rules, state.start_minor, anchor),
        next_reset_at=state.next_reset_at,
        next_reset_local=local_of(rules.zone, state.next_reset_at),
    )


def _min_days(rules: RuleSet, state: PhaseState) -> RuleState | None:
    if rules.min_days is None:
        return None
    return RuleState(
        rule=RuleKind.MIN_TRADING_DAYS,
        status=_reached(len(state.days) >= rules.min_days.count),
        time_zone=rules.zone,
        next_reset_at=state.next_reset_at,
        next_reset_local=local_of(rules.zone, state.next_reset_at),
        days_required=rules.min_days.count,
        days_done=len(state.days),
    )


def _time_limit(rules: RuleSet, state: PhaseState) -> RuleState | None:
    if state.ends_at is None:
        return None
    return RuleState(
        rule=RuleKind.TIME_LIMIT,
        status=_held(state.standing is Standing.EXPIRED),
        time_zone=rules.zone,
        ends_at=state.ends_at,
    )


def _consistency(rules: RuleSet, state: PhaseState) -> RuleState | None:
    """The balance at which the best day is small enough: a good day moves the target, no more."""
    if rules.max_day_share is None:
        return None
    needed = required_total(best_day(state), rules.max_day_share)
    level = state.start_minor + state.cash_minor + needed
    return RuleState(
        rule=RuleKind.CONSISTENCY,
        status=_reached(state.balance_minor >= level),
        time_zone=rules.zone,
        limit_minor=level,
        current_minor=state.balance_minor,
        distance_minor=state.balance_minor - level,
    )


def _reached(is_so: bool) -> RuleStatus:
    return RuleStatus.MET if is_so else RuleStatus.PENDING


def _held(is_broken: bool) -> RuleStatus:
    return RuleStatus.BREACHED if is_broken else RuleStatus.KEPT
