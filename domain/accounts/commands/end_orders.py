"""End pending orders that are no longer on their platform."""

from collections.abc import Sequence
from typing import Any

from domain.accounts.commands.record_outcome import settle_order
from domain.accounts.queries import find_filling_price, find_order
from domain.accounts.values import OrderStatus
from tenants.work import WriteWork


async def end_orders(work: WriteWork, orders: Sequence[Any]) -> None:
    """FILLED when a deal of the order is recorded, else CANCELLED; one event each."""
    for row in orders:
        order = await find_order(work, row.id)
        price = await find_filling_price(work, order.account_id, order.ext_id)
        changed: dict[str, Any] = {"status": OrderStatus.CANCELLED}
        if price is not None:
            changed = {"status": OrderStatus.FILLED, "filled_price": price}
        await settle_order(work, order, changed, {})
