"""Give a lead to a member of staff: to whom somebody says, or to whose turn it is."""

from uuid import UUID

from sqlalchemy import insert, update

from domain.clients.leads.errors import LeadConverted, LeadMoved
from domain.clients.leads.events import LeadEventKind, Subject, lead_event
from domain.clients.leads.queries import get_lead, next_agent
from domain.clients.leads.rules import is_client, stage_of_owner
from domain.clients.leads.tables import lead, lead_agent, lead_ownership
from domain.clients.leads.values import LeadStage, OwnedBy
from domain.clients.queries import is_active_staff
from domain.kernel.errors import NotFound
from tenants.log import Change
from tenants.work import WriteWork


async def give_to_next(
    work: WriteWork, lead_id: UUID, *, language: str | None, country: str | None
) -> UUID | None:
    """Give a NEW lead to the agent who had none for longest and fits; None when nobody has room.

    Effects: event `owner_changed`.
    """
    agent = await next_agent(work, language=language, country=country)
    if agent is None:
        return None
    await work.rows(
        update(lead_agent)
        .where(lead_agent.c.brand_id == work.scope.brand_id, lead_agent.c.id == agent.id)
        .values(assigned_at=work.database_now())
    )
    owner_id = UUID(str(agent.staff_id))
    await _write(work, lead_id, owner_id, stage=LeadStage.ASSIGNED, by=OwnedBy.ROUND_ROBIN)
    return owner_id


async def assign_lead(
    work: WriteWork, lead_id: UUID, owner_id: UUID | None, *, expected_version: int
) -> UUID:
    """Make an active member of staff the owner, `None` nobody; the lead's id.

    Refusals: NOT_FOUND (lead or owner), LEAD_CONVERTED, VERSION_CONFLICT.
    Effects: event `owner_changed`, audit.
    """
    row = await get_lead(work, lead_id)
    stage = LeadStage(row.stage)
    if is_client(stage):
        raise LeadConverted()
    if row.version != expected_version:
        raise LeadMoved()
    if owner_id is not None and not await is_active_staff(work, owner_id):
        raise NotFound(path=("input", "ownerId"))
    if owner_id != row.owner_id:
        given = stage_of_owner(stage, has_owner=owner_id is not None)
        await _write(work, row.id, owner_id, stage=given, by=OwnedBy.STAFF)
        work.audit(
            Change(
                "lead.assign",
                object_kind="lead",
                object_id=row.id,
                before={"owner_id": _text(row.owner_id)},
                after={"owner_id": _text(owner_id)},
            )
        )
    return UUID(str(row.id))


async def _write(
    work: WriteWork, lead_id: UUID, owner_id: UUID | None, *, stage: LeadStage, by: OwnedBy
) -> None:
    await work.rows(
        update(lead)
        .where(lead.c.brand_id == work.scope.brand_id, lead.c.id == lead_id)
        .values(owner_id=owner_id, stage=stage, version=lead.c.version + 1)
    )
    await work.rows(
        insert(lead_ownership).values(
            brand_id=work.scope.brand_id,
            id=work.new_id(),
            lead_id=lead_id,
            owner_id=owner_id,
            given_by=by,
            created_at=work.now(),
        )
    )
    work.emit(lead_event(LeadEventKind.OWNER_CHANGED, Subject(lead_id, owner_id), stage=stage))


def _text(key: UUID | None) -> str | None:
    return None if key is None else str(key)
