"""Mutations on orders and positions: permission and shape here, the rest in the commands."""

from typing import Annotated
from uuid import UUID

import strawberry

from domain.accounts.commands.cancel_order import cancel_order
from domain.accounts.commands.change_order import change_order
from domain.accounts.commands.change_position import change_position
from domain.accounts.commands.close_position import close_position
from domain.accounts.commands.place_order import place_order
from schema.accounts.asking import (
    CLIENT,
    DISABLED,
    LOTS,
    NOT_ACTIVE,
    PENDING,
    PLATFORM,
    PRICE,
    SHARED,
    accepted,
    ask,
    finished,
    key_of,
    replayed,
)
from schema.accounts.inputs import (
    OrderCancelInput,
    OrderModifyInput,
    OrderPlaceInput,
    PositionCloseInput,
    PositionModifyInput,
)
from schema.accounts.types import Account, Order, Position
from schema.shared.bind import Info, fetch_below
from schema.shared.errors import mutation, payload, result


@payload(
    errors={
        **SHARED,
        **CLIENT,
        **NOT_ACTIVE,
        **DISABLED,
        **LOTS,
        **PRICE,
        "SYMBOL_UNKNOWN": "The account has no such symbol.",
    }
)
class OrderPlacePayload:
    order: Order | None = result(
        "The order as it is now: FILLED, PLACED, REJECTED with a reason, or still SENDING."
    )
    replayed: bool = replayed()


@payload(errors={**SHARED, **NOT_ACTIVE, **DISABLED, **PRICE, **PENDING, **PLATFORM})
class OrderModifyPayload:
    order: Order | None = result("The order as it is now.")
    replayed: bool = replayed()


@payload(errors={**SHARED, **PENDING, **PLATFORM})
class OrderCancelPayload:
    order: Order | None = result("The order as it is now.")
    replayed: bool = replayed()


@payload(errors={**SHARED, **NOT_ACTIVE, **DISABLED, **PRICE, **PLATFORM})
class PositionModifyPayload:
    position: Position | None = result("The position as it is now; null when closed meanwhile.")
    replayed: bool = replayed()


@payload(errors={**SHARED, **NOT_ACTIVE, **DISABLED, **LOTS, **PLATFORM})
class PositionClosePayload:
    account: Account | None = result("The account; its deals and positions follow at once.")
    replayed: bool = replayed()


_Place = Annotated[OrderPlaceInput, strawberry.argument(description="What to trade.")]
_Modify = Annotated[OrderModifyInput, strawberry.argument(description="What to change.")]
_Cancel = Annotated[OrderCancelInput, strawberry.argument(description="What to cancel.")]
_Move = Annotated[PositionModifyInput, strawberry.argument(description="What to change.")]
_Close = Annotated[PositionCloseInput, strawberry.argument(description="What to close.")]


@strawberry.type
class TradingMutations:
    @mutation("Place a market or pending order.", needs="orders:place")
    async def order_place(self, info: Info, input: _Place) -> OrderPlacePayload:
        account_id = key_of("account", input.account_id, "accountId")
        done = await ask(info, input, lambda work: place_order(work, account_id, input.wish()))
        await finished(info, done)
        order = await fetch_below(info, "order", "order", UUID(done.value["order"]))
        return OrderPlacePayload(order=order, replayed=done.replayed)

    @mutation(
        "Move an order that waits for its price: that price, its stop loss and take profit.",
        needs="orders:place",
    )
    async def order_modify(self, info: Info, input: _Modify) -> OrderModifyPayload:
        order_id = key_of("order", input.order_id, "orderId")
        done = await ask(info, input, lambda work: change_order(work, order_id, input.changes()))
        await accepted(info, done)
        order = await fetch_below(info, "order", "order", order_id)
        return OrderModifyPayload(order=order, replayed=done.replayed)

    @mutation("Cancel an order that waits for its price.", needs="orders:place")
    async def order_cancel(self, info: Info, input: _Cancel) -> OrderCancelPayload:
        order_id = key_of("order", input.order_id, "orderId")
        done = await ask(info, input, lambda work: cancel_order(work, order_id))
        await accepted(info, done)
        order = await fetch_below(info, "order", "order", order_id)
        return OrderCancelPayload(order=order, replayed=done.replayed)

    @mutation("Set stop loss and take profit of an open position.", needs="orders:place")
    async def position_modify(self, info: Info, input: _Move) -> PositionModifyPayload:
        position_id = key_of("position", input.position_id, "positionId")
        done = await ask(
            info, input, lambda work: change_position(work, position_id, input.changes())
        )
        await accepted(info, done)
        position = await fetch_below(info, "position", "position", position_id)
        return PositionModifyPayload(position=position, replayed=done.replayed)

    @mutation("Close a position, or part of it, at the price of now.", needs="orders:close")
    async def position_close(self, info: Info, input: _Close) -> PositionClosePayload:
        position_id = key_of("position", input.position_id, "positionId")
        done = await ask(info, input, lambda work: close_position(work, position_id, input.lots))
        await accepted(info, done)
        account = await fetch_below(info, "account", "account", UUID(done.value["account"]))
        return PositionClosePayload(account=account, replayed=done.replayed)
