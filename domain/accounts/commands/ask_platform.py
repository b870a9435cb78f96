"""Ask a platform for something: a row first, the call later, in a job, outside any transaction."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from domain.accounts.events import AccountEventKind, account_event
from domain.accounts.tables import platform_request
from domain.accounts.values import RequestKind, RequestStatus
from tenants.work import WriteWork

_EVENTS = {
    RequestKind.OPEN: AccountEventKind.OPEN_REQUESTED,
    RequestKind.LEVERAGE: AccountEventKind.LEVERAGE_REQUESTED,
    RequestKind.ACCESS: AccountEventKind.ACCESS_REQUESTED,
    RequestKind.PASSWORD: AccountEventKind.PASSWORD_REQUESTED,
    RequestKind.PLACE: AccountEventKind.ORDER_REQUESTED,
    RequestKind.CHANGE_ORDER: AccountEventKind.ORDER_CHANGE_REQUESTED,
    RequestKind.CANCEL: AccountEventKind.CANCEL_REQUESTED,
    RequestKind.CHANGE_POSITION: AccountEventKind.POSITION_CHANGE_REQUESTED,
    RequestKind.CLOSE: AccountEventKind.CLOSE_REQUESTED,
    RequestKind.BALANCE: AccountEventKind.BALANCE_REQUESTED,
}


async def ask_platform(
    work: WriteWork,
    account: Any,
    kind: RequestKind,
    arguments: dict[str, Any] | Callable[[UUID], dict[str, Any]],
    *,
    order_id: UUID | None = None,
) -> UUID:
    """Record a request and the event that makes the worker carry it out; the request's id.

    The id is the platform's idempotency key (`op_id`), so that a repeated call applies once.
    Arguments that are sealed to the request are made from its id.
    """
    request_id = work.new_id()
    await work.rows(
        insert(platform_request).values(
            brand_id=work.scope.brand_id,
            id=request_id,
            account_id=account.id,
            client_id=account.client_id,
            ib_path=account.ib_path,
            kind=kind,
            status=RequestStatus.SENDING,
            order_id=order_id,
            arguments=arguments(request_id) if callable(arguments) else arguments,
            created_at=work.now(),
            updated_at=work.now(),
        )
    )
    payload = {"request_id": str(request_id)}
    if order_id is not None:
        payload["order_id"] = str(order_id)
    work.emit(account_event(_EVENTS[kind], account, payload))
    return request_id
