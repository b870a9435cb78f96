"""Note how far the account of a phase that is over is closed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import update

from domain.accounts.trading import Position, Quote
from domain.challenges.breaker import suspicion_of
from domain.challenges.commands.change_phase import change_challenge, change_phase
from domain.challenges.commands.record_steps import price_told
from domain.challenges.commands.trip_breaker import trip
from domain.challenges.events import ChallengeEventKind
from domain.challenges.lifecycle import (
    Breaker,
    ChallengeStatus,
    ClosingStatus,
    PhaseStatus,
    PriceSeen,
)
from domain.challenges.queries import find_breach, find_halt, lock_challenge, lock_phase
from domain.challenges.tables import breach
from tenants.work import WriteWork

_OPEN = (ClosingStatus.WAITING, ClosingStatus.HELD)


async def judge_liquidation(
    work: WriteWork, phase_id: UUID, quotes: list[Quote], *, breaker: Breaker
) -> bool:
    """Whether a broken phase's positions may be closed now; `quotes` are a second look at prices.

    Prices that do not agree trip the breaker; while it holds, the phase is HELD. One that was held
    and is let go was looked at by staff: its prices are not judged again.
    Effects: event `liquidation_halted` when it trips.
    """
    phase = await lock_phase(work, phase_id)
    found = await find_breach(work, phase_id)
    if found is not None and phase.closing == ClosingStatus.WAITING:
        second = [price_told(price_of(one)) for one in quotes]
        doubt = suspicion_of(found.prices, second, breaker)
        await _change_breach(work, found.id, second_prices=second, suspicion=doubt)
        if doubt is not None:
            await trip(work, doubt)
    if await find_halt(work) is None:
        return True
    if phase.closing != ClosingStatus.HELD:
        held = {"closing": ClosingStatus.HELD}
        await change_phase(work, phase, PhaseStatus(phase.status), held)
    return False


async def note_closed(
    work: WriteWork, phase_id: UUID, left: list[Position], *, at: datetime | None = None
) -> None:
    """The platform says that nothing is open, now or since `at`. Effects: event
    `positions_closed`."""
    assert not left, "it was read again until there was nothing"
    phase = await lock_phase(work, phase_id)
    if phase.closing not in _OPEN:
        return
    await change_phase(
        work,
        phase,
        PhaseStatus(phase.status),
        {"closing": ClosingStatus.CLOSED},
        told=ChallengeEventKind.POSITIONS_CLOSED,
    )
    found = await find_breach(work, phase_id)
    if found is not None:
        await _change_breach(work, found.id, verified_at=at or work.now())


async def note_disabled(work: WriteWork, phase_id: UUID, *, at: datetime | None = None) -> None:
    """The account can't be traded on any more, now or since `at`; a broken phase has FAILED by
    that, and its challenge with it. Effects: event `account_disabled`."""
    phase = await lock_phase(work, phase_id)
    if phase.closing != ClosingStatus.CLOSED:
        return
    status = PhaseStatus(phase.status)
    if status is PhaseStatus.LIQUIDATING:
        status = PhaseStatus.FAILED
        row = await lock_challenge(work, phase.challenge_id)
        await change_challenge(work, row, ChallengeStatus.FAILED)
    disabled = ChallengeEventKind.ACCOUNT_DISABLED
    changed = {"closing": ClosingStatus.DISABLED}
    await change_phase(work, phase, status, changed, told=disabled, more={"status": status})
    found = await find_breach(work, phase_id)
    if found is not None:
        await _change_breach(work, found.id, disabled_at=at or work.now())


async def _change_breach(work: WriteWork, breach_id: UUID, **changed: Any) -> None:
    await work.rows(
        update(breach)
        .where(breach.c.brand_id == work.scope.brand_id, breach.c.id == breach_id)
        .values(**changed)
    )


def price_of(quote: Quote) -> PriceSeen:
    """A platform's price as evidence keeps it."""
    return PriceSeen(
        symbol=quote.symbol,
        bid=f"{quote.bid:f}",
        ask=f"{quote.ask:f}",
        at=quote.at,
        recorded_at=quote.recorded_at,
        source=quote.source,
    )
