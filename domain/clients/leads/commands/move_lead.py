"""Move a lead along the pipeline: by hand, or because its client got somewhere."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import ARRAY, Text, column, func, literal, update

from domain.clients.leads.errors import LeadMoved
from domain.clients.leads.events import LeadEventKind, Subject, lead_event
from domain.clients.leads.queries import get_lead, lock_of_clients
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


async def advance_leads(work: WriteWork, reached: Mapping[UUID, Sequence[LeadStage]]) -> None:
    """Bring the leads that became these clients to the stages they reached, in their order, and
    never back; in two statements for all of them.

    Effects: event `stage_changed` for each step.
    """
    moved: list[tuple[UUID, LeadStage]] = []
    for row in await lock_of_clients(work, reached):
        stage = LeadStage(row.stage)
        for one in reached[row.client_id]:
            before, stage = stage, stage_of_client(stage, one)
            if stage is not before:
                subject = Subject(row.id, row.owner_id)
                work.emit(lead_event(LeadEventKind.STAGE_CHANGED, subject, stage=stage))
        if stage != row.stage:
            moved.append((row.id, stage))
    if moved:
        await _write_all(work, moved)


async def _write_all(work: WriteWork, moved: Sequence[tuple[UUID, LeadStage]]) -> None:
    to = func.unnest(
        literal([lead_id for lead_id, _ in moved], ARRAY(lead.c.id.type)),
        literal([stage.value for _, stage in moved], ARRAY(Text)),
    ).table_valued(column("id", lead.c.id.type), column("stage", Text), name="moved")
    to = to.render_derived()
    await work.rows(
        update(lead)
        .where(lead.c.brand_id == work.scope.brand_id, lead.c.id == to.c.id)
        .values(
            stage=to.c.stage,
            lost_reason=None,
            stage_since=work.now(),
            version=lead.c.version + 1,
        )
    )


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
