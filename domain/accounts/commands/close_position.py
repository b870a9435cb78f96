"""Close a position, or part of it."""

from decimal import Decimal
from uuid import UUID

from domain.accounts.commands.ask_platform import ask_platform
from domain.accounts.queries import find_position, find_symbol, get_account
from domain.accounts.rules import decide_close, decide_is_active, decide_may_close
from domain.accounts.values import AccountAccess, AccountStatus, RequestKind
from domain.kernel.errors import NotFound
from tenants.log import Change
from tenants.work import WriteWork


async def close_position(
    work: WriteWork, position_id: UUID, lots: Decimal | None
) -> dict[str, str]:
    """Ask the platform to close `lots` of a position (all of it when None).

    Refusals: NOT_FOUND, ACCOUNT_NOT_ACTIVE, TRADING_DISABLED, LOTS_INVALID.
    Effects: event `close_requested`, later `deal_closed` or `request_refused`; audit.
    """
    held = await find_position(work, position_id)
    if held is None:
        raise NotFound(path=("input", "positionId"))
    account = await get_account(work, held.account_id, named="positionId")
    decide_is_active(AccountStatus(account.status))
    decide_may_close(AccountAccess(account.access))
    symbol = await find_symbol(work, account.server_id, held.symbol)
    assert symbol is not None, "a position's symbol is known"
    decide_close(lots, held.lots, symbol)
    arguments = {"position": held.ext_id, "lots": None if lots is None else str(lots)}
    request_id = await ask_platform(work, account, RequestKind.CLOSE, arguments)
    work.audit(Change("position.close", object_kind="position", object_id=position_id))
    return {"account": str(account.id), "request": str(request_id)}
