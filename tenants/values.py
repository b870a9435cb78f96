"""Closed lists of the tenancy room, stored as text with a CHECK."""

from enum import StrEnum


class BrandStatus(StrEnum):
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"


class StaffStatus(StrEnum):
    ACTIVE = "ACTIVE"
    DISABLED = "DISABLED"


class SessionStatus(StrEnum):
    ACTIVE = "ACTIVE"
    REVOKED = "REVOKED"


class TokenKind(StrEnum):
    """What a token opens. VERIFY and RESET travel by e-mail and are used once."""

    ACCESS = "ACCESS"
    REFRESH = "REFRESH"
    API = "API"
    VERIFY = "VERIFY"
    RESET = "RESET"


class Outcome(StrEnum):
    """How an attempt ended: DONE changed state, REFUSED by a rule, DENIED for want of a right."""

    DONE = "DONE"
    REFUSED = "REFUSED"
    DENIED = "DENIED"


class DocumentPolicy(StrEnum):
    """What a brand's list of trusted documents is for: nothing, faster, or the only way in."""

    OFF = "OFF"
    ACCEPT = "ACCEPT"
    ENFORCE = "ENFORCE"


class Role(StrEnum):
    """Role templates; `tenants/policy/roles.csv` says what each may do."""

    BRAND_ADMIN = "brand_admin"
    SALES = "sales"
    COMPLIANCE = "compliance"
    FINANCE = "finance"
    DEALING = "dealing"
    SUPPORT = "support"
    MARKETING = "marketing"
    AUDITOR = "auditor"
    CLIENT = "client"
    IB = "ib"
    OPERATOR = "operator"
    SERVICE = "service"
