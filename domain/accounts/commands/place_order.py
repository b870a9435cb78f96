"""Place a market or pending order."""

from uuid import UUID

from sqlalchemy import insert

from domain.accounts.commands.ask_platform import ask_platform
from domain.accounts.queries import find_symbol, get_account
from domain.accounts.rules import OrderWish, decide_order
from domain.accounts.tables import trade_order
from domain.accounts.values import AccountAccess, AccountStatus, OrderStatus, RequestKind
from domain.kernel.errors import Invalid
from tenants.log import Change
from tenants.work import WriteWork


async def place_order(work: WriteWork, account_id: UUID, wish: OrderWish) -> dict[str, str]:
    """Record an order and send it to the platform; `order` and `request` ids.

    The order is SENDING until the platform answers; the platform has the last word on price and
    margin (NO_MONEY and the like become the order's `reasonCode`).
    Refusals: NOT_FOUND, CLIENT_RESTRICTED, SYMBOL_UNKNOWN and those of `rules.decide_order`.
    Effects: event `order_requested`, later `order_filled`, `order_placed` or `order_rejected`.
    """
    account = await get_account(work, account_id, begins=True)
    symbol = await find_symbol(work, account.server_id, wish.symbol)
    if symbol is None:
        message = "This account has no such symbol."
        raise Invalid("SYMBOL_UNKNOWN", message, path=("input", "symbol"))
    decide_order(
        wish, symbol, status=AccountStatus(account.status), access=AccountAccess(account.access)
    )
    order_id = work.new_id()
    await work.rows(
        insert(trade_order).values(
            brand_id=work.scope.brand_id,
            id=order_id,
            account_id=account_id,
            client_id=account.client_id,
            ib_path=account.ib_path,
            symbol=wish.symbol,
            side=wish.side,
            type=wish.type,
            lots=wish.lots,
            price=wish.price,
            stop_loss=wish.stop_loss,
            take_profit=wish.take_profit,
            status=OrderStatus.SENDING,
            created_at=work.now(),
            updated_at=work.now(),
        )
    )
    request_id = await ask_platform(work, account, RequestKind.PLACE, {}, order_id=order_id)
    shown = {"symbol": wish.symbol, "side": wish.side, "type": wish.type, "lots": str(wish.lots)}
    work.audit(Change("order.place", object_kind="order", object_id=order_id, after=shown))
    return {"order": str(order_id), "request": str(request_id)}
