"""Values of the clients context: closed lists, and what a registration is made of."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class ClientKind(StrEnum):
    INDIVIDUAL = "INDIVIDUAL"
    CORPORATE = "CORPORATE"
    JOINT = "JOINT"


class ClientRisk(StrEnum):
    """How closely a client's money is looked at. Set by staff."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


class ClientStatus(StrEnum):
    """REGISTERED until the e-mail is verified; RESTRICTED may sign in and do nothing new."""

    REGISTERED = "REGISTERED"
    ACTIVE = "ACTIVE"
    RESTRICTED = "RESTRICTED"
    CLOSED = "CLOSED"


class SearchKind(StrEnum):
    """Which field of a client a suffix of `client_search` came from, by the field's name."""

    NAME = "name"
    EMAIL = "email"
    PHONE = "phone"


@dataclass(frozen=True, slots=True)
class RegistrationForm:
    """What somebody typed, as it came."""

    name: str
    email: str
    password: str
    country: str
    phone: str | None = None
    language: str | None = None
    ib_code: str | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """What somebody brings from the mail: the token, and a password if one was asked for."""

    token: str
    password: str | None = None
    device: str | None = None

    def __repr__(self) -> str:
        return "Verification()"


@dataclass(frozen=True, slots=True)
class Registration:
    """A form that passed every check which needs no database."""

    name: str
    email: str
    country: str
    phone: str | None
    language: str | None
    ib_code: str | None


@dataclass(frozen=True, slots=True)
class CountryRule:
    """How a brand treats a country: which legal entity contracts, and whether it is served."""

    country: str
    legal_entity_id: UUID
    allowed: bool


@dataclass(frozen=True, slots=True)
class Market:
    """What a brand offers: the countries it treats by rule, and its languages, default first."""

    countries: tuple[CountryRule, ...]
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Introducer:
    """The ib that introduced a client: its id, and the path that lets its line see the client.

    `link_id` is the link that was followed, when the code was a link's.
    """

    id: UUID
    path: str
    link_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ProfileChange:
    """Fields to change on a client; `None` leaves a field alone, `""` clears the phone."""

    name: str | None = None
    phone: str | None = None
    country: str | None = None
    language: str | None = None
    tags: tuple[str, ...] | None = None

    def named(self) -> tuple[str, ...]:
        """Names of the fields that are to change."""
        return tuple(name for name in self.__slots__ if getattr(self, name) is not None)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to one address. `key` is unique for its cause: sending twice replaces."""

    key: str
    to: str
    sender_name: str
    subject: str
    text: str
