"""Feeds: the log of a brand as one reader may see it, followed live or pulled page by page.

At least once, ordered per brand; dedupe by cursor. Every cursor given out is safe to resume from:
nothing that the reader may see lies unseen before it.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from domain.events import queries
from domain.events.cursor import BAD_INPUT, FeedCursors
from domain.events.hub import Hub
from domain.events.reader import BrandReader
from domain.events.sight import Sight
from domain.events.subscription import Subscription
from domain.events.values import Entry, EventRow, Feed, Happened, Heartbeat, Reset, ResetReason
from domain.kernel.clock import Clock, SystemClock
from domain.kernel.errors import Forbidden, Invalid
from tenants.context import Scope
from tenants.work import Database, ReadWork

HEARTBEAT_SECONDS = 15.0
RETENTION = timedelta(days=7)
PAGE_MAX = 100
_STEP = 200
_PULLS_MAX = 4


class RightsEnded(Forbidden):
    """The reader's token or rights ended while it was following."""

    def __init__(self) -> None:
        super().__init__("FORBIDDEN", "Your rights ended; sign in again and resume by cursor.")


class _End:
    """Stands for the end of items."""


_END = _End()
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pulled:
    """A page of a feed. `cursor` is where the next page begins, past what the filter hides."""

    entries: tuple[Happened, ...]
    cursor: str
    has_more: bool
    reset: Reset | None = None


