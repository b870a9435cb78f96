"""Approve or reject a booking that somebody else proposed."""

from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from domain.kernel.errors import Forbidden, NotFound
from domain.kernel.money import Money
from domain.payments.commands.record_payment import change
from domain.payments.ledger.accounts import ledger_accounts
from domain.payments.ledger.errors import TransferKeyReused
from domain.payments.ledger.post import post
from domain.payments.ledger.tables import ledger_posting, ledger_transfer
from domain.payments.ledger.values import AccountKey, LedgerAccountKind, Leg, Transfer
from domain.payments.reconciliation.commands.check_booking import (
    OUT,
    SuspenseBooking,
    check_booking,
    lock_discrepancy,
)
from domain.payments.reconciliation.commands.propose_booking import (
    close_discrepancy,
    correction_key,
)
from domain.payments.reconciliation.errors import (
    AlreadyCorrected,
    AlreadyDecided,
    AlreadyResolved,
    DiscrepancyMoved,
    SecondPersonNeeded,
)
from domain.payments.reconciliation.tables import ledger_correction
from domain.payments.reconciliation.values import CorrectionStatus, SuspenseMove
from domain.payments.staff import require_staff
from domain.payments.values import DiscrepancyStatus
from tenants.log import Change
from tenants.work import WriteWork

_K = LedgerAccountKind
_CORRECT = "ledger:correct"
_PROPOSING = frozenset({_CORRECT, "discrepancies:resolve"})


async def approve_booking(work: WriteWork, correction_id: UUID) -> UUID:
    """Post what was proposed, as its second person; the posted transfer's id.

    A correction is a new transfer with the opposite of each posting, and a transfer has one at
    most. What settles a discrepancy is judged again: it moves what was proposed of what is still
    so. Refusals: NOT_FOUND, SECOND_PERSON_NEEDED, ALREADY_DECIDED, ALREADY_CORRECTED,
    ALREADY_RESOLVED, VERSION_CONFLICT, BOOKING_IMPOSSIBLE, INSUFFICIENT_FUNDS. Effects: the
    discrepancy is resolved, a deposit that lay in suspense is in the wallet; audit.
    """
    row = await _lock(work, correction_id)
    if row.proposed_by == work.scope.actor.id:
        raise SecondPersonNeeded()
    posted_id = work.new_id()
    # Judged before it counts as approved: what was booked before is no longer there to book.
    if row.transfer_id is not None:
        transfer = await _reversal(work, row, posted_id)
    else:
        transfer = await _settling(work, row, posted_id)
    await _decide(work, row, CorrectionStatus.APPROVED, posted_id=posted_id)
    try:
        (posted,) = await post(work, [transfer])
    except TransferKeyReused as error:
        raise AlreadyCorrected() from error
    if posted.replayed:
        raise AlreadyCorrected()
    return posted.id


async def reject_booking(work: WriteWork, correction_id: UUID) -> None:
    """Drop a proposal: an own one as whoever may propose, another's with the right to correct.

    Refusals: NOT_FOUND, ALREADY_DECIDED, FORBIDDEN. Effects: audit.
    """
    rights = work.scope.permissions
    if not _PROPOSING & rights:
        raise Forbidden("FORBIDDEN", "Dropping a proposed booking takes a right to propose one.")
    row = await _lock(work, correction_id)
    if _CORRECT not in rights and row.proposed_by != work.scope.actor.id:
        raise Forbidden("FORBIDDEN", f"Somebody else proposed it: dropping it takes {_CORRECT}.")
    await _decide(work, row, CorrectionStatus.REJECTED, posted_id=None)


async def _lock(work: WriteWork, correction_id: UUID) -> Any:
    row = await work.maybe(
        select(ledger_correction)
        .where(
            ledger_correction.c.brand_id == work.scope.brand_id,
            ledger_correction.c.id == correction_id,
        )
        .with_for_update()
    )
    if row is None:
        raise NotFound(path=("input", "correctionId"))
    if row.status != CorrectionStatus.PROPOSED:
        raise AlreadyDecided()
    return row


async def _decide(
    work: WriteWork, row: Any, status: CorrectionStatus, *, posted_id: UUID | None
) -> None:
    staff_id = require_staff(work)
    is_own = row.proposed_by == staff_id
    columns = ledger_correction.c
    await work.rows(
        update(ledger_correction)
        .where(columns.brand_id == work.scope.brand_id, columns.id == row.id)
        .values(
            status=status,
            # Whoever drops an own proposal is no second person.
            decided_by=None if is_own else staff_id,
            decided_at=work.now(),
            posted_id=posted_id,
        )
    )
    work.audit(
        Change(
            f"correction.{'approve' if posted_id else 'reject'}",
            object_kind="correction",
            object_id=row.id,
            reason=row.reason,
        )
    )


async def _reversal(work: WriteWork, row: Any, posted_id: UUID) -> Transfer:
    columns = ledger_posting.c
    legs = await work.rows(
        select(columns.account_id, columns.asset, columns.amount)
        .where(columns.brand_id == work.scope.brand_id, columns.transfer_id == row.transfer_id)
        .order_by(columns.n)
    )
    whose = await work.one(
        select(ledger_transfer.c.client_id).where(
            ledger_transfer.c.brand_id == work.scope.brand_id,
            ledger_transfer.c.id == row.transfer_id,
        )
    )
    return Transfer(
        correction_key(row.transfer_id),
        "CORRECTION",
        [Leg(leg.account_id, Money(-int(leg.amount), leg.asset)) for leg in legs],
        id=posted_id,
        client_id=whose.client_id,
        reason=row.reason,
        meta={"corrects": str(row.transfer_id), "correction_id": str(row.id)},
    )


async def _settling(work: WriteWork, row: Any, posted_id: UUID) -> Transfer:
    """What moves between SUSPENSE and a wallet or the PSP's clearing account."""
    about = await lock_discrepancy(work, row.discrepancy_id)
    if about.status != DiscrepancyStatus.OPEN:
        raise AlreadyResolved()
    if row.discrepancy_version not in (None, about.version):
        raise DiscrepancyMoved()
    booking = SuspenseBooking(
        SuspenseMove(row.move), Money(int(row.amount_minor), row.currency), row.client_id
    )
    deposit = await check_booking(work, booking, about)
    await close_discrepancy(work, about.id, resolution=row.reason)
    suspense = AccountKey.of(_K.SUSPENSE, row.currency)
    if booking.client_id is not None:
        other = AccountKey.wallet(booking.client_id, row.currency)
    else:
        other = AccountKey.of(_K.PSP_CLEARING, row.currency, about.connection_id)
    source, target = (suspense, other) if booking.move in OUT else (other, suspense)
    found = await ledger_accounts(work, [source, target])
    if deposit is not None:
        # It is the client's now: what is refunded or disputed of it is taken from the wallet.
        await change(work, deposit, {"reason_code": None, "wallet_id": found[target]})
    return Transfer(
        f"discrepancy:{row.id.hex}",
        "DISCREPANCY",
        [Leg(found[source], -booking.amount), Leg(found[target], booking.amount)],
        id=posted_id,
        client_id=row.client_id,
        reason=row.reason,
        meta={"discrepancy_id": str(about.id), "correction_id": str(row.id)},
    )
