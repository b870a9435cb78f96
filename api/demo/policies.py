"""What the demo's legal entities ask of their clients, as data. Figures are examples, to be
compared with counsel's: see `source` and `reviewed_on`."""

from collections.abc import Mapping
from typing import Any, Final

from api.demo.story import BrandStory
from domain.compliance.identity.terms import read_policy
from domain.compliance.identity.values import KycPolicy

_REQUIREMENTS: Final = {
    "IDENTITY": {"how": "VENDOR", "title": "Identity document and a look", "level": "id-liveness"},
    "ADDRESS": {"how": "DOCUMENTS", "title": "Proof of address", "max_age_days": 90},
    "FUNDS": {"how": "DOCUMENTS", "title": "Source of funds"},
    "COMPANY": {"how": "DOCUMENTS", "title": "Extract of the register", "max_age_days": 180},
    "OWNERS": {"how": "DOCUMENTS", "title": "Owners of a quarter or more"},
}
_COMPANIES: Final = [
    {"requires": [], "deposits": {"EUR": "0", "USD": "0"}, "live": False, "withdrawals": False},
    {"requires": ["COMPANY", "OWNERS"], "deposits": None, "live": True, "withdrawals": True},
]
_REKYC: Final = {"LOW": 1095, "MEDIUM": 730, "HIGH": 365}

# Nothing before the identity is proven; then by how much is known.
CYSEC: Final[Mapping[str, Any]] = {
    "requirements": _REQUIREMENTS,
    "tiers": {
        "INDIVIDUAL": [
            {
                "requires": [],
                "deposits": {"EUR": "0", "USD": "0", "GBP": "0", "CHF": "0"},
                "live": False,
                "withdrawals": False,
            },
            {
                "requires": ["IDENTITY"],
                "deposits": {"EUR": "2000", "USD": "2200", "GBP": "1700", "CHF": "1900"},
                "live": True,
                "withdrawals": True,
            },
            {
                "requires": ["ADDRESS", "IDENTITY"],
                "deposits": {"EUR": "20000", "USD": "22000", "GBP": "17000", "CHF": "19000"},
                "live": True,
                "withdrawals": True,
            },
            {
                "requires": ["ADDRESS", "FUNDS", "IDENTITY"],
                "deposits": None,
                "live": True,
                "withdrawals": True,
            },
        ],
        "CORPORATE": _COMPANIES,
    },
    "rekyc_days": _REKYC,
    "risk": {
        "countries": {"CY": 5, "DE": 5, "ES": 5, "FR": 5, "IT": 10, "NL": 5, "SE": 5},
        "other_countries": 15,
        "product": 5,
        "remote": 5,
    },
}
# A first sum without proof, at a lower leverage; nothing is paid out before.
OFFSHORE: Final[Mapping[str, Any]] = {
    "requirements": _REQUIREMENTS,
    "tiers": {
        "INDIVIDUAL": [
            {
                "requires": [],
                "deposits": {"USD": "2000", "EUR": "1800", "JPY": "300000"},
                "live": True,
                "withdrawals": False,
                "leverage_max": 100,
            },
            {
                "requires": ["IDENTITY"],
                "deposits": {"USD": "20000", "EUR": "18000", "JPY": "3000000"},
                "live": True,
                "withdrawals": True,
            },
            {
                "requires": ["ADDRESS", "IDENTITY"],
                "deposits": None,
                "live": True,
                "withdrawals": True,
            },
        ],
        "CORPORATE": _COMPANIES,
    },
    "rekyc_days": _REKYC,
    "risk": {
        "countries": {"AE": 10, "BR": 15, "IN": 15, "NG": 30, "ZA": 20},
        "other_countries": 20,
        "product": 10,
        "remote": 5,
    },
}
# Whoever buys a challenge pays for a service; money of the firm's is paid out to known people only.
EVALUATION: Final[Mapping[str, Any]] = {
    "requirements": _REQUIREMENTS,
    "tiers": {
        "INDIVIDUAL": [
            {"requires": [], "deposits": None, "live": False, "withdrawals": False},
            {"requires": ["IDENTITY"], "deposits": None, "live": False, "withdrawals": True},
        ],
    },
    "rekyc_days": _REKYC,
    "risk": {
        "countries": {"CY": 5, "DE": 5, "FR": 5, "PL": 5, "BR": 15, "IN": 15, "NG": 30, "ZA": 20},
        "other_countries": 20,
        "product": 0,
        "remote": 5,
    },
}
SOURCES: Final = {
    "entity:aurora": (CYSEC, "example after CySEC practice; not legal advice"),
    "entity:borealis": (OFFSHORE, "house policy, example"),
    "entity:cirrus": (EVALUATION, "house policy, example"),
}


def policy_of(story: BrandStory) -> KycPolicy:
    """What the brand's legal entity asks."""
    rules, _ = SOURCES[f"entity:{story.plan.slug}"]
    return read_policy(0, rules)
