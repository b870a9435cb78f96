"""Record that a pending order changed on its platform without our asking."""

from sqlalchemy import select

from domain.accounts.commands.record_deals import AccountRow
from domain.accounts.commands.record_outcome import settle_order
from domain.accounts.tables import trade_order
from domain.accounts.trading import OrderChange
from domain.accounts.values import OrderStatus
from tenants.work import WriteWork

_STATES = {state.value: state for state in OrderStatus}


async def record_order(work: WriteWork, account: AccountRow, change: OrderChange) -> None:
    """Move our order to the platform's state; an order we never placed is not ours to show."""
    state = _STATES.get(change.state)
    if state is None:
        return
    row = await work.maybe(
        select(trade_order).where(
            trade_order.c.brand_id == work.scope.brand_id,
            trade_order.c.account_id == account.id,
            trade_order.c.ext_id == change.order.order_id,
        )
    )
    if row is not None:
        await settle_order(work, row, {"status": state}, {})
