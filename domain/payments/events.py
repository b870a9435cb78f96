"""Events of topics DEPOSIT and PAYMENT. Payloads hold ids and figures and no personal data.

Money is text in minor units (`…_minor`). Withdrawals, transfers and disputes are on PAYMENT.
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any

from domain.payments.values import PaymentKind
from tenants.log import Event

DEPOSIT_TOPIC = "DEPOSIT"
PAYMENT_TOPIC = "PAYMENT"


class PaymentEventKind(StrEnum):
    """What happened, in the past tense; `<kind>_<status>` for a status that a payment reached."""

    DEPOSIT_CREATED = "deposit_created"
    DEPOSIT_PENDING = "deposit_pending"
    DEPOSIT_AUTHORISED = "deposit_authorised"
    DEPOSIT_SETTLED = "deposit_settled"
    DEPOSIT_PARTLY_REFUNDED = "deposit_partly_refunded"
    DEPOSIT_REFUNDED = "deposit_refunded"
    DEPOSIT_DISPUTED = "deposit_disputed"
    DEPOSIT_CHARGED_BACK = "deposit_charged_back"
    DEPOSIT_FAILED = "deposit_failed"
    DEPOSIT_EXPIRED = "deposit_expired"
    DEPOSIT_CANCELLED = "deposit_cancelled"
    WITHDRAWAL_REQUESTED = "withdrawal_requested"
    WITHDRAWAL_APPROVED = "withdrawal_approved"
    WITHDRAWAL_REJECTED = "withdrawal_rejected"
    WITHDRAWAL_CANCELLED = "withdrawal_cancelled"
    WITHDRAWAL_EXPIRED = "withdrawal_expired"
    WITHDRAWAL_SENDING = "withdrawal_sending"
    WITHDRAWAL_UNKNOWN = "withdrawal_unknown"
    WITHDRAWAL_SENT = "withdrawal_sent"
    WITHDRAWAL_PAID = "withdrawal_paid"
    WITHDRAWAL_PARTLY_PAID = "withdrawal_partly_paid"
    WITHDRAWAL_FAILED = "withdrawal_failed"
    WITHDRAWAL_RETURNED = "withdrawal_returned"
    APPROVAL_GIVEN = "approval_given"
    APPROVALS_ADDED = "approvals_added"
    APPROVALS_RESET = "approvals_reset"
    TRANSFER_SENDING = "transfer_sending"
    TRANSFER_UNKNOWN = "transfer_unknown"
    TRANSFER_DONE = "transfer_done"
    TRANSFER_FAILED = "transfer_failed"
    DISPUTE_OPENED = "dispute_opened"
    DISPUTE_UNDER_REVIEW = "dispute_under_review"
    DISPUTE_WON = "dispute_won"
    DISPUTE_LOST = "dispute_lost"
    EVIDENCE_SUBMITTED = "evidence_submitted"
    DEBT_REPAID = "debt_repaid"
    DISCREPANCY_FOUND = "discrepancy_found"
    DISCREPANCY_RESOLVED = "discrepancy_resolved"


_SHOWN = (
    "reference", "status", "currency", "amount_minor", "fee_minor", "credited_minor",
    "credited_currency", "refunded_minor", "received_minor", "received_currency", "version",
    "reason_code", "method_id", "purchase_id",
)  # fmt: skip


def status_kind(kind: str, status: str) -> PaymentEventKind:
    """The event of a status that a payment reached."""
    return PaymentEventKind(f"{kind}_{status}".lower())


def as_text(value: Any) -> str:
    """A value as payloads write it; amounts in plain digits, not as 1E+4."""
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def payment_event(
    kind: PaymentEventKind, payment: Mapping[str, Any], more: Mapping[str, Any] | None = None
) -> Event:
    """An event of a payment with what was true then; `payment` is its row."""
    is_deposit = payment["kind"] == PaymentKind.DEPOSIT
    payload = {"payment_id": str(payment["id"])} | {
        name: as_text(payment[name]) for name in _SHOWN if payment[name] is not None
    }
    return Event(
        topic=DEPOSIT_TOPIC if is_deposit else PAYMENT_TOPIC,
        kind=kind,
        object_id=payment["id"],
        client_id=payment["client_id"],
        ib_path=payment["ib_path"],
        payload=payload | dict(more or {}),
    )
