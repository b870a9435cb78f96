"""Leads, where they came from and whose they were, bound to `domain.clients.leads.reads`."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from domain.clients.leads import values
from domain.clients.leads.actions import actions_of
from schema.clients.lead_enums import LeadLostReason, LeadOwnedBy, LeadStage
from schema.shared.action import Action
from schema.shared.bind import Info, Node, bound, connection, field, many, masked_fields, one, value
from schema.shared.page import (
    Choice,
    Connection,
    DateTimeFilter,
    IdFilter,
    SearchFilter,
    TextFilter,
    condition,
    order_input,
)
from schema.shared.scalars import CountryCode

if TYPE_CHECKING:
    from schema.access.types import Staff
    from schema.clients.types import Client
    from schema.ibs.types import Ib

StaffRef = Annotated["Staff", strawberry.lazy("schema.access.types")]
ClientRef = Annotated["Client", strawberry.lazy("schema.clients.types")]
IbRef = Annotated["Ib", strawberry.lazy("schema.ibs.types")]

LeadOrder = order_input(
    "Lead", {"CREATED_AT": "When it came first.", "TOUCHED_AT": "When it came last."}
)
LeadTouchOrder = order_input("LeadTouch", {"CREATED_AT": "When it came."})
LeadOwnershipOrder = order_input("LeadOwnership", {"CREATED_AT": "When the lead was given."})
LeadAgentOrder = order_input("LeadAgent", {"CREATED_AT": "When the agent was added."})


@strawberry.input(description="Which leads to list; all conditions hold.")
class LeadFilter:
    stage: Choice[LeadStage] | None = condition("How far it has come.")
    source: TextFilter | None = condition("Where it came from first, in lower case.")
    campaign: TextFilter | None = condition("The campaign that brought it first.")
    country: TextFilter | None = condition("Country of residence, such as `CY`.")
    owner_id: IdFilter | None = condition("Who looks after it.", id_of="staff")
    email: TextFilter | None = condition("Its e-mail address, whole and in lower case.")
    phone: TextFilter | None = condition("Its phone number, whole and as in E.164.")
    created_at: DateTimeFilter | None = condition("When it came first.")
    touched_at: DateTimeFilter | None = condition("When it came last.")
    search: SearchFilter | None = condition(
        "Part of a name, an e-mail address or a phone number, at least 3 characters. Fields that "
        "you see masked are not searched."
    )


@bound("lead_touch", "Where a lead came from, one time that it came.", needs="leads:read")
class LeadTouch(Node):
    created_at: datetime = value("When it came.")
    source: str = value("Where from, such as `google`; in lower case.")
    campaign: str | None = value("The campaign, as the page named it.")
    medium: str | None = value("The kind of advertisement, such as `cpc`; in lower case.")
    term: str | None = value("The words that were looked for.")
    content: str | None = value("Which of several advertisements it was.")
    click_id: str | None = value("The id of the click, such as a `gclid`.")
    landing_page: str | None = value("The page that it saw first.")
    referrer: str | None = value("The page before that.")
    ib_code: str | None = value("The code of the link, as it came; perhaps nobody's.")


@bound("lead_ownership", "Who was given a lead, one time that it was.", needs="leads:read")
class LeadOwnership(Node):
    created_at: datetime = value("When.")
    given_by: LeadOwnedBy = value("How it came to the owner.")
    owner: StaffRef | None = one("The owner from then on; null for nobody.", needs="staff:read")


@bound(
    "lead",
    "Somebody who left an address or a number and may become a client.",
    needs="leads:read",
)
class Lead(Node):
    reference: str = value("The number it is called by, such as `L-000123`.")
    version: int = value("Counts changes; send it back as `expectedVersion`.")
    stage: LeadStage = value("How far it has come.")
    stage_since: datetime = value("Since when it is at that stage.")
    lost_reason: LeadLostReason | None = value("Why it is `LOST`.")
    created_at: datetime = value("When it came first.")
    touched_at: datetime = value("When it came last.")
    name: str | None = value("Full name, masked without `clients:names`.")
    email: str | None = value("E-mail address, masked without `clients:pii`.")
    phone: str | None = value("Phone number as in E.164, masked without `clients:pii`.")
    country: CountryCode | None = value("Country of residence.")
    language: str | None = value("Language to talk in, such as `en`.")
    source: str = value("Where it came from first.")
    campaign: str | None = value("The campaign that brought it first.")
    last_source: str = value("Where it came from last.")
    last_campaign: str | None = value("The campaign that brought it last.")
    masked_fields: list[str] = masked_fields("Names of the fields that you see masked.")
    owner: StaffRef | None = one("Who looks after it.", needs="staff:read")
    ib: IbRef | None = one("Whose link brought it.", needs="ibs:read")
    client: ClientRef | None = one("The client it became.", needs="clients:read")
    touches: Connection[LeadTouch] = many(
        "Every time that it came, newest first.", order=LeadTouchOrder
    )
    ownerships: Connection[LeadOwnership] = many(
        "Whom it was given to, newest first.", order=LeadOwnershipOrder
    )

    @field("What you can do with the lead now.", reads=("stage",))
    def actions(self, info: Info) -> list[Action]:
        record: Any = self
        possible = actions_of(values.LeadStage(record.stage), info.context.scope.permissions)
        return [
            Action(name=one.name, allowed=one.allowed, reason_code=one.reason_code)
            for one in possible
        ]


@bound("lead_agent", "A member of staff who is given leads in turn.", needs="leads:manage")
class LeadAgent(Node):
    enabled: bool = value("Whether it is given any now.")
    capacity: int = value("How many it has in hand at most before it is passed over.")
    languages: list[str] = value("Languages it takes leads of; empty for all.")
    countries: list[CountryCode] = value("Countries it takes leads of; empty for all.")
    assigned_at: datetime | None = value("When it was given one last; null for never.")
    created_at: datetime = value("When it was added.")
    staff: StaffRef | None = one("Who it is.", needs="staff:read")


@strawberry.type
class LeadQueries:
    leads: Connection[Lead] = connection(
        "lead",
        "The brand's leads, newest first: all of them, or without `leads:all` those you own.",
        needs="leads:list",
        filter=LeadFilter,
        order=LeadOrder,
    )
    lead_agents: Connection[LeadAgent] = connection(
        "lead_agent",
        "Who is given leads in turn, oldest first.",
        needs="leads:manage",
        order=LeadAgentOrder,
    )
