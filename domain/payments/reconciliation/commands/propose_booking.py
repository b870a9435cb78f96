"""Propose a booking by hand: the reversal of a transfer, or what settles a discrepancy.

Nothing moves before a second person approves, see `decide_booking`.
"""

from uuid import UUID

from sqlalchemy import insert, select, update

from domain.accounts.rules import normalise_reason
from domain.kernel.errors import NotFound
from domain.payments.events import PaymentEventKind
from domain.payments.ledger.tables import ledger_transfer
from domain.payments.ledger.values import TransferState
from domain.payments.reconciliation.commands.check_booking import (
    SuspenseBooking,
    check_booking,
    lock_discrepancy,
    require_settled,
)
from domain.payments.reconciliation.commands.open_discrepancies import discrepancy_event
from domain.payments.reconciliation.errors import (
    AlreadyCorrected,
    AlreadyResolved,
    BookingImpossible,
    NotCorrectable,
    VersionMoved,
)
from domain.payments.reconciliation.tables import discrepancy, ledger_correction
from domain.payments.reconciliation.values import CorrectionStatus, SuspenseMove
from domain.payments.staff import require_staff
from domain.payments.values import DiscrepancyStatus
from tenants.context import ActorKind
from tenants.log import Change
from tenants.work import WriteWork


def correction_key(transfer_id: UUID) -> str:
    """The key of a transfer's reversal: there is at most one for ever."""
    return f"correction:{transfer_id.hex}"


async def propose_correction(work: WriteWork, transfer_id: UUID, *, reason: str) -> UUID:
    """Propose to reverse a posted transfer; the proposal's id.

    Refusals: NOT_FOUND, INVALID, NOT_CORRECTABLE (holds, releases, and the booking of a deposit
    out of suspense), ALREADY_CORRECTED.
    Effects: audit.
    """
    told = normalise_reason(reason)
    columns = ledger_transfer.c
    row = await work.maybe(
        select(columns.id, columns.state).where(
            columns.brand_id == work.scope.brand_id, columns.id == transfer_id
        )
    )
    if row is None:
        raise NotFound(path=("input", "transferId"))
    if row.state != TransferState.POSTED:
        raise NotCorrectable()
    done = await work.maybe(
        select(columns.id).where(
            columns.brand_id == work.scope.brand_id, columns.key == correction_key(transfer_id)
        )
    )
    if done is not None:
        raise AlreadyCorrected()
    if await _is_of_deposit(work, transfer_id):
        raise NotCorrectable(
            "It gave a deposit to its client's wallet, from where refunds and disputes take it."
        )
    return await _propose(work, told, transfer_id=transfer_id)


async def _is_of_deposit(work: WriteWork, transfer_id: UUID) -> bool:
    """Whether a transfer brought a deposit out of suspense; its payment says where it is since."""
    rows = await work.rows(
        select(ledger_correction.c.id)
        .join(
            discrepancy,
            (discrepancy.c.brand_id == ledger_correction.c.brand_id)
            & (discrepancy.c.id == ledger_correction.c.discrepancy_id),
        )
        .where(
            ledger_correction.c.brand_id == work.scope.brand_id,
            ledger_correction.c.posted_id == transfer_id,
            ledger_correction.c.move == SuspenseMove.SUSPENSE_TO_WALLET.value,
            discrepancy.c.payment_id.is_not(None),
        )
    )
    return bool(rows)


async def resolve_discrepancy(
    work: WriteWork,
    discrepancy_id: UUID,
    *,
    reason: str,
    expected_version: int,
    booking: SuspenseBooking | None = None,
) -> UUID | None:
    """Resolve a discrepancy; with a booking propose it, and the approval resolves: its id.

    Refusals: NOT_FOUND, INVALID, VERSION_CONFLICT, ALREADY_RESOLVED, BOOKING_IMPOSSIBLE (also when
    another one waits for its second person), STILL_IN_SUSPENSE for a reason alone.
    Effects: event `discrepancy_resolved` or a proposal; audit with the reason.
    """
    told = normalise_reason(reason)
    row = await lock_discrepancy(work, discrepancy_id)
    if row.status != DiscrepancyStatus.OPEN:
        raise AlreadyResolved()
    if row.version != expected_version:
        raise VersionMoved()
    if booking is not None:
        await _require_no_other(work, discrepancy_id)
        await check_booking(work, booking, row)
        return await _propose(
            work, told, discrepancy_id=discrepancy_id, version=row.version, booking=booking
        )
    await require_settled(work, row)
    await close_discrepancy(work, discrepancy_id, resolution=told)
    return None


async def close_discrepancy(work: WriteWork, discrepancy_id: UUID, *, resolution: str) -> None:
    """Mark a locked discrepancy as resolved by whoever acts. Effects: event, audit."""
    columns = discrepancy.c
    actor = work.scope.actor
    row = await work.one(
        update(discrepancy)
        .where(columns.brand_id == work.scope.brand_id, columns.id == discrepancy_id)
        .values(
            status=DiscrepancyStatus.RESOLVED,
            version=columns.version + 1,
            resolved_at=work.now(),
            resolved_by=actor.id if actor.kind is ActorKind.STAFF else None,
            resolution=resolution,
        )
        .returning(discrepancy)
    )
    work.emit(discrepancy_event(PaymentEventKind.DISCREPANCY_RESOLVED, row))
    work.audit(
        Change(
            "discrepancy.resolve",
            object_kind="discrepancy",
            object_id=discrepancy_id,
            reason=resolution,
        )
    )


async def _require_no_other(work: WriteWork, discrepancy_id: UUID) -> None:
    """One proposal at a time, so that two people never approve the same money twice."""
    columns = ledger_correction.c
    waiting = await work.rows(
        select(columns.id).where(
            columns.brand_id == work.scope.brand_id,
            columns.discrepancy_id == discrepancy_id,
            columns.status == CorrectionStatus.PROPOSED.value,
        )
    )
    if waiting:
        raise BookingImpossible("A booking is proposed already: approve or reject that one first.")


async def _propose(
    work: WriteWork,
    reason: str,
    *,
    transfer_id: UUID | None = None,
    discrepancy_id: UUID | None = None,
    version: int | None = None,
    booking: SuspenseBooking | None = None,
) -> UUID:
    staff_id = require_staff(work)
    key = work.new_id()
    await work.rows(
        insert(ledger_correction).values(
            brand_id=work.scope.brand_id,
            id=key,
            status=CorrectionStatus.PROPOSED,
            transfer_id=transfer_id,
            discrepancy_id=discrepancy_id,
            discrepancy_version=version,
            **_columns(booking),
            reason=reason,
            proposed_by=staff_id,
            proposed_at=work.now(),
        )
    )
    subject = transfer_id or discrepancy_id
    work.audit(
        Change(
            "correction.propose",
            object_kind="correction",
            object_id=key,
            after={"subject": str(subject)},
            reason=reason,
        )
    )
    return key


def _columns(booking: SuspenseBooking | None) -> dict[str, object]:
    if booking is None:
        return {}
    return {
        "move": booking.move,
        "client_id": booking.client_id,
        "currency": booking.amount.currency,
        "amount_minor": booking.amount.amount_minor,
    }
