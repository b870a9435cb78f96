"""Record what the PSP says of a dispute now, however often and in whatever order it was told."""

from typing import Any
from uuid import UUID

from sqlalchemy import insert, update

from domain.clients.standing import lock_client
from domain.kernel.money import Money
from domain.payments.commands.record_payment import advance
from domain.payments.deposits.rules import IN_SUSPENSE
from domain.payments.disputes.booking import Subject, open_books, resolution_of, transfers_of
from domain.payments.disputes.commands.restrict_client import lift_for, restrict_for
from domain.payments.disputes.errors import DepositNotSettled
from domain.payments.disputes.events import dispute_event
from domain.payments.disputes.queries import (
    disputed_minor,
    disputes_of_payment,
    find_deposit,
    lock_dispute,
    receivable,
)
from domain.payments.disputes.rules import (
    OPEN,
    decide_moves,
    payment_status,
    statuses_told,
    surplus_minor,
)
from domain.payments.disputes.tables import dispute
from domain.payments.disputes.values import Booked, Moves
from domain.payments.ledger.post import post
from domain.payments.ledger.queries import find_client_wallet
from domain.payments.ledger.values import LedgerAccountKind
from domain.payments.psp_values import PspDispute
from domain.payments.queries import lock_payment
from domain.payments.reconciliation.commands.open_discrepancy import open_discrepancy
from domain.payments.rules import may_follow
from domain.payments.values import (
    DiscrepancyKind,
    DisputeStatus,
    PaymentKind,
    PaymentStatus,
)
from domain.payments.withdrawals.commands.give_up import give_up_unsent
from domain.payments.withdrawals.movements import Movements
from tenants.numbers import next_number
from tenants.work import WriteWork

FIRST_NUMBER = 100_001
DISPUTED = "DISPUTED"


async def record_dispute(work: WriteWork, connection_id: UUID, reported: PspDispute) -> UUID | None:
    """Book a dispute up to what the PSP states; its id, None when the payment is none of ours.

    An older or equal `version` than the recorded one changes nothing. At the opening the whole
    amount leaves PSP_CLEARING as the client's debt, the PSP's fee becomes ours, withdrawals that
    were not sent are given up, and the wallet's part, with what they held, is put on hold (D4); a
    loss posts that hold, a win reverses and releases. A loss that is the first to be told of takes
    all of that at once. What the wallet lacks stays a debt: later
    deposits are not set off against it, see `repay_debt`.

    Raises DepositNotSettled: ask for the deposit first, then again. Refusals: INSUFFICIENT_FUNDS
    when the wallet was emptied meanwhile (again: what is held depends on what is there).
    Effects: DISPUTE_* events, the deposit's status, `withdrawal_cancelled` of what was given up,
    restrictions by policy, discrepancies.
    """
    deposit = await find_deposit(work, connection_id, reported.payment_id)
    if deposit is None:
        await _tell(work, connection_id, reported, DiscrepancyKind.UNKNOWN_PAYMENT)
        return None
    await lock_client(work, deposit.client_id)
    payment = await lock_payment(work, deposit.id)
    assert payment is not None, "found just now"
    if payment["credited_minor"] is None:
        raise DepositNotSettled(reported.payment_id)
    row = await lock_dispute(work, connection_id, reported.id)
    if row is not None and reported.version <= row["ext_version"]:
        return UUID(str(row["id"]))
    return await _record(work, payment, row, reported)


async def _record(
    work: WriteWork, payment: dict[str, Any], row: dict[str, Any] | None, reported: PspDispute
) -> UUID:
    before = None
    if row is not None:
        status, held = DisputeStatus(row["status"]), int(row["held_minor"])
        before = Booked(status, held, row["hold_id"] is not None)
        if row["amount_minor"] != reported.amount.amount_minor:
            booked = Subject.of(row, None).amount
            await _tell_other(work, payment, reported, expected=booked)
    else:
        await _check_reach(work, payment, reported)
    elsewhere = _elsewhere(payment)
    freed = Movements()
    available = await _available(work, payment, reported, freed)
    moves = decide_moves(
        before,
        reported.status,
        amount_minor=int(row["amount_minor"]) if row else reported.amount.amount_minor,
        available_minor=0 if elsewhere else available,
    )
    hold_id = work.new_id()
    made = await _store(work, payment, row, reported, _columns(row, moves, hold_id))
    stood = None if before is None else before.status
    told = statuses_told(stood, reported.status, is_taken_now=moves.takes)
    for each in told:
        work.emit(dispute_event(each, made))
    await _move_payment(work, payment)
    if reported.status in OPEN and DisputeStatus.OPEN in told:
        await restrict_for(work, made)
    elif reported.status is DisputeStatus.WON and told:
        await lift_for(work, made)
    subject = Subject.of(made, None if row is None else row["hold_id"])
    books = await open_books(work, subject, elsewhere=elsewhere)
    if moves.gives and row is not None and elsewhere is None:
        owed = await receivable(work, subject.client_id, subject.amount.currency)
        moves = surplus_minor(moves, owed, amount_minor=subject.amount.amount_minor)
    fee = int(made["fee_minor"]) - (0 if row is None else int(row["fee_minor"]))
    held = 0 if row is None else int(row["held_minor"])
    resolved = resolution_of(subject, books, moves, held)
    made_now = transfers_of(subject, books, moves, fee_minor=fee, hold_id=hold_id)
    released = await freed.transfers(work, subject.client_id)
    await post(work, [*released, *resolved, *made_now])
    return UUID(str(made["id"]))


