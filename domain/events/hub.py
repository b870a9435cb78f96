"""One hub per process: a reader per followed brand, and the watch over their rights."""

import asyncio
from contextlib import suppress
from typing import Self
from uuid import UUID

import structlog

from domain.events.bus import EventBus
from domain.events.reader import BrandReader
from domain.events.rights import RightsWatch
from domain.events.subscription import Subscription
from domain.events.values import Audience, Feed
from tenants.context import Scope, system_scope
from tenants.work import Database

POLL_SECONDS = 0.25
RING_EVENTS = 1_000
_WATCH_SECONDS = 1.0
_LINGER_SECONDS = 30.0
_log = structlog.get_logger(__name__)


class Hub:
    """Wakes the readers of brands that somebody follows; forgets a brand half a minute after.

    The bus is started and stopped by whoever made it; a lost wake-up costs at most one poll.
    """

    def __init__(
        self,
        database: Database,
        bus: EventBus,
        audience: Audience,
        *,
        rights: RightsWatch | None = None,
        poll_seconds: float = POLL_SECONDS,
        ring_events: int = RING_EVENTS,
    ) -> None:
        self.audience = audience
        self._database = database
        self._rights = rights or RightsWatch(database, audience)
        self._poll = poll_seconds
        self._ring = ring_events
        self._readers: dict[UUID, BrandReader] = {}
        self._idle_since: dict[UUID, float] = {}
        self._watch: asyncio.Task[None] | None = None
        bus.listen(self._heard)

    async def __aenter__(self) -> Self:
        self._watch = asyncio.create_task(self._watching(), name="rights watch")
        return self

    async def __aexit__(self, *_exc: object) -> None:
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
        readers, self._readers = list(self._readers.values()), {}
        for reader in readers:
            await reader.close()

    @property
    def sockets(self) -> int:
        """How many subscriptions are open, for the metrics."""
        return sum(len(reader.members) for reader in self._readers.values())

    def join(self, scope: Scope, feed: Feed) -> tuple[BrandReader, Subscription]:
        """Become a member of the scope's brand: its rights are watched from here on.

        Events come only after `BrandReader.attach`. Refusals: FORBIDDEN.
        """
        self.audience.require(scope, feed)
        reader = self._readers.get(scope.brand_id)
        if reader is None:
            reader = self._readers[scope.brand_id] = BrandReader(
                self._database, scope.brand_id, self.audience, ring=self._ring, poll=self._poll
            )
        self._idle_since.pop(scope.brand_id, None)
        member = Subscription(scope, feed)
        reader.members.add(member)
        return reader, member

    def _heard(self, brand_id: UUID | None) -> None:
        if brand_id is None:
            for reader in self._readers.values():
                reader.wake()
        elif brand_id in self._readers and self._readers[brand_id].members:
            self._readers[brand_id].wake()

    async def _watching(self) -> None:
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            for reader in list(self._readers.values()):
                if reader.members:
                    await self._judge(reader)
                else:
                    await self._retire(reader)

    async def _judge(self, reader: BrandReader) -> None:
        try:
            await self._rights.check(system_scope(reader.brand_id), list(reader.members))
        except Exception as error:  # the watch outlives the database's absence
            _log.warning("rights not checked", brand=reader.brand_id.hex, error=repr(error))

    async def _retire(self, reader: BrandReader) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._idle_since.setdefault(reader.brand_id, now) > _LINGER_SECONDS:
            del self._readers[reader.brand_id], self._idle_since[reader.brand_id]
            await reader.close()
