"""Give an order back: the money to where it came from, and the challenge is over."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import update

from domain.accounts.rules import normalise_reason
from domain.challenges.commands.cancel_challenge import cancel_challenge
from domain.challenges.commands.change_order import change_order
from domain.challenges.events import ChallengeEventKind, order_event
from domain.challenges.lifecycle import OrderStatus
from domain.challenges.postings import given_back_to, given_to_wallet, sale
from domain.challenges.purchase_rules import decide_refund
from domain.challenges.queries import lock_order
from domain.challenges.tables import challenge_order
from domain.clients.standing import find_standing
from domain.compliance.screening.queries import is_held
from domain.kernel.errors import Conflict, NotFound
from domain.payments.holding import require_free
from domain.payments.ledger.post import post
from domain.payments.ledger.values import AccountKey
from tenants.log import Change
from tenants.work import WriteWork


async def refund_order(
    work: WriteWork,
    order_id: UUID,
    *,
    reason: str,
    expected_version: int | None,
    to_wallet: bool = False,
) -> dict[str, str]:
    """Give everything back, tax included; the order's id as `order`.

    What came from a wallet is there again at once. What came through a PSP goes back by a job: the
    order is REFUNDING until the PSP says that it is done. One that the PSP refuses stays REFUNDING
    with its code: asked for again it is sent once more, `to_wallet` ends it in the client's wallet
    instead. A challenge that goes on is cancelled and its account closed by a job; one that was
    decided before, such as a FAILED one, stays what the rules made of it.
    Nothing is given back to a client whose money is held.
    Refusals: NOT_FOUND, INVALID, VERSION_CONFLICT, NOT_REFUNDABLE, CLIENT_RESTRICTED.
    Effects: `order_refunding` or `order_refunded`, `phase_cancelled`, a transfer, audit.
    """
    told = normalise_reason(reason)
    order = await lock_order(work, order_id)
    if order is None or await find_standing(work, order.client_id) is None:
        raise NotFound(path=("input", "purchaseId"))
    if expected_version not in (None, order.version):
        message = f"The order is at version {order.version}; read it again."
        raise Conflict("VERSION_CONFLICT", message, path=("input", "expectedVersion"))
    is_refused = order.reason_code is not None and order.refund_sent_at is None
    decide_refund(OrderStatus(order.status), is_refused=is_refused, to_wallet=to_wallet)
    await require_free(work, order.client_id)
    by_psp = order.payment_id is not None and not to_wallet
    status, one = OrderStatus.REFUNDING if by_psp else OrderStatus.REFUNDED, sale(order)
    await change_order(work, order, status, {"reason_code": None} if to_wallet else None)
    await cancel_challenge(work, order_id, reason_code="REFUNDED")
    work.audit(
        Change(
            "challenge.refund",
            object_kind="challenge_order",
            object_id=order_id,
            before={"status": order.status},
            after={"status": status, "to_wallet": to_wallet},
            reason=told,
        )
    )
    if to_wallet:
        await post(work, [await given_to_wallet(work, one)])
    elif order.status == OrderStatus.PAID:
        wallet = AccountKey.wallet(order.client_id, order.currency)
        await post(work, [await given_back_to(work, one, one.prepaid if by_psp else wallet)])
    return {"order": str(order_id)}


@dataclass(frozen=True, slots=True)
class RefundTry:
    """`sent_before`: the PSP was asked before, without a verdict. `may_send`: nothing keeps the
    money here; otherwise the PSP is only asked what it knows."""

    sent_before: bool
    may_send: bool


async def begin_refund(work: WriteWork, order_id: UUID) -> RefundTry | None:
    """Note that the PSP is going to be asked. None when there is nothing to give back, and while
    the client's money is held: then the order stays REFUNDING, and is looked after again."""
    order = await lock_order(work, order_id)
    if order is None or order.status != OrderStatus.REFUNDING:
        return None
    sent_before = order.refund_sent_at is not None
    may_send = not await is_held(work, order.client_id)
    if not sent_before:
        if not may_send:
            return None
        await _note(work, order_id, refund_sent_at=work.now())
    return RefundTry(sent_before, may_send)


async def forget_refund(work: WriteWork, order_id: UUID) -> None:
    """Take back what `begin_refund` noted: the PSP was surely not reached."""
    order = await lock_order(work, order_id)
    if order is not None and order.status == OrderStatus.REFUNDING:
        await _note(work, order_id, refund_sent_at=None)


async def fail_refund(
    work: WriteWork, order_id: UUID, reason_code: str, *, is_new: bool = False
) -> None:
    """The PSP refuses to give it back: the money stays prepaid until staff ask again or give it
    into the wallet.

    Effects: event `order_refund_failed`, once per reason, and for each try that `is_new`.
    """
    order = await lock_order(work, order_id)
    if order is None or order.status != OrderStatus.REFUNDING:
        return
    await _note(work, order_id, refund_sent_at=None)
    if order.reason_code == reason_code and not is_new:
        return
    await _note(work, order_id, reason_code=reason_code, version=order.version + 1)
    failed = ChallengeEventKind.ORDER_REFUND_FAILED
    work.emit(order_event(failed, order, reason_code=reason_code))


async def _note(work: WriteWork, order_id: UUID, **values: Any) -> None:
    columns = challenge_order.c
    await work.rows(
        update(challenge_order)
        .where(columns.brand_id == work.scope.brand_id, columns.id == order_id)
        .values(**values)
    )
