"""Publish the next version of a plan: what closed before is judged by the one before."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import update

from domain.ibs.commissions.beginning import begin_at
from domain.ibs.commissions.commands.create_plan import add_version, judge_terms
from domain.ibs.commissions.errors import PlanChanged
from domain.ibs.commissions.line import check_line
from domain.ibs.commissions.queries import find_last_version, get_plan, list_assigned
from domain.ibs.commissions.tables import ib_plan
from domain.ibs.commissions.terms import to_json
from domain.ibs.commissions.values import Terms
from tenants.log import Change
from tenants.work import WriteWork


async def publish_version(
    work: WriteWork,
    plan_id: UUID,
    terms: Terms,
    *,
    expected_version: int,
    from_at: datetime | None = None,
) -> UUID:
    """Let other terms hold from `from_at`, or from now; the id of the version.

    Every line in which the plan is then in force must bear the new terms.
    Refusals: NOT_FOUND, INVALID, SYMBOL_UNKNOWN, VERSION_CONFLICT, BEGINS_TOO_EARLY,
    RATE_ABOVE_PARENT, PLANS_UNLIKE. Effects: audit.
    """
    await judge_terms(work, terms)
    plan = await get_plan(work, plan_id)
    if plan.version != expected_version:
        raise PlanChanged(plan.version)
    last = await find_last_version(work, plan_id)
    assert last is not None, "a plan has a version from the first"
    begins = begin_at(work, from_at, after=last.from_at)
    for one in await list_assigned(work, plan_id, begins):
        await check_line(work, one.path, plan_id, begins, terms=terms)
    version_id = await add_version(work, plan_id, last.number + 1, terms, begins)
    await work.rows(
        update(ib_plan)
        .where(ib_plan.c.brand_id == work.scope.brand_id, ib_plan.c.id == plan_id)
        .values(version=last.number + 1)
    )
    work.audit(
        Change(
            "ib_plan.publish",
            object_kind="ib_plan",
            object_id=plan_id,
            before={"version": last.number, "terms": last.terms},
            after={
                "version": last.number + 1,
                "terms": to_json(terms),
                "from_at": begins.isoformat(),
            },
        )
    )
    return version_id
