"""Judges every open phase of one server at each tick: the sink behind the reader of its stream.

Phases lie in arrays (`vector`); what is decided is recorded with the events that decided it, and
nothing else is. Deals come from the event log, whose numbers make each count once; days begin by
the clock, with ticks or without. Whoever runs it holds the right to the server's stream, and a
phase that was moved by somebody else is read again, never overwritten.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from prometheus_client import Counter, Gauge

from domain.accounts.queries import find_state, list_grants
from domain.accounts.trading import AccountState, Quote
from domain.accounts.values import StateSource
from domain.challenges.commands.note_closing import price_of
from domain.challenges.commands.record_steps import Kept, Steps, record_steps
from domain.challenges.deals import DEALS, rule_event
from domain.challenges.early import EarlyTicks
from domain.challenges.lifecycle import Breaker, PriceSeen
from domain.challenges.queries import list_judged
from domain.challenges.rules import to_keep
from domain.challenges.snapshot import load_rules, load_state
from domain.challenges.values import EquitySampled, RuleEvent, TimePassed
from domain.challenges.vector import Book, Figures, Step
from domain.events import queries as log
from domain.kernel.errors import Busy, Unavailable
from tenants.context import NO_BRAND, system_scope
from tenants.work import Database, ReadWork

ROUND_S = 1.0
# Figures of the day before may still be on their way when a day begins.
RESET_GRACE = timedelta(seconds=3)
_log = structlog.get_logger(__name__)
_judged = Counter("backdesk_challenge_figures", "Figures of open phases that were judged")
_verdicts = Counter("backdesk_challenge_verdicts", "What was decided", ["verdict"])
_open = Gauge("backdesk_challenge_phases", "Open phases that are watched", ["server"])


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class _Watched:
    """An open phase: its row in the book, and what of it is not recorded yet."""

    brand_id: UUID
    phase_id: UUID
    account_id: UUID
    login: int
    row: int
    known: int
    kept: list[Kept] = field(default_factory=list)
    prices: Mapping[str, PriceSeen] | None = None
    """Those of an earlier tick, at which it was decided."""


class Engine:
    """The open phases of a server. One task at a time changes them."""

    def __init__(
        self,
        server_id: UUID,
        database: Database,
        *,
        breaker: Breaker | None = None,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._server_id, self._database = server_id, database
        self._breaker, self._clock = breaker or Breaker(), clock
        self._lock = asyncio.Lock()
        self._forget()

    def _forget(self) -> None:
        self._book = Book()
        self._phases: dict[UUID, _Watched] = {}
        self._by_login: dict[int, _Watched] = {}
        self._by_account: dict[UUID, _Watched] = {}
        self._by_row: dict[int, _Watched] = {}
        self._heads: dict[UUID, int] = {}
        self._cursors: dict[UUID, int] = {}
        self._prices: dict[str, PriceSeen] = {}
        self._early = EarlyTicks()

    @property
    def watched(self) -> frozenset[UUID]:
        """The phases that are judged now."""
        return frozenset(self._phases)

    async def run(self) -> None:
        """Keep up with new phases, deals and days until cancelled; begins from what is recorded."""
        async with self._lock:
            self._forget()
        while True:
            try:
                await self.round()
            except (Unavailable, Busy) as error:
                _log.warning("challenges_waiting", server=self._server_id.hex, reason=error.code)
            await asyncio.sleep(ROUND_S)

    async def round(self) -> None:
        """Take in what is new in the log, let time pass, and record."""
        async with self._lock:
            await self._catch_up(await self._changed())
            at = self._clock() - RESET_GRACE
            for row in self._book.due(at):
                if row in self._by_row:
                    self._keep(self._book.step(row, TimePassed(at)))
            for row in self._book.lifted():
                self._keep_peak(row)
            await self._save()
            _open.labels(self._server_id.hex).set(len(self._phases))

    async def observe(
        self,
        server_id: UUID,
        states: Sequence[AccountState],
        quotes: Sequence[Quote],
        *,
        dealt: frozenset[int],
    ) -> None:
        """Judge a batch of the stream; see `EquitySink`. A database that is away is waited for:
        what was decided is recorded as soon as it is back."""
        assert server_id == self._server_id, "an engine is one server's"
        async with self._lock:
            self._prices |= {one.symbol: price_of(one) for one in quotes}
            try:
                ours = {self._by_login[one].brand_id for one in dealt if one in self._by_login}
                await self._catch_up(ours)
            except (Unavailable, Busy) as error:
                _log.warning("deals_waiting", server=self._server_id.hex, reason=error.code)
            self._early.keep(states, self._by_login, self._prices, now=self._clock())
            for wave in _waves(states, self._by_login):
                _judged.inc(len(wave))
                for step in self._book.steps(Figures.of_states(wave)):
                    self._keep(step)
            try:
                await self._save()
            except (Unavailable, Busy) as error:
                _log.warning("verdicts_waiting", server=self._server_id.hex, reason=error.code)

    # What is new ------------------------------------------------------------------------------

    async def _changed(self) -> set[UUID]:
        """The brands on this server in whose log something has happened."""
        async with self._database.read(system_scope(NO_BRAND)) as work:
            granted = {row.brand_id for row in await list_grants(work, self._server_id)}
            heads = await log.heads(work)
        return {one for one in granted if heads.get(one, 0) != self._heads.get(one)}

    async def _catch_up(self, brands: Iterable[UUID]) -> None:
        """Take in new phases and deals of some brands."""
        for brand_id in brands:
            async with self._database.read(system_scope(brand_id)) as work:
                head = await log.head(work)
                await self._take_phases(work, brand_id)
                if any(one.brand_id == brand_id for one in self._phases.values()):
                    await self._take_deals(work, brand_id, head)
            self._cursors[brand_id] = self._heads[brand_id] = head

    async def _take_phases(self, work: ReadWork, brand_id: UUID) -> None:
        rows = {row.id: row for row in await list_judged(work, self._server_id)}
        for one in list(self._phases.values()):
            if one.brand_id == brand_id and one.phase_id not in rows and not one.kept:
                self._drop(one)
        for key, row in rows.items():
            if key not in self._phases:
                await self._add(work, brand_id, row)

    async def _add(self, work: ReadWork, brand_id: UUID, row: Any) -> None:
        """Watch a phase from where it was recorded, with all that was told since: ticks that came
        before anybody knew of it, then the figures that were kept."""
        state = load_state(row.state)
        number = self._book.add(load_rules(row.rules), state)
        one = _Watched(brand_id, row.id, row.account_id, row.login, number, row.events)
        self._phases[row.id] = self._by_login[row.login] = one
        self._by_account[row.account_id] = self._by_row[number] = one
        self._cursors[brand_id] = min(self._cursors.get(brand_id, state.sequence), state.sequence)
        for told, prices in self._early.of(row.login):
            for step in self._book.steps(Figures.of_states([(number, told)])):
                if step.verdicts and one.prices is None:
                    one.prices = prices
                self._keep(step)
        kept = await find_state(work, row.account_id)
        if kept is not None and kept.as_of > state.seen_at:
            equity = int(kept.equity_minor) - int(kept.credit_minor)
            source = StateSource(kept.source)
            figures = EquitySampled(kept.as_of, int(kept.balance_minor), equity, source)
            self._keep(self._book.step(number, figures))

    def _drop(self, one: _Watched) -> None:
        del self._phases[one.phase_id], self._by_login[one.login]
        del self._by_account[one.account_id], self._by_row[one.row]

    async def _take_deals(self, work: ReadWork, brand_id: UUID, head: int) -> None:
        position = self._cursors.get(brand_id, head)
        while position < head:
            events = await log.page(work, position, upto=head, feed=DEALS)
            for event in events:
                one = self._by_account.get(event.object_id) if event.object_id else None
                told = None if one is None else rule_event(event)
                if one is not None and told is not None:
                    self._step(one, told)
            position = events[-1].seq if len(events) == log.PAGE else head

    # What is decided --------------------------------------------------------------------------

    def _step(self, one: _Watched, event: RuleEvent) -> None:
        self._keep(self._book.step(one.row, event))

    def _keep(self, step: Step) -> None:
        """Remember what must be recorded of a step."""
        one = self._by_row.get(step.row)
        kept = to_keep(step.before, step.event, step.after, step.verdicts)
        if one is None or not kept:
            return
        self._keep_peak(step.row)
        *before, last = kept
        one.kept += [Kept(event) for event in before]
        one.kept.append(Kept(last, step.verdicts))
        for verdict in step.verdicts:
            _verdicts.labels(type(verdict).__name__).inc()

    def _keep_peak(self, row: int) -> None:
        peak, one = self._book.take_peak(row), self._by_row.get(row)
        if peak is not None and one is not None:
            one.kept.append(Kept(peak))

    async def _save(self) -> None:
        """Record what is decided, each brand in its own work."""
        waiting: dict[UUID, list[_Watched]] = defaultdict(list)
        for one in self._phases.values():
            if one.kept:
                waiting[one.brand_id].append(one)
        for brand_id, several in waiting.items():
            steps = [
                Steps(
                    one.phase_id,
                    one.known,
                    tuple(one.kept),
                    self._book.state(one.row),
                    prices=one.prices,
                )
                for one in several
            ]
            done = await self._database.write(
                system_scope(brand_id),
                lambda work, steps=steps: record_steps(  # type: ignore[misc]
                    work, steps, self._prices, breaker=self._breaker
                ),
            )
            for one in several:
                one.known, one.kept, one.prices = one.known + len(one.kept), [], None
                if one.phase_id in done.value or self._book.state(one.row).is_over:
                    self._drop(one)
            if done.value:
                _log.warning("phases_moved", brand=brand_id.hex, count=len(done.value))
                self._heads.pop(brand_id, None)


def _waves(
    states: Sequence[AccountState], watched: dict[int, _Watched]
) -> Iterable[list[tuple[int, AccountState]]]:
    """The states of watched accounts in their order, in runs that name no account twice."""
    wave: list[tuple[int, AccountState]] = []
    named: set[int] = set()
    for one in states:
        phase = watched.get(one.login)
        if phase is None:
            continue
        if one.login in named:
            yield wave
            wave, named = [], set()
        wave.append((phase.row, one))
        named.add(one.login)
    if wave:
        yield wave
