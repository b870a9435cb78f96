"""Record what a platform answered to a request."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import or_, update

from domain.accounts.events import AccountEventKind, account_event
from domain.accounts.queries import any_of, find_order, find_request, lock_account
from domain.accounts.tables import platform_request, position, trade_order, trading_account
from domain.accounts.values import AccountStatus, OrderStatus, RequestKind, RequestStatus
from domain.kernel.money import to_minor
from tenants.log import Change, Event
from tenants.work import WriteWork


@dataclass(frozen=True, slots=True)
class Outcome:
    """DONE with what is now true, REFUSED with the platform's code, or UNKNOWN: ask again."""

    status: RequestStatus
    facts: dict[str, Any] = field(default_factory=dict)
    reason_code: str | None = None


async def record_outcome(work: WriteWork, request_id: UUID, outcome: Outcome) -> bool:
    """Settle a request once; False when it was settled before.

    Effects: the account or order changes, one event says so, audit for account changes.
    """
    request = await find_request(work, request_id)
    assert request is not None, "a request is never deleted"
    account = await lock_account(work, request.account_id)
    settled = await work.rows(
        update(platform_request)
        .where(
            platform_request.c.brand_id == work.scope.brand_id,
            platform_request.c.id == request_id,
            platform_request.c.status != RequestStatus.DONE,
            platform_request.c.status != RequestStatus.REFUSED,
        )
        .values(
            status=outcome.status, reason_code=outcome.reason_code, updated_at=work.now(),
            arguments={},
        )
        .returning(platform_request.c.id)
        if outcome.status is not RequestStatus.UNKNOWN
        else _unknown(work, request_id)
    )  # fmt: skip
    if not settled:
        return False
    if request.order_id is not None:
        await _settle_order(work, request, outcome)
    elif request.kind == RequestKind.BALANCE:
        work.emit(_balance_event(account, request, outcome))
    elif outcome.status is not RequestStatus.UNKNOWN:
        await _settle_account(work, account, request, outcome)
    return True


def _unknown(work: WriteWork, request_id: UUID) -> Any:
    return (
        update(platform_request)
        .where(
            platform_request.c.brand_id == work.scope.brand_id,
            platform_request.c.id == request_id,
            platform_request.c.status == RequestStatus.SENDING,
        )
        .values(status=RequestStatus.UNKNOWN, updated_at=work.now())
        .returning(platform_request.c.id)
    )


_BALANCE_EVENTS = {
    RequestStatus.DONE: AccountEventKind.BALANCE_MOVED,
    RequestStatus.REFUSED: AccountEventKind.REQUEST_REFUSED,
    RequestStatus.UNKNOWN: AccountEventKind.BALANCE_UNKNOWN,
}


def _balance_event(account: Any, request: Any, outcome: Outcome) -> Event:
    """What became of a movement of money. It repeats what was asked, since the request forgets it;
    the balance itself changes with the deal, from the stream."""
    asked = request.arguments
    payload = {
        "request_id": str(request.id),
        "kind": RequestKind.BALANCE,
        "balance_kind": asked["kind"],
        "amount_minor": str(to_minor(Decimal(asked["amount"]), account.currency)),
        "currency": account.currency,
        "server_id": str(account.server_id),
        f"{asked['cause']}_id": asked["cause_id"],
        **outcome.facts,
    }
    if outcome.reason_code is not None:
        payload["reason_code"] = outcome.reason_code
    return account_event(_BALANCE_EVENTS[outcome.status], account, payload)


async def _settle_account(work: WriteWork, account: Any, request: Any, outcome: Outcome) -> None:
    kind, payload = RequestKind(request.kind), {"request_id": str(request.id)}
    if outcome.status is RequestStatus.REFUSED:
        refused = AccountEventKind.REQUEST_REFUSED
        if kind is RequestKind.OPEN:
            refused = AccountEventKind.OPEN_FAILED
            await _change_account(work, account, {"status": AccountStatus.FAILED})
        reason = {"kind": kind, "reason_code": outcome.reason_code}
        work.emit(account_event(refused, account, {**payload, **reason}))
        return
    facts = outcome.facts
    match kind:
        case RequestKind.OPEN:
            await _change_account(work, account, {"status": AccountStatus.ACTIVE})
            work.emit(account_event(AccountEventKind.OPENED, account, payload))
        case RequestKind.LEVERAGE:
            await _change_account(work, account, facts)
            changed = AccountEventKind.LEVERAGE_CHANGED
            work.emit(account_event(changed, account, {**payload, **facts}))
        case RequestKind.ACCESS:
            await _change_account(work, account, facts)
            work.emit(account_event(AccountEventKind.ACCESS_CHANGED, account, {**payload, **facts}))
        case RequestKind.PASSWORD:
            work.emit(account_event(AccountEventKind.PASSWORD_CHANGED, account, payload))
        case RequestKind.CHANGE_POSITION:
            await _change_position(work, account, request, facts)
        case _:
            assert kind is RequestKind.CLOSE, kind  # its deal, from the stream, is the event


