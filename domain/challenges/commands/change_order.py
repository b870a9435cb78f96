"""Move an order to a status, and tell."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import update

from domain.challenges.events import ChallengeEventKind, order_event
from domain.challenges.lifecycle import OrderStatus
from domain.challenges.tables import challenge_order
from tenants.work import WriteWork

_EVENTS: Final = {
    OrderStatus.PAID: ChallengeEventKind.ORDER_PAID,
    OrderStatus.REFUNDING: ChallengeEventKind.ORDER_REFUNDING,
    OrderStatus.REFUNDED: ChallengeEventKind.ORDER_REFUNDED,
    OrderStatus.DISPUTED: ChallengeEventKind.ORDER_DISPUTED,
    OrderStatus.CHARGED_BACK: ChallengeEventKind.ORDER_CHARGED_BACK,
    OrderStatus.CANCELLED: ChallengeEventKind.ORDER_CANCELLED,
}


async def change_order(
    work: WriteWork, order: Any, status: OrderStatus, changed: Mapping[str, Any] | None = None
) -> Any:
    """Move an order that the work has locked; the new row. Effects: one event."""
    row = await work.one(
        update(challenge_order)
        .where(challenge_order.c.brand_id == work.scope.brand_id, challenge_order.c.id == order.id)
        .values(
            status=status,
            version=challenge_order.c.version + 1,
            updated_at=work.now(),
            **(changed or {}),
        )
        .returning(challenge_order)
    )
    work.emit(order_event(_EVENTS[status], row))
    return row
