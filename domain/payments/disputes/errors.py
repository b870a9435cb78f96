"""Refusals of disputes. Codes are public contract."""

from datetime import datetime

from domain.kernel.errors import Refused
from domain.kernel.money import Money, from_minor


class DepositNotSettled(Exception):
    """A dispute came before we saw its deposit settle: the job asks again. No caller meets it."""


class DisputeClosed(Refused):
    """The dispute is decided; the PSP takes no evidence any more."""

    def __init__(self) -> None:
        super().__init__("DISPUTE_CLOSED", "This dispute is decided.", path=("input", "disputeId"))


class EvidenceTooLate(Refused):
    """The PSP takes evidence up to an instant, and that has passed."""

    def __init__(self, due_at: datetime) -> None:
        message = f"Evidence could be sent until {due_at.isoformat()}; the bank decides without it."
        super().__init__("EVIDENCE_TOO_LATE", message, path=("input", "disputeId"))


class MoreThanOwed(Refused):
    """The client owes less, or nothing, for lost disputes in this currency."""

    def __init__(self, debt: Money) -> None:
        owed = f"{from_minor(debt.amount_minor, debt.currency)} {debt.currency}"
        message = f"The client owes {owed} for lost disputes: repay no more than that."
        super().__init__("MORE_THAN_OWED", message, path=("input", "amount"))
