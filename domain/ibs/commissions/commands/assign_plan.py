"""Give an ib a plan."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from domain.ibs.commissions.beginning import begin_at
from domain.ibs.commissions.errors import AlreadyAssigned, NotInForce
from domain.ibs.commissions.line import check_line
from domain.ibs.commissions.queries import find_version_at, get_plan
from domain.ibs.commissions.tables import ib_assignment
from domain.ibs.events import IbEventKind, ib_event
from domain.ibs.queries import find_parent
from domain.kernel.errors import NotFound
from tenants.log import Change
from tenants.work import WriteWork


async def assign_plan(
    work: WriteWork, ib_id: UUID, plan_id: UUID, from_at: datetime | None = None
) -> UUID:
    """Let a plan hold for an ib from `from_at`, or from now, until it is given another; its id.

    Refusals: NOT_FOUND (ib or plan), BEGINS_TOO_EARLY, PLAN_NOT_IN_FORCE, RATE_ABOVE_PARENT,
    PLANS_UNLIKE, ALREADY_ASSIGNED. Effects: event `plan_assigned`, audit.
    """
    whose = await find_parent(work, ib_id)
    if whose is None:
        raise NotFound(path=("input", "ibId"))
    plan = await get_plan(work, plan_id)
    begins = begin_at(work, from_at)
    if await find_version_at(work, plan_id, begins) is None:
        raise NotInForce()
    await check_line(work, whose.path, plan_id, begins)
    assignment_id = work.new_id()
    added = (
        insert(ib_assignment)
        .values(
            brand_id=work.scope.brand_id,
            id=assignment_id,
            ib_id=ib_id,
            ib_path=whose.path,
            plan_id=plan_id,
            from_at=begins,
            created_at=work.now(),
        )
        .on_conflict_do_nothing(index_elements=["brand_id", "ib_id", "from_at"])
        .returning(ib_assignment.c.id)
    )
    if not await work.rows(added):
        raise AlreadyAssigned()
    told = {"ib_id": str(ib_id), "plan_id": str(plan_id), "from_at": begins.isoformat()}
    work.emit(ib_event(IbEventKind.PLAN_ASSIGNED, ib_id, whose.path, told))
    after = {"plan": plan.name, "plan_id": str(plan_id), "from_at": begins.isoformat()}
    work.audit(Change("ib_plan.assign", object_kind="ib", object_id=ib_id, after=after))
    return assignment_id
