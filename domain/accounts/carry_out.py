"""Carry a request out on its platform: read it, call, record the answer. Never inside a work.

The request's id is the platform's `op_id`, so that repeating the call after a lost answer, a
crash or a zombie worker applies it once.
"""

import secrets
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.accounts.commands.record_outcome import Outcome, record_outcome
from domain.accounts.ports import OutcomeUnknown, Platform, PlatformRefused
from domain.accounts.queries import find_account, find_order, find_request
from domain.accounts.trading import AccountRequest, BalanceKind, OrderRequest, Passwords
from domain.accounts.values import (
    AccountAccess,
    OrderStatus,
    OrderType,
    RequestKind,
    RequestStatus,
    Side,
)
from tenants.context import system_scope
from tenants.work import Database

Platforms = Callable[[UUID], Platform]
_OPEN = (RequestStatus.SENDING, RequestStatus.UNKNOWN)


async def carry_out(
    database: Database, platforms: Platforms, brand_id: UUID, request_id: UUID
) -> None:
    """Carry out one request that is still open; harmless for one that is settled.

    Raises PlatformUnavailable or OutcomeUnknown when it must be tried again later.
    """
    scope = system_scope(brand_id, request_id=str(request_id))
    async with database.read(scope) as work:
        request = await find_request(work, request_id)
        if request is None or request.status not in _OPEN:
            return
        account = await find_account(work, request.account_id)
        order = await find_order(work, request.order_id) if request.order_id else None
    platform = platforms(account.server_id)
    call = _CALLS[RequestKind(request.kind)]
    try:
        facts = await call(platform, request, account, order)
    except PlatformRefused as refused:
        outcome = Outcome(RequestStatus.REFUSED, reason_code=refused.code)
    except OutcomeUnknown:
        unknown = Outcome(RequestStatus.UNKNOWN)
        await database.write(scope, lambda work: record_outcome(work, request_id, unknown))
        raise
    else:
        outcome = Outcome(RequestStatus.DONE, facts)
    await database.write(scope, lambda work: record_outcome(work, request_id, outcome))


async def _open(platform: Platform, request: Any, account: Any, _order: Any) -> dict[str, Any]:
    wish = AccountRequest(
        login=account.login,
        group=account.group_name,
        leverage=account.leverage,
        currency=account.currency,
        client_ref=account.id.hex,
        passwords=Passwords(main=secrets.token_urlsafe(12), investor=secrets.token_urlsafe(12)),
    )
    await platform.create_account(wish, op_id=str(request.id))
    funds = request.arguments.get("initial_balance")
    if funds:
        await platform.balance_op(
            account.login,
            kind=BalanceKind.DEPOSIT,
            amount=Decimal(funds),
            comment="Initial demo balance",
            op_id=f"{request.id}:funds",
        )
    return {}


async def _leverage(platform: Platform, request: Any, account: Any, _order: Any) -> dict[str, Any]:
    wanted = request.arguments["leverage"]
    held = await platform.set_leverage(account.login, wanted, op_id=str(request.id))
    return {"leverage": held.leverage}


async def _access(platform: Platform, request: Any, account: Any, _order: Any) -> dict[str, Any]:
    wanted = AccountAccess(request.arguments["access"])
    held = await platform.set_access(account.login, wanted, op_id=str(request.id))
    return {"access": held.access}


async def _place(platform: Platform, _request: Any, account: Any, order: Any) -> dict[str, Any]:
    placed = await platform.place_order(
        account.login,
        OrderRequest(
            client_order_id=order.id.hex,
            symbol=order.symbol,
            type=OrderType(order.type),
            side=Side(order.side),
            lots=order.lots.normalize(),
            price=_plain(order.price),
            sl=_plain(order.stop_loss),
            tp=_plain(order.take_profit),
        ),
    )
    if placed.deal is None:
        return {"status": OrderStatus.PLACED, "ext_id": placed.order.order_id}
    return {
        "status": OrderStatus.FILLED,
        "ext_id": placed.order.order_id,
        "filled_price": placed.deal.price,
    }


async def _cancel(platform: Platform, request: Any, account: Any, order: Any) -> dict[str, Any]:
    await platform.cancel_order(account.login, order.ext_id, op_id=str(request.id))
    return {"status": OrderStatus.CANCELLED}


async def _close(platform: Platform, request: Any, account: Any, _order: Any) -> dict[str, Any]:
    lots = request.arguments["lots"]
    await platform.close_position(
        account.login,
        request.arguments["position"],
        lots=None if lots is None else Decimal(lots),
        op_id=str(request.id),
    )
    return {}


def _plain(value: Decimal | None) -> Decimal | None:
    """Without the column's trailing zeros."""
    return None if value is None else value.normalize()


_Call = Callable[[Platform, Any, Any, Any], Awaitable[dict[str, Any]]]
_CALLS: dict[RequestKind, _Call] = {
    RequestKind.OPEN: _open,
    RequestKind.LEVERAGE: _leverage,
    RequestKind.ACCESS: _access,
    RequestKind.PLACE: _place,
    RequestKind.CANCEL: _cancel,
    RequestKind.CLOSE: _close,
}
