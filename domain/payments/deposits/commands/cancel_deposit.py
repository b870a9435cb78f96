"""Call off a deposit that nobody has paid yet."""

from uuid import UUID

from domain.payments.commands.record_payment import advance
from domain.payments.deposits.errors import NotCancellable
from domain.payments.deposits.rules import CANCELLABLE
from domain.payments.queries import get_payment
from domain.payments.values import PaymentKind, PaymentStatus
from tenants.log import Change
from tenants.work import WriteWork


async def cancel_deposit(work: WriteWork, payment_id: UUID) -> dict[str, str]:
    """Cancel a deposit; its id as `deposit`. Money that comes all the same is still credited.

    Refusals: NOT_FOUND, DEPOSIT_NOT_CANCELLABLE. Effects: event `deposit_cancelled`, audit.
    """
    path = ("input", "depositId")
    row = await get_payment(work, payment_id, PaymentKind.DEPOSIT, path=path)
    if row["status"] not in CANCELLABLE:
        raise NotCancellable()
    await advance(work, row, PaymentStatus.CANCELLED)
    work.audit(
        Change(
            "deposit.cancel",
            object_kind="payment",
            object_id=payment_id,
            before={"status": row["status"]},
            after={"status": PaymentStatus.CANCELLED},
        )
    )
    return {"deposit": str(payment_id)}
