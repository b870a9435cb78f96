"""A connection goes back to the pool clean, whatever happened on it: the next brand starts bare.

The pool has one connection here, so that the next work surely gets what the last one left.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.clients.tables import client
from domain.kernel.errors import Refused, Unavailable
from tenants.context import Scope
from tenants.database import make_engine
from tenants.log import Change, Event
from tenants.repeat import Repeat
from tenants.tables import audit, brand_state, event, idempotency
from tenants.work import Database, WriteWork
from tests.factories import Brand, scope_of

SETTINGS = select(
    func.current_setting("app.brand_id", True).label("brand_id"),
    func.current_setting("app.client_id", True).label("client_id"),
    func.current_setting("app.ib_path", True).label("ib_path"),
)


@pytest_asyncio.fixture
async def narrow(endpoints: Any) -> AsyncIterator[AsyncEngine]:
    """An engine with a single connection."""
    engine = make_engine(endpoints.url("app", driver="asyncpg"), pool_size=1)
    yield engine
    await engine.dispose()


async def is_clean(engine: AsyncEngine, other: Brand) -> bool:
    """Whether another brand's work gets only its own settings, and a bare connection none."""
    async with Database(engine).read(scope_of(other)) as work:
        (row,) = await work.rows(SETTINGS)
        (count,) = await work.rows(select(func.count()).select_from(brand_state))
    async with engine.connect() as connection:
        bare = (await connection.execute(SETTINGS)).one()
        raw: Any = (await connection.get_raw_connection()).driver_connection
        is_open = raw.is_in_transaction()
    # After a transaction a setting is '' and not NULL.
    return (
        row.brand_id == str(other.id)
        and not row.client_id
        and not row.ib_path
        and count[0] == 1
        and not any(bare)
        and not is_open
    )


async def test_after_a_refusal(narrow, brand, brand_b, make):
    async def refuse(work: WriteWork) -> None:
        await work.rows(text("select 1"))
        raise Refused("NO", "No.")

    scope = scope_of(brand, client=make.client(brand))
    with pytest.raises(Refused):
        await Database(narrow).write(scope, refuse)
    assert await is_clean(narrow, brand_b)
    with pytest.raises(Refused):
        await Database(narrow).write(scope, refuse, repeat=Repeat.of("op", "key", {}))
    assert await is_clean(narrow, brand_b)


async def test_after_a_bug_and_after_a_failing_statement(narrow, brand, brand_b, make):
    async def stumble(work: WriteWork) -> None:
        raise ZeroDivisionError

    async def break_it(work: WriteWork) -> None:
        await work.rows(text("select 1 / 0"))

    scope = scope_of(brand, ib=make.ib(brand))
    with pytest.raises(ZeroDivisionError):
        await Database(narrow).write(scope, stumble)
    assert await is_clean(narrow, brand_b)
    with pytest.raises(DBAPIError):
        await Database(narrow).write(scope, break_it)
    assert await is_clean(narrow, brand_b)


async def test_after_a_cancelled_caller(narrow, brand, brand_b):
    async def hang(work: WriteWork) -> None:
        await work.rows(text("select pg_sleep(30)"))

    for pause in (0.0, 0.001, 0.05):
        task = asyncio.create_task(Database(narrow).write(scope_of(brand, "sales"), hang))
        await asyncio.sleep(pause)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await is_clean(narrow, brand_b), pause


async def test_after_a_time_out(narrow, brand, brand_b):
    async def hang(work: WriteWork) -> None:
        await work.rows(text("set local statement_timeout = 50"))
        await work.rows(text("select pg_sleep(30)"))

    with pytest.raises((Unavailable, DBAPIError)):
        await Database(narrow).write(scope_of(brand), hang)
    assert await is_clean(narrow, brand_b)


async def test_after_the_server_killed_the_connection(narrow, brand, brand_b, superuser):
    async def die(work: WriteWork) -> None:
        row = await work.one(select(func.pg_backend_pid().label("pid")))
        superuser.execute("select pg_terminate_backend(%s)", [row.pid])
        await work.rows(text("select 1"))

    with pytest.raises((Unavailable, DBAPIError)):
        await Database(narrow).write(scope_of(brand), die)
    assert await is_clean(narrow, brand_b)


async def test_after_a_read_left_open_by_a_cancelled_reader(narrow, brand, brand_b):
    async def read() -> None:
        async with Database(narrow).read(scope_of(brand)) as work:
            await work.rows(text("select pg_sleep(30)"))

    task = asyncio.create_task(read())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await is_clean(narrow, brand_b)


async def test_the_reset_hook_is_a_second_guard(narrow, brand, brand_b):
    """What somebody begins past the boundary is rolled back when the connection goes back."""
    async with narrow.connect() as connection:
        raw: Any = (await connection.get_raw_connection()).driver_connection
        await raw.execute(f"begin; set local app.brand_id = '{brand.id}'")
    assert await is_clean(narrow, brand_b)


