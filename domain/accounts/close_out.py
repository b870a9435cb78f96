"""Close everything on an account, and see that it is closed. Never inside a work."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from domain.accounts.carry_out import Platforms, carry_out
from domain.accounts.commands.change_access import change_access
from domain.accounts.ports import Platform
from domain.accounts.queries import find_account, find_request
from domain.accounts.trading import AccountState, Position, Quote
from domain.accounts.values import AccountAccess, RequestStatus
from domain.kernel.errors import Busy, Refused
from tenants.context import Scope
from tenants.work import Database

_LOOKS, _LOOK_AGAIN_S = 50, 0.1


class StillOpen(Busy):
    """Something is open on the platform, or our own books do not know yet that nothing is."""

    def __init__(self) -> None:
        super().__init__("POSITIONS_OPEN", "Positions or orders are still open.")


@dataclass(frozen=True, slots=True)
class Sight:
    """An account as its platform holds it now, and the prices of what is open."""

    positions: Sequence[Position]
    quotes: Sequence[Quote]
    state: AccountState | None


async def look_at(platform: Platform, login: int) -> Sight:
    """What is open, at which prices, and the money."""
    positions = await platform.positions(login)
    symbols = sorted({one.symbol for one in positions})
    quotes = await platform.quotes(symbols) if symbols else []
    states = await platform.account_states([login])
    return Sight(positions, quotes, states[0] if states else None)


async def close_all(platform: Platform, login: int, *, reason: str) -> None:
    """Close every position, cancel every order, and read both again until there are none.

    A call that comes again closes what is open then. Raises StillOpen when the platform would not.
    """
    await platform.close_all(login, reason=reason, op_id=f"close:{uuid4().hex}")
    if await platform.positions(login) or await platform.orders(login):
        raise StillOpen()


async def set_access(
    database: Database,
    platforms: Platforms,
    scope: Scope,
    account_id: UUID,
    access: AccountAccess,
    *,
    reason: str,
) -> datetime | None:
    """Give an account another access and see that the platform has it; when it was asked for, or
    None when it had it before.

    Where our books lag behind the platform a lock waits for them, some seconds at most. Raises
    StillOpen after that, and Refused (with the platform's code) when the platform says no.
    """
    async with database.read(scope) as work:
        account = await find_account(work, account_id)
    if account.access == access:
        return None
    for _ in range(_LOOKS):
        try:
            asked = await database.write(
                scope,
                lambda work: change_access(
                    work, account_id, access, reason=reason, expected_version=None
                ),
            )
            break
        except Refused as refused:
            if refused.code != "POSITIONS_OPEN":
                raise
            await asyncio.sleep(_LOOK_AGAIN_S)  # the stream tells our books what was closed
    else:
        raise StillOpen()
    request_id = UUID(asked.value["request"])
    await carry_out(database, platforms, scope.brand_id, request_id)
    async with database.read(scope) as work:
        request = await find_request(work, request_id)
    if request.status == RequestStatus.REFUSED:
        raise Refused(str(request.reason_code), "The platform keeps the access as it was.")
    return request.created_at  # type: ignore[no-any-return]  # of a row
