"""Values of leads: closed lists, what somebody left, and who may take a lead."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

ATTRIBUTION = timedelta(days=30)
"""How long the ib whose link came first keeps a lead from other ibs' links."""


class LeadStage(StrEnum):
    """How far a lead has come. From REGISTERED on it is a client, and nobody moves it by hand."""

    NEW = "NEW"
    ASSIGNED = "ASSIGNED"
    CONTACTED = "CONTACTED"
    INTERESTED = "INTERESTED"
    REGISTERED = "REGISTERED"
    KYC = "KYC"
    FTD = "FTD"
    ACTIVE = "ACTIVE"
    LOST = "LOST"
    DNC = "DNC"


class LostReason(StrEnum):
    """Why a lead is given up."""

    NO_ANSWER = "NO_ANSWER"
    NOT_INTERESTED = "NOT_INTERESTED"
    WRONG_CONTACT = "WRONG_CONTACT"
    NOT_ELIGIBLE = "NOT_ELIGIBLE"
    COMPETITOR = "COMPETITOR"
    OTHER = "OTHER"


class OwnedBy(StrEnum):
    """How a lead came to its owner."""

    ROUND_ROBIN = "ROUND_ROBIN"
    STAFF = "STAFF"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where somebody came from, as the page said it: the UTM words, the click, the ib's code."""

    source: str
    campaign: str | None = None
    medium: str | None = None
    term: str | None = None
    content: str | None = None
    click_id: str | None = None
    landing_page: str | None = None
    referrer: str | None = None
    ib_code: str | None = None


@dataclass(frozen=True, slots=True)
class LeadForm:
    """What somebody typed, as it came."""

    origin: Origin
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    country: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Touch:
    """A form that passed every check. One of e-mail and phone is there."""

    origin: Origin
    name: str | None
    email: str | None
    phone: str | None
    country: str | None
    language: str | None


@dataclass(frozen=True, slots=True)
class Move:
    """Where somebody wants a lead to be."""

    stage: LeadStage
    lost_reason: LostReason | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """A member of staff's place among those who are given leads; empty lists mean all."""

    staff_id: UUID
    enabled: bool
    capacity: int
    languages: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
