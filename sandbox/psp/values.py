"""What the PSP keeps, as plain values. Money is `Decimal` in units of its currency."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class Refusal(Exception):
    """The PSP says no, for good: nothing was changed."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Method(StrEnum):
    CARD = "card"
    EWALLET = "ewallet"
    BANK = "bank"


class PaymentStatus(StrEnum):
    """PAID may come late, out of EXPIRED. FAILED and CANCELLED are final."""

    CREATED = "CREATED"
    PENDING = "PENDING"
    AUTHORISED = "AUTHORISED"
    PAID = "PAID"
    PARTLY_REFUNDED = "PARTLY_REFUNDED"
    REFUNDED = "REFUNDED"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"


class RefundStatus(StrEnum):
    PENDING = "PENDING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


class PayoutStatus(StrEnum):
    """RETURNED may come after PAID: the bank of the payee sent the money back."""

    PENDING = "PENDING"
    PAID = "PAID"
    FAILED = "FAILED"
    RETURNED = "RETURNED"


class DisputeStatus(StrEnum):
    OPEN = "OPEN"
    UNDER_REVIEW = "UNDER_REVIEW"
    WON = "WON"
    LOST = "LOST"


class DestinationKind(StrEnum):
    BANK = "bank"
    EWALLET = "ewallet"
    CARD = "card"
    CRYPTO = "crypto"


class Verdict(StrEnum):
    """How an instrument behaves when it is charged."""

    PAYS = "PAYS"
    DECLINES = "DECLINES"
    ASKS = "ASKS"  # 3-D Secure first
    DISPUTES = "DISPUTES"  # pays, and is disputed at once


@dataclass(frozen=True, slots=True)
class Instrument:
    """What somebody pays with. `account` is what identifies it, `label` what may be shown."""

    kind: Method
    account: str
    label: str
    verdict: Verdict = Verdict.PAYS


@dataclass(frozen=True, slots=True)
class Merchant:
    """Who calls with its key and hears the notices. The key is kept as its SHA-256."""

    name: str
    key_hash: str
    notice_url: str
    notice_secrets: list[str]
    currencies: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A payment in. `received_*` is what really came; `due_*` is what happens by itself."""

    id: str
    merchant: str
    reference: str
    version: int = 1
    status: PaymentStatus = PaymentStatus.CREATED
    method: Method
    amount: Decimal
    currency: str
    received_amount: Decimal | None = None
    received_currency: str | None = None
    refunded_amount: Decimal = Decimal(0)
    fee_amount: Decimal | None = None
    source_id: str | None = None
    source_label: str | None = None
    failure_code: str | None = None
    description: str
    return_url: str
    form_token: str
    was_key_forgotten: bool = False
    due_at: datetime | None = None
    due_status: PaymentStatus | None = None
    due_amount: Decimal | None = None
    paid_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money of a payment on its way back to where it came from."""

    id: str
    merchant: str
    payment_id: str
    reference: str
    version: int = 1
    status: RefundStatus = RefundStatus.PENDING
    amount: Decimal
    currency: str
    failure_code: str | None = None
    was_key_forgotten: bool = False
    due_at: datetime | None = None
    due_status: RefundStatus | None = None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Payout:
    """Money sent out."""

    id: str
    merchant: str
    reference: str
    version: int = 1
    status: PayoutStatus = PayoutStatus.PENDING
    amount: Decimal
    currency: str
    destination_kind: DestinationKind
    destination_account: str
    holder_name: str
    fee_amount: Decimal
    failure_code: str | None = None
    was_key_forgotten: bool = False
    due_at: datetime | None = None
    due_status: PayoutStatus | None = None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """A payer's bank takes a payment back until it is decided. `reference` is the payment's."""

    id: str
    merchant: str
    payment_id: str
    reference: str
    version: int = 1
    status: DisputeStatus = DisputeStatus.OPEN
    amount: Decimal
    currency: str
    fee_amount: Decimal
    reason: str
    evidence_due_at: datetime
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a merchant says about a dispute; `files` are name, media type and base64 content."""

    id: str
    dispute_id: str
    reference: str
    text: str
    files: list[dict[str, str]]
    created_at: datetime


class LineType(StrEnum):
    """What a line of a settlement is about."""

    PAYMENT = "payment"
    REFUND = "refund"
    PAYOUT = "payout"
    PAYOUT_RETURN = "payout_return"
    DISPUTE = "dispute"
    DISPUTE_REVERSAL = "dispute_reversal"
    DISPUTE_FEE = "dispute_fee"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One movement of a merchant's balance, signed as the merchant sees it; never changed."""

    id: str
    merchant: str
    at: datetime
    type: LineType
    psp_id: str
    reference: str
    currency: str
    gross: Decimal
    fee: Decimal


Stored = Payment | Refund | Payout | Dispute
