"""Set the stop loss and take profit of an open position."""

from collections.abc import Mapping
from decimal import Decimal
from uuid import UUID

from domain.accounts.commands.ask_platform import ask_platform
from domain.accounts.queries import find_position, find_symbol, get_account
from domain.accounts.rules import decide_position_change, merge_levels
from domain.accounts.values import AccountAccess, AccountStatus, RequestKind
from domain.kernel.errors import NotFound
from tenants.log import Change
from tenants.work import WriteWork

_LEVELS = ("stop_loss", "take_profit")


async def change_position(
    work: WriteWork, position_id: UUID, changes: Mapping[str, Decimal | None]
) -> dict[str, str]:
    """Ask the platform for other levels; `account`, `position` and `request` ids.

    `changes` has the levels to change, of `stop_loss` and `take_profit`; None takes one away. The
    platform has the last word on the distance to the market.
    Refusals: NOT_FOUND and those of `rules.decide_position_change`.
    Effects: event `position_change_requested`, later `position_changed` or `request_refused`;
    audit.
    """
    held = await find_position(work, position_id)
    if held is None:
        raise NotFound(path=("input", "positionId"))
    account = await get_account(work, held.account_id, named="positionId")
    symbol = await find_symbol(work, account.server_id, held.symbol)
    assert symbol is not None, "a position's symbol is known"
    before = {name: getattr(held, name) for name in _LEVELS}
    levels = merge_levels(before, changes)
    decide_position_change(
        levels, symbol, status=AccountStatus(account.status), access=AccountAccess(account.access)
    )
    told = {name: _text(level) for name, level in levels.items()}
    arguments = {"position": held.ext_id, "position_id": str(position_id), **told}
    request_id = await ask_platform(work, account, RequestKind.CHANGE_POSITION, arguments)
    work.audit(
        Change(
            "position.change",
            object_kind="position",
            object_id=position_id,
            before={name: _text(level) for name, level in before.items()},
            after=told,
        )
    )
    found = {"account": account.id, "position": position_id, "request": request_id}
    return {name: str(key) for name, key in found.items()}


def _text(level: Decimal | None) -> str | None:
    return None if level is None else str(level)
