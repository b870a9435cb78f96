"""Close the account of a phase that is over: only closing, close all, look again, disable.

Never inside a work. Each step is found done when it comes again, so that a crash, a second worker
or a platform that was away costs nothing but time. Only this phase's account is touched.
"""

from uuid import UUID

from domain.accounts.carry_out import Platforms
from domain.accounts.close_out import close_all, look_at, set_access
from domain.accounts.queries import find_account
from domain.accounts.values import AccountAccess
from domain.challenges.commands.note_closing import (
    judge_liquidation,
    note_closed,
    note_disabled,
)
from domain.challenges.lifecycle import Breaker, ClosingStatus, PhaseStatus
from domain.challenges.queries import find_phase
from tenants.context import system_scope
from tenants.work import Database

_REASONS = {
    PhaseStatus.LIQUIDATING: "Challenge rule broken",
    PhaseStatus.PASSED: "Challenge phase passed",
    PhaseStatus.EXPIRED: "Challenge time over",
    PhaseStatus.CANCELLED: "Challenge cancelled",
}
_PAUSE = "Challenge paused until the next reset"
_RESUME = "Challenge goes on"


async def close_phase(
    database: Database,
    platforms: Platforms,
    brand_id: UUID,
    phase_id: UUID,
    *,
    breaker: Breaker | None = None,
) -> bool:
    """Close a phase's account as far as it goes; False while the breaker holds it.

    Raises PlatformUnavailable, OutcomeUnknown and StillOpen when it must be tried again.
    """
    scope = system_scope(brand_id, request_id=f"phase:{phase_id.hex}")
    async with database.read(scope) as work:
        phase = await find_phase(work, phase_id)
        account = await find_account(work, phase.account_id) if phase.account_id else None
    if account is None or phase.closing in (None, ClosingStatus.DISABLED):
        return True
    platform, why = platforms(account.server_id), _REASONS.get(phase.status, "Challenge over")
    if phase.closing != ClosingStatus.CLOSED:
        only = AccountAccess.CLOSE_ONLY
        await set_access(database, platforms, scope, account.id, only, reason=why)
        if phase.status == PhaseStatus.LIQUIDATING:
            quotes = list((await look_at(platform, account.login)).quotes)
            limits = breaker or Breaker()
            judged = await database.write(
                scope, lambda work: judge_liquidation(work, phase_id, quotes, breaker=limits)
            )
            if not judged.value:
                return False
        await close_all(platform, account.login, reason=why)
        left = list((await look_at(platform, account.login)).positions)
        await database.write(scope, lambda work: note_closed(work, phase_id, left))
    locked = AccountAccess.NO_TRADING
    await set_access(database, platforms, scope, account.id, locked, reason=why)
    await database.write(scope, lambda work: note_disabled(work, phase_id))
    return True


async def pause_phase(
    database: Database, platforms: Platforms, brand_id: UUID, phase_id: UUID
) -> None:
    """Make the account do what its phase may: close everything while it is paused, trade again
    once it goes on. Raises what `close_phase` raises."""
    scope = system_scope(brand_id, request_id=f"phase:{phase_id.hex}")
    async with database.read(scope) as work:
        phase = await find_phase(work, phase_id)
        account = await find_account(work, phase.account_id)
    if phase.status == PhaseStatus.PAUSED:
        only = AccountAccess.CLOSE_ONLY
        await set_access(database, platforms, scope, account.id, only, reason=_PAUSE)
        await close_all(platforms(account.server_id), account.login, reason=_PAUSE)
    elif phase.status == PhaseStatus.ACTIVE:
        full = AccountAccess.FULL
        await set_access(database, platforms, scope, account.id, full, reason=_RESUME)
