"""What is run past the driver's own calls gives and raises what they do, prepared or not yet."""

import asyncio
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from tenants.driver import rows_of, rows_of_prepared, value_of
from tenants.fixed import Line

SERIES = "select n, $1::text || n as told from generate_series(1, $2::int) n"


@pytest_asyncio.fixture(params=[100, 0], ids=["direct", "behind a proxy"])
async def driver(endpoints, request):
    connection = await asyncpg.connect(endpoints.url("app"), statement_cache_size=request.param)
    yield connection
    await connection.close()


async def test_rows_are_the_drivers_at_first_and_ever_after(driver):
    for n in (3, 3, 0, 250):
        rows = await rows_of(driver, SERIES, ("n", n), Line)
        assert rows == await driver.fetch(SERIES, "n", n)
        assert [row.told for row in rows] == [f"n{one}" for one in range(1, n + 1)]
    prepared = await driver.prepare(SERIES, record_class=Line)
    assert [row.n for row in await rows_of_prepared(driver, prepared, ("n", 2))] == [1, 2]


async def test_a_value_is_the_first_of_the_first_row(driver):
    for _ in range(3):
        assert await value_of(driver, SERIES, ("n", 3)) == 1
        assert await value_of(driver, SERIES, ("n", 0)) is None
    key = uuid4()
    assert await value_of(driver, "select $1::uuid", (key,)) == key
    assert await value_of(driver, "select $1::bytea", (b"\0" * 100_000,)) == b"\0" * 100_000


async def test_what_is_refused_is_raised_and_the_connection_goes_on(driver):
    divide = "select 1 / $1::int"
    for _ in range(2):
        assert await value_of(driver, divide, (1,)) == 1
        with pytest.raises(asyncpg.DivisionByZeroError):
            await value_of(driver, divide, (0,))
        with pytest.raises(asyncpg.DataError):
            await rows_of(driver, divide, ("no number",), Line)
        with pytest.raises(asyncpg.InterfaceError):
            await rows_of(driver, divide, (), Line)
    with pytest.raises(asyncpg.UndefinedTableError):
        await value_of(driver, "select 1 from no_such_table", ())
    assert await value_of(driver, divide, (1,)) == 1


async def test_a_caller_that_leaves_cancels_the_statement(driver):
    await value_of(driver, "select pg_sleep($1)::text", (0,))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await value_of(driver, "select pg_sleep($1)::text", (60,))
    async with asyncio.timeout(20):
        assert await value_of(driver, "select 1", ()) == 1


async def test_a_silent_server_is_given_up_in_time(endpoints):
    driver = await asyncpg.connect(endpoints.url("app"), command_timeout=0.3)
    try:
        for _ in range(2):
            assert await value_of(driver, "select pg_sleep($1)::text", (0,)) == ""
            with pytest.raises(TimeoutError):
                await value_of(driver, "select pg_sleep($1)::text", (60,))
    finally:
        driver.terminate()


async def test_the_driver_forgets_statements_as_ever(endpoints):
    driver = await asyncpg.connect(endpoints.url("app"), statement_cache_size=2)
    try:
        for _ in range(2):
            for n in range(5):
                assert await value_of(driver, f"select {n}", ()) == n
        kept = await driver.fetchval("select count(*) from pg_prepared_statements")
        assert kept <= 2
    finally:
        await driver.close()


async def test_who_listens_to_the_driver_hears_of_every_statement(driver):
    heard = []
    await value_of(driver, "select 1", ())
    with driver.query_logger(lambda one: heard.append(one.query)):
        await value_of(driver, "select 1", ())
        await rows_of(driver, "select 1", (), Line)
    await asyncio.sleep(0)
    assert heard == ["select 1", "select 1"]
