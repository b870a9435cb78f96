"""Hang an ib, and everything below it, somewhere else in the tree."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, insert, literal, update

from domain.ibs.errors import AlreadyThere, BelowItself
from domain.ibs.events import IbEventKind, ib_event
from domain.ibs.ports import CheckPlace
from domain.ibs.queries import find_parent, lock_branch, lock_ib
from domain.ibs.rules import Place, check_depth, place_below
from domain.ibs.tables import ib, ib_former_place
from domain.ibs.values import IbStatus
from domain.kernel.errors import NotFound
from tenants.log import Change
from tenants.work import WriteWork


async def move_ib(
    work: WriteWork, ib_id: UUID, parent_id: UUID | None, *, check_place: CheckPlace
) -> None:
    """Hang an ib below another, or at the top without one; its branch goes with it.

    History stays: every ib of the branch keeps its former place, so that deals that closed before
    are judged, and were paid, by the line of then. What only says who sees a row follows
    (`follow_move`).
    Refusals: NOT_FOUND (ib or parent), BELOW_ITSELF, ALREADY_THERE, PARENT_SUSPENDED,
    TREE_TOO_DEEP, and those of `check_place`. Effects: event `moved`, audit.
    """
    row = await lock_ib(work, ib_id)
    if row is None:
        raise NotFound(path=("input", "ibId"))
    place = await _place(work, row, parent_id)
    branch = await lock_branch(work, row.path)
    check_depth(place.level + max(one.level for one in branch) - row.level)
    await check_place(work, ib_id, place.path)
    await _leave(work, branch)
    await _settle(work, row, place, parent_id)
    told = {"ib_id": str(ib_id), "place_version": row.place_version + 1}
    work.emit(ib_event(IbEventKind.MOVED, ib_id, place.path, told))
    work.audit(
        Change(
            "ib.move",
            object_kind="ib",
            object_id=ib_id,
            before={"path": row.path},
            after={"path": place.path, "ibs": len(branch)},
        )
    )


async def _place(work: WriteWork, row: Any, parent_id: UUID | None) -> Place:
    if parent_id == row.parent_id:
        raise AlreadyThere()
    if parent_id is None:
        return place_below(None, None, row.id)
    parent = await find_parent(work, parent_id)
    if parent is None:
        raise NotFound(path=("input", "parentId"))
    if parent.path.startswith(row.path):
        raise BelowItself()
    return place_below(Place(parent.level, parent.path), IbStatus(parent.status), row.id)


async def _leave(work: WriteWork, branch: Sequence[Any]) -> None:
    """Write down where each of the branch hung until now."""
    await work.rows(
        insert(ib_former_place).values(
            [
                {
                    "brand_id": work.scope.brand_id,
                    "ib_id": one.id,
                    "version": one.place_version,
                    "path": one.path,
                    "until_at": work.now(),
                }
                for one in branch
            ]
        )
    )


async def _settle(work: WriteWork, row: Any, place: Place, parent_id: UUID | None) -> None:
    rest = func.substr(ib.c.path, literal(len(row.path) + 1))
    await work.rows(
        update(ib)
        .where(
            ib.c.brand_id == work.scope.brand_id,
            func.starts_with(ib.c.path, bindparam("old_path", row.path)),
        )
        .values(
            path=literal(place.path) + rest,
            level=ib.c.level + literal(place.level - row.level),
            place_version=ib.c.place_version + 1,
        )
    )
    await work.rows(
        update(ib)
        .where(ib.c.brand_id == work.scope.brand_id, ib.c.id == row.id)
        .values(parent_id=parent_id)
    )
