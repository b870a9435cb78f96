"""Record what the rules decided about phases, and begin what follows from it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from domain.challenges.commands.change_phase import change_challenge, change_phase
from domain.challenges.commands.start_challenge import add_phase, ask_account
from domain.challenges.commands.trip_breaker import trip
from domain.challenges.events import ChallengeEventKind, phase_event, told_of
from domain.challenges.lifecycle import (
    JUDGED,
    Breaker,
    ChallengeStatus,
    ClosingStatus,
    PhaseStatus,
    PriceSeen,
)
from domain.challenges.queries import (
    count_breaches,
    find_version,
    list_positions,
    lock_challenge,
    lock_phase,
)
from domain.challenges.snapshot import dump_event, dump_state, dump_verdict
from domain.challenges.tables import breach
from domain.challenges.tables import phase_event as phase_event_table
from domain.challenges.values import (
    DayBegan,
    FloorBroken,
    PhaseExpired,
    PhasePassed,
    PhaseState,
    RuleEvent,
    Severity,
    Verdict,
)
from tenants.bulk import insert_rows
from tenants.work import WriteWork

_K = ChallengeEventKind
Ask = Callable[[WriteWork, Any], Awaitable[bool]]
"""Asks for the account of a phase that waits for one; False when it was not asked for."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One event to record, and what was decided by it."""

    event: RuleEvent
    verdicts: tuple[Verdict, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was open when a rule was broken, and its prices, as a breach keeps them."""

    positions: Sequence[Mapping[str, Any]]
    prices: Sequence[PriceSeen]


@dataclass(frozen=True, slots=True)
class Steps:
    """What happened to a phase since `known` events of it were recorded; the state it led to.

    `evidence` is of its breach, when it is not what the stream has told last; `prices` are those of
    then, when they are not the newest.
    """

    phase_id: UUID
    known: int
    kept: tuple[Kept, ...]
    state: PhaseState
    evidence: Evidence | None = None
    prices: Mapping[str, PriceSeen] | None = None


async def record_steps(
    work: WriteWork,
    several: Sequence[Steps],
    prices: Mapping[str, PriceSeen],
    *,
    breaker: Breaker,
    ask: Ask = ask_account,
) -> set[UUID]:
    """Add the steps of some phases; the phases of which nothing was added, since somebody else
    moved them meanwhile: read those again.

    `prices` are the newest known, by symbol; `ask` opens the account of a next phase. Effects: per
    verdict an event and what it begins: a breach with its evidence, the next phase, the review.
    Too many breaches trip the breaker.
    """
    stale = set()
    for steps in sorted(several, key=lambda one: one.phase_id):
        phase = await lock_phase(work, steps.phase_id)
        if phase is None or phase.events != steps.known or phase.status not in JUDGED:
            stale.add(steps.phase_id)
            continue
        rows = [_row(work, phase, steps.known + n, one) for n, one in enumerate(steps.kept, 1)]
        await insert_rows(work, phase_event_table, rows)
        changed = {"state": dump_state(steps.state), "events": steps.known + len(rows)}
        phase = await change_phase(work, phase, PhaseStatus(phase.status), changed)
        for n, one in enumerate(steps.kept, steps.known + 1):
            for verdict in one.verdicts:
                if isinstance(verdict, FloorBroken) and verdict.severity is Severity.HARD:
                    seen = prices if steps.prices is None else steps.prices
                    evidence = steps.evidence or await _evidence(work, phase, seen)
                    await _keep_evidence(work, phase, n, verdict, evidence)
                phase = await _follow(work, phase, verdict, ask)
    await _judge_breaches(work, breaker)
    return stale


def _row(work: WriteWork, phase: Any, n: int, one: Kept) -> dict[str, Any]:
    return {
        "brand_id": work.scope.brand_id,
        "phase_id": phase.id,
        "n": n,
        "client_id": phase.client_id,
        "ib_path": phase.ib_path,
        "at": one.event.at,
        "event": dump_event(one.event),
        "verdicts": [dump_verdict(verdict) for verdict in one.verdicts],
    }


async def _follow(work: WriteWork, phase: Any, verdict: Verdict, ask: Ask) -> Any:
    """What a verdict begins; the phase's row after it."""
    told = told_of(verdict)
    ended = {"closing": ClosingStatus.WAITING, "ended_at": verdict.at}
    match verdict:
        case DayBegan():
            work.emit(phase_event(_K.DAY_BEGAN, phase, told))
            if phase.status != PhaseStatus.PAUSED:
                return phase
            return await change_phase(work, phase, PhaseStatus.ACTIVE, told=_K.PHASE_RESUMED)
        case FloorBroken(severity=Severity.SOFT):
            paused, why = PhaseStatus.PAUSED, _K.PHASE_PAUSED
            return await change_phase(work, phase, paused, told=why, more=told)
        case FloorBroken():
            broken, why = PhaseStatus.LIQUIDATING, _K.PHASE_BREACHED
            return await change_phase(work, phase, broken, ended, told=why, more=told)
        case PhasePassed():
            passed, why = PhaseStatus.PASSED, _K.PHASE_PASSED
            phase = await change_phase(work, phase, passed, ended, told=why, more=told)
            await _go_on(work, phase, ask)
            return phase
        case PhaseExpired():
            expired, why = PhaseStatus.EXPIRED, _K.PHASE_EXPIRED
            phase = await change_phase(work, phase, expired, ended, told=why, more=told)
            row = await lock_challenge(work, phase.challenge_id)
            await change_challenge(work, row, ChallengeStatus.EXPIRED)
            return phase


async def _go_on(work: WriteWork, phase: Any, ask: Ask) -> None:
    """The next phase, or somebody's look at the whole when it was the last."""
    row = await lock_challenge(work, phase.challenge_id)
    if phase.number == row.phase_count:
        await change_challenge(work, row, ChallengeStatus.REVIEW)
        work.emit(phase_event(_K.REVIEW_BEGAN, phase))
        return
    version = await find_version(work, row.program_version_id)
    phase_id = await add_phase(work, row, version, phase.number + 1)
    await ask(work, await lock_phase(work, phase_id))


async def _evidence(work: WriteWork, phase: Any, prices: Mapping[str, PriceSeen]) -> Evidence:
    """What is open as the stream has told last, and the newest prices of it."""
    held = await list_positions(work, phase.account_id)
    symbols = sorted({row.symbol for row in held})
    return Evidence(
        [_position(row) for row in held], [prices[one] for one in symbols if one in prices]
    )


async def _keep_evidence(
    work: WriteWork, phase: Any, n: int, verdict: FloorBroken, evidence: Evidence
) -> None:
    await work.rows(
        insert(breach).values(
            brand_id=work.scope.brand_id,
            id=work.new_id(),
            client_id=phase.client_id,
            ib_path=phase.ib_path,
            challenge_id=phase.challenge_id,
            phase_id=phase.id,
            account_id=phase.account_id,
            n=n,
            rule=verdict.rule,
            zone=verdict.zone,
            day=verdict.day,
            currency=phase.currency,
            floor_minor=verdict.floor_minor,
            equity_minor=verdict.equity_minor,
            balance_minor=verdict.balance_minor,
            anchor_minor=verdict.anchor_minor,
            peak_minor=verdict.peak_minor,
            at=verdict.at,
            seen_at=verdict.seen_at,
            source=verdict.source,
            prices=[price_told(one) for one in evidence.prices],
            positions=[dict(one) for one in evidence.positions],
            created_at=work.now(),
        )
    )


def price_told(price: PriceSeen) -> dict[str, Any]:
    """A price as evidence keeps it."""
    recorded = price.recorded_at
    return {
        **asdict(price),
        "at": price.at.isoformat(),
        "recorded_at": None if recorded is None else recorded.isoformat(),
    }


def _position(row: Any) -> dict[str, Any]:
    return {
        "ticket": row.ext_id,
        "symbol": row.symbol,
        "side": row.side,
        "lots": f"{row.lots.normalize():f}",
        "open_price": f"{row.open_price.normalize():f}",
    }


async def _judge_breaches(work: WriteWork, breaker: Breaker) -> None:
    """Many breaches at once are a reason to look before anything is closed."""
    if not any(one.kind == _K.PHASE_BREACHED for one in work.events):
        return
    count = await count_breaches(work, work.now() - breaker.window)
    if count > breaker.breaches_max:
        seconds = int(breaker.window / timedelta(seconds=1))
        await trip(work, f"{count} breaches within {seconds} seconds")
