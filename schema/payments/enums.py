"""Closed lists of the cashier with their meanings."""

from enum import Enum

from strawberry import enum_value

from domain.payments import values
from domain.payments.disputes.values import EvidenceStatus as EvidenceStatusValues
from domain.payments.ledger import values as ledger
from domain.payments.statements.values import StatementFormat as StatementFormatValues
from schema.shared.enums import shows


@shows(values.PaymentKind, "What a payment is.")
class PaymentKind(Enum):
    DEPOSIT = enum_value("DEPOSIT", description="Money comes in through a PSP.")
    WITHDRAWAL = enum_value("WITHDRAWAL", description="Money leaves.")
    TRANSFER = enum_value(
        "TRANSFER", description="Money moves between wallets and trading accounts."
    )


@shows(values.PaymentStatus, "Where a payment stands. Expect values you don't know.")
class PaymentStatus(Enum):
    CREATED = enum_value("CREATED", description="A deposit that its PSP has not been told of.")
    PENDING = enum_value("PENDING", description="A deposit that waits for the payer.")
    AUTHORISED = enum_value("AUTHORISED", description="A deposit that was promised, not received.")
    SETTLED = enum_value("SETTLED", description="A deposit that is in the wallet.")
    PARTLY_REFUNDED = enum_value(
        "PARTLY_REFUNDED", description="A deposit of which a part went back to its source."
    )
    REFUNDED = enum_value("REFUNDED", description="A deposit that went back to its source.")
    DISPUTED = enum_value("DISPUTED", description="A deposit that its payer disputes.")
    CHARGED_BACK = enum_value("CHARGED_BACK", description="A deposit that was taken back.")
    FAILED = enum_value("FAILED", description="It came to nothing; no money moved.")
    EXPIRED = enum_value("EXPIRED", description="Nobody acted in time; no money moved.")
    CANCELLED = enum_value("CANCELLED", description="It was called off; no money moved.")
    REQUESTED = enum_value("REQUESTED", description="A withdrawal that waits for approval.")
    APPROVED = enum_value(
        "APPROVED",
        description="A withdrawal to be sent; it waits while a deposit of the client is disputed.",
    )
    REJECTED = enum_value("REJECTED", description="A withdrawal that was refused.")
    SENDING = enum_value("SENDING", description="It is being sent.")
    UNKNOWN = enum_value("UNKNOWN", description="It was sent, and nobody has said what came of it.")
    SENT = enum_value("SENT", description="A withdrawal that its PSP has accepted.")
    PAID = enum_value("PAID", description="A withdrawal that arrived.")
    PARTLY_PAID = enum_value(
        "PARTLY_PAID", description="A withdrawal of which some legs arrived and others did not."
    )
    RETURNED = enum_value("RETURNED", description="A withdrawal that came back to the wallet.")
    DONE = enum_value("DONE", description="A transfer that is where it should be.")


@shows(values.PaymentDirection, "Which way a payment method is used.")
class PaymentDirection(Enum):
    DEPOSIT = enum_value("DEPOSIT", description="Money in.")
    WITHDRAWAL = enum_value("WITHDRAWAL", description="Money out.")


@shows(values.MethodKind, "What one pays with. Expect values you don't know.")
class MethodKind(Enum):
    CARD = enum_value("CARD", description="A bank card.")
    EWALLET = enum_value("EWALLET", description="An electronic wallet.")
    BANK = enum_value("BANK", description="A bank transfer.")
    CRYPTO = enum_value(
        "CRYPTO", description="A coin on its network. Not offered yet: no provider here takes any."
    )


@shows(values.LegKind, "How a part of a withdrawal leaves.")
class LegKind(Enum):
    REFUND = enum_value("REFUND", description="Back to the source of a deposit.")
    PAYOUT = enum_value("PAYOUT", description="To a payout destination.")


@shows(values.LegStatus, "Where a part of a withdrawal stands.")
class LegStatus(Enum):
    HELD = enum_value("HELD", description="Its money is held until the withdrawal is approved.")
    SENDING = enum_value("SENDING", description="It is being sent.")
    UNKNOWN = enum_value("UNKNOWN", description="It was sent, and nobody has said what came of it.")
    SENT = enum_value("SENT", description="The PSP has accepted it.")
    PAID = enum_value("PAID", description="It arrived.")
    FAILED = enum_value("FAILED", description="It could not be paid; the money is free again.")
    RETURNED = enum_value(
        "RETURNED", description="It was paid, came back or failed after all, and is in the wallet."
    )
    RELEASED = enum_value("RELEASED", description="The withdrawal ended before it was sent.")


@shows(values.DestinationStatus, "Whether a payout destination can be used.")
class DestinationStatus(Enum):
    ACTIVE = enum_value("ACTIVE", description="It can be used, once its cooling-off is over.")
    REMOVED = enum_value("REMOVED", description="It was removed.")


@shows(values.ApprovalLevel, "Whose approval a withdrawal needs.")
class ApprovalLevel(Enum):
    BACK_OFFICE = enum_value("BACK_OFFICE", description="Takes `approvals:back_office`.")
    FINANCE = enum_value("FINANCE", description="Takes `approvals:finance`.")
    COMPLIANCE = enum_value("COMPLIANCE", description="Takes `approvals:compliance`.")


@shows(values.ApprovalStatus, "Where an approval stands.")
class ApprovalStatus(Enum):
    PENDING = enum_value("PENDING", description="It is waited for.")
    APPROVED = enum_value("APPROVED", description="It was given.")
    REJECTED = enum_value("REJECTED", description="It was refused.")
    RESET = enum_value("RESET", description="It was given and made void when the payee changed.")
    DROPPED = enum_value("DROPPED", description="It is not needed any more.")