class Feeds:
    """Opens feeds for readers. Made once per process, beside its hub."""

    def __init__(
        self,
        hub: Hub,
        database: Database,
        cursors: FeedCursors,
        *,
        clock: Clock | None = None,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        retention: timedelta = RETENTION,
    ) -> None:
        self._hub = hub
        self._database = database
        self._cursors = cursors
        self._clock = clock or SystemClock()
        self._heartbeat = heartbeat_seconds
        self._retention = retention

    def topics_of(self, scope: Scope) -> frozenset[str]:
        """The topics that the scope may read."""
        return self._hub.audience.visible(scope)

    def follow(
        self, scope: Scope, feed: Feed, *, after: str | None = None
    ) -> AsyncGenerator[Entry, None]:
        """A feed from a cursor on, or from now: replay, then live, without gap or repetition.

        It begins with a heartbeat (where you are, and how far the log goes), another one says
        that the replay is over, and more follow every 15 quiet seconds. A reset ends it.
        Refusals: BAD_USER_INPUT for the cursor, FORBIDDEN; later FORBIDDEN when rights end.
        """
        start = None if after is None else self._position(scope, feed, after)
        self._hub.audience.require(scope, feed)
        return self._following(scope, feed, start)

    async def guarded(
        self, scope: Scope, needs: str, items: AsyncGenerator[T, None]
    ) -> AsyncGenerator[T, None]:
        """Items that are no events (states, prices), for as long as the scope has the permission.

        Refusals: FORBIDDEN, at once or when rights end.
        """
        reader, member = self._hub.join(scope, Feed(needs, frozenset(), needs=needs))
        ending = asyncio.ensure_future(member.ended())
        coming: asyncio.Future[T | _End] | None = None
        try:
            while True:
                coming = asyncio.ensure_future(anext(items, _END))
                await asyncio.wait((coming, ending), return_when=asyncio.FIRST_COMPLETED)
                if member.revoked:
                    raise RightsEnded()
                item = coming.result()
                if isinstance(item, _End):
                    return
                yield item
        finally:
            reader.leave(member)
            # A generator that still runs can't be closed: its step ends before it does.
            await asyncio.shield(_ended((ending, coming), items))

    async def pull(
        self, work: ReadWork, feed: Feed, *, after: str | None = None, first: int = PAGE_MAX
    ) -> Pulled:
        """A page of a feed behind a cursor, or from the oldest event that is kept (7 days).

        All of it is read from `work`, the reader's own snapshot.
        Refusals: BAD_USER_INPUT for the cursor or `first`, FORBIDDEN.
        """
        if not 1 <= first <= PAGE_MAX:
            raise Invalid(BAD_INPUT, f"first must be between 1 and {PAGE_MAX}.", path=("first",))
        scope = work.scope
        self._hub.audience.require(scope, feed)
        start = None if after is None else self._position(scope, feed, after)
        oldest, reason = await self._resumable(work, start)
        if reason is not None:
            reset = self._reset(scope, feed, reason, (oldest, oldest))
            return Pulled((), reset.cursor, False, reset)
        head = await queries.head(work)
        rows, position = await self._pages(work, feed, (oldest, head), first)
        entries = tuple(self._happened(scope, feed, row) for row in rows)
        return Pulled(entries, self._cursor(scope, feed, position), position < head)

    async def _pages(
        self, work: ReadWork, feed: Feed, span: tuple[int, int], first: int
    ) -> tuple[list[EventRow], int]:
        """Up to `first` events the reader may see, and the position reached."""
        position, head = span
        found: list[EventRow] = []
        sight = Sight(self._hub.audience, feed)
        for _ in range(_PULLS_MAX):
            rows = await queries.page(work, position, upto=head, feed=feed)
            found += await sight.of(work, rows)
            if len(found) >= first:
                return found[:first], found[first - 1].seq
            position = rows[-1].seq if rows else head
            if len(rows) < queries.PAGE:
                return found, head
        return found, position

    async def _following(
        self, scope: Scope, feed: Feed, start: int | None
    ) -> AsyncGenerator[Entry, None]:
        reader, member = self._hub.join(scope, feed)
        sight = Sight(self._hub.audience, feed, moves=lambda: reader.moves)
        try:
            await reader.synced()
            if start is None:
                # Attached before the first word, so that live begins at the position it names.
                member.delivered = reader.position
                reader.attach(member)
                yield self._heartbeat_of(reader, member)
            else:
                member.delivered = start
                async for entry in self._replay(reader, member, sight):
                    yield entry
                    if isinstance(entry, Reset):
                        return
            async for entry in self._live(reader, member, sight):
                yield entry
        finally:
            reader.leave(member)

    async def _replay(
        self, reader: BrandReader, member: Subscription, sight: Sight
    ) -> AsyncGenerator[Entry, None]:
        """Heartbeat, everything up to the hub's position, and attached to it another heartbeat.

        Or a reset, when the log does not reach back to where the reader is.
        """
        reset = await self._reset_at_start(reader, member)
        if reset is not None:
            yield reset
            return
        yield self._heartbeat_of(reader, member)
        while True:
            rows = reader.after(member.delivered, _STEP)
            if rows is None:
                rows, reached = await self._read(member)
            elif rows:
                reached = rows[-1].seq
            else:
                # No await between looking and attaching: the live feed begins right here.
                reader.attach(member)
                yield self._heartbeat_of(reader, member)
                return
            for row in await self._seen(sight, member, rows):
                self._judge(member)
                yield self._happened(member.scope, member.feed, row)
                member.delivered = row.seq
            member.delivered = reached

    async def _live(
        self, reader: BrandReader, member: Subscription, sight: Sight
    ) -> AsyncGenerator[Entry, None]:
        loop = asyncio.get_running_loop()
        due = loop.time() + self._heartbeat
        while True:
            self._judge(member)
            if member.overflowed:
                yield await self._overflow(member)
                return
            row = member.take()
            if row is not None:
                # Judged again: rights may have changed while the event was in the queue.
                for seen in await self._seen(sight, member, (row,)):
                    yield self._happened(member.scope, member.feed, seen)
                    due = loop.time() + self._heartbeat
            elif loop.time() >= due:
                member.delivered = max(member.delivered, reader.position)
                yield self._heartbeat_of(reader, member)
                due = loop.time() + self._heartbeat
            else:
                await member.wait(due - loop.time())

    async def _seen(
        self, sight: Sight, member: Subscription, rows: Sequence[EventRow]
    ) -> list[EventRow]:
        async with self._database.read(member.scope) as work:
            return await sight.of(work, rows)

    async def _read(self, member: Subscription) -> tuple[list[EventRow], int]:
        """A page from the log under the reader's own row-level security."""
        async with self._database.read(member.scope) as work:
            head = await queries.head(work)
            rows = await queries.page(work, member.delivered, upto=head, feed=member.feed)
        return rows, rows[-1].seq if len(rows) == queries.PAGE else head

    async def _reset_at_start(self, reader: BrandReader, member: Subscription) -> Reset | None:
        start = member.delivered
        if start <= reader.position and reader.after(start, 1) is not None:
            return None
        # As the system: a stretch that the reader may not see is judged exactly, too.
        async with self._database.read(member.scope.as_system()) as work:
            oldest, reason = await self._resumable(work, start)
        if reason is None:
            return None
        return self._reset(member.scope, member.feed, reason, (oldest, oldest))

    async def _overflow(self, member: Subscription) -> Reset:
        async with self._database.read(member.scope.as_system()) as work:
            oldest = await queries.oldest_position(work, self._kept_since())
        span = (member.delivered, min(oldest, member.delivered))
        return self._reset(member.scope, member.feed, ResetReason.OVERFLOW, span)

    async def _resumable(self, work: ReadWork, start: int | None) -> tuple[int, ResetReason | None]:
        """Where to go on from: `start`, or the oldest position kept with why `start` is lost.

        Of events that the work may not see it is all the same whether they are kept.
        """
        since, reason = self._kept_since(), None
        if start is not None:
            coming = await queries.first_from(work, start + 1)
            if start > await queries.head(work):
                reason = ResetReason.RESTORED
            elif coming is None or coming[1] >= since:
                return start, None
            else:
                reason = ResetReason.EXPIRED
        return await queries.oldest_position(work, since), reason

    def _kept_since(self) -> datetime:
        return self._clock.now() - self._retention

    def _position(self, scope: Scope, feed: Feed, after: str) -> int:
        return self._cursors.read(scope.brand_id, feed.tag(), after)

    def _cursor(self, scope: Scope, feed: Feed, seq: int) -> str:
        return self._cursors.write(scope.brand_id, feed.tag(), seq)

    def _judge(self, member: Subscription) -> None:
        if member.revoked:
            raise RightsEnded()

    def _happened(self, scope: Scope, feed: Feed, row: EventRow) -> Happened:
        return Happened(self._cursor(scope, feed, row.seq), row.at, row)

    def _heartbeat_of(self, reader: BrandReader, member: Subscription) -> Heartbeat:
        here = self._cursor(member.scope, member.feed, member.delivered)
        newest = max(reader.position, member.delivered)
        return Heartbeat(here, self._clock.now(), self._cursor(member.scope, member.feed, newest))

    def _reset(self, scope: Scope, feed: Feed, reason: ResetReason, span: tuple[int, int]) -> Reset:
        cursor, oldest = (self._cursor(scope, feed, seq) for seq in span)
        return Reset(cursor, self._clock.now(), reason, oldest)


async def _ended(
    waiting: "Iterable[asyncio.Future[Any] | None]", items: AsyncGenerator[Any, None]
) -> None:
    """Cancel what waits and close the generator after it, whatever either of them raises."""
    steps = [future for future in waiting if future is not None]
    for future in steps:
        future.cancel()
    await asyncio.gather(*steps, return_exceptions=True)
    await items.aclose()
