"""Judge the open phases of a brand by what its platform tells of days gone by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.accounts.commands.import_accounts import import_access
from domain.accounts.values import AccountAccess
from domain.challenges.commands.note_closing import note_closed, note_disabled
from domain.challenges.commands.record_steps import Evidence, Kept, Steps, record_steps
from domain.challenges.deals import DEALS, rule_event
from domain.challenges.history import Judged, Low, judge_history
from domain.challenges.lifecycle import Breaker
from domain.challenges.queries import list_judged
from domain.challenges.snapshot import load_rules, load_state
from domain.challenges.values import CashMoved, Dealt
from domain.events import queries as log
from tenants.work import WriteWork

_NEVER_HALTED = Breaker(breaches_max=1_000_000)
"""What was closed long ago can't be held back any more."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A phase that was decided, and its account, on which nothing is open any more."""

    phase_id: UUID
    account_id: UUID
    login: int


async def judge_histories(
    work: WriteWork, lows: Mapping[int, Sequence[Low]], *, until: datetime
) -> list[Ended]:
    """Judge every open phase of the brand up to an instant: its deals as they are recorded, with
    the lows of its login between them; those that were decided.

    Their accounts were closed on the platform by the end of their deals, which is noted here. A
    next phase waits for its account. Nothing is judged twice. Effects: those of `record_steps`,
    `note_closed`, `note_disabled` and `import_access`.
    """
    phases = await list_judged(work)
    deals = await _deals(work, phases)
    steps, ended = [], []
    for row in phases:
        told, seen = deals.get(row.account_id, []), lows.get(row.login, ())
        judged = judge_history(
            load_rules(row.rules), load_state(row.state), told, seen, until=until
        )
        steps.append(_steps(row, judged))
        if judged.state.is_over:
            last = max([judged.kept[-1][0].at, *(one.at for one in told)])
            ended.append((Ended(row.id, row.account_id, row.login), last))
    stale = await record_steps(work, steps, {}, breaker=_NEVER_HALTED, ask=_ask_later)
    assert not stale, "the brand's engine is not at it meanwhile"
    for one, at in ended:
        await note_closed(work, one.phase_id, [], at=at)
        await note_disabled(work, one.phase_id, at=at)
    closed = [one for one, _ in ended]
    await import_access(work, (one.account_id for one in closed), AccountAccess.NO_TRADING)
    return closed


async def _ask_later(_work: WriteWork, _phase: Any) -> bool:
    return False


def _steps(row: Any, judged: Judged) -> Steps:
    kept = tuple(Kept(event, verdicts) for event, verdicts in judged.kept)
    low, evidence = judged.broken_by, None
    if low is not None:
        evidence = Evidence([low.position], [low.price])
    return Steps(row.id, row.events, kept, judged.state, evidence)


async def _deals(work: WriteWork, phases: Sequence[Any]) -> dict[UUID, list[Dealt | CashMoved]]:
    """The deals that were not counted yet, by account, in their order."""
    found: dict[UUID, list[Dealt | CashMoved]] = {row.account_id: [] for row in phases}
    position = min((load_state(row.state).sequence for row in phases), default=None)
    while position is not None:
        events = await log.page(work, position, feed=DEALS)
        for event in events:
            told = rule_event(event) if event.object_id in found else None
            if isinstance(told, Dealt | CashMoved):
                found[event.object_id].append(told)  # type: ignore[index]  # it is among them
        position = events[-1].seq if len(events) == log.PAGE else None
    return found
