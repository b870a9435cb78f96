"""Events of topic ACCOUNT. Payloads are versioned, hold ids and figures, and no personal data.

Money in payloads is text in minor units (`…_minor`), since JSON numbers lose digits.
"""

from enum import StrEnum
from typing import Any
from uuid import UUID

from tenants.log import Event

TOPIC = "ACCOUNT"


class AccountEventKind(StrEnum):
    """What happened, in the past tense. `…_REQUESTED` means sent to the platform, no more."""

    OPEN_WAITING = "open_waiting"
    OPEN_REQUESTED = "open_requested"
    OPENED = "opened"
    OPEN_FAILED = "open_failed"
    LEVERAGE_REQUESTED = "leverage_requested"
    LEVERAGE_CHANGED = "leverage_changed"
    ACCESS_REQUESTED = "access_requested"
    ACCESS_CHANGED = "access_changed"
    PASSWORD_REQUESTED = "password_requested"  # noqa: S105 - the name of an event
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - the name of an event
    ORDER_REQUESTED = "order_requested"
    ORDER_PLACED = "order_placed"
    ORDER_FILLED = "order_filled"
    ORDER_REJECTED = "order_rejected"
    ORDER_CHANGE_REQUESTED = "order_change_requested"
    ORDER_CHANGED = "order_changed"
    ORDER_CANCELLED = "order_cancelled"
    CANCEL_REQUESTED = "cancel_requested"
    POSITION_CHANGE_REQUESTED = "position_change_requested"
    POSITION_CHANGED = "position_changed"
    CLOSE_REQUESTED = "close_requested"
    BALANCE_REQUESTED = "balance_requested"
    BALANCE_MOVED = "balance_moved"
    BALANCE_UNKNOWN = "balance_unknown"
    REQUEST_REFUSED = "request_refused"
    DEAL_OPENED = "deal_opened"
    DEAL_CLOSED = "deal_closed"
    DEAL_CANCELLED = "deal_cancelled"
    BALANCE_CHANGED = "balance_changed"
    MARGIN_CALLED = "margin_called"


REQUESTED = frozenset(kind for kind in AccountEventKind if kind.endswith("_requested"))


def account_event(kind: AccountEventKind, row: Any, payload: dict[str, Any] | None = None) -> Event:
    """An event of an account; `row` carries `client_id`, `ib_path` and the account's id."""
    account_id: UUID = row.account_id if hasattr(row, "account_id") else row.id
    return Event(
        topic=TOPIC,
        kind=kind,
        object_id=account_id,
        client_id=row.client_id,
        ib_path=row.ib_path,
        payload={"account_id": str(account_id), **(payload or {})},
    )
