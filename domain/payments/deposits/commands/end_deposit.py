"""A deposit that came to nothing at its PSP: refused there, or never heard of."""

from uuid import UUID

from domain.payments.commands.record_payment import advance
from domain.payments.queries import lock_payment
from domain.payments.values import PaymentStatus
from tenants.work import WriteWork


async def end_deposit(
    work: WriteWork,
    payment_id: UUID,
    status: PaymentStatus,
    *,
    reason_code: str,
) -> bool:
    """End a deposit that its PSP does not have; False when it has gone on since.

    Effects: event `deposit_failed` or `deposit_expired`.
    """
    row = await lock_payment(work, payment_id)
    assert row is not None, "a payment is never deleted"
    if row["status"] != PaymentStatus.CREATED:
        return False
    await advance(work, row, status, changed={"reason_code": reason_code})
    return True