async def _change_account(work: WriteWork, account: Any, changed: dict[str, Any]) -> None:
    await work.rows(
        update(trading_account)
        .where(
            trading_account.c.brand_id == work.scope.brand_id, trading_account.c.id == account.id
        )
        .values(version=account.version + 1, **changed)
    )
    before = {name: getattr(account, name) for name in changed}
    work.audit(
        Change(
            "account.changed",
            object_kind="account",
            object_id=account.id,
            before=before,
            after=changed,
        )
    )


_ORDER_EVENTS = {
    OrderStatus.PLACED: AccountEventKind.ORDER_PLACED,
    OrderStatus.FILLED: AccountEventKind.ORDER_FILLED,
    OrderStatus.REJECTED: AccountEventKind.ORDER_REJECTED,
    OrderStatus.CANCELLED: AccountEventKind.ORDER_CANCELLED,
}


async def _change_position(
    work: WriteWork, account: Any, request: Any, levels: dict[str, Any]
) -> None:
    """Show the new levels at once; the stream brings the whole position soon after."""
    await work.rows(
        update(position)
        .where(
            position.c.brand_id == work.scope.brand_id,
            position.c.account_id == account.id,
            position.c.ext_id == request.arguments["position"],
        )
        .values(**levels)
    )
    shown = {"position_id": request.arguments["position_id"], **_texts(levels)}
    payload = {"request_id": str(request.id), **shown}
    work.emit(account_event(AccountEventKind.POSITION_CHANGED, account, payload))


async def _settle_order(work: WriteWork, request: Any, outcome: Outcome) -> None:
    kind, payload = RequestKind(request.kind), {"request_id": str(request.id)}
    order = await find_order(work, request.order_id)
    if kind is RequestKind.PLACE:
        changed: dict[str, Any] = {"status": OrderStatus.UNKNOWN}
        if outcome.status is RequestStatus.REFUSED:
            changed = {"status": OrderStatus.REJECTED, "reason_code": outcome.reason_code}
        elif outcome.status is RequestStatus.DONE:
            changed = outcome.facts
        await settle_order(work, order, changed, payload)
    elif outcome.status is RequestStatus.REFUSED:  # the order itself stays as it was
        shown = {"order_id": str(order.id), "kind": kind, "reason_code": outcome.reason_code}
        refused = AccountEventKind.REQUEST_REFUSED
        work.emit(account_event(refused, request, {**payload, **shown}))
    elif outcome.status is RequestStatus.DONE:
        settle = settle_order if kind is RequestKind.CANCEL else move_order
        await settle(work, order, outcome.facts, payload)


async def settle_order(
    work: WriteWork, order: Any, changed: dict[str, Any], payload: dict[str, Any]
) -> None:
    """Move an order to what the platform says; an order that has ended stays as it ended.

    The answer to a request and the stream may say the same: whoever is first tells it.
    """
    status = OrderStatus(changed["status"])
    moved = await work.rows(
        _order(work, order)
        .where(any_of(trade_order.c.status, _BEFORE.get(status, _OPEN)))
        .values(updated_at=work.now(), **changed)
        .returning(trade_order.c.id)
    )
    kind = _ORDER_EVENTS.get(status)
    if moved and kind is not None:
        shown = {"order_id": str(order.id), "status": status}
        if "reason_code" in changed:
            shown["reason_code"] = changed["reason_code"]
        work.emit(account_event(kind, order, {**payload, **shown}))


async def move_order(
    work: WriteWork, order: Any, levels: dict[str, Any], payload: dict[str, Any]
) -> None:
    """Give an open order the `price`, `stop_loss` and `take_profit` it has on the platform."""
    columns = trade_order.c
    differs = or_(*(columns[name].is_distinct_from(level) for name, level in levels.items()))
    moved = await work.rows(
        _order(work, order)
        .where(any_of(columns.status, _OPEN), differs)
        .values(updated_at=work.now(), **levels)
        .returning(columns.id)
    )
    if moved:
        shown = {"order_id": str(order.id), **_texts(levels)}
        changed = AccountEventKind.ORDER_CHANGED
        work.emit(account_event(changed, order, {**payload, **shown}))


def _order(work: WriteWork, order: Any) -> Any:
    columns = trade_order.c
    return update(trade_order).where(
        columns.brand_id == work.scope.brand_id, columns.id == order.id
    )


def _texts(levels: dict[str, Any]) -> dict[str, str | None]:
    return {name: None if level is None else str(level) for name, level in levels.items()}


_OPEN = (OrderStatus.SENDING, OrderStatus.UNKNOWN, OrderStatus.PLACED)
# From where an order moves to a state, where that is not every open one.
_BEFORE = {
    OrderStatus.UNKNOWN: (OrderStatus.SENDING,),
    OrderStatus.PLACED: (OrderStatus.SENDING, OrderStatus.UNKNOWN),
}
