"""What happens to payments, as the API describes it."""

from enum import Enum

import strawberry
from strawberry import enum_value

from domain.payments import events
from schema.shared.enums import shows


@shows(events.PaymentEventKind, "What happened to a payment. Expect values you don't know.")
class PaymentEventKind(Enum):
    DEPOSIT_CREATED = enum_value("deposit_created", description="A deposit was asked for.")
    DEPOSIT_PENDING = enum_value("deposit_pending", description="A deposit waits for its payer.")
    DEPOSIT_AUTHORISED = enum_value("deposit_authorised", description="A deposit was promised.")
    DEPOSIT_SETTLED = enum_value("deposit_settled", description="A deposit is in the wallet.")
    DEPOSIT_PARTLY_REFUNDED = enum_value(
        "deposit_partly_refunded", description="A part of a deposit went back."
    )
    DEPOSIT_REFUNDED = enum_value("deposit_refunded", description="A deposit went back.")
    DEPOSIT_DISPUTED = enum_value("deposit_disputed", description="A deposit is disputed.")
    DEPOSIT_CHARGED_BACK = enum_value(
        "deposit_charged_back", description="A disputed deposit was taken back."
    )
    DEPOSIT_FAILED = enum_value("deposit_failed", description="A deposit came to nothing.")
    DEPOSIT_EXPIRED = enum_value("deposit_expired", description="A deposit was not paid in time.")
    DEPOSIT_CANCELLED = enum_value("deposit_cancelled", description="A deposit was called off.")
    WITHDRAWAL_REQUESTED = enum_value(
        "withdrawal_requested", description="A withdrawal waits for approval."
    )
    WITHDRAWAL_APPROVED = enum_value(
        "withdrawal_approved", description="A withdrawal has all its approvals."
    )
    WITHDRAWAL_REJECTED = enum_value("withdrawal_rejected", description="A withdrawal was refused.")
    WITHDRAWAL_CANCELLED = enum_value(
        "withdrawal_cancelled", description="A withdrawal was called off."
    )
    WITHDRAWAL_EXPIRED = enum_value(
        "withdrawal_expired", description="A withdrawal was not approved in time."
    )
    WITHDRAWAL_SENDING = enum_value("withdrawal_sending", description="A withdrawal is being sent.")
    WITHDRAWAL_UNKNOWN = enum_value(
        "withdrawal_unknown", description="A withdrawal was sent; nobody says what came of it."
    )
    WITHDRAWAL_SENT = enum_value(
        "withdrawal_sent", description="The payment provider accepted a withdrawal."
    )
    WITHDRAWAL_PAID = enum_value("withdrawal_paid", description="A withdrawal arrived.")
    WITHDRAWAL_PARTLY_PAID = enum_value(
        "withdrawal_partly_paid", description="A part of a withdrawal arrived."
    )
    WITHDRAWAL_FAILED = enum_value(
        "withdrawal_failed", description="A withdrawal could not be paid."
    )
    WITHDRAWAL_RETURNED = enum_value(
        "withdrawal_returned", description="A withdrawal came back to the wallet."
    )
    APPROVAL_GIVEN = enum_value(
        "approval_given", description="An approval was given; needs `approvals:list`."
    )
    APPROVALS_ADDED = enum_value(
        "approvals_added",
        description="A withdrawal waits for more approvals, as its client's risk or debts rose; "
        "needs `approvals:list`.",
    )
    APPROVALS_RESET = enum_value(
        "approvals_reset",
        description="The payee changed, so that approvals begin anew; needs `approvals:list`.",
    )
    TRANSFER_SENDING = enum_value("transfer_sending", description="A transfer is on its way.")
    TRANSFER_UNKNOWN = enum_value(
        "transfer_unknown", description="The platform did not say what came of a transfer."
    )
    TRANSFER_DONE = enum_value("transfer_done", description="A transfer arrived.")
    TRANSFER_FAILED = enum_value("transfer_failed", description="A transfer came to nothing.")
    DISPUTE_OPENED = enum_value("dispute_opened", description="A payer disputes a deposit.")
    DISPUTE_UNDER_REVIEW = enum_value(
        "dispute_under_review", description="The card scheme looks at a dispute."
    )
    DISPUTE_WON = enum_value("dispute_won", description="A disputed deposit stays.")
    DISPUTE_LOST = enum_value("dispute_lost", description="A disputed deposit is gone.")
    EVIDENCE_SUBMITTED = enum_value(
        "evidence_submitted", description="Staff wrote evidence; needs `disputes:list`."
    )
    DEBT_REPAID = enum_value(
        "debt_repaid", description="Money that came in paid what was owed after a dispute."
    )
    DISCREPANCY_FOUND = enum_value(
        "discrepancy_found",
        description="Money is not as it was said to be; needs `reconciliation:read`.",
    )
    DISCREPANCY_RESOLVED = enum_value(
        "discrepancy_resolved",
        description="Somebody settled a discrepancy; needs `reconciliation:read`.",
    )


@strawberry.enum(description="What happened to a deposit. Expect values you don't know.")
class DepositEventKind(Enum):
    CREATED = enum_value("deposit_created", description="It was asked for.")
    PENDING = enum_value("deposit_pending", description="It waits for its payer.")
    AUTHORISED = enum_value("deposit_authorised", description="It was promised.")
    SETTLED = enum_value("deposit_settled", description="It is in the wallet.")
    PARTLY_REFUNDED = enum_value("deposit_partly_refunded", description="A part of it went back.")
    REFUNDED = enum_value("deposit_refunded", description="It went back.")
    DISPUTED = enum_value("deposit_disputed", description="Its payer disputes it.")
    CHARGED_BACK = enum_value("deposit_charged_back", description="It was taken back.")
    FAILED = enum_value("deposit_failed", description="It came to nothing.")
    EXPIRED = enum_value("deposit_expired", description="It was not paid in time.")
    CANCELLED = enum_value("deposit_cancelled", description="It was called off.")


assert {str(kind.value) for kind in DepositEventKind} == {
    kind.value for kind in events.PaymentEventKind if kind.startswith("deposit_")
}, "a feed of deposits shows each kind of them"
