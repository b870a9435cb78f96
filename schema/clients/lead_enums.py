"""Closed lists of leads as the API describes them, with the values of the domain."""

from enum import Enum

import strawberry

from domain.clients.leads import events, values
from schema.shared.enums import shows


@shows(values.LeadStage, "How far a lead has come. Expect values you don't know.")
class LeadStage(Enum):
    NEW = strawberry.enum_value("NEW", description="Nobody looks after it yet.")
    ASSIGNED = strawberry.enum_value("ASSIGNED", description="It has an owner.")
    CONTACTED = strawberry.enum_value("CONTACTED", description="Somebody spoke with it.")
    INTERESTED = strawberry.enum_value("INTERESTED", description="It wants to go on.")
    REGISTERED = strawberry.enum_value("REGISTERED", description="It became a client.")
    KYC = strawberry.enum_value("KYC", description="The client handed in its papers.")
    FTD = strawberry.enum_value("FTD", description="The client made its first deposit.")
    ACTIVE = strawberry.enum_value("ACTIVE", description="The client trades with real money.")
    LOST = strawberry.enum_value(
        "LOST", description="Given up, for a reason; open again when it comes again."
    )
    DNC = strawberry.enum_value("DNC", description="Do not contact: it asked not to be called.")


@shows(values.LostReason, "Why a lead is given up. Expect values you don't know.")
class LeadLostReason(Enum):
    NO_ANSWER = strawberry.enum_value("NO_ANSWER", description="It never answers.")
    NOT_INTERESTED = strawberry.enum_value("NOT_INTERESTED", description="It does not want to.")
    WRONG_CONTACT = strawberry.enum_value(
        "WRONG_CONTACT", description="The address or number is somebody else's, or nobody's."
    )
    NOT_ELIGIBLE = strawberry.enum_value(
        "NOT_ELIGIBLE", description="It can't become a client, for its country or age."
    )
    COMPETITOR = strawberry.enum_value("COMPETITOR", description="It trades elsewhere.")
    OTHER = strawberry.enum_value("OTHER", description="Something else; write a note.")


@shows(values.OwnedBy, "How a lead came to its owner. Expect values you don't know.")
class LeadOwnedBy(Enum):
    ROUND_ROBIN = strawberry.enum_value(
        "ROUND_ROBIN", description="It was the owner's turn, see `leadAgents`."
    )
    STAFF = strawberry.enum_value("STAFF", description="Somebody gave it by hand.")


@shows(events.LeadEventKind, "What happened to a lead. Expect values you don't know.")
class LeadEventKind(Enum):
    RECEIVED = strawberry.enum_value(
        "received", description="Somebody left details; which lead that is, is found out next."
    )
    CAPTURED = strawberry.enum_value("captured", description="A new lead.")
    RETURNED = strawberry.enum_value("returned", description="A known lead came again.")
    OWNER_CHANGED = strawberry.enum_value(
        "owner_changed", description="Another member of staff looks after it, or nobody."
    )
    STAGE_CHANGED = strawberry.enum_value("stage_changed", description="It came to a stage.")
    CONVERTED = strawberry.enum_value("converted", description="It became a client.")
