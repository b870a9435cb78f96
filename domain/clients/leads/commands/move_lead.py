"""Move a lead along the pipeline: by hand, or because its client got somewhere."""

from uuid import UUID

from sqlalchemy import update

from domain.clients.leads.errors import LeadMoved
from domain.clients.leads.events import LeadEventKind, Subject, lead_event
from domain.clients.leads.queries import get_lead, lock_of_client
from domain.clients.leads.rules import judge_move, stage_of_client
from domain.clients.leads.tables import lead
from domain.clients.leads.values import LeadStage, LostReason, Move
from tenants.log import Change
from tenants.work import WriteWork


async def move_lead(work: WriteWork, lead_id: UUID, move: Move, *, expected_version: int) -> UUID:
    """Bring the lead to another stage by hand; its id.

    Refusals: NOT_FOUND, VERSION_CONFLICT, STAGE_NOT_REACHABLE, LOST_REASON_REQUIRED.
    Effects: event `stage_changed`, audit.
    """
    row = await get_lead(work, lead_id)
    if row.version != expected_version:
        raise LeadMoved()
    judge_move(LeadStage(row.stage), move)
    await _write(work, Subject(row.id, row.owner_id), move.stage, move.lost_reason)
    work.audit(
        Change(
            "lead.move",
            object_kind="lead",
            object_id=row.id,
            before={"stage": row.stage, "lost_reason": row.lost_reason},
            after={"stage": move.stage, "lost_reason": move.lost_reason},
        )
    )
    return UUID(str(row.id))


async def advance_lead(work: WriteWork, client_id: UUID, reached: LeadStage) -> None:
    """Bring the lead that became this client to the stage it reached, never back.

    Effects: event `stage_changed`.
    """
    row = await lock_of_client(work, client_id)
    if row is None:
        return
    stage = stage_of_client(LeadStage(row.stage), reached)
    if stage != row.stage:
        await _write(work, Subject(row.id, row.owner_id), stage, None)


async def _write(
    work: WriteWork, subject: Subject, stage: LeadStage, lost_reason: LostReason | None
) -> None:
    await work.rows(
        update(lead)
        .where(lead.c.brand_id == work.scope.brand_id, lead.c.id == subject.id)
        .values(
            stage=stage,
            lost_reason=lost_reason,
            stage_since=work.now(),
            version=lead.c.version + 1,
        )
    )
    work.emit(lead_event(LeadEventKind.STAGE_CHANGED, subject, stage=stage))
