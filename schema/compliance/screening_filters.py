"""Closed lists of screening, and how hits are filtered and ordered."""

from enum import Enum

import strawberry

from domain.compliance.screening import values
from schema.shared.enums import shows
from schema.shared.page import Choice, DateTimeFilter, IdFilter, condition, order_input


@shows(values.SanctionsList, "Who publishes a list. Expect values you don't know.")
class SanctionsList(Enum):
    OFAC = strawberry.enum_value("OFAC", description="The SDN list of the US Treasury.")
    UN = strawberry.enum_value("UN", description="The list of the UN Security Council.")


@shows(values.ListedKind, "What is listed. Expect values you don't know.")
class SanctionedKind(Enum):
    INDIVIDUAL = strawberry.enum_value("INDIVIDUAL", description="A person.")
    ENTITY = strawberry.enum_value("ENTITY", description="A company or group.")
    VESSEL = strawberry.enum_value("VESSEL", description="A ship.")
    AIRCRAFT = strawberry.enum_value("AIRCRAFT", description="An aircraft.")
    UNKNOWN = strawberry.enum_value("UNKNOWN", description="The list tells no more than names.")


@shows(values.HitStrength, "How sure a match is. Expect values you don't know.")
class ScreeningStrength(Enum):
    STRONG = strawberry.enum_value(
        "STRONG",
        description="The same name but for order, spacing or spelling. New deposits, purchases "
        "and withdrawals of the client are refused, and approved withdrawals wait, until two "
        "people have cleared it.",
    )
    POSSIBLE = strawberry.enum_value("POSSIBLE", description="Near enough to be looked at.")


@shows(values.Disposition, "What people decided of a match. Expect values you don't know.")
class ScreeningDisposition(Enum):
    OPEN = strawberry.enum_value("OPEN", description="Nobody has decided.")
    FALSE_POSITIVE = strawberry.enum_value("FALSE_POSITIVE", description="It is somebody else.")
    TRUE_MATCH = strawberry.enum_value(
        "TRUE_MATCH", description="It is who the list names. Its money stays where it is."
    )
    CLEARING = strawberry.enum_value(
        "CLEARING",
        description="A strong or a true match that one person would clear; another must agree. "
        "Money still waits.",
    )


@strawberry.enum(description="What to decide about a match.")
class ScreeningVerdict(Enum):
    FALSE_POSITIVE = strawberry.enum_value("FALSE_POSITIVE", description="It is somebody else.")
    TRUE_MATCH = strawberry.enum_value("TRUE_MATCH", description="It is who the list names.")


@strawberry.input(description="Which matches to list; all conditions hold.")
class ScreeningHitFilter:
    disposition: Choice[ScreeningDisposition] | None = condition("What people decided.")
    strength: Choice[ScreeningStrength] | None = condition("How sure it is.")
    client_id: IdFilter | None = condition("Whose name it is.", id_of="client")
    opened_at: DateTimeFilter | None = condition("When it was found.")


ScreeningHitOrder = order_input(
    "ScreeningHit", {"OPENED_AT": "When it was found.", "SCORE": "How alike the names are."}
)
ScreeningDecisionOrder = order_input("ScreeningDecision", {"CREATED_AT": "When it was made."})
