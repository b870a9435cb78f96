"""Take an approved withdrawal up to be sent: from here on nobody cancels it."""

from dataclasses import dataclass
from uuid import UUID

from domain.clients.standing import lock_client
from domain.compliance.screening.queries import is_held
from domain.payments.commands.record_payment import advance
from domain.payments.disputes.queries import has_open_dispute
from domain.payments.queries import find_client_id, lock_payment
from domain.payments.values import LegStatus, PaymentStatus
from domain.payments.withdrawals.commands.hold_parts import set_legs
from domain.payments.withdrawals.queries import SENT_LEGS, list_legs
from domain.payments.withdrawals.rules import ask_pause
from tenants.work import WriteWork


@dataclass(frozen=True, slots=True)
class LegToSend:
    """A leg whose outcome is open; `is_fresh` when it has certainly not been sent before."""

    id: UUID
    is_fresh: bool


async def begin_sending(work: WriteWork, withdrawal_id: UUID) -> list[LegToSend]:
    """Its legs that are to be sent or asked about; none when it was cancelled meanwhile.

    While a deposit of the client is disputed or its money is held, nothing more is sent: an
    approved one waits, and is looked after again.
    Effects: event `withdrawal_sending` the first time.
    """
    client_id = await find_client_id(work, withdrawal_id)
    if client_id is None:
        return []
    # Before the withdrawal, as whoever opens a dispute does.
    await lock_client(work, client_id)
    row = await lock_payment(work, withdrawal_id)
    assert row is not None, "a payment is never deleted"
    legs = await list_legs(work, withdrawal_id)
    open_legs = [LegToSend(leg.id, is_fresh=False) for leg in legs if leg.status in SENT_LEGS]
    waits = await has_open_dispute(work, client_id) or await is_held(work, client_id)
    if row["status"] != PaymentStatus.APPROVED or waits:
        return open_legs
    held = [leg for leg in legs if leg.status == LegStatus.HELD]
    at = work.now()
    await set_legs(work, held, LegStatus.SENDING, sending_at=at, ask_at=at + ask_pause())
    await advance(work, row, PaymentStatus.SENDING)
    return [*open_legs, *(LegToSend(leg.id, is_fresh=True) for leg in held)]