def _elsewhere(payment: dict[str, Any]) -> LedgerAccountKind | None:
    """Where the money of a deposit is that never came to a wallet."""
    if payment["reason_code"] == IN_SUSPENSE:
        return LedgerAccountKind.SUSPENSE
    is_prepaid = payment["purchase_id"] is not None and payment["wallet_id"] is None
    return LedgerAccountKind.PURCHASE_PREPAID if is_prepaid else None


async def _available(
    work: WriteWork, payment: dict[str, Any], reported: PspDispute, freed: Movements
) -> int:
    """What the wallet can give in the dispute's currency, with what withdrawals held that are given
    up for it: money that is disputed does not leave because somebody asked for it in time."""
    client_id, currency = payment["client_id"], reported.amount.currency
    released = 0
    if reported.status is not DisputeStatus.WON:
        released = (await give_up_unsent(work, client_id, freed, reason_code=DISPUTED))[currency]
    wallet = await find_client_wallet(work, client_id, currency)
    return released + (0 if wallet is None else wallet.available.amount_minor)


def _columns(row: dict[str, Any] | None, moves: Moves, hold_id: UUID) -> dict[str, Any]:
    """What the row keeps of the client's part: how much, and under which hold."""
    if moves.holds or moves.collects:
        return {
            "held_minor": moves.holds or moves.collects,
            "hold_id": hold_id if moves.holds else None,
        }
    ends = moves.posts or moves.voids
    kept = 0 if row is None or moves.voids or moves.gives else row["held_minor"]
    return {"held_minor": kept, "hold_id": None if ends or row is None else row["hold_id"]}


async def _store(
    work: WriteWork,
    payment: dict[str, Any],
    row: dict[str, Any] | None,
    reported: PspDispute,
    columns: dict[str, Any],
) -> dict[str, Any]:
    values = columns | {
        "ext_version": reported.version,
        "status": reported.status,
        "reason_code": reported.reason,
        "fee_minor": reported.fee.amount_minor,
        "evidence_due_at": reported.evidence_due_at,
        "closed_at": None if reported.status in OPEN else work.now(),
    }
    if row is not None:
        statement: Any = (
            update(dispute)
            .where(dispute.c.brand_id == work.scope.brand_id, dispute.c.id == row["id"])
            .values(version=dispute.c.version + 1, **values)
        )
    else:
        number = await next_number(work, "dispute", start=FIRST_NUMBER)
        statement = insert(dispute).values(
            brand_id=work.scope.brand_id, id=work.new_id(), version=1, reference=f"CB-{number}",
            payment_id=payment["id"], client_id=payment["client_id"], ib_path=payment["ib_path"],
            connection_id=payment["connection_id"], ext_id=reported.id,
            currency=reported.amount.currency, amount_minor=reported.amount.amount_minor,
            opened_at=work.now(), **values,
        )  # fmt: skip
    return dict((await work.one(statement.returning(dispute)))._mapping)


async def _move_payment(work: WriteWork, payment: dict[str, Any]) -> None:
    """Bring the deposit to where all its disputes leave it; anywhere is reached from DISPUTED."""
    rows = await disputes_of_payment(work, payment["id"])
    target = payment_status(
        [DisputeStatus(row.status) for row in rows],
        refunded_minor=int(payment["refunded_minor"]),
        credited_minor=int(payment["credited_minor"]),
    )
    now = PaymentStatus(payment["status"])
    if target is now:
        return
    via = not may_follow(PaymentKind.DEPOSIT, now, target)
    if via:
        payment = await advance(work, payment, PaymentStatus.DISPUTED)
    await advance(work, payment, target)


async def _check_reach(work: WriteWork, payment: dict[str, Any], reported: PspDispute) -> None:
    """A new dispute is booked as it is said. One in another currency, or of more than there is
    left, is told: what was refunded or disputed before is ground for evidence."""
    taken = await disputed_minor(work, payment["id"])
    gone = int(payment["refunded_minor"]) + taken.open_minor + taken.lost_minor
    left = Money(max(0, int(payment["credited_minor"]) - gone), payment["credited_currency"])
    is_other = reported.amount.currency != left.currency
    if is_other or reported.amount.amount_minor > left.amount_minor:
        await _tell_other(work, payment, reported, expected=left)


async def _tell_other(
    work: WriteWork, payment: dict[str, Any], reported: PspDispute, *, expected: Money
) -> None:
    is_other = reported.amount.currency != expected.currency
    kind = DiscrepancyKind.CURRENCY_DIFFERS if is_other else DiscrepancyKind.AMOUNT_DIFFERS
    connection_id, payment_id = payment["connection_id"], payment["id"]
    await _tell(work, connection_id, reported, kind, payment_id=payment_id, expected=expected)


async def _tell(
    work: WriteWork,
    connection_id: UUID,
    reported: PspDispute,
    kind: DiscrepancyKind,
    *,
    payment_id: UUID | None = None,
    expected: Money | None = None,
) -> None:
    """A discrepancy: what was booked stays, and staff see what the PSP says."""
    await open_discrepancy(
        work,
        kind,
        subject=f"dispute:{connection_id.hex}:{reported.id}",
        payment_id=payment_id,
        connection_id=connection_id,
        expected=expected,
        actual=reported.amount,
        facts={"dispute": reported.id, "psp_payment": reported.payment_id},
    )
