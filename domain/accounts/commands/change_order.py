"""Move a pending order: its price, stop loss and take profit."""

from collections.abc import Mapping
from decimal import Decimal
from uuid import UUID

from domain.accounts.commands.ask_platform import ask_platform
from domain.accounts.queries import find_order, find_symbol, get_account
from domain.accounts.rules import OrderWish, decide_is_pending, decide_order_change, merge_levels
from domain.accounts.values import (
    AccountAccess,
    AccountStatus,
    OrderStatus,
    OrderType,
    RequestKind,
    Side,
)
from domain.kernel.errors import NotFound
from tenants.log import Change
from tenants.work import WriteWork

_LEVELS = ("price", "stop_loss", "take_profit")


async def change_order(
    work: WriteWork, order_id: UUID, changes: Mapping[str, Decimal | None]
) -> dict[str, str]:
    """Ask the platform to move an order that waits there; `order` and `request` ids.

    `changes` has the levels to change, of `price`, `stop_loss` and `take_profit`; None takes one
    away. The platform has the last word on the distance to the market.
    Refusals: NOT_FOUND, ORDER_NOT_PENDING and those of `rules.decide_order_change`.
    Effects: event `order_change_requested`, later `order_changed` or `request_refused`; audit.
    """
    order = await find_order(work, order_id)
    if order is None:
        raise NotFound(path=("input", "orderId"))
    account = await get_account(work, order.account_id, named="orderId")
    decide_is_pending(OrderStatus(order.status))
    symbol = await find_symbol(work, account.server_id, order.symbol)
    assert symbol is not None, "an order's symbol is known"
    before = {name: getattr(order, name) for name in _LEVELS}
    levels = merge_levels(before, changes)
    wish = OrderWish(order.symbol, OrderType(order.type), Side(order.side), order.lots, **levels)
    decide_order_change(
        wish, symbol, status=AccountStatus(account.status), access=AccountAccess(account.access)
    )
    told = {name: _text(level) for name, level in levels.items()}
    request_id = await ask_platform(
        work, account, RequestKind.CHANGE_ORDER, told, order_id=order_id
    )
    work.audit(
        Change(
            "order.change",
            object_kind="order",
            object_id=order_id,
            before={name: _text(level) for name, level in before.items()},
            after=told,
        )
    )
    return {"order": str(order_id), "request": str(request_id)}


def _text(level: Decimal | None) -> str | None:
    return None if level is None else str(level)
