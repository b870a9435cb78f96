"""Begin a phase: its account is open on the platform, with the balance it starts from."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from domain.accounts.queries import find_account
from domain.challenges.commands.change_phase import change_phase
from domain.challenges.events import ChallengeEventKind
from domain.challenges.lifecycle import PhaseStatus
from domain.challenges.queries import lock_phase_of_account
from domain.challenges.rules import begin
from domain.challenges.snapshot import dump_state, load_rules
from domain.events.queries import head
from tenants.work import WriteWork


async def begin_phase(work: WriteWork, account_id: UUID, *, at: datetime | None = None) -> bool:
    """Judge the phase of an account from now on, or from `at`; False when none waits for it.

    It begins by the database's own clock, which platforms are close to; a sandbox's is not.
    Effects: event `phase_started`.
    """
    phase = await lock_phase_of_account(work, account_id)
    if phase is None or phase.status != PhaseStatus.PENDING_ACCOUNT:
        return False
    account = await find_account(work, account_id)
    start = int(phase.start_minor)
    state = begin(load_rules(phase.rules), start_minor=start, at=at or work.database_now())
    # What is in the log by now is older than the phase: its first money, and nothing else.
    state = replace(state, sequence=await head(work))
    changed = {
        "state": dump_state(state),
        "server_id": account.server_id,
        "login": account.login,
        "started_at": state.started_at,
        "reason_code": None,
    }
    told = ChallengeEventKind.PHASE_STARTED
    more = {"start_minor": str(phase.start_minor), "currency": phase.currency}
    await change_phase(work, phase, PhaseStatus.ACTIVE, changed, told=told, more=more)
    return True


async def refuse_account(work: WriteWork, account_id: UUID, reason_code: str) -> bool:
    """The platform would not open the account: another one is asked for by a round."""
    phase = await lock_phase_of_account(work, account_id)
    if phase is None or phase.status != PhaseStatus.PENDING_ACCOUNT:
        return False
    changed = {"account_id": None, "reason_code": reason_code}
    told, more = ChallengeEventKind.ACCOUNT_REFUSED, {"reason_code": reason_code}
    await change_phase(work, phase, PhaseStatus.PENDING_ACCOUNT, changed, told=told, more=more)
    return True
