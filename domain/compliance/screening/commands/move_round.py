"""Screen a brand's clients again after lists were imported, page by page."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, update
from sqlalchemy.dialects.postgresql import insert

from domain.compliance.screening.queries import find_round, lists_number
from domain.compliance.screening.tables import screening_round
from domain.events.jobs import defer
from tenants.work import WriteWork

RESCREEN = "screening.rescreen"
QUEUE = "screening"
_SILENT = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a round is: with the lists up to which import, behind which client."""

    lists: int
    after: UUID | None

    @classmethod
    def of(cls, row: Row[Any]) -> "Place":
        return cls(int(row.lists), row.after_id)


async def begin_round(work: WriteWork) -> bool:
    """Begin a round when lists were imported since the last one; whether a job was put.

    A round that has not moved for ten minutes lost its job and gets another.
    """
    newest, row = await lists_number(work), await find_round(work)
    if newest == 0 or (row is not None and row.lists == newest and not _is_silent(work, row)):
        return False
    if row is None or row.lists != newest:
        await _restart(work, newest)
    else:
        await _change(work, {"moved_at": work.now()})
    row = await find_round(work)
    assert row is not None, "written just now"
    await _put(work, Place.of(row))
    return True


async def move_round(work: WriteWork, done: Place, *, last: UUID | None, count: int) -> bool:
    """Note that a page is done and put the job of the next; False when another job did.

    `last` is the page's last client; None when there was none left, which ends the round.
    """
    row = await find_round(work)
    if row is None or row.finished_at is not None or Place.of(row) != done:
        return False
    if last is None:
        await _change(work, {"finished_at": work.now(), "moved_at": work.now()})
        return True
    clients = row.clients + count
    await _change(work, {"after_id": last, "clients": clients, "moved_at": work.now()})
    await _put(work, Place(done.lists, last))
    return True


def _is_silent(work: WriteWork, row: Row[Any]) -> bool:
    return row.finished_at is None and row.moved_at < work.now() - _SILENT


async def _restart(work: WriteWork, lists: int) -> None:
    values = {
        "lists": lists, "after_id": None, "clients": 0, "started_at": work.now(),
        "moved_at": work.now(), "finished_at": None,
    }  # fmt: skip
    made = insert(screening_round).values(brand_id=work.scope.brand_id, **values)
    changed = {name: made.excluded[name] for name in values}
    await work.rows(made.on_conflict_do_update(index_elements=["brand_id"], set_=changed))


async def _change(work: WriteWork, values: dict[str, Any]) -> None:
    await work.rows(
        update(screening_round)
        .where(screening_round.c.brand_id == work.scope.brand_id)
        .values(**values)
    )


async def _put(work: WriteWork, place: Place) -> None:
    after = None if place.after is None else str(place.after)
    args = {"lists": place.lists, "after": after}
    await defer(work, RESCREEN, args, key=f"{place.lists}:{after}", queue=QUEUE)
