"""Closed lists of bookings by hand."""

from enum import Enum

from strawberry import enum_value

from domain.payments.reconciliation import values
from schema.shared.enums import shows


@shows(values.CorrectionStatus, "Whether a booking by hand waits for its second person.")
class LedgerCorrectionStatus(Enum):
    PROPOSED = enum_value("PROPOSED", description="It waits for a second person.")
    APPROVED = enum_value("APPROVED", description="It is posted.")
    REJECTED = enum_value("REJECTED", description="It was dropped; nothing moved.")


@shows(values.SuspenseMove, "What a booking by hand moves for a discrepancy.")
class SuspenseMove(Enum):
    SUSPENSE_TO_WALLET = enum_value(
        "SUSPENSE_TO_WALLET", description="Unexplained money turns out to be a client's."
    )
    WALLET_TO_SUSPENSE = enum_value(
        "WALLET_TO_SUSPENSE", description="Money in a wallet turns out not to be the client's."
    )
    SUSPENSE_TO_CLEARING = enum_value(
        "SUSPENSE_TO_CLEARING", description="Unexplained money is what the PSP owed after all."
    )
    CLEARING_TO_SUSPENSE = enum_value(
        "CLEARING_TO_SUSPENSE", description="What the PSP should owe is not explained any more."
    )
