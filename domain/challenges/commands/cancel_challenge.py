"""End a challenge whose order was given back."""

from typing import Any
from uuid import UUID

from domain.challenges.commands.change_phase import change_challenge, change_phase
from domain.challenges.events import ChallengeEventKind
from domain.challenges.lifecycle import JUDGED, ChallengeStatus, ClosingStatus, PhaseStatus
from domain.challenges.queries import list_phases, lock_challenge_of, lock_phase
from tenants.work import WriteWork

_OPEN = (*JUDGED, PhaseStatus.PENDING_ACCOUNT)
_GOING = (ChallengeStatus.ACTIVE, ChallengeStatus.REVIEW)


async def cancel_challenge(work: WriteWork, order_id: UUID, *, reason_code: str) -> None:
    """Cancel what an order became, if it still goes on; its account is closed by a job.

    Effects: event `phase_cancelled`.
    """
    row = await lock_challenge_of(work, order_id)
    if row is None or row.status not in _GOING:
        return
    await change_challenge(work, row, ChallengeStatus.CANCELLED)
    for found in await list_phases(work, row.id):
        phase: Any = await lock_phase(work, found.id)
        if phase.status in _OPEN:
            closing = None if phase.account_id is None else ClosingStatus.WAITING
            changed = {"closing": closing, "reason_code": reason_code, "ended_at": work.now()}
            cancelled = ChallengeEventKind.PHASE_CANCELLED
            await change_phase(work, phase, PhaseStatus.CANCELLED, changed, told=cancelled)
