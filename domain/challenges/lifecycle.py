"""What becomes of programs, orders, challenges and phases: closed lists, and what is asked for."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from domain.challenges.values import RuleSet
from domain.kernel.money import Money


class ProgramStatus(StrEnum):
    """CLOSED programs are not sold any more; what was bought goes on."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"


class OrderStatus(StrEnum):
    """REFUNDING: the PSP was asked to give the money back. DISPUTED and CHARGED_BACK are the
    payer's doing, CANCELLED came to nothing before it was paid."""

    AWAITING_PAYMENT = "AWAITING_PAYMENT"
    PAID = "PAID"
    REFUNDING = "REFUNDING"
    REFUNDED = "REFUNDED"
    DISPUTED = "DISPUTED"
    CHARGED_BACK = "CHARGED_BACK"
    CANCELLED = "CANCELLED"


class ChallengeStatus(StrEnum):
    """REVIEW: every phase is passed, staff look at it. CANCELLED: the order was given back."""

    ACTIVE = "ACTIVE"
    REVIEW = "REVIEW"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"


class PhaseStatus(StrEnum):
    """LIQUIDATING: a rule is broken and the account is being closed; FAILED once it is."""

    PENDING_ACCOUNT = "PENDING_ACCOUNT"
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    PASSED = "PASSED"
    LIQUIDATING = "LIQUIDATING"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"


class ClosingStatus(StrEnum):
    """How far an account whose phase is over is closed. HELD: the breaker keeps positions open
    until somebody of the brand looked. CLOSED: the platform says that nothing is open."""

    WAITING = "WAITING"
    HELD = "HELD"
    CLOSED = "CLOSED"
    DISABLED = "DISABLED"


JUDGED = (PhaseStatus.ACTIVE, PhaseStatus.PAUSED)
"""Phases that figures and deals still change."""


@dataclass(frozen=True, slots=True)
class PhasePlan:
    """One phase as a program sells it."""

    name: str
    rules: RuleSet


@dataclass(frozen=True, slots=True)
class ProgramPlan:
    """What is published: the account, its price without tax, and the phases in their order."""

    code: str
    name: str
    balance: Money
    price_minor: int
    leverage: int
    phases: tuple[PhasePlan, ...]


@dataclass(frozen=True, slots=True)
class Price:
    """What an order costs. The tax is the client's country's, `tax_bps` hundredths of a percent."""

    net: Money
    tax: Money
    tax_bps: int
    tax_label: str

    @property
    def total(self) -> Money:
        """What is paid."""
        return self.net + self.tax


@dataclass(frozen=True, slots=True)
class ByMethod:
    """Pay at a payment provider; the payer comes back to `return_url`."""

    method_id: UUID
    return_url: str


@dataclass(frozen=True, slots=True)
class FromWallet:
    """Pay from a wallet: only ever because its owner said so."""

    wallet_id: UUID


@dataclass(frozen=True, slots=True)
class PurchaseWish:
    """What is asked for, with the version and the total that whoever asks has seen."""

    program_id: UUID
    program_version: int
    total: Money
    pay: ByMethod | FromWallet
    client_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Breaker:
    """When closing accounts on a brand is held back: so many breaches within a window, or prices
    of which a second look says something else by so much."""

    breaches_max: int = 10
    window: timedelta = timedelta(seconds=60)
    price_gap_bps: int = 100


@dataclass(frozen=True, slots=True)
class PriceSeen:
    """A price as evidence keeps it; `source` says where the platform has it from."""

    symbol: str
    bid: str
    ask: str
    at: datetime
    recorded_at: datetime | None
    source: str
