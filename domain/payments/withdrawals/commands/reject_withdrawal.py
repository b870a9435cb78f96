"""Say no to a withdrawal that waits."""

from uuid import UUID

from domain.payments.ledger.post import post
from domain.payments.values import ApprovalStatus, PaymentStatus
from domain.payments.withdrawals.commands.give_up import give_up
from domain.payments.withdrawals.commands.take_decision import get_waiting, take_decision
from domain.payments.withdrawals.movements import Movements
from tenants.log import Change
from tenants.work import WriteWork


async def reject_withdrawal(
    work: WriteWork, withdrawal_id: UUID, reason: str, *, version: int
) -> dict[str, str]:
    """Refuse it at the next level of the chain: its money is free again.

    Refusals: NOT_FOUND, VERSION_CONFLICT, WITHDRAWAL_NOT_WAITING, FOUR_EYES, LEVEL_MISSING,
    INVALID. Effects: event `withdrawal_rejected`, holds released.
    """
    row = await get_waiting(work, withdrawal_id, version=version)
    decided, _ = await take_decision(work, row, ApprovalStatus.REJECTED, reason)
    movements = Movements()
    await give_up(work, row, PaymentStatus.REJECTED, movements)
    work.audit(
        Change(
            "withdrawal.reject",
            object_kind="payment",
            object_id=withdrawal_id,
            after={"level": decided.level, "round": row["approval_round"]},
            reason=reason,
        )
    )
    await post(work, await movements.transfers(work, row["client_id"]))
    return {"withdrawal": str(withdrawal_id)}
