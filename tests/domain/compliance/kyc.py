"""A legal entity's policy for tests, and a client's standing under it."""

from datetime import date
from typing import Any

from sqlalchemy import insert

from domain.compliance.identity import tables
from domain.compliance.identity.terms import read_policy
from tests.factories import Brand, Factory

RULES: dict[str, Any] = {
    "requirements": {
        "IDENTITY": {"how": "VENDOR", "title": "Identity", "level": "basic"},
        "ADDRESS": {"how": "DOCUMENTS", "title": "Address", "max_age_days": 90},
        "FUNDS": {"how": "DOCUMENTS", "title": "Source of funds"},
    },
    "tiers": {
        "INDIVIDUAL": [
            {"requires": [], "deposits": {"EUR": "0"}, "live": False, "withdrawals": False},
            {
                "requires": ["IDENTITY"], "deposits": {"EUR": "2000", "USD": "2200"},
                "live": True, "withdrawals": True, "leverage_max": 20,
            },
            {
                "requires": ["IDENTITY", "ADDRESS"], "deposits": {"EUR": "20000", "USD": "22000"},
                "live": True, "withdrawals": True,
            },
            {
                "requires": ["IDENTITY", "ADDRESS", "FUNDS"], "deposits": None, "live": True,
                "withdrawals": True,
            },
        ],
    },
    "rekyc_days": {"LOW": 1095, "MEDIUM": 730, "HIGH": 365},
    "risk": {"countries": {"CY": 5}, "other_countries": 10, "product": 5, "remote": 5},
}  # fmt: skip
POLICY = read_policy(1, RULES)


def ask_for(make: Factory, brand: Brand, *, version: int = 1, **changed: Any) -> None:
    """From now on the brand's legal entity asks for what `RULES` say."""
    make.run(
        brand,
        insert(tables.kyc_policy).values(
            legal_entity_id=brand.legal_entity_id,
            version=version,
            rules={**RULES, **changed},
            source="tests",
            reviewed_on=date(2026, 1, 1),
        ),
    )
