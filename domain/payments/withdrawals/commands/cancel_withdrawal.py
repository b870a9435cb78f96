"""Take a withdrawal back before it is sent."""

from uuid import UUID

from domain.payments.ledger.post import post
from domain.payments.queries import get_payment
from domain.payments.rules import may_follow
from domain.payments.values import PaymentKind
from domain.payments.values import PaymentStatus as _S
from domain.payments.withdrawals.commands.give_up import give_up
from domain.payments.withdrawals.errors import NotWaiting
from domain.payments.withdrawals.movements import Movements
from tenants.log import Change
from tenants.work import WriteWork


async def cancel_withdrawal(work: WriteWork, withdrawal_id: UUID) -> dict[str, str]:
    """Cancel it while nothing was sent: until its job takes it up.

    Refusals: NOT_FOUND, WITHDRAWAL_NOT_WAITING. Effects: event `withdrawal_cancelled`, holds
    released.
    """
    row = await get_payment(
        work, withdrawal_id, PaymentKind.WITHDRAWAL, path=("input", "withdrawalId")
    )
    if not may_follow(PaymentKind.WITHDRAWAL, _S(row["status"]), _S.CANCELLED):
        raise NotWaiting(row["status"])
    movements = Movements()
    await give_up(work, row, _S.CANCELLED, movements)
    work.audit(Change("withdrawal.cancel", object_kind="payment", object_id=withdrawal_id))
    await post(work, await movements.transfers(work, row["client_id"]))
    return {"withdrawal": str(withdrawal_id)}
