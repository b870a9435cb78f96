"""The verdict on a phase: a pure function of its rules, what it remembers, and one event.

Time passes before an event counts: resets and the end that were due by then happen first, at their
own instants and by the newest figures known, so that it does not matter when somebody looked.
Repetitions and stale figures change nothing. The same events in the same order always give the
same verdicts; feed them as they arrive, replay them as they were recorded.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from domain.accounts.values import StateSource
from domain.challenges.floors import (
    best_day,
    daily_floor,
    is_below,
    required_total,
    target_level,
    total_floor,
)
from domain.challenges.steps import begin_day, cash_moved, dealt, end_day, sampled
from domain.challenges.values import (
    CashMoved,
    DayBegan,
    DayCount,
    Dealt,
    EquitySampled,
    FloorBroken,
    MaxLossKind,
    PhaseExpired,
    PhasePassed,
    PhaseState,
    RuleEvent,
    RuleKind,
    RuleSet,
    Severity,
    Share,
    Standing,
    Verdict,
)
from domain.challenges.zones import day_of, day_start, decide_zone, next_reset
from domain.kernel.errors import Invalid

TARGET_PERCENT_MAX = 1_000
DAYS_MAX = 3_660


def decide_rules(rules: RuleSet, *, start_minor: int) -> None:
    """Whether a rule set makes sense for an account that begins with so much. Refusals: INVALID."""
    decide_zone(rules.zone)
    reset, days, loss = rules.reset_time, rules.min_days, rules.max_loss
    _require(reset.tzinfo is None, "resetTime is a time of the wall clock, without zone.")
    _require(not (reset.second or reset.microsecond), "resetTime is a whole minute.")
    _require_share("profitTarget", rules.profit_target, start_minor, most=TARGET_PERCENT_MAX)
    if loss is not None:
        _require_share("maxLoss", loss.share, start_minor)
        trails = loss.kind is not MaxLossKind.STATIC
        _require(trails or loss.lock is None, "A STATIC floor has no lock.")
        _require_share("lock", loss.lock, start_minor, most=TARGET_PERCENT_MAX, zero=True)
    if rules.daily_loss is not None:
        _require_share("dailyLoss", rules.daily_loss.share, start_minor)
    if days is not None:
        _require(0 < days.count <= DAYS_MAX, f"minDays counts 1 to {DAYS_MAX:,} days.")
        by_profit = days.kind is DayCount.PROFIT
        _require(by_profit == (days.profit_percent is not None), "profitPercent is of PROFIT.")
        _require(0 < (days.profit_percent or 1) <= 100, "profitPercent is a percentage up to 100.")
    many = rules.max_days
    _require(many is None or 0 < many <= DAYS_MAX, f"maxDays is 1 to {DAYS_MAX:,}.")
    possible = many is None or days is None or days.count <= many
    _require(possible, "minDays is at most maxDays: nobody passes otherwise.")
    share = rules.max_day_share
    _require(share is None or 0 < share <= 100, "maxDayShare is a percentage up to 100.")


def begin(rules: RuleSet, *, start_minor: int, at: datetime) -> PhaseState:
    """The state of a phase whose account begins with this balance and nothing open."""
    at = at.astimezone(UTC)
    day = day_of(rules.zone, rules.reset_time, at)
    ends_at = None
    if rules.max_days is not None:
        last = day + timedelta(days=rules.max_days + 1)
        ends_at = day_start(rules.zone, rules.reset_time, last)
    return PhaseState(
        standing=Standing.ACTIVE,
        start_minor=start_minor,
        started_at=at,
        balance_minor=start_minor,
        equity_minor=start_minor,
        seen_at=at,
        source=StateSource.POLL,
        day=day,
        next_reset_at=next_reset(rules.zone, rules.reset_time, at),
        ends_at=ends_at,
        anchor_minor=start_minor,
        day_balance_minor=start_minor,
        peak_minor=start_minor,
        floor_daily_minor=daily_floor(rules, start_minor, start_minor),
        floor_total_minor=total_floor(rules, start_minor, start_minor),
    )


def evaluate(
    rules: RuleSet, state: PhaseState, event: RuleEvent
) -> tuple[PhaseState, tuple[Verdict, ...]]:
    """The state after an event, and what was decided by it, in order of time."""
    verdicts: list[Verdict] = []
    while not state.is_over and state.next_reset_at <= event.at:
        state = _reset(rules, state, verdicts)
    if state.is_over or is_stale(state, event):
        return state, tuple(verdicts)
    match event:
        case EquitySampled():
            state = sampled(rules, state, event)
        case Dealt():
            state = dealt(rules, state, event)
        case CashMoved():
            state = cash_moved(rules, state, event)
    state = _judge(rules, state, event.at, verdicts)
    return state, tuple(verdicts)


def replay(
    rules: RuleSet, state: PhaseState, events: Iterable[RuleEvent]
) -> tuple[PhaseState, tuple[Verdict, ...]]:
    """All events one after another."""
    verdicts: list[Verdict] = []
    for event in events:
        state, found = evaluate(rules, state, event)
        verdicts.extend(found)
    return state, tuple(verdicts)


def is_stale(state: PhaseState, event: RuleEvent) -> bool:
    """Whether an event was counted already, or tells what is known better."""
    match event:
        case EquitySampled():
            return event.at < state.seen_at
        case Dealt() | CashMoved():
            return event.sequence <= state.sequence
        case _:
            return False


def to_keep(
    before: PhaseState, event: RuleEvent, after: PhaseState, verdicts: tuple[Verdict, ...]
) -> tuple[RuleEvent, ...]:
    """What to record of a step of `evaluate`, so that a replay of the record alone decides the
    same at the same instants. Most figures are left out: they broke nothing and moved nothing."""
    if before.is_over or (is_stale(before, event) and not verdicts):
        return ()
    moved = (before.peak_minor, before.floor_total_minor) != (
        after.peak_minor,
        after.floor_total_minor,
    )
    if isinstance(event, Dealt | CashMoved) or verdicts or moved:
        known = EquitySampled(
            before.seen_at, before.balance_minor, before.equity_minor, before.source
        )
        return known, event
    return ()


def _reset(rules: RuleSet, state: PhaseState, verdicts: list[Verdict]) -> PhaseState:
    """End the day, and the phase with its last one, else begin the next by the figures known."""
    at = state.next_reset_at
    state = end_day(rules, state)
    state = _pass(rules, state, at, verdicts)
    if state.is_over:
        return state
    if state.ends_at is not None and state.ends_at <= at:
        verdicts.append(PhaseExpired(at, state.balance_minor, target_level(rules, state)))
        return replace(state, standing=Standing.EXPIRED)
    state = begin_day(rules, state)
    verdicts.append(
        DayBegan(
            at=at,
            day=state.day,
            balance_minor=state.balance_minor,
            equity_minor=state.equity_minor,
            seen_at=state.seen_at,
            anchor_minor=state.anchor_minor,
            floor_daily_minor=state.floor_daily_minor,
            floor_total_minor=state.floor_total_minor,
        )
    )
    return _judge(rules, state, at, verdicts)


def _judge(rules: RuleSet, state: PhaseState, at: datetime, verdicts: list[Verdict]) -> PhaseState:
    """Floors first, then the target. Of two broken floors the higher one was broken first."""
    broken: list[tuple[int, RuleKind, Severity]] = []
    if is_below(rules, state.equity_minor, state.floor_total_minor):
        broken.append((state.floor_total_minor or 0, RuleKind.MAX_LOSS, Severity.HARD))
    daily = rules.daily_loss
    if daily is not None and is_below(rules, state.equity_minor, state.floor_daily_minor):
        broken.append((state.floor_daily_minor or 0, RuleKind.DAILY_LOSS, daily.severity))
    hard = [one for one in broken if one[2] is Severity.HARD]
    if hard:
        verdicts.append(_broken(rules, state, at, max(hard, key=lambda one: one[0])))
        return replace(state, standing=Standing.BREACHED)
    if broken and state.standing is Standing.ACTIVE:
        verdicts.append(_broken(rules, state, at, broken[0]))
        return replace(state, standing=Standing.PAUSED)
    return _pass(rules, state, at, verdicts)


def _broken(
    rules: RuleSet, state: PhaseState, at: datetime, broken: tuple[int, RuleKind, Severity]
) -> FloorBroken:
    floor, rule, severity = broken
    return FloorBroken(
        at=at,
        rule=rule,
        severity=severity,
        floor_minor=floor,
        balance_minor=state.balance_minor,
        equity_minor=state.equity_minor,
        seen_at=state.seen_at,
        source=state.source,
        anchor_minor=state.anchor_minor,
        peak_minor=state.peak_minor,
        day=state.day,
        zone=rules.zone,
    )


def _pass(rules: RuleSet, state: PhaseState, at: datetime, verdicts: list[Verdict]) -> PhaseState:
    target = target_level(rules, state)
    if target is None or not _is_met(rules, state, target):
        return state
    best = best_day(state)
    verdicts.append(PhasePassed(at, state.balance_minor, target, state.days, best))
    return replace(state, standing=Standing.PASSED)


def _is_met(rules: RuleSet, state: PhaseState, target: int) -> bool:
    """Equity that is not the balance shows something open of which no deal was told yet."""
    if state.standing is not Standing.ACTIVE or state.balance_minor < target:
        return False
    if state.open_lots or state.equity_minor != state.balance_minor:
        return False
    if rules.min_days is not None and len(state.days) < rules.min_days.count:
        return False
    profit = state.balance_minor - state.start_minor - state.cash_minor
    share = rules.max_day_share
    return share is None or profit >= required_total(best_day(state), share)


def _require_share(
    name: str, share: Share | None, start_minor: int, *, most: int = 100, zero: bool = False
) -> None:
    """`most` is in percent of the balance an account begins with, however the share is given."""
    if share is None:
        return
    _require((share.percent is None) != (share.amount_minor is None), f"{name}: one of both.")
    value = share.percent if share.percent is not None else Decimal(share.amount_minor or 0)
    limit = most if share.percent is not None else start_minor * most // 100
    _require(value > 0 or (zero and value == 0), f"{name} is positive.")
    _require(value <= limit, f"{name} is at most {most} % of the balance.")


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise Invalid("INVALID", message)
