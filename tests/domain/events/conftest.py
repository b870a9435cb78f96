"""A hub over the real log, writers of events, and a feed that is read until something holds."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from domain.events.bus import EventBus, MemoryBus
from domain.events.cursor import FeedCursors
from domain.events.hub import Hub
from domain.events.stream import Feeds, Pulled
from domain.events.values import Audience, Feed
from tenants.context import Scope, system_scope
from tenants.log import Event
from tenants.work import Database, WriteWork

SECRET = b"a secret of thirty-two bytes or so"
AUDIENCE = Audience(
    topics={"ACCOUNT": "accounts:watch", "CLIENT": "clients:watch", "IB": "ibs:watch"},
    kinds={("CLIENT", "note_added"): "notes:read"},
)
ACCOUNTS = Feed("accountEvents", frozenset({"ACCOUNT"}))
EVERYTHING = Feed("events", frozenset({"ACCOUNT", "CLIENT", "IB"}))

Emit = Callable[..., Awaitable[int]]


@pytest.fixture
def cursors() -> FeedCursors:
    return FeedCursors(SECRET)


@pytest_asyncio.fixture
async def bus() -> AsyncIterator[MemoryBus]:
    async with MemoryBus() as bus:
        yield bus


@pytest.fixture
def emit(database: Database, bus: MemoryBus) -> Emit:
    """`await emit(brand, Event(…), …)` commits events of a brand and wakes it; the last `seq`."""
    return emitting(database, bus.wake)


def emitting(database: Database, wake: Callable[[UUID], None] = lambda _brand: None) -> Emit:
    async def emit(brand: Any, *events: Event) -> int:
        async def command(work: WriteWork) -> None:
            for one in events:
                work.emit(one)

        done = await database.write(system_scope(brand.id), command)
        assert done.seq is not None
        wake(brand.id)
        return done.seq

    return emit


@asynccontextmanager
async def feeds_of(
    database: Database, bus: EventBus, cursors: FeedCursors, **options: Any
) -> AsyncIterator[Feeds]:
    """Feeds over a hub of their own. Options are those of `Hub` and of `Feeds`."""
    for_feeds = {k: options.pop(k) for k in ("heartbeat_seconds", "retention") if k in options}
    audience = options.pop("audience", AUDIENCE)
    async with AsyncExitStack() as stack:
        hub = await stack.enter_async_context(Hub(database, bus, audience, **options))
        yield Feeds(hub, database, cursors, **for_feeds)


@pytest_asyncio.fixture
async def feeds(database: Database, bus: MemoryBus, cursors: FeedCursors) -> AsyncIterator[Feeds]:
    async with feeds_of(database, bus, cursors) as feeds:
        yield feeds


async def pull(feeds: Feeds, scope: Scope, feed: Feed, **options: Any) -> Pulled:
    """A page as an operation pulls it: out of one snapshot of its own."""
    async with feeds._database.read(scope) as work:
        return await feeds.pull(work, feed, **options)


async def until(condition: Callable[[], Any], seconds: float = 60.0) -> None:
    """Returns when the condition holds; fails the test when it does not in time."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is awaited has no event to wait on
            await asyncio.sleep(0.005)
