"""Closed lists of the cashier."""

from enum import StrEnum


class PaymentKind(StrEnum):
    DEPOSIT = "DEPOSIT"
    WITHDRAWAL = "WITHDRAWAL"
    TRANSFER = "TRANSFER"


class PaymentStatus(StrEnum):
    """Where a payment stands. Which of them a kind can have, and in which order: `rules`.

    A deposit: CREATED, PENDING, AUTHORISED, SETTLED; then PARTLY_REFUNDED, REFUNDED, DISPUTED,
    CHARGED_BACK; or FAILED, EXPIRED, CANCELLED, each of which may still settle late. A withdrawal:
    REQUESTED, APPROVED, SENDING, UNKNOWN, SENT, PAID; or REJECTED, CANCELLED, EXPIRED, FAILED,
    RETURNED, PARTLY_PAID. A transfer: SENDING, UNKNOWN, DONE or FAILED.
    """

    CREATED = "CREATED"
    PENDING = "PENDING"
    AUTHORISED = "AUTHORISED"
    SETTLED = "SETTLED"
    PARTLY_REFUNDED = "PARTLY_REFUNDED"
    REFUNDED = "REFUNDED"
    DISPUTED = "DISPUTED"
    CHARGED_BACK = "CHARGED_BACK"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"
    REQUESTED = "REQUESTED"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    SENDING = "SENDING"
    UNKNOWN = "UNKNOWN"
    SENT = "SENT"
    PAID = "PAID"
    PARTLY_PAID = "PARTLY_PAID"
    RETURNED = "RETURNED"
    DONE = "DONE"


class PaymentDirection(StrEnum):
    DEPOSIT = "DEPOSIT"
    WITHDRAWAL = "WITHDRAWAL"


class MethodKind(StrEnum):
    CARD = "CARD"
    EWALLET = "EWALLET"
    BANK = "BANK"
    CRYPTO = "CRYPTO"


class PspKind(StrEnum):
    """Which adapter speaks to a PSP."""

    SANDBOX = "SANDBOX"


class ConnectionStatus(StrEnum):
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"


class TransferEndKind(StrEnum):
    WALLET = "WALLET"
    ACCOUNT = "ACCOUNT"


class LegKind(StrEnum):
    """How a part of a withdrawal leaves: back to the instrument of a deposit, or to a payout
    destination."""

    REFUND = "REFUND"
    PAYOUT = "PAYOUT"


class LegStatus(StrEnum):
    """HELD until the withdrawal is approved; UNKNOWN: sent, no answer, to be found out; RETURNED:
    paid, and then back or failed after all."""

    HELD = "HELD"
    SENDING = "SENDING"
    UNKNOWN = "UNKNOWN"
    SENT = "SENT"
    PAID = "PAID"
    FAILED = "FAILED"
    RETURNED = "RETURNED"
    RELEASED = "RELEASED"


class DestinationStatus(StrEnum):
    """ACTIVE destinations can be used once their cooling-off is over."""

    ACTIVE = "ACTIVE"
    REMOVED = "REMOVED"


class ApprovalLevel(StrEnum):
    """Whose approval a withdrawal needs; the permission is `approvals:<level>` in small letters."""

    BACK_OFFICE = "BACK_OFFICE"
    FINANCE = "FINANCE"
    COMPLIANCE = "COMPLIANCE"


class ApprovalStatus(StrEnum):
    """RESET: given, then made void by a change of the payee."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    RESET = "RESET"
    DROPPED = "DROPPED"


class DisputeStatus(StrEnum):
    OPEN = "OPEN"
    UNDER_REVIEW = "UNDER_REVIEW"
    WON = "WON"
    LOST = "LOST"


class DiscrepancyKind(StrEnum):
    """What staff must look at: money that is not as it was said to be."""

    AMOUNT_DIFFERS = "AMOUNT_DIFFERS"
    """A PSP received another amount than the client asked to pay."""
    CURRENCY_DIFFERS = "CURRENCY_DIFFERS"
    """A PSP received another currency; it is in suspense until staff decide."""
    LATE = "LATE"
    """Money came after the deposit had failed, expired or been cancelled."""
    UNKNOWN_PAYMENT = "UNKNOWN_PAYMENT"
    """A PSP names a payment that we never made."""
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    """Something was sent and nobody could say for long what became of it."""
    SETTLEMENT_MISSING = "SETTLEMENT_MISSING"
    """A settlement lacks what we booked."""
    SETTLEMENT_EXTRA = "SETTLEMENT_EXTRA"
    """A settlement has what we did not book."""
    SETTLEMENT_DIFFERS = "SETTLEMENT_DIFFERS"
    """A settlement has another amount than we booked."""
    PLATFORM_DIFFERS = "PLATFORM_DIFFERS"
    """A platform's balance is not what the ledger says."""
    CLEARING_AGED = "CLEARING_AGED"
    """A clearing account did not return to zero in time."""


class DiscrepancyStatus(StrEnum):
    OPEN = "OPEN"
    RESOLVED = "RESOLVED"
