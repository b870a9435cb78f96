"""Nothing missing, nothing reordered, each event once after deduping, whatever is cut."""

import asyncio
import random
from contextlib import aclosing

import pytest

from domain.events.bus import PostgresBus
from domain.events.values import Happened, Reset
from tenants.log import Event
from tests.domain.events.conftest import ACCOUNTS, emitting, feeds_of
from tests.domain.events.test_bus import cut

pytestmark = pytest.mark.timeout(120)

WRITERS, WRITES = 6, 40
TOTAL = WRITERS * WRITES
READERS = 8


async def write(emit, brand, writer):
    for number in range(WRITES):
        await emit(brand, Event("ACCOUNT", "opened", payload={"by": writer, "n": number}))


async def read(feeds, scope, start, seed):
    """Read all events of a brand, leaving at random places and resuming by some seen cursor."""
    chance = random.Random(seed)
    seen, order, cursors = {}, [], [start]
    while len(seen) < TOTAL:
        # Delivery is at least once: a client may come back with an older cursor than its last.
        after = cursors[-chance.randint(1, min(3, len(cursors)))]
        leave_after = chance.randint(1, 60)
        async with aclosing(feeds.follow(scope, ACCOUNTS, after=after)) as feed:
            async for entry in feed:
                if isinstance(entry, Reset):
                    cursors.append(entry.cursor)
                    break
                cursors.append(entry.cursor)
                if isinstance(entry, Happened):
                    if entry.cursor not in seen:
                        order.append(entry.row)
                    seen[entry.cursor] = entry.row
                    leave_after -= 1
                if leave_after == 0 or len(seen) == TOTAL:
                    break
    return order


@pytest.mark.slow
async def test_every_reader_gets_everything_once_and_in_order(
    database, dsn, cursors, brand, brand_b, scope_for, superuser, endpoints
):
    brands = (brand, brand_b)
    async with PostgresBus(dsn("app")) as bus:
        emit = emitting(database, bus.wake)
        async with (
            feeds_of(database, bus, cursors, ring_events=50) as one,
            feeds_of(database, bus, cursors) as two,
        ):
            start = cursors.write(brand.id, ACCOUNTS.tag(), 0)
            starts = {brand.id: start, brand_b.id: cursors.write(brand_b.id, ACCOUNTS.tag(), 0)}
            await emit(brand, Event("CLIENT", "registered"))
            async with asyncio.TaskGroup() as group:
                readers = [
                    group.create_task(
                        read(
                            (one, two)[n % 2],
                            scope_for(of, "brand_admin"),
                            starts[of.id],
                            seed=n,
                        )
                    )
                    for n, of in enumerate(brands * (READERS // 2))
                ]
                for of in brands:
                    for writer in range(WRITERS):
                        group.create_task(write(emit, of, f"{of.slug}-{writer}"))
                for _ in range(3):
                    await asyncio.sleep(0.2)
                    cut(superuser, endpoints, "listener", "wakeup")
    for n, reader in enumerate(readers):
        rows = reader.result()
        of = brands[n % 2]
        assert [row.seq for row in rows] == sorted(row.seq for row in rows)
        assert len({row.seq for row in rows}) == len(rows) == TOTAL
        assert {row.payload["by"].rpartition("-")[0] for row in rows} == {of.slug}
        for writer in range(WRITERS):
            numbers = [r.payload["n"] for r in rows if r.payload["by"] == f"{of.slug}-{writer}"]
            assert numbers == list(range(WRITES))
