"""Move a phase or its challenge to a status."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import update

from domain.challenges.events import ChallengeEventKind, phase_event
from domain.challenges.lifecycle import ChallengeStatus, PhaseStatus
from domain.challenges.tables import challenge, challenge_phase
from tenants.work import WriteWork


async def change_phase(
    work: WriteWork,
    phase: Any,
    status: PhaseStatus,
    changed: Mapping[str, Any] | None = None,
    *,
    told: ChallengeEventKind | None = None,
    more: Mapping[str, Any] | None = None,
) -> Any:
    """Move a phase that the work has locked; the new row. Effects: the event `told`."""
    row = await work.one(
        update(challenge_phase)
        .where(challenge_phase.c.brand_id == work.scope.brand_id, challenge_phase.c.id == phase.id)
        .values(
            status=status,
            version=challenge_phase.c.version + 1,
            updated_at=work.now(),
            **(changed or {}),
        )
        .returning(challenge_phase)
    )
    if told is not None:
        work.emit(phase_event(told, row, more))
    return row


async def change_challenge(work: WriteWork, row: Any, status: ChallengeStatus) -> None:
    """Move a challenge that the work has locked."""
    await work.rows(
        update(challenge)
        .where(challenge.c.brand_id == work.scope.brand_id, challenge.c.id == row.id)
        .values(status=status, version=challenge.c.version + 1, updated_at=work.now())
    )
