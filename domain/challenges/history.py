"""What an account's history makes of its phase: the live rules over deals and lows gone by. Pure.

A platform that is asked afterwards tells deals and the lows of equity between them. No floor is
first broken anywhere else than at a low, so that verdicts come to the tick, as they do live.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.accounts.values import StateSource
from domain.challenges.lifecycle import PriceSeen
from domain.challenges.rules import evaluate, to_keep
from domain.challenges.values import (
    CashMoved,
    Dealt,
    EquitySampled,
    FloorBroken,
    PhaseState,
    RuleEvent,
    RuleSet,
    Severity,
    TimePassed,
    Verdict,
)


@dataclass(frozen=True, slots=True)
class Low:
    """Money of an account at a tick, without credit, and what was open at which price; the
    position as evidence keeps it."""

    at: datetime
    balance_minor: int
    equity_minor: int
    position: Mapping[str, Any]
    price: PriceSeen


@dataclass(frozen=True, slots=True)
class Judged:
    """Where a history leads: the state, what to record with what was decided by each, and the low
    by which a rule was broken for good."""

    state: PhaseState
    kept: tuple[tuple[RuleEvent, tuple[Verdict, ...]], ...]
    broken_by: Low | None


def judge_history(
    rules: RuleSet,
    state: PhaseState,
    deals: Iterable[Dealt | CashMoved],
    lows: Sequence[Low],
    *,
    until: datetime,
) -> Judged:
    """Judge a phase by its account's history up to an instant, each event at its own. What was
    counted before changes nothing. With nothing open, equity is the balance."""
    kept: list[tuple[RuleEvent, tuple[Verdict, ...]]] = []
    figures = [_sample(one.at, one.balance_minor, one.equity_minor) for one in lows]
    # Of one instant figures come first: they were seen, and then dealt upon.
    told: list[RuleEvent] = sorted([*figures, *deals], key=lambda one: one.at)
    for event in [*told, TimePassed(until)]:
        state = _step(rules, state, event, kept)
        if isinstance(event, Dealt) and not state.is_over and not state.open_lots:
            flat = _sample(event.at, state.balance_minor, state.balance_minor)
            state = _step(rules, state, flat, kept)
    return Judged(state, tuple(kept), _broken_by(kept, lows))


def _step(
    rules: RuleSet,
    before: PhaseState,
    event: RuleEvent,
    kept: list[tuple[RuleEvent, tuple[Verdict, ...]]],
) -> PhaseState:
    after, verdicts = evaluate(rules, before, event)
    keep = to_keep(before, event, after, verdicts)
    kept += [(one, ()) for one in keep[:-1]]
    kept += [(one, verdicts) for one in keep[-1:]]
    return after


def _sample(at: datetime, balance_minor: int, equity_minor: int) -> EquitySampled:
    return EquitySampled(at, balance_minor, equity_minor, StateSource.POLL)


def _broken_by(
    kept: Iterable[tuple[RuleEvent, tuple[Verdict, ...]]], lows: Iterable[Low]
) -> Low | None:
    seen = {
        verdict.seen_at
        for _, verdicts in kept
        for verdict in verdicts
        if isinstance(verdict, FloorBroken) and verdict.severity is Severity.HARD
    }
    return next((one for one in lows if one.at in seen), None)
