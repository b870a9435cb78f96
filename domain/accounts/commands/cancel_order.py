"""Cancel a pending order."""

from uuid import UUID

from domain.accounts.commands.ask_platform import ask_platform
from domain.accounts.queries import find_order, get_account
from domain.accounts.rules import decide_is_pending
from domain.accounts.values import OrderStatus, RequestKind
from domain.kernel.errors import NotFound
from tenants.log import Change
from tenants.work import WriteWork


async def cancel_order(work: WriteWork, order_id: UUID) -> dict[str, str]:
    """Ask the platform to cancel an order that waits there; `order` and `request` ids.

    Refusals: NOT_FOUND, ORDER_NOT_PENDING.
    Effects: event `cancel_requested`, later `order_cancelled`; audit.
    """
    order = await find_order(work, order_id)
    if order is None:
        raise NotFound(path=("input", "orderId"))
    account = await get_account(work, order.account_id, named="orderId")
    decide_is_pending(OrderStatus(order.status))
    request_id = await ask_platform(work, account, RequestKind.CANCEL, {}, order_id=order_id)
    work.audit(Change("order.cancel", object_kind="order", object_id=order_id))
    return {"order": str(order_id), "request": str(request_id)}