async def test_a_brand_that_is_no_uuid_reaches_no_statement(narrow, brand):
    """SET takes no parameters, so that what goes into it is checked instead."""
    for scope in (
        Scope(brand_id=f"{brand.id}'; reset role; --", actor=scope_of(brand).actor),  # type: ignore[arg-type] # the attack
        Scope(brand_id=brand.id, actor=scope_of(brand).actor, ib_path="'; select 1; --"),
        Scope(brand_id=brand.id, actor=scope_of(brand).actor, ib_path=""),
        Scope(brand_id=brand.id, actor=scope_of(brand).actor, ib_path="%/"),
    ):
        with pytest.raises((TypeError, ValueError)):
            async with Database(narrow).read(scope) as work:
                await work.rows(text("select 1"))


async def test_many_brands_at_once_never_mix(database, make):
    """Two hundred interleaved reads on a few connections: each sees its own brand and no other."""
    brands = [make.brand() for _ in range(4)]
    one_each = [make.client(each) for each in brands]

    async def read(number: int) -> None:
        brand, own = brands[number % 4], one_each[number % 4]
        async with database.read(scope_of(brand, "sales")) as work:
            for _ in range(2):
                rows = await work.rows(select(client.c.id, client.c.brand_id))
                assert [tuple(row) for row in rows] == [(own.id, brand.id)]

    await asyncio.gather(*(read(number) for number in range(200)))


async def test_a_stored_refusal_leaves_its_key_and_nothing_else(database, brand, make):
    """Savepoint: the command is undone whole, its answer stays, and no event or audit line."""
    target = make.client(brand)

    async def refuse(work: WriteWork) -> None:
        await work.rows(
            update(client)
            .where(client.c.brand_id == brand.id, client.c.id == target.id)
            .values(name="changed")
        )
        work.emit(Event("CLIENT", "profile_changed", target.id))
        work.audit(Change("client.update"))
        raise Refused("NO", "No.", path=("input",))

    scope, repeat = scope_of(brand, "sales"), Repeat.of("op", str(uuid4()), {"a": 1})
    for _ in range(3):
        with pytest.raises(Exception, match=r"^NO: No"):
            await database.write(scope, refuse, repeat=repeat)
    (row,) = make.rows(client, brand)
    assert row.name == target.name
    assert len(make.rows(idempotency, brand)) == 1
    assert make.rows(event, brand) == []
    assert make.rows(audit, brand) == []


async def test_racing_twins_have_one_effect(database, brand, make):
    """Twenty with one key at once: one command ran, all got its answer."""
    target, ran = make.client(brand), []

    async def once(work: WriteWork) -> str:
        ran.append(1)
        work.emit(Event("CLIENT", "profile_changed", target.id))
        await work.rows(text("select pg_sleep(0.02)"))
        return str(work.new_id())

    scope, repeat = scope_of(brand, "sales"), Repeat.of("op", str(uuid4()), {"a": 1})
    answers = await asyncio.gather(*(database.write(scope, once, repeat=repeat) for _ in range(20)))
    assert len(ran) == 1
    assert len({done.value for done in answers}) == 1
    assert sorted(done.replayed for done in answers) == [False] + [True] * 19
    assert [row.seq for row in make.rows(event, brand)] == [1]


async def test_a_key_of_another_brand_or_client_is_free(database, make, brand, brand_b):
    """Keys belong to (brand, actor, operation): nobody reads an answer by guessing a key."""

    async def answer(work: WriteWork) -> str:
        return f"{work.scope.brand_id} {work.scope.actor.id}"

    scopes = [
        scope_of(brand, client=make.client(brand)),
        scope_of(brand, client=make.client(brand)),
        scope_of(brand, "sales"),
        scope_of(brand_b, "sales"),
    ]
    repeat = Repeat.of("op", "the same key", {"a": 1})
    done = [await database.write(scope, answer, repeat=repeat) for scope in scopes]
    assert not any(one.replayed for one in done)
    assert len({one.value for one in done}) == 4


async def test_the_log_has_no_gaps_and_commits_in_order(database, brand, make):
    """The head row is taken last: many writers of one brand neither deadlock nor leave a hole."""
    clients = [make.client(brand) for _ in range(4)]

    async def write(number: int) -> int | None:
        target = clients[number % 4]

        async def change(work: WriteWork) -> None:
            await work.rows(
                update(client)
                .where(client.c.brand_id == brand.id, client.c.id == target.id)
                .values(version=client.c.version + 1)
            )
            work.emit(Event("CLIENT", "profile_changed", target.id))
            work.emit(Event("CLIENT", "profile_changed", target.id))
            if number % 7 == 0:
                raise Refused("NO", "No.")

        try:
            return (await database.write(scope_of(brand, "sales"), change)).seq
        except Refused:
            return None

    numbers = await asyncio.gather(*(write(number) for number in range(60)))
    kept = sorted(number for number in numbers if number is not None)
    rows = make.rows(event, brand)
    assert [row.seq for row in rows] == list(range(1, 2 * len(kept) + 1))
    assert kept == list(range(2, 2 * len(kept) + 1, 2))
    assert len(kept) == 60 - len(range(0, 60, 7))
