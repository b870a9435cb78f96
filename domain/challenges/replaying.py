"""Judge whole phases again from what was recorded, and say where it comes out differently."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.challenges.queries import list_phase_events, list_started
from domain.challenges.rules import begin, evaluate
from domain.challenges.snapshot import load_event, load_rules, load_state, load_verdict
from domain.challenges.values import PhaseState, RuleSet, Verdict
from tenants.context import system_scope
from tenants.work import Database


@dataclass(frozen=True, slots=True)
class Difference:
    """An event by which a replay decides something else than was decided then."""

    phase_id: UUID
    n: int
    recorded: tuple[Verdict, ...]
    replayed: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class Replayed:
    """A phase judged again: how many events and verdicts, and where it differs."""

    phase_id: UUID
    events: int
    verdicts: int
    differences: tuple[Difference, ...]


def judge_again(phase_id: UUID, rules: RuleSet, state: PhaseState, rows: Iterable[Any]) -> Replayed:
    """Every recorded event once more, in its order, from the phase's own beginning; verdicts are
    compared whole: instant, floor, equity and all."""
    differences, events, verdicts = [], 0, 0
    for row in rows:
        state, found = evaluate(rules, state, load_event(row.event))
        recorded = tuple(load_verdict(one) for one in row.verdicts)
        events, verdicts = events + 1, verdicts + len(recorded)
        if found != recorded:
            differences.append(Difference(phase_id, row.n, recorded, found))
    return Replayed(phase_id, events, verdicts, tuple(differences))


async def replay_phases(
    database: Database, brand_id: UUID, *, phase_id: UUID | None = None
) -> Sequence[Replayed]:
    """Judge the phases of a brand again that ever began, or one of them. Changes nothing."""
    done = []
    async with database.read(system_scope(brand_id)) as work:
        for phase in await list_started(work):
            if phase_id not in (None, phase.id):
                continue
            rules, kept = load_rules(phase.rules), load_state(phase.state)
            state = begin(rules, start_minor=int(phase.start_minor), at=kept.started_at)
            rows = await list_phase_events(work, phase.id)
            done.append(judge_again(phase.id, rules, state, rows))
    return done
