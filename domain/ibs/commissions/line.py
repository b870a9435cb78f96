"""Whether terms fit into a line: never more than those above, never less than those below."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.ibs.commissions.errors import PlansUnlike, RateAboveParent
from domain.ibs.commissions.queries import list_branch, list_ibs, list_plans_at
from domain.ibs.commissions.terms import exceeds, is_alike
from domain.ibs.commissions.values import Applied, Terms
from domain.ibs.values import Convention
from tenants.work import WriteWork


async def check_line(
    work: WriteWork,
    path: str,
    terms: Terms,
    at: datetime,
    *,
    changing: Mapping[UUID, Terms] | None = None,
) -> None:
    """Refuse terms for the ib at `path` that its neighbours with plans contradict from `at` on.

    Its neighbours are the nearest above with a plan, and those below it with nobody in between.
    `changing` has the new terms of plans that change at the same time.
    Refusals: PLANS_UNLIKE, RATE_ABOVE_PARENT.
    """
    own, above = _ids(path)[-1], _ids(path)[:-1]
    branch = await list_branch(work, path)
    plans = await list_plans_at(work, [*above, *(one.id for one in branch)], at)
    now = {ib_id: _terms(plan, changing or {}) for ib_id, plan in plans.items() if ib_id != own}
    upper = next((ib_id for ib_id in reversed(above) if ib_id in now), None)
    known = {one.id: one for one in branch} | await list_ibs(work, above)
    if upper is not None:
        _check_pair(terms, now[upper], known[upper].code)
    for one in branch:
        if one.id in now and not any(each in now for each in _between(path, one.path)):
            _check_pair(now[one.id], terms, one.code)


async def check_place(work: WriteWork, ib_id: UUID, path: str) -> None:
    """Refuse a place for an ib and its branch where those above it are paid less.

    `path` is the place to be; the branch is where it was. Refusals: PLANS_UNLIKE,
    RATE_ABOVE_PARENT.
    """
    above, at = _ids(path)[:-1], work.now()
    known = await list_ibs(work, [*above, ib_id])
    plans = await list_plans_at(work, above, at)
    upper = next((one for one in reversed(above) if one in plans), None)
    if upper is None:
        return
    own = known[ib_id].path
    branch = {one.id: one.path for one in await list_branch(work, own)} | {ib_id: own}
    held = await list_plans_at(work, list(branch), at)
    for one, plan in held.items():
        line = _ids(own)[-1:] + list(_between(own, branch[one])) if one != ib_id else []
        if not any(each in held for each in line):
            _check_pair(plan.terms, plans[upper].terms, known[upper].code)


def _check_pair(lower: Terms, upper: Terms, code: str) -> None:
    if not is_alike(lower, upper):
        raise PlansUnlike(code)
    if lower.convention is Convention.OVERRIDE:
        symbol = exceeds(lower, upper)
        if symbol is not None:
            raise RateAboveParent(symbol, code)


def _terms(plan: Applied, changing: Mapping[UUID, Terms]) -> Terms:
    return changing.get(plan.plan_id, plan.terms)


def _ids(path: str) -> list[UUID]:
    return [UUID(hex=part) for part in path.strip("/").split("/")]


def _between(path: str, below: str) -> Sequence[Any]:
    """The ibs between one and another of its branch, both left out."""
    return _ids(below)[len(_ids(path)) : -1]
