"""Closed lists of clients as the API describes them, with the values of the domain."""

from enum import Enum

import strawberry

from domain.clients import events, values
from schema.shared.enums import shows
from tenants.context import ActorKind


@shows(values.ClientKind, "What a client is. Expect values you don't know.")
class ClientKind(Enum):
    INDIVIDUAL = strawberry.enum_value("INDIVIDUAL", description="One person.")
    CORPORATE = strawberry.enum_value("CORPORATE", description="A company.")
    JOINT = strawberry.enum_value("JOINT", description="Several persons together.")


@shows(values.ClientRisk, "How closely a client's money is looked at.")
class ClientRisk(Enum):
    LOW = strawberry.enum_value("LOW", description="Small amounts go out by themselves.")
    MEDIUM = strawberry.enum_value("MEDIUM", description="Somebody looks at every withdrawal.")
    HIGH = strawberry.enum_value("HIGH", description="Compliance looks at every withdrawal.")


@shows(values.ClientStatus, "Where a client stands. Expect values you don't know.")
class ClientStatus(Enum):
    REGISTERED = strawberry.enum_value(
        "REGISTERED", description="Registered; the e-mail address is not verified yet."
    )
    ACTIVE = strawberry.enum_value("ACTIVE", description="May do everything its checks allow.")
    RESTRICTED = strawberry.enum_value(
        "RESTRICTED", description="May sign in and look, and begin nothing new."
    )
    CLOSED = strawberry.enum_value("CLOSED", description="Kept for the record only.")


@shows(ActorKind, "What kind of actor did something. Expect values you don't know.")
class ActorType(Enum):
    OPERATOR = strawberry.enum_value("OPERATOR", description="Somebody who runs the installation.")
    STAFF = strawberry.enum_value("STAFF", description="A member of the brand's staff.")
    CLIENT = strawberry.enum_value("CLIENT", description="A client.")
    IB = strawberry.enum_value("IB", description="An introducing broker.")
    TOKEN = strawberry.enum_value("TOKEN", description="A program with an API token.")
    SYSTEM = strawberry.enum_value("SYSTEM", description="This system by itself.")
    ANONYMOUS = strawberry.enum_value("ANONYMOUS", description="Somebody who had not signed in.")


@shows(events.ClientEventKind, "What happened to a client. Expect values you don't know.")
class ClientEventKind(Enum):
    REGISTERED = strawberry.enum_value("registered", description="A new client registered.")
    IMPORTED = strawberry.enum_value(
        "imported", description="A client came from another system, its address proven there."
    )
    REGISTRATION_REPEATED = strawberry.enum_value(
        "registration_repeated", description="Somebody registered with the client's address again."
    )
    EMAIL_VERIFIED = strawberry.enum_value(
        "email_verified", description="The client proved its e-mail address."
    )
    PROFILE_CHANGED = strawberry.enum_value(
        "profile_changed", description="Fields of the profile changed."
    )
    OWNER_CHANGED = strawberry.enum_value(
        "owner_changed", description="Another member of staff looks after the client."
    )
    PASSWORD_RESET_REQUESTED = strawberry.enum_value(
        "password_reset_requested", description="Somebody asked for a new password by mail."
    )
    NOTE_ADDED = strawberry.enum_value(
        "note_added", description="Staff wrote a note; needs `notes:read`."
    )
    RISK_SET = strawberry.enum_value(
        "risk_set", description="Staff set the client's risk; needs `clients:risk`."
    )
