"""Give the approval that a withdrawal waits for; the last one sends it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain.clients.standing import find_standing
from domain.payments.commands.record_payment import advance, change
from domain.payments.disputes.queries import has_open_dispute
from domain.payments.events import PaymentEventKind, payment_event
from domain.payments.holding import require_free
from domain.payments.ledger.post import post
from domain.payments.values import ApprovalStatus, LegStatus, PaymentStatus
from domain.payments.withdrawals.commands.hold_parts import make_firm
from domain.payments.withdrawals.commands.rejudge_withdrawals import rejudge
from domain.payments.withdrawals.commands.take_decision import get_waiting, take_decision
from domain.payments.withdrawals.errors import WithdrawalsBlocked
from domain.payments.withdrawals.movements import Movements
from domain.payments.withdrawals.queries import list_legs
from tenants.log import Change
from tenants.work import WriteWork


async def approve_withdrawal(
    work: WriteWork, withdrawal_id: UUID, reason: str, *, version: int
) -> dict[str, str]:
    """Approve at the next level of the chain; the last approval makes the holds firm.

    What the client's risk and debts ask for by now is added first, so that none is the last one
    too early.
    Refusals: NOT_FOUND, VERSION_CONFLICT, WITHDRAWAL_NOT_WAITING, FOUR_EYES, LEVEL_MISSING,
    WITHDRAWALS_BLOCKED, CLIENT_RESTRICTED, INVALID.
    Effects: events `approval_given` and, with the last one, `withdrawal_approved`.
    """
    row: Mapping[str, Any] = await get_waiting(work, withdrawal_id, version=version)
    if await has_open_dispute(work, row["client_id"]):
        raise WithdrawalsBlocked()
    await require_free(work, row["client_id"])
    payer = await find_standing(work, row["client_id"])
    assert payer is not None, "whoever reaches the payment reaches the client"
    row = await rejudge(work, row, payer)
    given, waits = await take_decision(work, row, ApprovalStatus.APPROVED, reason)
    more = {"level": given.level, "round": row["approval_round"]}
    work.audit(
        Change(
            "withdrawal.approve",
            object_kind="payment",
            object_id=withdrawal_id,
            after=more,
            reason=reason,
        )
    )
    if waits:
        made = await change(work, row, {})
        work.emit(payment_event(PaymentEventKind.APPROVAL_GIVEN, made, more))
        return {"withdrawal": str(withdrawal_id)}
    movements = Movements()
    legs = [leg for leg in await list_legs(work, row["id"]) if leg.status == LegStatus.HELD]
    work.emit(payment_event(PaymentEventKind.APPROVAL_GIVEN, row, more))
    firm = await make_firm(work, row, legs, movements)
    await advance(work, firm, PaymentStatus.APPROVED, changed={"expires_at": None})
    await post(work, await movements.transfers(work, row["client_id"]))
    return {"withdrawal": str(withdrawal_id)}
