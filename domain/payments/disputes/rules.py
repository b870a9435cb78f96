"""Pure verdicts on disputes: what moves when one moves. Never takes a wallet below zero.

A dispute costs us its whole amount at once; the client's share is what the wallet has, and the rest
is a debt. Later deposits are not set off against it: a client pays a debt back by `repay_debt`.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from domain.kernel.errors import Invalid
from domain.payments.disputes.errors import DisputeClosed, EvidenceTooLate
from domain.payments.disputes.values import Booked, Moves
from domain.payments.values import DisputeStatus, PaymentStatus

EVIDENCE_MAX = 20_000
OPEN = frozenset({DisputeStatus.OPEN, DisputeStatus.UNDER_REVIEW})
_TAKEN = OPEN | {DisputeStatus.LOST}


def decide_moves(
    before: Booked | None, status: DisputeStatus, *, amount_minor: int, available_minor: int
) -> Moves:
    """What is booked when a dispute is seen at a status. `before` is None when it was never seen.

    `available_minor` is what the wallet can give. A dispute that is closed when first seen books
    its opening and its end together, since the PSP's settlement has both.
    """
    is_first = before is None
    taken = before is not None and before.status in _TAKEN
    share = 0 if taken else min(amount_minor, max(0, available_minor))
    takes = not taken and (is_first or status in _TAKEN)
    if status in OPEN:
        return Moves(takes=takes, holds=share)
    on_hold = before is not None and before.is_on_hold
    if status is DisputeStatus.LOST:
        return Moves(takes=takes, posts=on_hold, collects=share)
    was_lost = before is not None and taken and not on_hold
    return Moves(
        takes=takes,
        gives=taken or is_first,
        voids=on_hold,
        returns=before.held_minor if before is not None and was_lost else 0,
    )


def surplus_minor(moves: Moves, receivable_minor: int, *, amount_minor: int) -> Moves:
    """A won dispute's moves, with what the client had paid back since its loss returned as well.

    `receivable_minor` is the client's balance before; it never ends above zero.
    """
    after = receivable_minor + amount_minor - moves.returns
    return replace(moves, returns=moves.returns + max(0, after))


def statuses_told(
    before: DisputeStatus | None, status: DisputeStatus, *, is_taken_now: bool
) -> list[DisputeStatus]:
    """Which statuses others are told of: an opening always comes before its end."""
    opened = is_taken_now or (before is DisputeStatus.LOST and status in OPEN)
    told = [DisputeStatus.OPEN] if opened else []
    if status is not DisputeStatus.OPEN and status is not before:
        told.append(status)
    return told


def payment_status(
    disputes: Collection[DisputeStatus], *, refunded_minor: int, credited_minor: int
) -> PaymentStatus:
    """Where a settled deposit stands with all its disputes: an open one first, then a lost one."""
    if OPEN & set(disputes):
        return PaymentStatus.DISPUTED
    if DisputeStatus.LOST in disputes:
        return PaymentStatus.CHARGED_BACK
    if refunded_minor == 0:
        return PaymentStatus.SETTLED
    whole = refunded_minor >= credited_minor
    return PaymentStatus.REFUNDED if whole else PaymentStatus.PARTLY_REFUNDED


def debt_minor(receivable_minor: int, undecided_minor: int) -> int:
    """What a client owes for lost disputes. Credits are positive, so a debt is below zero there;
    `undecided_minor` is what open disputes have put onto it."""
    return max(0, -receivable_minor - undecided_minor)


def decide_evidence(status: DisputeStatus, due_at: datetime | None, now: datetime) -> None:
    """Whether evidence may be sent now. Refusals: DISPUTE_CLOSED, EVIDENCE_TOO_LATE."""
    if status not in OPEN:
        raise DisputeClosed()
    if due_at is not None and now > due_at:
        raise EvidenceTooLate(due_at)


def normalise_evidence(text: str) -> str:
    """What is told to the PSP. Refusals: INVALID when empty or too long."""
    told = text.strip()
    if not 1 <= len(told) <= EVIDENCE_MAX:
        message = f"Write 1 to {EVIDENCE_MAX} characters of evidence."
        raise Invalid("INVALID", message, path=("input", "text"))
    return told
