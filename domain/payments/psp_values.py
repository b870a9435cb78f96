"""What a PSP is asked and what it answers, in our words: amounts are minor units."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.kernel.money import Money
from domain.payments.values import DisputeStatus, MethodKind


class PspPaymentStatus(StrEnum):
    """Where a payment stands at the PSP. PAID may come late, even out of EXPIRED."""

    CREATED = "CREATED"
    PENDING = "PENDING"
    AUTHORISED = "AUTHORISED"
    PAID = "PAID"
    PARTLY_REFUNDED = "PARTLY_REFUNDED"
    REFUNDED = "REFUNDED"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"


class PspRefundStatus(StrEnum):
    PENDING = "PENDING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


class PspPayoutStatus(StrEnum):
    """RETURNED may come after PAID."""

    PENDING = "PENDING"
    PAID = "PAID"
    FAILED = "FAILED"
    RETURNED = "RETURNED"


class NoticeKind(StrEnum):
    """What a notice is about; OTHER is something this version does not know."""

    PAYMENT = "payment"
    REFUND = "refund"
    PAYOUT = "payout"
    DISPUTE = "dispute"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """A payment to be made on the PSP's page. `reference` is ours and unique for ever."""

    reference: str
    amount: Money
    method: MethodKind
    return_url: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class PayoutTo:
    """Where a payout goes: an IBAN, an e-mail or a token, and whose it is."""

    kind: MethodKind
    account: str
    holder_name: str


@dataclass(frozen=True, slots=True)
class PayoutRequest:
    """Money to be sent. `reference` is ours and unique for ever."""

    reference: str
    amount: Money
    to: PayoutTo


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is said against a dispute."""

    reference: str
    text: str
    files: tuple[EvidenceFile, ...] = ()


@dataclass(frozen=True, slots=True)
class PspSource:
    """The instrument that paid; `id` is the same whenever the same one pays us again."""

    id: str
    kind: str
    label: str


@dataclass(frozen=True, slots=True)
class PspDispute:
    """A payment that the payer's bank takes back. `reference` is that of the payment."""

    id: str
    payment_id: str
    reference: str
    status: DisputeStatus
    version: int
    amount: Money
    fee: Money
    reason: str
    evidence_due_at: datetime | None


@dataclass(frozen=True, slots=True)
class PspPayment:
    """A payment as the PSP has it; `version` grows with each change.

    `received` is what really came, in whatever currency; `refunded` and `fee` are in that
    currency, and in the one asked for until then.
    """

    id: str
    reference: str
    status: PspPaymentStatus
    version: int
    amount: Money
    received: Money | None
    refunded: Money
    fee: Money | None
    source: PspSource | None
    failure_code: str | None
    checkout_url: str
    expires_at: datetime | None
    disputes: tuple[PspDispute, ...] = ()


@dataclass(frozen=True, slots=True)
class PspRefund:
    id: str
    payment_id: str
    reference: str
    status: PspRefundStatus
    version: int
    amount: Money
    failure_code: str | None


@dataclass(frozen=True, slots=True)
class PspPayout:
    id: str
    reference: str
    status: PspPayoutStatus
    version: int
    amount: Money
    fee: Money | None
    failure_code: str | None


@dataclass(frozen=True, slots=True)
class Notice:
    """A hint that something changed: never more than where to look."""

    event_id: str
    kind: NoticeKind
    object_id: str
    reference: str
