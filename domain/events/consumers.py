"""Reactions inside: each consumer follows each brand's log, effect and cursor in one transaction.

So an effect happens exactly once, in the order of the log, and can be replayed by moving the
cursor back. An event whose handler fails stops that consumer for that brand, is tried again with
growing pauses, logged and counted; other brands and consumers go on.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from domain.events import queries
from domain.events.values import EventRow, Feed
from tenants.context import system_scope
from tenants.tables import consumer_cursor
from tenants.work import Database, WriteWork

Handle = Callable[[WriteWork, EventRow], Awaitable[None]]
Finish = Callable[[WriteWork, Sequence[EventRow]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Consumer:
    """What reacts to events: `handle` writes through the work it is given and calls nobody.

    Outside calls are jobs: `domain.events.jobs.defer`. A consumer begins at the brand's first
    event, or with `from_now` at the first after it is known. The name is for ever: cursors are
    kept under it. `finish` is given all events of a transaction after each was handled: what may
    be done once in a work, as posting to the ledger, is done there.
    """

    name: str
    topics: frozenset[str]
    handle: Handle
    kinds: frozenset[str] | None = None
    from_now: bool = False
    finish: Finish | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """What one step did: how many events it handled, and whether the log goes on."""

    handled: int
    more: bool


async def consume(
    database: Database, brand_id: UUID, consumer: Consumer, *, limit: int
) -> Progress | None:
    """Handle up to `limit` events of a brand and move the cursor, in one transaction.

    None when another process is at it. Raises whatever the handler raises; nothing is done then.
    """
    feed = Feed(consumer.name, consumer.topics, kinds=consumer.kinds)

    async def step(work: WriteWork) -> Progress | None:
        position = await _position(work, consumer)
        if position is None:
            return None
        # Read behind the lock, so that it is never older than what moved the cursor.
        head = await queries.head(work)
        rows = await queries.page(work, position, limit=limit, upto=head, feed=feed)
        for row in rows:
            await consumer.handle(work, row)
        if consumer.finish is not None and rows:
            await consumer.finish(work, rows)
        reached = rows[-1].seq if len(rows) == limit else head
        if reached > position:
            await _move(work, consumer, reached)
        return Progress(len(rows), reached < head)

    return (await database.write(system_scope(brand_id), step)).value


async def rewind(database: Database, brand_id: UUID, consumer: Consumer, *, to: int = 0) -> None:
    """Let a consumer handle a brand's events behind position `to` again."""

    async def command(work: WriteWork) -> None:
        await _position(work, consumer)
        await _move(work, consumer, to)

    await database.write(system_scope(brand_id), command)


async def _position(work: WriteWork, consumer: Consumer) -> int | None:
    """The cursor, locked until the work ends; None when another process holds it."""
    columns = consumer_cursor.c
    held = await work.maybe(
        select(columns.seq)
        .where(columns.brand_id == work.scope.brand_id, columns.consumer == consumer.name)
        .with_for_update(skip_locked=True)
    )
    if held is not None:
        return int(held.seq)
    made = await work.rows(
        insert(consumer_cursor)
        .values(
            brand_id=work.scope.brand_id,
            consumer=consumer.name,
            seq=await queries.head(work) if consumer.from_now else 0,
            updated_at=work.now(),
        )
        .on_conflict_do_nothing()
        .returning(columns.seq)
    )
    return int(made[0].seq) if made else None


async def _move(work: WriteWork, consumer: Consumer, seq: int) -> None:
    columns = consumer_cursor.c
    await work.rows(
        update(consumer_cursor)
        .where(columns.brand_id == work.scope.brand_id, columns.consumer == consumer.name)
        .values(seq=seq, updated_at=work.now())
    )
