"""SELECTs over the log: heads, pages, and where the retention begins."""

from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import orjson
from sqlalchemy import ARRAY, Text, bindparam, func, or_, select

from domain.events.values import EventRow, Feed
from tenants.bulk import Statements
from tenants.context import Scope
from tenants.tables import brand_head, event

PAGE = 500
_OVERHEAD_BYTES = 256
_COLUMNS = (
    event.c.seq,
    event.c.at,
    event.c.topic,
    event.c.kind,
    event.c.version,
    event.c.client_id,
    event.c.ib_path,
    event.c.object_id,
    event.c.actor_kind,
    event.c.actor_id,
    event.c.payload,
)


class Reading(Statements, Protocol):
    """A work that can read."""

    scope: Scope


async def head(work: Reading) -> int:
    """The brand's last committed `seq`; 0 for a brand without a head row."""
    rows = await work.rows(
        select(brand_head.c.event_seq).where(brand_head.c.brand_id == work.scope.brand_id)
    )
    return int(rows[0][0]) if rows else 0


async def heads(work: Reading) -> dict[UUID, int]:
    """The heads of all brands. Only the worker's role sees more than its own brand."""
    rows = await work.rows(select(brand_head.c.brand_id, brand_head.c.event_seq))
    return {row.brand_id: int(row.event_seq) for row in rows}


async def page(
    work: Reading,
    after: int,
    *,
    limit: int = PAGE,
    upto: int | None = None,
    feed: Feed | None = None,
) -> list[EventRow]:
    """Events behind `after` (and not behind `upto`), oldest first; those of `feed` if given."""
    statement = (
        select(*_COLUMNS)
        .where(event.c.brand_id == work.scope.brand_id, event.c.seq > after)
        .order_by(event.c.seq)
        .limit(limit)
    )
    if upto is not None:
        statement = statement.where(event.c.seq <= upto)
    if feed is not None:
        statement = statement.where(*_narrowed(feed))
    return [_row(found) for found in await work.rows(statement)]


async def topics_between(work: Reading, after: int, upto: int) -> frozenset[str]:
    """The topics of the events in a stretch of the log."""
    rows = await work.rows(
        select(event.c.topic)
        .distinct()
        .where(event.c.brand_id == work.scope.brand_id, event.c.seq > after, event.c.seq <= upto)
    )
    return frozenset(row.topic for row in rows)


async def kinds_between(work: Reading, after: int, upto: int) -> frozenset[tuple[str, str]]:
    """Topic and kind of the events in a stretch of the log."""
    rows = await work.rows(
        select(event.c.topic, event.c.kind)
        .distinct()
        .where(event.c.brand_id == work.scope.brand_id, event.c.seq > after, event.c.seq <= upto)
    )
    return frozenset((row.topic, row.kind) for row in rows)


async def oldest_position(work: Reading, since: datetime) -> int:
    """The position whose next event, of those the work may see, is the first at or after `since`.

    `seq` follows the commits and `at` the begin of each work, so that they agree to within a
    transaction's length: a search by halves is exact enough for a retention of days.
    """
    bounds = await work.rows(
        select(func.min(event.c.seq), func.max(event.c.seq)).where(
            event.c.brand_id == work.scope.brand_id
        )
    )
    low, high = bounds[0]
    if low is None:
        return 0
    low, high = int(low), int(high) + 1
    while low < high:
        middle = (low + high) // 2
        found = await first_from(work, middle)
        if found is not None and found[1] < since:
            low = found[0] + 1
        else:
            high = middle
    return low - 1


async def first_from(work: Reading, seq: int) -> tuple[int, datetime] | None:
    """The first event at or behind `seq` that the work may see: its `seq` and instant."""
    rows = await work.rows(
        select(event.c.seq, event.c.at)
        .where(event.c.brand_id == work.scope.brand_id, event.c.seq >= seq)
        .order_by(event.c.seq)
        .limit(1)
    )
    return (int(rows[0].seq), rows[0].at) if rows else None


def _narrowed(feed: Feed) -> list[Any]:
    """The conditions of `Feed.accepts`, so that the database skips what the reader would."""
    conditions: list[Any] = [event.c.topic == _any_of("topics", feed.topics)]
    if feed.kinds is not None:
        conditions.append(event.c.kind == _any_of("kinds", feed.kinds))
    if feed.client_id is not None:
        conditions.append(event.c.client_id == feed.client_id)
    if feed.about is not None:
        about = event.c.object_id == feed.about
        if feed.about_key:
            mentioned = event.c.payload[feed.about_key].astext
            about = or_(about, mentioned == _any_of("about", feed.spellings()))
        conditions.append(about)
    return conditions


def _any_of(name: str, values: Any) -> Any:
    return func.any(bindparam(name, sorted(values), type_=ARRAY(Text)))


def _row(found: Any) -> EventRow:
    values: dict[str, Any] = dict(found._mapping)
    return EventRow(**values, size=_OVERHEAD_BYTES + len(orjson.dumps(found.payload)))
