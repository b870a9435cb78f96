"""Bring an order to where its payment stands at the PSP."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain.challenges.commands.cancel_challenge import cancel_challenge
from domain.challenges.commands.change_order import change_order
from domain.challenges.lifecycle import OrderStatus
from domain.challenges.postings import given_back_to, sale, sold_from
from domain.challenges.queries import lock_order
from domain.payments.events import PaymentEventKind
from domain.payments.ledger.values import Transfer
from tenants.work import WriteWork

_S = OrderStatus
_CAME_TO_NOTHING = (
    PaymentEventKind.DEPOSIT_FAILED,
    PaymentEventKind.DEPOSIT_EXPIRED,
    PaymentEventKind.DEPOSIT_CANCELLED,
)
_OWNED = (_S.PAID, _S.DISPUTED)


async def settle_order(work: WriteWork, kind: str, told: Mapping[str, Any]) -> list[Transfer]:
    """Follow an event of a payment that names a purchase; what is to be posted for it.

    Paid in full it takes revenue and tax out of PURCHASE_PREPAID; what its payer took back, by the
    PSP or by a lost dispute, is given back there, and the challenge is over. Repetitions change
    nothing. Effects: events of the order and of its challenge.
    """
    order = await lock_order(work, UUID(told["purchase_id"]))
    assert order is not None, "the payment was made with its order"
    status, one = OrderStatus(order.status), sale(order)
    if kind == PaymentEventKind.DEPOSIT_SETTLED:
        if status is _S.DISPUTED:
            await change_order(work, order, _S.PAID)
        elif status in (_S.AWAITING_PAYMENT, _S.CANCELLED) and _is_whole(order, told):
            await change_order(work, order, _S.PAID, {"paid_at": work.now(), "reason_code": None})
            return [await sold_from(work, one, one.prepaid)]
    elif kind in _CAME_TO_NOTHING and status is _S.AWAITING_PAYMENT:
        await change_order(work, order, _S.CANCELLED, {"reason_code": told.get("reason_code")})
    elif kind == PaymentEventKind.DEPOSIT_DISPUTED and status is _S.PAID:
        await change_order(work, order, _S.DISPUTED)
    elif kind == PaymentEventKind.DEPOSIT_REFUNDED:
        return await _refunded(work, order)
    elif kind == PaymentEventKind.DEPOSIT_CHARGED_BACK and status in _OWNED:
        await change_order(work, order, _S.CHARGED_BACK)
        await cancel_challenge(work, order.id, reason_code="CHARGED_BACK")
        return [await given_back_to(work, one, one.prepaid)]
    return []


async def _refunded(work: WriteWork, order: Any) -> list[Transfer]:
    """The payer has everything back: because we asked for it, or by the PSP's own doing."""
    status, one = OrderStatus(order.status), sale(order)
    if status is _S.REFUNDING:
        await change_order(work, order, _S.REFUNDED, {"reason_code": None})
    elif status is _S.AWAITING_PAYMENT:
        await change_order(work, order, _S.CANCELLED)
    elif status in _OWNED:
        await change_order(work, order, _S.REFUNDED)
        await cancel_challenge(work, order.id, reason_code="REFUNDED")
        return [await given_back_to(work, one, one.prepaid)]
    return []


def _is_whole(order: Any, told: Mapping[str, Any]) -> bool:
    if told.get("credited_currency") != order.currency:
        return False
    return int(told["credited_minor"]) >= int(order.net_minor) + int(order.tax_minor)
