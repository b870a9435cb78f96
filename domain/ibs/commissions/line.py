"""Whether terms fit into a line: never more than those above, never less than those below.

Neither now nor later: what is known to begin is judged at each instant at which anything changes.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from domain.ibs.commissions.errors import PlansUnlike, RateAboveParent
from domain.ibs.commissions.queries import list_branch, list_ibs, list_plans, lock_lines
from domain.ibs.commissions.terms import exceeds, is_alike
from domain.ibs.commissions.values import Applied, Terms
from domain.ibs.values import Convention
from tenants.work import WriteWork


async def check_line(
    work: WriteWork, path: str, plan_id: UUID, at: datetime, *, terms: Terms | None = None
) -> None:
    """Refuse a plan for the ib at `path` that its neighbours with plans contradict.

    It is given the plan at `at`; or has it, and `terms` are those of the plan's version that begins
    then. They must fit then and whenever anybody's plan in the line changes later.
    Its neighbours are the nearest above with a plan, and those below it with nobody in between.
    Refusals: PLANS_UNLIKE, RATE_ABOVE_PARENT.
    """
    await lock_lines(work)
    own, above = _ids(path)[-1], _ids(path)[:-1]
    branch = await list_branch(work, path)
    known = {one.id: one.code for one in branch}
    known |= {ib_id: one.code for ib_id, one in (await list_ibs(work, above)).items()}
    plans = await list_plans(work, [own, *known], others=[plan_id])
    if terms is None:
        plans = plans.with_assigned(own, plan_id, at)
    else:
        plans = plans.with_published(plan_id, terms, at)
    lines = {one.id: _between(path, one.path) for one in branch}
    pairs = _Pairs(known)
    for instant in plans.instants(at):
        now = plans.all_at(instant)
        if own not in now or now[own].plan_id != plan_id:
            continue
        upper = _nearest(above, now)
        if upper is not None:
            pairs.check(now[own], now[upper], upper)
        for below in _first(lines, now):
            pairs.check(now[below], now[own], below)


async def check_place(work: WriteWork, ib_id: UUID, path: str) -> None:
    """Refuse a place for an ib and its branch where those above it are or will be paid less.

    `path` is the place to be; the branch is where it was. Refusals: PLANS_UNLIKE,
    RATE_ABOVE_PARENT.
    """
    await lock_lines(work)
    above = _ids(path)[:-1]
    known = await list_ibs(work, [*above, ib_id])
    own = known[ib_id].path
    branch = await list_branch(work, own)
    lines: dict[UUID, Sequence[UUID]] = {ib_id: []}
    lines |= {one.id: [ib_id, *_between(own, one.path)] for one in branch}
    plans = await list_plans(work, [*above, *lines])
    pairs = _Pairs({one: known[one].code for one in above})
    for instant in plans.instants(work.now()):
        now = plans.all_at(instant)
        upper = _nearest(above, now)
        if upper is not None:
            for below in _first(lines, now):
                pairs.check(now[below], now[upper], upper)


class _Pairs:
    """Versions above one another, each two of them compared once."""

    def __init__(self, codes: Mapping[UUID, str]) -> None:
        self._codes = codes
        self._fit: set[tuple[tuple[UUID, int], tuple[UUID, int]]] = set()

    def check(self, lower: Applied, upper: Applied, whose: UUID) -> None:
        """Refuse what does not fit, by the code of the one it is told of."""
        pair = (lower.plan_id, lower.number), (upper.plan_id, upper.number)
        if pair not in self._fit:
            _check_pair(lower.terms, upper.terms, self._codes[whose])
            self._fit.add(pair)


def _nearest(above: Sequence[UUID], now: Mapping[UUID, Applied]) -> UUID | None:
    """The lowest of those above that has a plan."""
    return next((one for one in reversed(above) if one in now), None)


def _first(lines: Mapping[UUID, Sequence[UUID]], now: Mapping[UUID, Applied]) -> Iterator[UUID]:
    """Those below that have a plan while nobody in between has; `lines` has who is in between."""
    for one, line in lines.items():
        if one in now and not any(each in now for each in line):
            yield one


def _check_pair(lower: Terms, upper: Terms, code: str) -> None:
    if not is_alike(lower, upper):
        raise PlansUnlike(code)
    if lower.convention is Convention.OVERRIDE:
        excess = exceeds(lower, upper)
        if excess is not None:
            raise RateAboveParent(excess, code)


def _ids(path: str) -> list[UUID]:
    return [UUID(hex=part) for part in path.strip("/").split("/")]


def _between(path: str, below: str) -> Sequence[UUID]:
    """The ibs between one and another of its branch, both left out."""
    return _ids(below)[len(_ids(path)) : -1]
