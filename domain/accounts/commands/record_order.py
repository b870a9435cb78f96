"""Record that a pending order changed on its platform, whether we asked for it or not."""

from domain.accounts.commands.record_deals import AccountRow
from domain.accounts.commands.record_outcome import move_order, settle_order
from domain.accounts.queries import find_placed
from domain.accounts.trading import OrderChange
from domain.accounts.values import OrderStatus
from tenants.work import WriteWork

_MOVED = "CHANGED"
_STATES = {state.value: state for state in OrderStatus}


async def record_order(work: WriteWork, account: AccountRow, change: OrderChange) -> None:
    """Move our order to the platform's state; an order we never placed is not ours to show."""
    state, told = _STATES.get(change.state), change.order
    if state is None and change.state != _MOVED:
        return
    row = await find_placed(work, account.id, ext_id=told.order_id, ours=told.client_order_id)
    if row is None:
        return
    if state is None:
        levels = {"price": told.price, "stop_loss": told.sl, "take_profit": told.tp}
        await move_order(work, row, levels, {})
    else:
        await settle_order(work, row, {"status": state, "ext_id": told.order_id}, {})
