"""Pure verdict on a client's risk: points for what is known of it (D5), and the level they mean."""

from collections.abc import Mapping
from typing import Final

from domain.clients.values import ClientRisk
from domain.compliance.risk.values import Flag, RiskFacts, RiskLevel, RiskTerms, Score

MEDIUM_FROM: Final = 30
HIGH_FROM: Final = 60
PROHIBITED_FROM: Final = 100
COUNTRY_MAX: Final = 40
PRODUCT_MAX: Final = 10
OCCUPATION_MAX: Final = 10
_PEP: Final = 30
_ADVERSE_MEDIA: Final = 20
_CRYPTO: Final = 10
_INCOME: Final = 10
_AS_CLIENT: Final = {
    RiskLevel.LOW: ClientRisk.LOW,
    RiskLevel.MEDIUM: ClientRisk.MEDIUM,
    RiskLevel.HIGH: ClientRisk.HIGH,
    RiskLevel.PROHIBITED: ClientRisk.HIGH,
}
_LEVELS: Final = tuple(RiskLevel)


def score(facts: RiskFacts, terms: RiskTerms) -> Score:
    """The client's score with its parts; 0 to 29 is LOW, to 59 MEDIUM, to 99 HIGH.

    A sanctions match is PROHIBITED whatever the points; a PEP never is for that alone.
    """
    parts = {name: points for name, points in _parts(facts, terms).items() if points}
    points = sum(parts.values())
    level = RiskLevel.PROHIBITED if Flag.SANCTIONS in facts.flags else level_of(points)
    return Score(points, parts, level)


def level_of(points: int) -> RiskLevel:
    """The level that points mean."""
    if points >= PROHIBITED_FROM:
        return RiskLevel.PROHIBITED
    if points >= HIGH_FROM:
        return RiskLevel.HIGH
    return RiskLevel.MEDIUM if points >= MEDIUM_FROM else RiskLevel.LOW


def as_client_risk(level: RiskLevel) -> ClientRisk:
    """How closely the money of such a client is looked at, at least."""
    return _AS_CLIENT[level]


def has_risen(before: RiskLevel | None, now: RiskLevel) -> bool:
    """Whether the computed level is above the one computed before; the first one counts from LOW.

    Staff may hold a client for less risky than computed; only a new reason raises it again.
    """
    return _LEVELS.index(now) > _LEVELS.index(before or RiskLevel.LOW)


def _parts(facts: RiskFacts, terms: RiskTerms) -> Mapping[str, int]:
    country = terms.countries.get(facts.country, terms.other_countries)
    return {
        "country": min(country, COUNTRY_MAX),
        "product": min(terms.product, PRODUCT_MAX),
        "pep": _PEP if Flag.PEP in facts.flags else 0,
        "adverse_media": _ADVERSE_MEDIA if Flag.ADVERSE_MEDIA in facts.flags else 0,
        "crypto_funding": _CRYPTO if facts.pays_in_crypto else 0,
        "not_face_to_face": terms.remote,
        "occupation": min(facts.occupation_points, OCCUPATION_MAX),
        "income": _INCOME if facts.income_differs else 0,
    }
