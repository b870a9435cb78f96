"""What can be done to leads."""

from typing import Annotated
from uuid import UUID

import strawberry

from domain.clients.leads.capture import capture
from domain.clients.leads.commands.give_lead import assign_lead
from domain.clients.leads.commands.move_lead import move_lead
from domain.clients.leads.commands.set_agent import set_agent
from domain.clients.leads.values import LeadForm, LeadStage, LostReason, Move, Origin, Turn
from domain.ibs.queries import find_introducer
from domain.kernel.errors import NotFound
from domain.kernel.ids import decode_id_of
from schema.clients.lead_inputs import (
    LeadAgentSetInput,
    LeadAssignInput,
    LeadCreateInput,
    LeadStageChangeInput,
)
from schema.clients.leads import Lead, LeadAgent
from schema.shared.bind import Info, fetch_below
from schema.shared.errors import mutation, payload, result
from tenants.work import WriteWork

CreateInput = Annotated[LeadCreateInput, strawberry.argument(description="Who, and from where.")]
StageInput = Annotated[LeadStageChangeInput, strawberry.argument(description="Which, and where.")]
AssignInput = Annotated[LeadAssignInput, strawberry.argument(description="The lead and its owner.")]
AgentInput = Annotated[LeadAgentSetInput, strawberry.argument(description="Who, and how many.")]


@payload(
    errors={
        "INVALID": "A field's value can't be right; `path` says which.",
        "CONTACT_REQUIRED": "Neither an e-mail address nor a phone number was given.",
        "THROTTLED": "Too many attempts; try again later.",
    }
)
class LeadCreatePayload:
    accepted: bool = strawberry.field(
        description="Whether the details were taken. The same for somebody who is known already, "
        "so that nobody learns who is.",
        default=False,
    )
    lead: Lead | None = result(
        "The lead, new or known, for those with `leads:write`; null for the public."
    )


@payload(
    errors={
        "NOT_FOUND": "There is no such lead for you.",
        "VERSION_CONFLICT": "The lead has another version; read it again.",
        "STAGE_NOT_REACHABLE": "No step by hand leads there from the lead's stage.",
        "LOST_REASON_REQUIRED": "A reason goes with `LOST`, and with `LOST` only.",
    }
)
class LeadStageChangePayload:
    lead: Lead | None = result("The lead as it is now.")


@payload(
    errors={
        "NOT_FOUND": "There is no such lead or member of staff for you.",
        "VERSION_CONFLICT": "The lead has another version; read it again.",
        "LEAD_CONVERTED": "It is a client now: use `clientAssign`.",
    }
)
class LeadAssignPayload:
    lead: Lead | None = result("The lead as it is now; null when it left your sight.")


@payload(
    errors={
        "NOT_FOUND": "There is no such active member of staff.",
        "INVALID": "A field's value can't be right; `path` says which.",
    }
)
class LeadAgentSetPayload:
    agent: LeadAgent | None = result("The member of staff's place as it is now.")


@strawberry.type
class LeadMutations:
    @mutation(
        "Leave somebody's details, by the brand's publishable key or as staff. Who is known by "
        "e-mail address or phone number is the same lead; a new one is given to the agent whose "
        "turn it is. Calls without `leads:write` are throttled by address, number and network: a "
        "server that sends many uses an API token.",
        needs="public",
    )
    async def lead_create(self, info: Info, input: CreateInput) -> LeadCreatePayload:
        lead_id = await capture(
            info.context.database,
            info.context.scope,
            _form(input),
            find_introducer=find_introducer,
        )
        lead = None if lead_id is None else await fetch_below(info, "lead", "lead", lead_id)
        return LeadCreatePayload(accepted=True, lead=lead)

    @mutation("Bring a lead to another stage of the pipeline.", needs="leads:write")
    async def lead_stage_change(self, info: Info, input: StageInput) -> LeadStageChangePayload:
        lead_id = _key("lead", input.lead_id, "leadId")
        reason = input.lost_reason
        move = Move(
            LeadStage(str(input.stage.value)),
            None if reason is None else LostReason(str(reason.value)),
        )

        async def command(work: WriteWork) -> object:
            return await move_lead(work, lead_id, move, expected_version=input.expected_version)

        await info.context.write(command)
        return LeadStageChangePayload(lead=await fetch_below(info, "lead", "lead", lead_id))

    @mutation("Give a lead to a member of staff, or to nobody.", needs="leads:assign")
    async def lead_assign(self, info: Info, input: AssignInput) -> LeadAssignPayload:
        lead_id = _key("lead", input.lead_id, "leadId")
        owner_id = None if input.owner_id is None else _key("staff", input.owner_id, "ownerId")

        async def command(work: WriteWork) -> object:
            return await assign_lead(
                work, lead_id, owner_id, expected_version=input.expected_version
            )

        await info.context.write(command)
        return LeadAssignPayload(lead=await fetch_below(info, "lead", "lead", lead_id))

    @mutation("Say whether, and how many, leads a member of staff is given.", needs="leads:manage")
    async def lead_agent_set(self, info: Info, input: AgentInput) -> LeadAgentSetPayload:
        turn = Turn(
            _key("staff", input.staff_id, "staffId"),
            input.enabled,
            input.capacity,
            tuple(input.languages),
            tuple(str(one) for one in input.countries),
        )

        async def command(work: WriteWork) -> UUID:
            return await set_agent(work, turn)

        agent_id = (await info.context.write(command)).value
        return LeadAgentSetPayload(agent=await fetch_below(info, "agent", "lead_agent", agent_id))


def _form(input: LeadCreateInput) -> LeadForm:
    origin = Origin(
        source=input.source,
        campaign=input.campaign,
        medium=input.medium,
        term=input.term,
        content=input.content,
        click_id=input.click_id,
        landing_page=input.landing_page,
        referrer=input.referrer,
        ib_code=input.ib_code,
    )
    return LeadForm(
        origin,
        name=input.name,
        email=input.email,
        phone=input.phone,
        country=input.country,
        language=input.language,
    )


def _key(kind: str, shown: str, field: str) -> UUID:
    """The key of an id in an input; a malformed id and another type's are unknown ones."""
    key = decode_id_of(kind, shown)
    if key is None:
        raise NotFound(path=("input", field))
    return key
