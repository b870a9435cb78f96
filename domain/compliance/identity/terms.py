"""A policy as it is stored: JSON of a legal entity, read strictly, so that a slip of it is found
when it is saved and not when a client waits.

    {"requirements": {"IDENTITY": {"how": "VENDOR", "title": "…", "level": "basic"},
                      "ADDRESS": {"how": "DOCUMENTS", "title": "…", "max_age_days": 90}},
     "tiers": {"INDIVIDUAL": [{"requires": [], "deposits": {"EUR": "0"}, "live": false,
                               "withdrawals": false, "leverage_max": null}, …]},
     "rekyc_days": {"LOW": 1095, "MEDIUM": 730, "HIGH": 365},
     "risk": {"countries": {"CY": 0}, "other_countries": 10, "product": 5, "remote": 5}}
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

from domain.clients.values import ClientKind
from domain.compliance.identity.values import How, KycPolicy, Requirement, Tier
from domain.compliance.risk.rules import COUNTRY_MAX, PRODUCT_MAX
from domain.compliance.risk.values import RiskLevel, RiskTerms
from domain.kernel.errors import Invalid
from domain.kernel.money import parse_decimal, to_minor

_LEVELS: Final = (RiskLevel.LOW, RiskLevel.MEDIUM, RiskLevel.HIGH)


def read_policy(version: int, stored: Mapping[str, Any]) -> KycPolicy:
    """The policy that JSON says. Refusals: INVALID for whatever it can't mean."""
    try:
        requirements = {
            code: _requirement(code, told) for code, told in stored["requirements"].items()
        }
        tiers = {
            ClientKind(kind): tuple(_tier(n, told) for n, told in enumerate(several))
            for kind, several in stored["tiers"].items()
        }
        policy = KycPolicy(
            version,
            requirements,
            tiers,
            {level: int(stored["rekyc_days"][level.value]) for level in _LEVELS},
            _risk(stored["risk"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _unmeant(f"it has not the published shape ({error!r})") from error
    _check(policy)
    return policy


def _requirement(code: str, told: Mapping[str, Any]) -> Requirement:
    return Requirement(
        code, How(told["how"]), str(told["title"]), told.get("level", ""), told.get("max_age_days")
    )


def _tier(number: int, told: Mapping[str, Any]) -> Tier:
    deposits = told["deposits"]
    return Tier(
        number,
        frozenset(told["requires"]),
        None
        if deposits is None
        else {code: to_minor(parse_decimal(text), code) for code, text in deposits.items()},
        live=_yes_or_no(told["live"]),
        withdrawals=_yes_or_no(told["withdrawals"]),
        leverage_max=told.get("leverage_max"),
    )


def _risk(told: Mapping[str, Any]) -> RiskTerms:
    return RiskTerms(
        dict(told["countries"]),
        int(told["other_countries"]),
        int(told.get("product", 0)),
        int(told.get("remote", 5)),
    )


def _yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("yes or no is expected")
    return value


def _check(policy: KycPolicy) -> None:
    """What no single part of it can say. Refusals: INVALID."""
    for kind, tiers in policy.tiers.items():
        if not tiers or tiers[0].requires:
            raise _unmeant(f"{kind}: the first tier is everybody's and requires nothing")
        for below, above in pairwise(tiers):
            if not below.requires < above.requires:
                raise _unmeant(f"{kind}: tier {above.number} requires more than the one below")
        unknown = tiers[-1].requires - policy.requirements.keys()
        if unknown:
            raise _unmeant(f"{kind}: nobody says what {sorted(unknown)} are")
        if any(min((tier.deposits or {"": 0}).values(), default=0) < 0 for tier in tiers):
            raise _unmeant(f"{kind}: no sum of deposits is below zero")
    if any(days < 1 for days in policy.rekyc_days.values()):
        raise _unmeant("a proof holds for a day at least")
    points = (*policy.risk.countries.values(), policy.risk.other_countries)
    if not all(0 <= one <= COUNTRY_MAX for one in points):
        raise _unmeant(f"a country has 0 to {COUNTRY_MAX} points")
    if not 0 <= policy.risk.product <= PRODUCT_MAX:
        raise _unmeant(f"a product has 0 to {PRODUCT_MAX} points")


def _unmeant(why: str) -> Invalid:
    return Invalid("INVALID", f"This can't be a policy: {why}.")
