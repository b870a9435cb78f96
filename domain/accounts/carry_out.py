"""Carry a request out on its platform: read it, call, record the answer. Never inside a work.

The request's id is the platform's `op_id`, so that repeating the call after a lost answer, a
crash or a zombie worker applies it once.
"""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.accounts.commands.record_outcome import Outcome, record_outcome
from domain.accounts.passwords import open_passwords
from domain.accounts.ports import OutcomeUnknown, Platform, PlatformRefused
from domain.accounts.queries import find_account, find_order, find_request
from domain.accounts.rules import LOCKED
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
from tenants.secrets import SecretUnreadable, Vault
from tenants.work import Database

Platforms = Callable[[UUID], Platform]
MARKET_ORDER_LIVES = timedelta(seconds=60)
_OPEN = (RequestStatus.SENDING, RequestStatus.UNKNOWN)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request with the rows it is about; `vault` opens what is sealed in it."""

    request: Any
    account: Any
    order: Any
    vault: Vault | None

    @property
    def op_id(self) -> str:
        return str(self.request.id)


async def carry_out(
    database: Database,
    platforms: Platforms,
    brand_id: UUID,
    request_id: UUID,
    *,
    vault: Vault | None = None,
) -> None:
    """Carry out one request that is still open; harmless for one that is settled.

    `vault` is needed for new passwords, which are sealed; without the right one they are refused.
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
    asked = _Asked(request, account, order, vault)
    try:
        facts = await _CALLS[RequestKind(request.kind)](platform, asked)
    except PlatformRefused as refused:
        outcome = Outcome(RequestStatus.REFUSED, reason_code=refused.code)
    except OutcomeUnknown:
        unknown = Outcome(RequestStatus.UNKNOWN)
        await database.write(scope, lambda work: record_outcome(work, request_id, unknown))
        raise
    else:
        outcome = Outcome(RequestStatus.DONE, facts)
    await database.write(scope, lambda work: record_outcome(work, request_id, outcome))


async def _open(platform: Platform, asked: _Asked) -> dict[str, Any]:
    account = asked.account
    wish = AccountRequest(
        login=account.login,
        group=account.group_name,
        leverage=account.leverage,
        currency=account.currency,
        client_ref=account.id.hex,
        passwords=_unknown_passwords(),
    )
    await platform.create_account(wish, op_id=asked.op_id)
    funds = asked.request.arguments.get("initial_balance")
    if funds:
        await platform.balance_op(
            account.login,
            kind=BalanceKind.DEPOSIT,
            amount=Decimal(funds),
            comment="Initial balance",
            op_id=f"{asked.op_id}:funds",
        )
    return {}


def _unknown_passwords() -> Passwords:
    """Passwords that nobody knows, until somebody sets known ones."""
    return Passwords(main=secrets.token_urlsafe(12), investor=secrets.token_urlsafe(12))


async def _leverage(platform: Platform, asked: _Asked) -> dict[str, Any]:
    wanted = asked.request.arguments["leverage"]
    held = await platform.set_leverage(asked.account.login, wanted, op_id=asked.op_id)
    return {"leverage": held.leverage}


async def _access(platform: Platform, asked: _Asked) -> dict[str, Any]:
    """Before an account is locked it may only close, and the platform says that nothing is open.

    Locked with open positions, some platforms would refuse even their stops.
    """
    account, wanted = asked.account, AccountAccess(asked.request.arguments["access"])
    before = AccountAccess(account.access)
    if wanted in LOCKED and before not in LOCKED:
        closing = AccountAccess.CLOSE_ONLY
        await platform.set_access(account.login, closing, op_id=f"{asked.op_id}:closing")
        if await platform.positions(account.login) or await platform.orders(account.login):
            await platform.set_access(account.login, before, op_id=f"{asked.op_id}:undone")
            raise PlatformRefused("POSITIONS_OPEN", "Positions or orders are open.")
    held = await platform.set_access(account.login, wanted, op_id=asked.op_id)
    return {"access": held.access}


