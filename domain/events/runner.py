"""Runs every consumer over every brand, in the worker process.

One cross-brand read of the heads says where there is news; each (brand, consumer) then works
alone, so that one which is stuck holds up nobody.
"""

import asyncio
import random
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import structlog
from prometheus_client import Counter, Gauge

from domain.events import queries
from domain.events.bus import EventBus
from domain.events.consumers import Consumer, Progress, consume
from domain.kernel.errors import Busy, Unavailable
from tenants.context import NO_BRAND, system_scope
from tenants.work import Database

POLL_SECONDS = 0.25
_ROUND_SECONDS = 0.01
_BATCH = 50
_TAKEN_SECONDS = 0.5
_BACKOFF_SECONDS = (0.5, 60.0)
_log = structlog.get_logger(__name__)

_handled = Counter("backdesk_consumer_events", "Events handled", ["consumer"])
_failures = Counter("backdesk_consumer_failures", "Attempts that failed", ["consumer"])
_stopped = Gauge("backdesk_consumer_stopped", "Brands at which it is stuck", ["consumer"])


@dataclass(slots=True)
class _Lane:
    """One consumer at one brand: whether it has news, and the task at work on it."""

    brand_id: UUID
    consumer: Consumer
    news: bool = False
    task: asyncio.Task[None] | None = None


class ConsumerRunner:
    """Keeps consumers up with the log until cancelled. `poll_seconds` bounds a lost wake-up.

    `looks` counts how often the heads were read: it stands still while the database is away.
    """

    def __init__(
        self,
        database: Database,
        bus: EventBus,
        consumers: Sequence[Consumer],
        *,
        poll_seconds: float = POLL_SECONDS,
        concurrency: int = 4,
        backoff_seconds: tuple[float, float] = _BACKOFF_SECONDS,
    ) -> None:
        names = [consumer.name for consumer in consumers]
        assert len(names) == len(set(names)), "each consumer has a name of its own"
        self._database = database
        self._consumers = consumers
        self._poll = poll_seconds
        self._backoff = backoff_seconds
        self._slots = asyncio.Semaphore(concurrency)
        self._heads: dict[UUID, int] = {}
        self._lanes: dict[tuple[UUID, str], _Lane] = {}
        self._news = asyncio.Event()
        self.looks = 0
        bus.listen(lambda _brand_id: self._news.set())

    @property
    def brands(self) -> int:
        """How many brands are followed."""
        return len(self._heads)

    async def run(self) -> None:
        """Follow the log; returns only by cancellation, with no lane left running."""
        try:
            while True:
                try:
                    await self._look()
                except Exception as error:  # whatever the driver raises, the loop goes on
                    _log.warning("heads not read", error=repr(error))
                    await asyncio.sleep(self._backoff[0])
                await asyncio.sleep(_ROUND_SECONDS)
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._poll):
                        await self._news.wait()
        finally:
            tasks = [lane.task for lane in self._lanes.values() if lane.task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _look(self) -> None:
        """Find the brands whose head moved and wake the consumers of what happened there."""
        self._news.clear()
        async with self._database.read(system_scope(NO_BRAND)) as work:
            heads = await queries.heads(work)
        for brand_id, head in heads.items():
            known = self._heads.get(brand_id)
            if known is None:
                self._wake(brand_id, self._consumers)
            elif head > known:
                async with self._database.read(system_scope(brand_id)) as work:
                    topics = await queries.topics_between(work, known, head)
                self._wake(brand_id, (each for each in self._consumers if each.topics & topics))
            self._heads[brand_id] = head
        self.looks += 1

    def _wake(self, brand_id: UUID, consumers: Iterable[Consumer]) -> None:
        for consumer in consumers:
            key = (brand_id, consumer.name)
            lane = self._lanes.setdefault(key, _Lane(brand_id, consumer))
            lane.news = True
            if lane.task is None or lane.task.done():
                lane.task = asyncio.create_task(self._drain(lane), name=f"consumer {consumer.name}")

    async def _drain(self, lane: _Lane) -> None:
        """Handle everything there is; after a failure one event at a time, with pauses."""
        limit, failures = _BATCH, 0
        while lane.news or failures:
            lane.news = False
            try:
                async with self._slots:
                    done = await self._step(lane, limit)
            except (Unavailable, Busy):
                lane.news = True
                await asyncio.sleep(self._backoff[0])
                continue
            except Exception as error:  # a handler's bug must not end the loop
                # In a batch the failing one is not known: go on singly, at once.
                if limit > 1:
                    limit, lane.news = 1, True
                    continue
                failures += 1
                await self._stuck(lane, failures, error)
                continue
            if failures:
                failures = 0
                _stopped.labels(lane.consumer.name).dec()
            if done is None:
                lane.news = True
                await asyncio.sleep(_TAKEN_SECONDS)
                continue
            _handled.labels(lane.consumer.name).inc(done.handled)
            lane.news |= done.more
            limit = min(_BATCH, limit * 2)

    async def _step(self, lane: _Lane, limit: int) -> Progress | None:
        """One transaction of a lane. While the database is away the slot is kept for a pause: all
        lanes knocking at once would hold up its recovery."""
        try:
            return await consume(self._database, lane.brand_id, lane.consumer, limit=limit)
        except Unavailable:
            await asyncio.sleep(self._backoff[0])
            raise

    async def _stuck(self, lane: _Lane, failures: int, error: Exception) -> None:
        name = lane.consumer.name
        _failures.labels(name).inc()
        if failures == 1:
            _stopped.labels(name).inc()
        _log.error(
            "consumer failed",
            consumer=name,
            brand=lane.brand_id.hex,
            failures=failures,
            error=repr(error),
            exc_info=error if failures == 1 else None,
        )
        shortest, longest = self._backoff
        pause = min(longest, shortest * 2 ** min(failures - 1, 20))
        await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - spreads retries
