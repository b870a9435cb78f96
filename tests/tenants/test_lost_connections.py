"""What a restart of Postgres, a killed backend and a silent one cost: one UNAVAILABLE at most."""

import asyncio
import socket

import pytest
import pytest_asyncio
from sqlalchemy import func, make_url, select, text

from domain.kernel.errors import Unavailable
from tenants import database as engines
from tenants.database import make_engine
from tenants.enclosed import enclosed
from tenants.log import Event
from tenants.repeat import Repeat
from tenants.tables import event, idempotency
from tenants.work import Database

SIZE = 4
PID = select(func.pg_backend_pid().label("pid"))


@pytest_asyncio.fixture
async def pooled(endpoints):
    engine = make_engine(endpoints.url("app", driver="asyncpg"), pool_size=SIZE)
    yield engine
    await engine.dispose()


@pytest.fixture
def mine(pooled):
    return Database(pooled)


async def ask(database, scope):
    async with database.read(scope) as work:
        return (await work.rows(PID))[0].pid


async def record(work):
    work.emit(Event(topic="CLIENT", kind="recorded"))


async def fill(database, scope):
    """Open every connection of the pool; the backends' ids."""
    together = asyncio.Barrier(SIZE)

    async def one():
        async with database.read(scope) as work:
            (row,) = await work.rows(PID)
            await together.wait()
            return row.pid

    return await asyncio.gather(*(one() for _ in range(SIZE)))


def kill(superuser, *pids):
    for pid in pids:
        superuser.execute("select pg_terminate_backend(%s, 5000)", [pid])


@pytest.mark.parametrize("noticed", [True, False])
async def test_a_pool_that_died_while_idle_costs_nothing(
    mine, pooled, brand, make, scope_for, superuser, noticed
):
    for _ in range(2):
        dead = await fill(mine, scope_for(brand))
        assert len(set(dead)) == SIZE
        kill(superuser, *dead)
        if noticed:
            await asyncio.sleep(0.05)
        assert await ask(mine, scope_for(brand)) not in dead
        assert pooled.pool.checkedout() == 0
    kill(superuser, *await fill(mine, scope_for(brand)))
    assert (await mine.write(scope_for(brand), record)).seq == 1
    assert len(make.rows(event, brand)) == 1
    assert pooled.pool.checkedout() == 0


async def test_a_write_whose_connection_dies_is_unavailable_once(
    mine, pooled, brand, brand_b, make, scope_for, superuser
):
    async def die(work):
        await record(work)
        kill(superuser, (await work.one(PID)).pid)
        await work.rows(text("select 1"))

    for repeat in (None, Repeat.of("op", "key", {})):
        with pytest.raises(Unavailable):
            await mine.write(scope_for(brand), die, repeat=repeat)
        assert pooled.pool.checkedout() == 0
        await mine.write(scope_for(brand_b), record)
    assert make.rows(event, brand) == make.rows(idempotency, brand) == []
    assert len(make.rows(event, brand_b)) == 2


async def test_a_write_whose_commit_is_lost_is_unavailable(
    mine, pooled, brand, make, scope_for, superuser
):
    async def die_at_the_end(work):
        kill(superuser, (await work.one(PID)).pid)

    with pytest.raises(Unavailable):
        await mine.write(scope_for(brand), die_at_the_end)
    assert pooled.pool.checkedout() == 0


async def test_all_readers_of_a_lost_snapshot_hear_unavailable(
    mine, pooled, brand, brand_b, scope_for, superuser
):
    async with mine.read(scope_for(brand)) as work:
        kill(superuser, (await work.rows(PID))[0].pid)
        several = await asyncio.gather(*(work.rows(PID) for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in several] == [Unavailable] * 3
    assert pooled.pool.checkedout() == 0
    assert await ask(mine, scope_for(brand_b))


async def test_a_silent_server_is_given_up(endpoints, monkeypatch, brand, brand_b, make, scope_for):
    monkeypatch.setattr(engines, "COMMAND_S", 0.2)
    engine = make_engine(endpoints.url("app", driver="asyncpg"), pool_size=1)
    database = Database(engine)

    async def hang(work):
        await record(work)
        await work.rows(text("select pg_sleep(5)"))

    try:
        with pytest.raises(Unavailable):
            await database.write(scope_for(brand), hang)
        async with database.read(scope_for(brand)) as work:
            with pytest.raises(Unavailable):
                await work.rows(text("select pg_sleep(5)"))
        assert engine.pool.checkedout() == 0
        assert await ask(database, scope_for(brand_b))
    finally:
        await engine.dispose()
    assert make.rows(event, brand) == []


@pytest.mark.parametrize("changed", [{"password": "wrong"}, {"query": {"host": "/nowhere"}}])
async def test_whoever_gets_no_connection_hears_unavailable(endpoints, brand, scope_for, changed):
    """A server that refuses, as one in recovery does, and one that is not there."""
    url = make_url(endpoints.url("app", driver="asyncpg")).set(**changed)
    engine = make_engine(url, pool_size=1)
    database, scope = Database(engine), scope_for(brand)
    statement = enclosed("select ''::bytea", 0)
    try:
        for asked in (
            ask(database, scope),
            database.write(scope, record),
            database.whole(scope, statement, []),
        ):
            with pytest.raises(Unavailable):
                await asked
        assert engine.pool.checkedout() == 0
    finally:
        await engine.dispose()


async def test_connections_over_tcp_are_kept_alive(pooled):
    async with pooled.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        peer = driver._transport.get_extra_info("socket")
    is_tcp = peer.family != socket.AF_UNIX
    assert bool(peer.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)) is is_tcp
