"""Mutations on accounts: permission and shape here, everything else in the commands.

Each commits a request to the platform, waits up to two seconds for its outcome, and shows the
object as it is then (docs/decisions/0003).
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

import strawberry

from domain.accounts.commands.cancel_order import cancel_order
from domain.accounts.commands.change_leverage import change_leverage
from domain.accounts.commands.close_position import close_position
from domain.accounts.commands.open_account import open_account
from domain.accounts.commands.place_order import place_order
from domain.accounts.queries import find_request
from domain.accounts.waiting import settled
from domain.kernel.errors import NotFound, Refused
from domain.kernel.ids import decode_id_of
from schema.accounts.inputs import (
    AccountLeverageChangeInput,
    AccountOpenInput,
    OrderCancelInput,
    OrderPlaceInput,
    PositionCloseInput,
)
from schema.accounts.types import Account, Order
from schema.shared.bind import Info, fetch_below
from schema.shared.errors import mutation, payload, result
from tenants.repeat import Repeat
from tenants.work import Done, WriteWork

_SHARED = {
    "NOT_FOUND": "No such object, or none that you may see.",
    "INVALID": "A value is impossible, see `path` and `message`.",
    "IDEMPOTENCY_IN_PROGRESS": "The same request is still running; ask again in a moment.",
    "IDEMPOTENCY_KEY_REUSED": "The key was used with other input.",
}
_NOT_ACTIVE = {"ACCOUNT_NOT_ACTIVE": "The account is not open on its platform."}
_DISABLED = {"TRADING_DISABLED": "Trading is switched off for this account."}
_REFUSED = {"PLATFORM_REFUSED": "The platform said no; `message` has its code."}
_TOO_HIGH = {"LEVERAGE_TOO_HIGH": "More than group and jurisdiction allow."}
_LOTS = {"LOTS_INVALID": "Outside the symbol's limits or off its step."}
_REPLAYED = "Whether an earlier request with this key was answered again."


@payload(
    errors={
        **_SHARED,
        **_TOO_HIGH,
        "CLIENT_RESTRICTED": "The client may not begin anything new.",
        "EMAIL_NOT_VERIFIED": "The client has not verified the e-mail address.",
        "ACCOUNT_LIMIT": "The client has as many accounts as allowed.",
        "KIND_UNAVAILABLE": "The brand offers no account of that kind to you.",
        "CURRENCY_UNAVAILABLE": "No account of that kind in this currency and swap choice.",
        "LOGINS_EXHAUSTED": "The brand has no free logins; the operator must grant more.",
    }
)
class AccountOpenPayload:
    account: Account | None = result("The account; OPENING until the platform confirms.")
    replayed: bool = strawberry.field(description=_REPLAYED, default=False)


@payload(
    errors={
        **_SHARED,
        **_NOT_ACTIVE,
        **_TOO_HIGH,
        **_REFUSED,
        "VERSION_CONFLICT": "The account has changed since you read it.",
    }
)
class AccountLeverageChangePayload:
    account: Account | None = result("The account as it is now.")
    replayed: bool = strawberry.field(description=_REPLAYED, default=False)


@payload(
    errors={
        **_SHARED,
        **_NOT_ACTIVE,
        **_DISABLED,
        **_LOTS,
        "SYMBOL_UNKNOWN": "The account has no such symbol.",
        "PRICE_INVALID": "A price is missing, misplaced or has too many decimals.",
    }
)
class OrderPlacePayload:
    order: Order | None = result(
        "The order as it is now: FILLED, PLACED, REJECTED with a reason, or still SENDING."
    )
    replayed: bool = strawberry.field(description=_REPLAYED, default=False)


@payload(
    errors={**_SHARED, **_REFUSED, "ORDER_NOT_PENDING": "Only an order that waits is cancelled."}
)
class OrderCancelPayload:
    order: Order | None = result("The order as it is now.")
    replayed: bool = strawberry.field(description=_REPLAYED, default=False)


@payload(errors={**_SHARED, **_NOT_ACTIVE, **_DISABLED, **_LOTS, **_REFUSED})
class PositionClosePayload:
    account: Account | None = result("The account; its deals and positions follow at once.")
    replayed: bool = strawberry.field(description=_REPLAYED, default=False)


_Open = Annotated[AccountOpenInput, strawberry.argument(description="What to open.")]
_Leverage = Annotated[AccountLeverageChangeInput, strawberry.argument(description="The change.")]
_Place = Annotated[OrderPlaceInput, strawberry.argument(description="What to trade.")]
_Cancel = Annotated[OrderCancelInput, strawberry.argument(description="What to cancel.")]
_Close = Annotated[PositionCloseInput, strawberry.argument(description="What to close.")]


@strawberry.type
class AccountMutations:
    @mutation("Open a trading account.", needs="accounts:open")
    async def account_open(self, info: Info, input: _Open) -> AccountOpenPayload:
        context = info.context
        client_id = _client_id(info, input.client_id)
        done = await _ask(info, input, lambda work: open_account(work, client_id, input.wish()))
        await settled(context.database, context.scope, UUID(done.value["request"]))
        account = await fetch_below(info, "account", "account", UUID(done.value["account"]))
        return AccountOpenPayload(account=account, replayed=done.replayed)

    @mutation("Change the leverage of an account.", needs="accounts:leverage")
    async def account_leverage_change(
        self, info: Info, input: _Leverage
    ) -> AccountLeverageChangePayload:
        account_id = _key("account", input.account_id, "accountId")
        done = await _ask(
            info,
            input,
            lambda work: change_leverage(
                work, account_id, input.leverage, expected_version=input.expected_version
            ),
        )
        await _accepted(info, done)
        account = await fetch_below(info, "account", "account", account_id)
        return AccountLeverageChangePayload(account=account, replayed=done.replayed)

    @mutation("Place a market or pending order.", needs="orders:place")
    async def order_place(self, info: Info, input: _Place) -> OrderPlacePayload:
        context = info.context
        account_id = _key("account", input.account_id, "accountId")
        done = await _ask(info, input, lambda work: place_order(work, account_id, input.wish()))
        await settled(context.database, context.scope, UUID(done.value["request"]))
        order = await fetch_below(info, "order", "order", UUID(done.value["order"]))
        return OrderPlacePayload(order=order, replayed=done.replayed)

    @mutation("Cancel an order that waits for its price.", needs="orders:place")
    async def order_cancel(self, info: Info, input: _Cancel) -> OrderCancelPayload:
        order_id = _key("order", input.order_id, "orderId")
        done = await _ask(info, input, lambda work: cancel_order(work, order_id))
        await _accepted(info, done)
        order = await fetch_below(info, "order", "order", order_id)
        return OrderCancelPayload(order=order, replayed=done.replayed)

    @mutation("Close a position, or part of it, at the price of now.", needs="orders:close")
    async def position_close(self, info: Info, input: _Close) -> PositionClosePayload:
        position_id = _key("position", input.position_id, "positionId")
        done = await _ask(info, input, lambda work: close_position(work, position_id, input.lots))
        await _accepted(info, done)
        account = await fetch_below(info, "account", "account", UUID(done.value["account"]))
        return PositionClosePayload(account=account, replayed=done.replayed)


async def _ask(
    info: Info, asked: Any, command: Callable[[WriteWork], Awaitable[dict[str, str]]]
) -> Done[dict[str, str]]:
    """Run a command under the caller's key; the fingerprint is the whole input."""
    body = {name: str(value) for name, value in vars(asked).items() if name != "idempotency_key"}
    repeat = Repeat.of(info.field_name, asked.idempotency_key, body)
    return await info.context.write(command, repeat=repeat)


async def _accepted(info: Info, done: Done[dict[str, str]]) -> None:
    """Wait for the outcome. Refusals: PLATFORM_REFUSED with the platform's own code."""
    context = info.context
    request_id = UUID(done.value["request"])
    await settled(context.database, context.scope, request_id)
    request = await find_request(context.work, request_id)
    if request is not None and request.reason_code is not None:
        raise Refused("PLATFORM_REFUSED", f"The platform refused: {request.reason_code}.")


def _client_id(info: Info, given: strawberry.ID | None) -> UUID:
    if given is not None:
        return _key("client", given, "clientId")
    own = info.context.scope.client_id
    if own is None:
        raise NotFound("Say whose account it is to be.", path=("input", "clientId"))
    return own


def _key(kind: str, given: strawberry.ID, field: str) -> UUID:
    """The key of an id. Refusals: NOT_FOUND, for malformed ids and other types' alike."""
    key = decode_id_of(kind, given)
    if key is None:
        raise NotFound(path=("input", field))
    return key