@shows(values.DisputeStatus, "Where a dispute stands.")
class DisputeStatus(Enum):
    OPEN = enum_value("OPEN", description="Evidence can be sent.")
    UNDER_REVIEW = enum_value("UNDER_REVIEW", description="The scheme looks at it.")
    WON = enum_value("WON", description="The money stays.")
    LOST = enum_value("LOST", description="The money is gone.")


@shows(EvidenceStatusValues, "Whether evidence has reached the payment provider.")
class EvidenceStatus(Enum):
    WAITING = enum_value("WAITING", description="It has not been taken yet.")
    SENT = enum_value("SENT", description="It was taken.")
    REFUSED = enum_value("REFUSED", description="It came too late.")


@shows(values.DiscrepancyKind, "In which way money is not as it was said to be.")
class DiscrepancyKind(Enum):
    AMOUNT_DIFFERS = enum_value(
        "AMOUNT_DIFFERS", description="A PSP received another amount than was to be paid."
    )
    CURRENCY_DIFFERS = enum_value(
        "CURRENCY_DIFFERS", description="A PSP received another currency; staff decide about it."
    )
    LATE = enum_value("LATE", description="Money came after its deposit had been given up.")
    UNKNOWN_PAYMENT = enum_value(
        "UNKNOWN_PAYMENT", description="A PSP names a payment that was never made here."
    )
    OUTCOME_UNKNOWN = enum_value(
        "OUTCOME_UNKNOWN", description="Nobody could say for long what became of something sent."
    )
    SETTLEMENT_MISSING = enum_value(
        "SETTLEMENT_MISSING", description="A settlement lacks what is booked."
    )
    SETTLEMENT_EXTRA = enum_value(
        "SETTLEMENT_EXTRA", description="A settlement has what is not booked."
    )
    SETTLEMENT_DIFFERS = enum_value(
        "SETTLEMENT_DIFFERS", description="A settlement has another amount than is booked."
    )
    PLATFORM_DIFFERS = enum_value(
        "PLATFORM_DIFFERS", description="A platform's balance is not what the ledger says."
    )
    CLEARING_AGED = enum_value(
        "CLEARING_AGED", description="A clearing account did not return to zero in time."
    )


@shows(values.DiscrepancyStatus, "Whether a discrepancy waits for somebody.")
class DiscrepancyStatus(Enum):
    OPEN = enum_value("OPEN", description="Somebody must look at it.")
    RESOLVED = enum_value("RESOLVED", description="Somebody has, and said what came of it.")


@shows(values.ConnectionStatus, "Whether a merchant account at a PSP is in use.")
class ConnectionStatus(Enum):
    ACTIVE = enum_value("ACTIVE", description="It is used.")
    PAUSED = enum_value("PAUSED", description="Nothing new goes through it.")


@shows(StatementFormatValues, "The form of a statement.")
class StatementFormat(Enum):
    CSV = enum_value("CSV", description="For programs and spreadsheets.")
    PDF = enum_value("PDF", description="For people; up to 20,000 lines.")


@shows(ledger.TransferState, "What an entry of the ledger did.")
class LedgerTransferState(Enum):
    PENDING = enum_value("PENDING", description="It holds money.")
    POSTED = enum_value("POSTED", description="It moved money.")
    VOID = enum_value("VOID", description="It released a hold.")
    EXPIRED = enum_value("EXPIRED", description="It released a hold whose time was over.")


@shows(
    ledger.LedgerAccountKind,
    "What an account of the ledger stands for. Expect values you don't know.",
)
class LedgerAccountKind(Enum):
    CLIENT_WALLET = enum_value("CLIENT_WALLET", description="A client's money in one currency.")
    CLIENT_TRADING = enum_value("CLIENT_TRADING", description="What is owed on a trading login.")
    PLATFORM_CLEARING = enum_value(
        "PLATFORM_CLEARING", description="Between wallets and a trading platform."
    )
    PSP_CLEARING = enum_value("PSP_CLEARING", description="What a PSP holds for the brand.")
    BANK = enum_value("BANK", description="The brand's bank accounts and custody.")
    FX_POOL = enum_value("FX_POOL", description="The position in a currency after conversions.")
    FX_REVENUE = enum_value("FX_REVENUE", description="Earned by conversions.")
    FEE_REVENUE = enum_value("FEE_REVENUE", description="Fees that clients paid.")
    PSP_FEES = enum_value("PSP_FEES", description="Fees paid to PSPs.")
    TRADING_RESULT = enum_value(
        "TRADING_RESULT", description="The broker's side of what clients won and lost."
    )
    IB_PAYABLE = enum_value("IB_PAYABLE", description="Commission owed to an ib.")
    IB_RECEIVABLE = enum_value("IB_RECEIVABLE", description="Commission an ib owes back.")
    PROP_FEE_REVENUE = enum_value("PROP_FEE_REVENUE", description="Fees of prop challenges.")
    PURCHASE_PREPAID = enum_value(
        "PURCHASE_PREPAID", description="Paid for orders that are not settled yet."
    )
    TAX_PAYABLE = enum_value("TAX_PAYABLE", description="Tax on sales, owed to states.")
    PAYOUT_PAYABLE = enum_value("PAYOUT_PAYABLE", description="Payouts owed to prop traders.")
    CHARGEBACK_RECEIVABLE = enum_value(
        "CHARGEBACK_RECEIVABLE", description="What a client owes after disputed deposits."
    )
    CHARGEBACK_LOSS = enum_value("CHARGEBACK_LOSS", description="Disputed deposits written off.")
    NBP_EXPENSE = enum_value("NBP_EXPENSE", description="Negative balances made good.")
    ROUNDING = enum_value("ROUNDING", description="What rounding leaves.")
    SUSPENSE = enum_value("SUSPENSE", description="Money that nobody could explain yet.")
