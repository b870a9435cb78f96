"""Closed lists of reconciliation, and what is handed around."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from domain.kernel.money import Money


class LineType(StrEnum):
    """What a line of a settlement is about."""

    PAYMENT = "payment"
    REFUND = "refund"
    PAYOUT = "payout"
    PAYOUT_RETURN = "payout_return"
    DISPUTE = "dispute"
    DISPUTE_REVERSAL = "dispute_reversal"
    DISPUTE_FEE = "dispute_fee"


class LineVerdict(StrEnum):
    """EXTRA: nothing of ours. What a settlement lacks is a discrepancy and no line."""

    MATCHED = "MATCHED"
    DIFFERS = "DIFFERS"
    EXTRA = "EXTRA"


class CorrectionStatus(StrEnum):
    PROPOSED = "PROPOSED"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"


class SuspenseMove(StrEnum):
    """Where money in suspense goes, or what is put into suspense."""

    SUSPENSE_TO_WALLET = "SUSPENSE_TO_WALLET"
    WALLET_TO_SUSPENSE = "WALLET_TO_SUSPENSE"
    SUSPENSE_TO_CLEARING = "SUSPENSE_TO_CLEARING"
    CLEARING_TO_SUSPENSE = "CLEARING_TO_SUSPENSE"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a settlement file; `n` is its number in the file, the heading being 1.

    Amounts are signed as the merchant sees them; net = gross − fee.
    """

    n: int
    ext_line_id: str
    ext_settlement_id: str
    date: date
    type: LineType
    psp_id: str
    reference: str
    currency: str
    gross_minor: int
    fee_minor: int
    net_minor: int


@dataclass(frozen=True, slots=True)
class Expected:
    """What of ours a line is about: `total` is what its lines should sum to, `told` what earlier
    ones summed to, and `cleared` what of that answered to it. `is_given_up`: a deposit that came to
    nothing as far as we know. `fee` is what the PSP said it keeps, None where it never said."""

    subject: str
    payment_id: UUID
    total: Money
    told_minor: int = 0
    cleared_minor: int = 0
    is_given_up: bool = False
    fee_minor: int | None = None
    fee_told_minor: int = 0


@dataclass(frozen=True, slots=True)
class Judged:
    """A line with its verdict: `cleared_minor` of its gross answers to what we booked. One whose
    gross is right and whose fee is not differs, too."""

    line: Line
    verdict: LineVerdict
    cleared_minor: int
    expected: Expected | None
    is_fee_wrong: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether all that we booked is told, and no more."""
        about = self.expected
        return about is not None and about.total == Money(about.told_minor, self.line.currency)


@dataclass(frozen=True, slots=True)
class Totals:
    """What a settlement books in a currency. `fees` are the PSP's, `net` reached the bank."""

    fees: int
    net: int
    cleared: int
    suspense: int
