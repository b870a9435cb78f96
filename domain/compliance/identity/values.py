"""Values of identity: closed lists, the policy of a legal entity, cases and their decisions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from domain.clients.values import ClientKind
from domain.compliance.risk.values import Flag, RiskLevel, RiskTerms


class CaseStatus(StrEnum):
    """Where the proof of one requirement stands. Every decision can be reversed by a later one."""

    DRAFT = "DRAFT"
    AWAITING_DOCS = "AWAITING_DOCS"
    PENDING = "PENDING"
    ON_HOLD = "ON_HOLD"
    APPROVED = "APPROVED"
    REJECTED_RETRY = "REJECTED_RETRY"
    REJECTED_FINAL = "REJECTED_FINAL"
    EXPIRED = "EXPIRED"


class KycStatus(StrEnum):
    """Where a client stands: as its cases do, or NOT_STARTED without one."""

    NOT_STARTED = "NOT_STARTED"
    DRAFT = "DRAFT"
    AWAITING_DOCS = "AWAITING_DOCS"
    PENDING = "PENDING"
    ON_HOLD = "ON_HOLD"
    APPROVED = "APPROVED"
    REJECTED_RETRY = "REJECTED_RETRY"
    REJECTED_FINAL = "REJECTED_FINAL"
    EXPIRED = "EXPIRED"


class How(StrEnum):
    """How a requirement is met: at a vendor's page, or by papers that staff look at."""

    VENDOR = "VENDOR"
    DOCUMENTS = "DOCUMENTS"


class KycVendorKind(StrEnum):
    SANDBOX = "SANDBOX"


class KycConnectionStatus(StrEnum):
    """A PAUSED one begins nothing new; its notices are heard all the same."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"


class DecisionSource(StrEnum):
    """Who said it."""

    VENDOR = "VENDOR"
    STAFF = "STAFF"
    SYSTEM = "SYSTEM"


class ProposalStatus(StrEnum):
    """OUTDATED: the case moved on before a second person looked."""

    OPEN = "OPEN"
    CONFIRMED = "CONFIRMED"
    DECLINED = "DECLINED"
    OUTDATED = "OUTDATED"


class DocumentKind(StrEnum):
    PASSPORT = "PASSPORT"
    ID_CARD = "ID_CARD"
    RESIDENCE_PERMIT = "RESIDENCE_PERMIT"
    UTILITY_BILL = "UTILITY_BILL"
    BANK_STATEMENT = "BANK_STATEMENT"
    SOURCE_OF_FUNDS = "SOURCE_OF_FUNDS"
    COMPANY_REGISTER = "COMPANY_REGISTER"
    OWNERSHIP = "OWNERSHIP"
    OTHER = "OTHER"


class DocumentStatus(StrEnum):
    """EXPECTED until its bytes have come."""

    EXPECTED = "EXPECTED"
    STORED = "STORED"


class MediaType(StrEnum):
    """What may be uploaded."""

    PDF = "application/pdf"
    JPEG = "image/jpeg"
    PNG = "image/png"


@dataclass(frozen=True, slots=True)
class Requirement:
    """Something a client has to prove. `max_age_days` is how old a paper may be at most."""

    code: str
    how: How
    title: str
    level: str = ""
    max_age_days: int | None = None


@dataclass(frozen=True, slots=True)
class Tier:
    """What a client may do once all of `requires` is proven.

    `deposits` are lifetime sums in minor units by currency, None for any amount; `leverage_max`
    is None where nothing but the jurisdiction bounds it.
    """

    number: int
    requires: frozenset[str]
    deposits: Mapping[str, int] | None
    live: bool
    withdrawals: bool
    leverage_max: int | None = None


@dataclass(frozen=True, slots=True)
class KycPolicy:
    """A version of a legal entity's rules: tiers by kind of client, lowest first."""

    version: int
    requirements: Mapping[str, Requirement]
    tiers: Mapping[ClientKind, tuple[Tier, ...]]
    rekyc_days: Mapping[RiskLevel, int]
    risk: RiskTerms


@dataclass(frozen=True, slots=True)
class Decision:
    """Something said about a case. `at` is by the clock of who said it, which is its order;
    `version` tells apart what one vendor said in one instant."""

    outcome: CaseStatus
    at: datetime
    source: DecisionSource
    version: int = 0
    flags: frozenset[Flag] = frozenset()


@dataclass(frozen=True, slots=True)
class CaseState:
    """What follows from all decisions on a case; `cleared` are flags that people have accepted."""

    status: CaseStatus
    decided_at: datetime | None
    flags: frozenset[Flag] = frozenset()
    cleared: frozenset[Flag] = frozenset()


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """A case as far as the client's tier depends on it."""

    id: UUID
    requirement: str
    status: CaseStatus
    decided_at: datetime | None
    expires_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """What all cases of a client come to. `due_at` is when that changes by itself."""

    status: KycStatus
    tier: Tier
    missing: tuple[str, ...]
    decided_at: datetime | None
    due_at: datetime | None
