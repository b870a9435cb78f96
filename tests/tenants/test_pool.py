"""Connections that are lent past SQLAlchemy: in turn with all others, and none is ever lost."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import await_only

from domain.kernel.errors import Unavailable
from tenants import pool as pools
from tenants.database import make_engine
from tenants.enclosed import enclosed
from tenants.pool import LendingPool
from tenants.work import Database
from tests.factories import Brand, scope_of

_RUNS = "select from pg_stat_activity where pid = %s and state = 'active'"
PID = enclosed("select convert_to(pg_backend_pid()::text, 'UTF8')", 0)


@pytest_asyncio.fixture
async def one(endpoints: Any) -> AsyncIterator[AsyncEngine]:
    """An engine with a single connection."""
    engine = make_engine(endpoints.url("app", driver="asyncpg"), pool_size=1)
    yield engine
    await engine.dispose()


@pytest.fixture
def pool(one: AsyncEngine) -> LendingPool:
    assert isinstance(one.pool, LendingPool)
    return one.pool


async def settled() -> None:
    """Let whoever can go on do so, until all of them wait."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_one_connection_serves_both_ways_and_is_counted(
    one: AsyncEngine, pool: LendingPool, brand: Brand
) -> None:
    database, scope = Database(one), scope_of(brand, "brand_admin")
    pid = await database.whole(scope, PID, [])
    record = await pool.lend()
    assert (pool.checkedout(), record.driver_connection.get_server_pid()) == (1, int(pid))
    pool.give_back(record)
    async with one.connect() as connection:
        raw: Any = (await connection.get_raw_connection()).driver_connection
        assert raw.get_server_pid() == int(pid)
    assert pool.checkedout() == 0


async def test_who_waits_longest_is_next_and_both_ways_take_turns(
    one: AsyncEngine, pool: LendingPool
) -> None:
    held, served = await pool.lend(), []

    async def lent(name: str) -> None:
        record = await pool.lend()
        served.append(name)
        await settled()
        pool.give_back(record)

    async def checked_out(name: str) -> None:
        async with one.connect():
            served.append(name)
            await settled()

    waiting = []
    for work, name in (
        (lent, "a"),
        (lent, "b"),
        (checked_out, "A"),
        (lent, "c"),
        (checked_out, "B"),
    ):
        waiting.append(asyncio.create_task(work(name)))
        await settled()
    pool.give_back(held)
    await asyncio.gather(*waiting)
    assert [each for each in served if each.islower()] == ["a", "b", "c"]
    assert [each for each in served if each.isupper()] == ["A", "B"]
    assert served[:4] == ["a", "A", "b", "B"]
    assert pool.checkedout() == 0


async def test_a_newcomer_overtakes_nobody(pool: LendingPool) -> None:
    first = await pool.lend()
    waiting = asyncio.create_task(pool.lend())
    await settled()
    pool.give_back(first)
    late = asyncio.create_task(pool.lend())
    await settled()
    assert waiting.done()
    assert not late.done()
    pool.give_back(waiting.result())
    pool.give_back(await late)
    assert pool.checkedout() == 0


@pytest.mark.parametrize("is_handed", [False, True])
async def test_whoever_is_cancelled_passes_it_on(pool: LendingPool, is_handed: bool) -> None:
    first = await pool.lend()
    gone, next_one = asyncio.create_task(pool.lend()), asyncio.create_task(pool.lend())
    await settled()
    if is_handed:
        pool.give_back(first)
        gone.cancel()
    else:
        gone.cancel()
        await settled()
        pool.give_back(first)
    with pytest.raises(asyncio.CancelledError):
        await gone
    pool.give_back(await next_one)
    assert pool.checkedout() == 0


async def test_a_checkout_that_is_given_up_leaves_its_turn_to_borrowers(
    one: AsyncEngine, pool: LendingPool
) -> None:
    first = await pool.lend()
    given_up = asyncio.create_task(one.connect().start())
    await settled()
    borrower = asyncio.create_task(pool.lend())
    await settled()
    pool._lent_last = True  # so that the checkout is next
    pool.give_back(first)
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    pool.give_back(await asyncio.wait_for(borrower, 5))
    assert pool.checkedout() == 0


async def test_who_could_not_connect_tells_those_who_wait(
    pool: LendingPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    down = asyncio.Event()

    def refused() -> Any:
        await_only(down.wait())
        raise ConnectionRefusedError

    with monkeypatch.context() as patched:
        patched.setattr(pool, "_create_connection", refused)
        first = asyncio.create_task(pool.lend())
        await settled()
        second = asyncio.create_task(pool.lend())
        await settled()
    assert not second.done()
    down.set()
    with pytest.raises(ConnectionRefusedError):
        await first
    pool.give_back(await second)
    assert pool.checkedout() == 0


async def test_nothing_free_in_time_is_unavailable(
    one: AsyncEngine, pool: LendingPool, brand: Brand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "WAIT_S", 0.01)
    held = await pool.lend()
    with pytest.raises(Unavailable):
        await Database(one).whole(scope_of(brand, "brand_admin"), PID, [])
    pool.give_back(held)
    assert await Database(one).whole(scope_of(brand, "brand_admin"), PID, [])
    assert pool.checkedout() == 0


async def test_a_broken_connection_is_unavailable_once_and_made_anew(
    one: AsyncEngine, pool: LendingPool, brand: Brand, superuser: Any
) -> None:
    database, scope = Database(one), scope_of(brand, "brand_admin")
    dead = int(await database.whole(scope, PID, []))
    superuser.execute("select pg_terminate_backend(%s, 5000)", [dead])
    with pytest.raises(Unavailable):
        await database.whole(scope, PID, [])
    assert int(await database.whole(scope, PID, [])) != dead
    assert pool.checkedout() == 0


async def test_what_died_after_it_was_lent_costs_a_work_nothing(
    one: AsyncEngine, brand: Brand, superuser: Any
) -> None:
    database, scope = Database(one), scope_of(brand, "brand_admin")
    for _ in range(2):
        dead = int(await database.whole(scope, PID, []))
        superuser.execute("select pg_terminate_backend(%s, 5000)", [dead])
        async with database.read(scope) as work:
            (row,) = await work.rows(text("select pg_backend_pid() as pid"))
        assert row.pid != dead


async def test_a_cancelled_statement_costs_its_connection_and_no_place(
    one: AsyncEngine, pool: LendingPool, brand: Brand, superuser: Any
) -> None:
    database, scope = Database(one), scope_of(brand, "brand_admin")
    before = await database.whole(scope, PID, [])
    slow = enclosed("select convert_to(pg_sleep(20)::text, 'UTF8')", 0)
    asked = asyncio.create_task(database.whole(scope, slow, []))
    for _ in range(500):
        if superuser.execute(_RUNS, [int(before)]).fetchall():
            break
        await asyncio.sleep(0.01)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert await database.whole(scope, PID, []) != before
    assert pool.checkedout() == 0
