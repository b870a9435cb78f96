"""Take an approved withdrawal up to be sent: from here on nobody cancels it."""

from dataclasses import dataclass
from uuid import UUID

from domain.payments.commands.record_payment import advance
from domain.payments.queries import lock_payment
from domain.payments.values import LegStatus, PaymentStatus
from domain.payments.withdrawals.commands.hold_parts import set_legs
from domain.payments.withdrawals.queries import SENT_LEGS, list_legs
from tenants.work import WriteWork


@dataclass(frozen=True, slots=True)
class LegToSend:
    """A leg whose outcome is open; `is_fresh` when it has certainly not been sent before."""

    id: UUID
    is_fresh: bool


async def begin_sending(work: WriteWork, withdrawal_id: UUID) -> list[LegToSend]:
    """Its legs that are to be sent or asked about; none when it was cancelled meanwhile.

    Effects: event `withdrawal_sending` the first time.
    """
    row = await lock_payment(work, withdrawal_id)
    if row is None:
        return []
    legs = await list_legs(work, withdrawal_id)
    open_legs = [LegToSend(leg.id, is_fresh=False) for leg in legs if leg.status in SENT_LEGS]
    if row["status"] != PaymentStatus.APPROVED:
        return open_legs
    held = [leg for leg in legs if leg.status == LegStatus.HELD]
    await set_legs(work, held, LegStatus.SENDING)
    await advance(work, row, PaymentStatus.SENDING)
    return [*open_legs, *(LegToSend(leg.id, is_fresh=True) for leg in held)]
