"""What an event changes in a phase, before anything is judged. Pure.

Figures of the platform are the truth about money; deals tell what is open and which days count.
"""

from dataclasses import replace
from decimal import Decimal

from domain.accounts.values import DealEntry
from domain.challenges.floors import anchor_of, asked_profit, daily_floor, total_floor
from domain.challenges.values import (
    CashEffect,
    CashMoved,
    DayCount,
    Dealt,
    EquitySampled,
    MaxLossKind,
    PhaseState,
    RuleSet,
    Share,
    Standing,
)
from domain.challenges.zones import day_of, next_reset

_OPENS = frozenset({DealEntry.IN, DealEntry.INOUT})
_CLOSES = frozenset({DealEntry.OUT, DealEntry.OUT_BY})


def end_day(rules: RuleSet, state: PhaseState) -> PhaseState:
    """What the closed day leaves: its profit, and whether it counts."""
    gained, days, wanted = state.balance_minor - state.day_balance_minor, state.days, rules.min_days
    if wanted is not None and wanted.kind is DayCount.PROFIT:
        least = asked_profit(Share(percent=wanted.profit_percent), state.start_minor)
        if gained >= least:
            days = (*days, state.day)
    return replace(state, best_day_minor=max(state.best_day_minor, gained), days=days)


def begin_day(rules: RuleSet, state: PhaseState) -> PhaseState:
    """Anchor and floors of the day that begins at the reset, by the newest figures."""
    at = state.next_reset_at
    anchor = anchor_of(rules.daily_loss, state.balance_minor, state.equity_minor)
    state = replace(
        state,
        standing=Standing.ACTIVE,
        day=day_of(rules.zone, rules.reset_time, at),
        next_reset_at=next_reset(rules.zone, rules.reset_time, at),
        anchor_minor=anchor,
        day_balance_minor=state.balance_minor,
        floor_daily_minor=daily_floor(rules, state.start_minor, anchor),
    )
    if rules.max_loss is not None and rules.max_loss.kind is MaxLossKind.TRAIL_EOD_BALANCE:
        state = _with_peak(rules, state, state.balance_minor)
    return state


def sampled(rules: RuleSet, state: PhaseState, event: EquitySampled) -> PhaseState:
    """Newer figures, and what they lift."""
    state = replace(
        state,
        balance_minor=event.balance_minor,
        equity_minor=event.equity_minor,
        seen_at=event.at,
        source=event.source,
    )
    return _trail_intraday(rules, state)


def dealt(rules: RuleSet, state: PhaseState, event: Dealt) -> PhaseState:
    """What is open now and which days count; the balance, unless newer figures hold it."""
    days, wanted = state.days, rules.min_days
    opened = event.entry in _OPENS
    if wanted is not None and (
        wanted.kind is DayCount.ANY_TRADE or (wanted.kind is DayCount.OPENED_TRADE and opened)
    ):
        day = day_of(rules.zone, rules.reset_time, event.at)
        days = tuple(sorted({*days, day}))
    state = replace(
        state, sequence=event.sequence, days=days, open_lots=_open_lots(state.open_lots, event)
    )
    if event.at < state.seen_at:
        return state  # newer figures hold it already
    return _trail_intraday(rules, replace(state, balance_minor=event.balance_minor))


def cash_moved(rules: RuleSet, state: PhaseState, event: CashMoved) -> PhaseState:
    """Money in or out: neither profit nor loss; what it moves is the rules' choice."""
    amount, effect = event.amount_minor, rules.cash
    is_held = event.at < state.seen_at or event.balance_minor == state.balance_minor
    state = replace(
        state,
        sequence=event.sequence,
        cash_minor=state.cash_minor + amount,
        day_balance_minor=state.day_balance_minor + amount,
        balance_minor=state.balance_minor if is_held else event.balance_minor,
        equity_minor=state.equity_minor + (0 if is_held else amount),
    )
    if effect is CashEffect.NONE:
        return _trail_intraday(rules, state)
    if effect is CashEffect.SHIFT:
        anchor, peak = state.anchor_minor + amount, state.peak_minor + amount
    else:
        anchor = anchor_of(rules.daily_loss, state.balance_minor, state.equity_minor)
        peak = state.start_minor
    floor = daily_floor(rules, state.start_minor, anchor)
    state = replace(state, anchor_minor=anchor, peak_minor=peak, floor_daily_minor=floor)
    return _trail_intraday(rules, _with_peak(rules, state, peak))


def _trail_intraday(rules: RuleSet, state: PhaseState) -> PhaseState:
    match rules.max_loss and rules.max_loss.kind:
        case MaxLossKind.TRAIL_INTRADAY_EQUITY:
            return _with_peak(rules, state, state.equity_minor)
        case MaxLossKind.TRAIL_INTRADAY_BALANCE:
            return _with_peak(rules, state, state.balance_minor)
        case _:
            return state


def _with_peak(rules: RuleSet, state: PhaseState, seen_minor: int) -> PhaseState:
    peak = max(state.peak_minor, seen_minor)
    floor = total_floor(rules, state.start_minor, peak, cash_minor=state.cash_minor)
    return replace(state, peak_minor=peak, floor_total_minor=floor)


def _open_lots(
    held: tuple[tuple[str, Decimal], ...], event: Dealt
) -> tuple[tuple[str, Decimal], ...]:
    """What is open after a deal; INOUT closes a position and opens the rest the other way."""
    lots = dict(held)
    before = lots.get(event.position_id, Decimal(0))
    if event.entry in _CLOSES:
        lots[event.position_id] = before - event.lots
    elif event.entry is DealEntry.INOUT:
        lots[event.position_id] = abs(event.lots - before)
    else:
        lots[event.position_id] = before + event.lots
    return tuple(sorted((key, left) for key, left in lots.items() if left > 0))
