"""Many phases judged at once: what `rules.evaluate` says, over arrays.

Most figures break nothing: arrays find the few rows on which something may happen (a floor, a
target, a reset or an end that is due), and the rules judge those one by one. So verdicts have one
source, and the arrays only ever decide that nothing happened.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.accounts.trading import AccountState
from domain.accounts.values import StateSource
from domain.challenges.floors import allowed_loss, lock_level, target_level
from domain.challenges.rules import evaluate
from domain.challenges.samples import minor_of
from domain.challenges.values import (
    EquitySampled,
    MaxLossKind,
    PhaseState,
    RuleEvent,
    RuleSet,
    Severity,
    Standing,
    Verdict,
)

Column = NDArray[np.int64]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Far above any amount and any instant, and far enough from the ends that sums cannot wrap.
_NEVER = 2**62
_START_MAX = 2**55
_SOURCES = tuple(StateSource)
_NUMBERS = {source: number for number, source in enumerate(_SOURCES)}
_TRAILS_EQUITY, _TRAILS_BALANCE = 1, 2
_MODES = {
    MaxLossKind.TRAIL_INTRADAY_EQUITY: _TRAILS_EQUITY,
    MaxLossKind.TRAIL_INTRADAY_BALANCE: _TRAILS_BALANCE,
}
# The highest figures that lifted a trailing floor without deciding anything; `at` 0: none since.
_PEAKS = ("peak_at", "peak_balance", "peak_equity", "peak_source")
_COLUMNS = (
    *_PEAKS,
    "balance",
    "equity",
    "seen",
    "source",
    "peak",
    "floor_total",
    "floor_daily",  # -_NEVER: not judged
    "margin",  # 1 when equity equal to a floor breaks it
    "due",  # the next reset
    "target",  # _NEVER: cannot be passed just now
    "mode",
    "loss",
    "cap",
)


@dataclass(frozen=True, slots=True)
class Figures:
    """Newest figures of some rows, column by column. `rows` are distinct; `at` is microseconds
    since 1970 in UTC; money is minor units, equity without credit."""

    rows: NDArray[np.intp]
    at: Column
    balance: Column
    equity: Column
    source: Column

    @classmethod
    def of(cls, samples: Sequence[tuple[int, EquitySampled]]) -> "Figures":
        """Samples by row as columns. OverflowError for amounts no 64-bit number holds."""
        table: list[Any] = [
            (row, micros(one.at), one.balance_minor, one.equity_minor, _NUMBERS[one.source])
            for row, one in samples
        ]
        return cls._of_table(table)

    @classmethod
    def of_states(cls, states: Sequence[tuple[int, AccountState]]) -> "Figures":
        """Platform states by row as columns: what `of` makes of their samples, faster."""
        table: list[Any] = []
        at, told = 0, None
        for row, one in states:
            if one.as_of != told:  # a tick tells many accounts at one instant
                at, told = micros(one.as_of), one.as_of
            table.append((row, at, *minor_of(one), _NUMBERS[one.source]))
        return cls._of_table(table)

    @classmethod
    def _of_table(cls, table: list[Any]) -> "Figures":
        columns = zip(*table, strict=True) if table else ((),) * 5
        rows, *others = (np.array(column, dtype=np.int64) for column in columns)
        return cls(rows.astype(np.intp), *others)


@dataclass(frozen=True, slots=True)
class Step:
    """One event of one phase as the rules judged it."""

    row: int
    before: PhaseState
    event: RuleEvent
    after: PhaseState
    verdicts: tuple[Verdict, ...]


class Book:
    """Phases in rows. A row is one phase for ever; one that is over costs nothing."""

    def __init__(self, phases: Iterable[tuple[RuleSet, PhaseState]] = ()) -> None:
        self._rules: list[RuleSet] = []
        self._states: list[PhaseState] = []
        self._columns: dict[str, Column] = {name: np.zeros(16, np.int64) for name in _COLUMNS}
        self._marks = np.zeros(16, np.int64)
        for rules, state in phases:
            self.add(rules, state)

    def __len__(self) -> int:
        return len(self._rules)

    def add(self, rules: RuleSet, state: PhaseState) -> int:
        """Take in a phase; its row. OverflowError when 64 bits are too few for its money."""
        if state.start_minor > _START_MAX:
            raise OverflowError("an account too big for 64-bit minor units")
        row = len(self._rules)
        if row == len(self._marks):
            for name, column in self._columns.items():
                self._columns[name] = np.concatenate([column, np.zeros_like(column)])
            self._marks = np.concatenate([self._marks, np.zeros_like(self._marks)])
        self._rules.append(rules)
        self._states.append(state)
        self._put(row, state)
        return row

    def state(self, row: int) -> PhaseState:
        """What the rules remember of a phase now."""
        kept, own = self._states[row], self._columns
        if kept.is_over:
            return kept
        floor = None if kept.floor_total_minor is None else int(own["floor_total"][row])
        return replace(
            kept,
            balance_minor=int(own["balance"][row]),
            equity_minor=int(own["equity"][row]),
            seen_at=_EPOCH + int(own["seen"][row]) * _MICROSECOND,
            source=_SOURCES[own["source"][row]],
            peak_minor=int(own["peak"][row]),
            floor_total_minor=floor,
        )

    def apply(self, row: int, event: RuleEvent) -> tuple[Verdict, ...]:
        """Judge one event of one phase."""
        return self.step(row, event).verdicts

    def step(self, row: int, event: RuleEvent) -> Step:
        """Judge one event of one phase, and tell from where to where that led."""
        before = self.state(row)
        after, verdicts = evaluate(self._rules[row], before, event)
        self._put(row, after)
        return Step(row, before, event, after, verdicts)

    def due(self, at: datetime) -> list[int]:
        """Rows of which a reset was due by then."""
        size = len(self)
        waits = self._columns["due"][:size] <= micros(at)
        return [int(n) for n in np.flatnonzero(waits & (self._columns["seen"][:size] != _NEVER))]

    def lifted(self) -> list[int]:
        """Rows whose trailing floor was lifted since `take_peak`."""
        return [int(n) for n in np.flatnonzero(self._columns["peak_at"][: len(self)])]

    def take_peak(self, row: int) -> EquitySampled | None:
        """The figures that lifted a trailing floor highest since the last time, if any did: what
        must be recorded of quiet ticks, so that a replay knows the floor."""
        at, balance, equity, source = (int(self._columns[name][row]) for name in _PEAKS)
        self._columns["peak_at"][row] = 0
        if not at:
            return None
        return EquitySampled(_EPOCH + at * _MICROSECOND, balance, equity, _SOURCES[source])

    def observe(self, figures: Figures) -> list[tuple[int, tuple[Verdict, ...]]]:
        """Judge new figures of many phases; what was decided, by row."""
        return [(one.row, one.verdicts) for one in self.steps(figures) if one.verdicts]

    def steps(self, figures: Figures) -> list[Step]:
        """Judge new figures of many phases; the steps of those on which something could happen."""
        rows, own = figures.rows, self._columns
        self._require_distinct(rows)
        fresh = figures.at >= own["seen"][rows]
        peak, floor = self._trail(figures)
        broken = figures.equity < np.maximum(floor, own["floor_daily"][rows]) + own["margin"][rows]
        met = (figures.balance >= own["target"][rows]) & (figures.balance == figures.equity)
        judged = fresh & (broken | met | (figures.at >= own["due"][rows]))
        calm = fresh & ~judged
        if calm.all():
            self._write(figures, rows, slice(None), peak=peak, floor=floor)
        else:
            self._write(figures, rows[calm], calm, peak=peak, floor=floor)
        chosen = np.flatnonzero(judged)
        return [self.step(int(rows[index]), _sample(figures, index)) for index in chosen]

    def _trail(self, figures: Figures) -> tuple[Column, Column]:
        """Peaks and floors of the maximum loss, with these figures counted."""
        rows, own = figures.rows, self._columns
        mode, peak, floor = own["mode"][rows], own["peak"][rows], own["floor_total"][rows]
        if not mode.any():
            return peak, floor
        followed = np.where(mode == _TRAILS_EQUITY, figures.equity, figures.balance)
        peak = np.where(mode > 0, np.maximum(peak, followed), peak)
        lifted = np.minimum(peak - own["loss"][rows], own["cap"][rows])
        return peak, np.where(mode > 0, lifted, floor)

    def _write(
        self,
        figures: Figures,
        rows: NDArray[np.intp],
        chosen: slice | NDArray[np.bool_],
        *,
        peak: Column,
        floor: Column,
    ) -> None:
        own = self._columns
        if own["mode"][rows].any():
            self._note_peaks(figures, rows, chosen, peak=peak)
        own["balance"][rows] = figures.balance[chosen]
        own["equity"][rows] = figures.equity[chosen]
        own["seen"][rows] = figures.at[chosen]
        own["source"][rows] = figures.source[chosen]
        own["peak"][rows] = peak[chosen]
        own["floor_total"][rows] = floor[chosen]

    def _note_peaks(
        self,
        figures: Figures,
        rows: NDArray[np.intp],
        chosen: slice | NDArray[np.bool_],
        *,
        peak: Column,
    ) -> None:
        own = self._columns
        higher = peak[chosen] > own["peak"][rows]
        if higher.any():
            told = (figures.at, figures.balance, figures.equity, figures.source)
            for name, column in zip(_PEAKS, told, strict=True):
                own[name][rows[higher]] = column[chosen][higher]

    def _put(self, row: int, state: PhaseState) -> None:
        self._states[row] = state
        for name, value in self._row_of(self._rules[row], state).items():
            self._columns[name][row] = value

    def _row_of(self, rules: RuleSet, state: PhaseState) -> dict[str, int]:
        loss = rules.max_loss
        mode = 0 if loss is None else _MODES.get(loss.kind, 0)
        cap = lock_level(rules, loss, state.start_minor, cash_minor=state.cash_minor) if loss else 0
        total, daily = state.floor_total_minor, state.floor_daily_minor
        is_soft = rules.daily_loss is not None and rules.daily_loss.severity is Severity.SOFT
        unjudged = daily is None or (is_soft and state.standing is Standing.PAUSED)
        return {
            "balance": state.balance_minor,
            "equity": state.equity_minor,
            "seen": _NEVER if state.is_over else micros(state.seen_at),
            "source": _NUMBERS[state.source],
            "peak": state.peak_minor,
            "floor_total": -_NEVER if total is None else total,
            "floor_daily": -_NEVER if unjudged else daily or 0,
            "margin": int(rules.breach_at_floor),
            "due": micros(state.next_reset_at),
            "target": _passable(rules, state),
            "mode": mode,
            "loss": allowed_loss(loss.share, state.start_minor) if loss else 0,
            "cap": _NEVER if cap is None else cap,
        }

    def _require_distinct(self, rows: NDArray[np.intp]) -> None:
        order = np.arange(len(rows))
        self._marks[rows] = order
        if not np.array_equal(self._marks[rows], order):
            raise ValueError("figures of one phase belong in two calls, one after the other")


def micros(at: datetime) -> int:
    """Microseconds since 1970 in UTC."""
    return (at - _EPOCH) // _MICROSECOND


def _passable(rules: RuleSet, state: PhaseState) -> int:
    """The balance from which the rules must be asked whether the phase is passed."""
    target = target_level(rules, state)
    days = 0 if rules.min_days is None else rules.min_days.count
    if target is None or state.standing is not Standing.ACTIVE:
        return _NEVER
    return _NEVER if state.open_lots or len(state.days) < days else target


def _sample(figures: Figures, index: np.intp) -> EquitySampled:
    return EquitySampled(
        at=_EPOCH + int(figures.at[index]) * _MICROSECOND,
        balance_minor=int(figures.balance[index]),
        equity_minor=int(figures.equity[index]),
        source=_SOURCES[figures.source[index]],
    )
