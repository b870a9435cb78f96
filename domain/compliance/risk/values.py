"""What a client's risk follows from, and what it comes to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class RiskLevel(StrEnum):
    """How risky a client is held to be. PROHIBITED is no client of ours at all."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    PROHIBITED = "PROHIBITED"


class Flag(StrEnum):
    """What somebody who looked found. HIGH_RISK follows from the score of all that is known."""

    PEP = "PEP"
    SANCTIONS = "SANCTIONS"
    ADVERSE_MEDIA = "ADVERSE_MEDIA"
    HIGH_RISK = "HIGH_RISK"


@dataclass(frozen=True, slots=True)
class RiskTerms:
    """A legal entity's points: by country of residence, and for what it sells."""

    countries: Mapping[str, int] = field(default_factory=dict)
    other_countries: int = 10
    product: int = 0
    remote: int = 5


@dataclass(frozen=True, slots=True)
class RiskFacts:
    """What is known of a client. Unknown is not held against it, but for its country."""

    country: str
    flags: frozenset[Flag] = frozenset()
    pays_in_crypto: bool = False
    occupation_points: int = 0
    income_differs: bool = False


@dataclass(frozen=True, slots=True)
class Score:
    """The sum, its parts by name, and the level it means."""

    points: int
    parts: Mapping[str, int]
    level: RiskLevel
