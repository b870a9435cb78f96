"""The reader of one brand: reads its log once for all sockets of the process and fans out."""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain, islice
from uuid import UUID

import structlog

from domain.events import queries
from domain.events.subscription import Subscription
from domain.events.values import Audience, EventRow
from domain.kernel.errors import Unavailable
from tenants.context import system_scope
from tenants.work import Database

_PAUSE_SECONDS = 0.5
_SYNC_SECONDS = 10.0
_log = structlog.get_logger(__name__)


class BrandReader:
    """Follows one brand's log as long as it has members.

    `position` is the last event fanned out; the ring holds the newest ones up to it, without a
    gap. `moves` counts the events after which clients may be within others' reach. Only the loop
    reads; everything else asks it to and waits.
    """

    def __init__(
        self, database: Database, brand_id: UUID, audience: Audience, *, ring: int, poll: float
    ) -> None:
        self.brand_id = brand_id
        self.members: set[Subscription] = set()
        self.position = 0
        self.reads = 0
        self.moves = 0
        self._database = database
        self._audience = audience
        self._poll = poll
        self._ring: deque[EventRow] = deque(maxlen=ring)
        self._live: dict[UUID | None, set[Subscription]] = {}
        self._behind = asyncio.Event()
        self._waiting: list[asyncio.Future[None]] = []
        self._known = False
        self._loop = asyncio.create_task(self._run(), name=f"events {brand_id.hex}")

    def wake(self) -> None:
        """The brand has news, or may have."""
        self._behind.set()

    async def synced(self) -> None:
        """Returns when everything committed before the call has been read.

        Refusals: UNAVAILABLE when the database does not answer for 10 s.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(done)
        self._behind.set()
        try:
            async with asyncio.timeout(_SYNC_SECONDS):
                await done
        except TimeoutError:
            raise Unavailable() from None

    def after(self, position: int, limit: int) -> list[EventRow] | None:
        """Events behind a position out of the ring; None when the ring does not reach back."""
        if position >= self.position:
            return []
        skipped = position - (self.position - len(self._ring))
        if skipped < 0:
            return None
        return list(islice(self._ring, skipped, skipped + limit))

    def attach(self, member: Subscription) -> None:
        """From now on the member is given each event behind its `delivered`."""
        self._live.setdefault(member.narrowed_to, set()).add(member)

    def leave(self, member: Subscription) -> None:
        """Forget a member; harmless when repeated."""
        self.members.discard(member)
        group = self._live.get(member.narrowed_to)
        if group is not None:
            group.discard(member)
            if not group:
                del self._live[member.narrowed_to]

    async def close(self) -> None:
        self._loop.cancel()
        with suppress(asyncio.CancelledError):
            await self._loop

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._poll if self.members else None):
                    await self._behind.wait()
            self._behind.clear()
            waiting, self._waiting = self._waiting, []
            try:
                await self._catch_up()
            except Exception as error:  # whatever the driver raises, the loop goes on
                _log.warning("events not read", brand=self.brand_id.hex, error=repr(error))
                self._waiting += waiting
                self._behind.set()
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                for done in waiting:
                    if not done.done():
                        done.set_result(None)

    async def _catch_up(self) -> None:
        full = True
        while full:
            async with self._database.read(system_scope(self.brand_id)) as work:
                if not self._known or not self._live:
                    self._jump(await queries.head(work))
                rows = await queries.page(work, self.position)
            self.reads += 1
            for row in rows:
                self._fan_out(row)
            full = len(rows) == queries.PAGE

    def _jump(self, head: int) -> None:
        """Skip to the head when nobody is given what lies before it."""
        size = self._ring.maxlen or 0
        if not self._known or head - self.position > size:
            self._ring.clear()
            self.position = head
            self._known = True

    def _fan_out(self, row: EventRow) -> None:
        assert row.seq == self.position + 1, "the log has no gaps"
        self._ring.append(row)
        if self._audience.is_move(row):
            self.moves += 1
        self.position = row.seq
        for member in self._candidates(row):
            if member.feed.accepts(row) and self._audience.admits(member.scope, row):
                member.offer(row)

    def _candidates(self, row: EventRow) -> Iterator[Subscription]:
        """Readers of everything, and those narrowed to the event's client."""
        groups = [self._live.get(None, set())]
        if row.client_id is not None:
            groups.append(self._live.get(row.client_id, set()))
        return chain.from_iterable(groups)
