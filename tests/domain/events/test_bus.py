"""The bell: heard in other processes, coalesced, and back after its connections are killed."""

import asyncio
from collections import Counter
from contextlib import aclosing
from uuid import uuid4

import pytest

from domain.events.bus import MemoryBus, PostgresBus
from domain.events.values import Happened, Heartbeat
from tenants.log import Event
from tenants.wake import CHANNEL, Wakeup
from tests.domain.events.conftest import ACCOUNTS, emitting, feeds_of, until

pytestmark = pytest.mark.timeout(60)


def cut(superuser, endpoints, *names):
    """Kill the connections of these names in this test's database; how many there were."""
    rows = superuser.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = %s and application_name = any(%s)",
        [endpoints.database, [f"backdesk {name}" for name in names]],
    ).fetchall()
    return len(rows)


async def test_news_reach_other_processes(dsn):
    async with PostgresBus(dsn("app")) as ringing, PostgresBus(dsn("worker")) as hearing:
        heard = []
        hearing.listen(heard.append)
        brand = uuid4()
        await until(lambda: _rung(ringing, brand) and brand in heard)
        # None says that a connection is new, and any brand may have news.
        assert set(heard) - {None} == {brand}


def _rung(bus, brand):
    bus.wake(brand)
    return True


async def test_a_brand_is_rung_for_at_most_once_in_ten_milliseconds(dsn):
    loop = asyncio.get_running_loop()
    heard = Counter()
    async with PostgresBus(dsn("app")) as bus:
        ready, last = uuid4(), uuid4()
        bus.listen(lambda brand: heard.update([brand]))
        await until(lambda: _rung(bus, ready) and heard[ready])
        busy, began, calls = uuid4(), loop.time(), 0
        while loop.time() - began < 0.3:
            bus.wake(busy)
            calls += 1
            await asyncio.sleep(0.0005)
        lasted = loop.time() - began
        bus.wake(last)
        await until(lambda: heard[last])
    assert calls > 30
    assert 2 <= heard[busy] <= lasted / 0.010 + 2


async def test_cut_connections_come_back(dsn, superuser, endpoints):
    async with PostgresBus(dsn("app")) as bus:
        heard = []
        bus.listen(heard.append)
        first, second = uuid4(), uuid4()
        await until(lambda: _rung(bus, first) and first in heard)
        everybody = heard.count(None)
        assert cut(superuser, endpoints, "wakeup", "listener") >= 2
        # The new listener says that anybody may have news: what was rung meanwhile is lost.
        await until(lambda: heard.count(None) > everybody)
        await until(lambda: _rung(bus, second) and second in heard)


async def test_ringing_never_fails_the_caller():
    async with Wakeup("postgresql://nobody@127.0.0.1:1/nowhere") as wakeup:
        for _ in range(1000):
            wakeup(uuid4())
        await asyncio.sleep(0)
        assert len(wakeup._pending) == 1000


async def test_whatever_else_is_said_on_the_channel_is_ignored(dsn, superuser):
    async with PostgresBus(dsn("app")) as bus:
        heard = []
        bus.listen(heard.append)
        brand = uuid4()
        await until(lambda: _rung(bus, brand) and brand in heard)
        superuser.execute("select pg_notify(%s, 'no brand')", [CHANNEL])
        other = uuid4()
        await until(lambda: _rung(bus, other) and other in heard)
        assert set(heard) <= {None, brand, other}


@pytest.mark.parametrize("kind", ["no bus at all", "postgres, listener cut"])
async def test_a_lost_wake_up_costs_one_poll(
    kind, database, dsn, cursors, brand, scope_for, superuser, endpoints
):
    bus = MemoryBus() if kind == "no bus at all" else PostgresBus(dsn("app"))
    silent = emitting(database)
    async with bus, feeds_of(database, bus, cursors) as feeds:
        scope = scope_for(brand, "brand_admin")
        async with aclosing(feeds.follow(scope, ACCOUNTS)) as feed:
            assert isinstance(await anext(feed), Heartbeat)
            if kind != "no bus at all":
                cut(superuser, endpoints, "listener")
            await silent(brand, Event("ACCOUNT", "opened"))
            assert isinstance(await asyncio.wait_for(anext(feed), 20), Happened)
