"""Closed lists of the clients context."""

from enum import StrEnum


class ClientKind(StrEnum):
    INDIVIDUAL = "INDIVIDUAL"
    CORPORATE = "CORPORATE"
    JOINT = "JOINT"


class ClientStatus(StrEnum):
    """REGISTERED until the e-mail is verified; RESTRICTED may sign in and do nothing new."""

    REGISTERED = "REGISTERED"
    ACTIVE = "ACTIVE"
    RESTRICTED = "RESTRICTED"
    CLOSED = "CLOSED"