async def _passwords(platform: Platform, asked: _Asked) -> dict[str, Any]:
    assert asked.vault is not None, "whoever carries out new passwords has a vault"
    try:
        passwords = open_passwords(asked.vault, asked.request)
    except SecretUnreadable as error:
        message = "The passwords were sealed with another master key."
        raise PlatformRefused("SECRET_UNREADABLE", message) from error
    await platform.set_passwords(asked.account.login, passwords, op_id=asked.op_id)
    return {}


async def _place(platform: Platform, asked: _Asked) -> dict[str, Any]:
    order = asked.order
    placed = await platform.place_order(
        asked.account.login,
        OrderRequest(
            client_order_id=order.id.hex,
            symbol=order.symbol,
            type=OrderType(order.type),
            side=Side(order.side),
            lots=order.lots.normalize(),
            price=_plain(order.price),
            sl=_plain(order.stop_loss),
            tp=_plain(order.take_profit),
            expires_at=_last_moment(order),
        ),
    )
    if placed.deal is None:
        return {"status": OrderStatus.PLACED, "ext_id": placed.order.order_id}
    return {
        "status": OrderStatus.FILLED,
        "ext_id": placed.order.order_id,
        "filled_price": placed.deal.price,
    }


async def _change_order(platform: Platform, asked: _Asked) -> dict[str, Any]:
    wanted = asked.request.arguments
    held = await platform.modify_order(
        asked.account.login,
        asked.order.ext_id,
        price=Decimal(wanted["price"]),
        sl=_level(wanted["stop_loss"]),
        tp=_level(wanted["take_profit"]),
        op_id=asked.op_id,
    )
    return {"price": held.price, "stop_loss": held.sl, "take_profit": held.tp}


async def _cancel(platform: Platform, asked: _Asked) -> dict[str, Any]:
    await platform.cancel_order(asked.account.login, asked.order.ext_id, op_id=asked.op_id)
    return {"status": OrderStatus.CANCELLED}


async def _balance(platform: Platform, asked: _Asked) -> dict[str, Any]:
    wanted = asked.request.arguments
    ticket = await platform.balance_op(
        asked.account.login,
        kind=BalanceKind(wanted["kind"]),
        amount=Decimal(wanted["amount"]),
        comment=wanted["comment"],
        op_id=asked.op_id,
    )
    return {"ticket": ticket}


async def _change_position(platform: Platform, asked: _Asked) -> dict[str, Any]:
    wanted = asked.request.arguments
    held = await platform.modify_position(
        asked.account.login,
        wanted["position"],
        sl=_level(wanted["stop_loss"]),
        tp=_level(wanted["take_profit"]),
        op_id=asked.op_id,
    )
    return {"stop_loss": held.sl, "take_profit": held.tp}


async def _close(platform: Platform, asked: _Asked) -> dict[str, Any]:
    wanted = asked.request.arguments
    await platform.close_position(
        asked.account.login,
        wanted["position"],
        lots=_level(wanted["lots"]),
        op_id=asked.op_id,
    )
    return {}


def _last_moment(order: Any) -> datetime | None:
    """A market order is for the price of now: it must not be filled long after it was placed. A
    pending one has its price."""
    is_market = OrderType(order.type) is OrderType.MARKET
    return order.created_at + MARKET_ORDER_LIVES if is_market else None


def _level(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _plain(value: Decimal | None) -> Decimal | None:
    """Without the column's trailing zeros."""
    return None if value is None else value.normalize()


_Call = Callable[[Platform, _Asked], Awaitable[dict[str, Any]]]
_CALLS: dict[RequestKind, _Call] = {
    RequestKind.OPEN: _open,
    RequestKind.LEVERAGE: _leverage,
    RequestKind.ACCESS: _access,
    RequestKind.PASSWORD: _passwords,
    RequestKind.PLACE: _place,
    RequestKind.CHANGE_ORDER: _change_order,
    RequestKind.CANCEL: _cancel,
    RequestKind.CHANGE_POSITION: _change_position,
    RequestKind.CLOSE: _close,
    RequestKind.BALANCE: _balance,
}
