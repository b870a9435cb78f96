"""Closed lists of this part of the API."""

from enum import Enum

import strawberry

from schema.shared.enums import shows
from tenants import values


@shows(values.BrandStatus, "Whether a brand serves. Expect values you don't know.")
class BrandStatus(Enum):
    ACTIVE = strawberry.enum_value("ACTIVE", description="Serves everybody.")
    SUSPENDED = strawberry.enum_value("SUSPENDED", description="Serves nobody but operators.")


@shows(values.StaffStatus, "Whether a member of staff may come in. Expect values you don't know.")
class StaffStatus(Enum):
    ACTIVE = strawberry.enum_value("ACTIVE", description="May sign in.")
    DISABLED = strawberry.enum_value("DISABLED", description="May not sign in.")


@shows(values.Outcome, "How an attempt ended. Expect values you don't know.")
class Outcome(Enum):
    DONE = strawberry.enum_value("DONE", description="It changed something.")
    REFUSED = strawberry.enum_value("REFUSED", description="A rule said no.")
    DENIED = strawberry.enum_value("DENIED", description="The actor lacked the right.")


@shows(
    values.DocumentPolicy,
    "What a brand's list of trusted documents is for. Expect values you don't know.",
)
class TrustedDocumentPolicy(Enum):
    OFF = strawberry.enum_value("OFF", description="Nothing: a `documentId` is unknown.")
    ACCEPT = strawberry.enum_value(
        "ACCEPT",
        description="They run by `documentId`, unread, with the budget of staff; others run too.",
    )
    ENFORCE = strawberry.enum_value(
        "ENFORCE",
        description="Clients, introducing brokers and whoever has not signed in run nothing else.",
    )


@strawberry.enum(description="Who can sign in with e-mail and password.")
class SessionActor(Enum):
    CLIENT = strawberry.enum_value("CLIENT", description="A client of the brand.")
    IB = strawberry.enum_value("IB", description="An introducing broker of the brand.")
    STAFF = strawberry.enum_value("STAFF", description="A member of the brand's staff.")
