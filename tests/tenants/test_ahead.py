"""A work's last statement and its commit are one round trip; what goes wrong is told as ever."""

import asyncio
from contextlib import suppress

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from domain.kernel.errors import Unavailable
from tenants import work as boundary
from tenants.ahead import written
from tenants.context import system_scope
from tenants.database import make_engine
from tenants.fixed import Fixed
from tenants.held import Held
from tenants.log import Change, Event
from tenants.repeat import Repeat
from tenants.tables import audit, event, idempotency
from tenants.work import Database

ODD = 'it\'s \\ "quoted", $1 {é}\n\t;commit --'


async def tell(work):
    work.emit(Event(topic="CLIENT", kind="recorded", payload={"said": ODD}))


async def tell_and_note(work):
    await tell(work)
    work.audit(Change("thing.done", reason=ODD, after={"said": [ODD, None, 2**60]}))


async def note(work):
    work.audit(Change("thing.done", object_kind=ODD))


async def tell_twice(work):
    await tell(work)
    await tell(work)


async def test_every_shape_is_numbered_and_holds_what_was_said(mine, brand, make, scope_for):
    scope = scope_for(brand)
    shapes = (tell, note, tell_and_note, tell_twice, tell_and_note)
    seqs = [(await mine.write(scope, one)).seq for one in shapes]
    assert seqs == [1, None, 2, 4, 5]
    assert [row.seq for row in make.rows(event, brand)] == [1, 2, 3, 4, 5]
    assert {row.payload["said"] for row in make.rows(event, brand)} == {ODD}
    lines = make.rows(audit, brand)
    assert [row.seq for row in lines] == [1, 2, 3]
    assert [row.reason for row in lines] == [None, ODD, ODD]
    assert lines[0].object_kind == ODD
    assert lines[1].after == {"said": [ODD, None, str(2**60)]}


async def test_the_commit_is_no_round_trip_of_its_own(mine, pooled, brand, scope_for):
    await mine.write(scope_for(brand), tell_and_note)
    sent = []
    async with pooled.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        driver.add_query_logger(sent.append)
    await mine.write(scope_for(brand), tell_and_note)
    await asyncio.sleep(0)
    has_commit = "commit" in [one.query for one in sent]
    assert has_commit is not bool(driver._config.statement_cache_size)


async def test_what_the_last_statement_is_refused_undoes_all(
    mine, pooled, brand, make, scope_for, superuser
):
    async def unknown(work):
        work.audit(Change("thing.done", repeats=2**31 - 1))
        work.changes[0] = Change("thing.done", outcome="NO OUTCOME")
        work.emit(Event(topic="CLIENT", kind="recorded"))

    with pytest.raises(DBAPIError):
        await mine.write(scope_for(brand), unknown)
    assert make.rows(event, brand) == make.rows(audit, brand) == []
    assert pooled.pool.checkedout() == 0
    assert (await mine.write(scope_for(brand), tell)).seq == 1


async def test_what_is_no_value_is_a_bug_and_nothing_is_sent(mine, pooled, brand, make, scope_for):
    async def broken(work):
        work.emit(Event(topic="CLIENT", kind="\ud800"))

    with pytest.raises(DBAPIError, match="invalid input"):
        await mine.write(scope_for(brand), broken)
    assert pooled.pool.checkedout() == 0
    assert (await mine.write(scope_for(brand), tell)).seq == 1
    with pytest.raises(TypeError):
        written(1.5)


async def test_a_connection_that_dies_at_the_end_is_unavailable(
    mine, pooled, brand, make, scope_for, superuser
):
    async def die(work):
        await tell(work)
        pid = (await work.one(text("select pg_backend_pid() as pid"))).pid
        superuser.execute("select pg_terminate_backend(%s, 5000)", [pid])

    with pytest.raises(Unavailable):
        await mine.write(scope_for(brand), die)
    assert pooled.pool.checkedout() == 0
    assert (await mine.write(scope_for(brand), tell)).seq == 1


@pytest.mark.parametrize("does", [tell, None], ids=["committed", "refused"])
async def test_a_cancelled_caller_leaves_no_half_commit_and_no_connection(
    endpoints, brand, make, scope_for, monkeypatch, does
):
    engine = make_engine(endpoints.url("app", driver="asyncpg"), pool_size=1)
    database, begun, commit = Database(engine), asyncio.Event(), Held._commit_with

    async def refused(work):
        work.audit(Change("thing.done", outcome="NO OUTCOME"))

    async def slowly(self, *rest):
        begun.set()
        await asyncio.sleep(0.05)
        return await commit(self, *rest)

    monkeypatch.setattr(Held, "_commit_with", slowly)
    writing = asyncio.create_task(database.write(scope_for(brand), does or refused))
    await begun.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert (await database.write(scope_for(brand), tell)).seq == (2 if does else 1)
    assert engine.pool.checkedout() == 0
    await engine.dispose()


async def test_a_first_question_that_is_refused_gives_the_connection_back(
    mine, pooled, brand, scope_for, monkeypatch
):
    wrong = Fixed(text("select 1 / 0 as now"))
    with monkeypatch.context() as patched:
        patched.setattr(boundary, "question", lambda _scope, _actors: wrong)
        for _ in range(3):
            with pytest.raises(DBAPIError):
                await mine.write(scope_for(brand), tell)
            assert pooled.pool.checkedout() == 0
    assert (await mine.write(scope_for(brand), tell)).seq == 1


@pytest.mark.parametrize("does", [tell, tell_twice])
async def test_without_its_head_nothing_of_a_brand_is_committed(
    mine, pooled, brand, make, superuser, does
):
    scope = system_scope(brand.id)
    head = superuser.execute("delete from brand_head where brand_id = %s returning *", [brand.id])
    row = head.fetchone()

    async def told(work):
        await does(work)
        return {}

    with pytest.raises(DBAPIError, match="division by zero"):
        await mine.write(scope, told, repeat=Repeat.of("thing", "a key", None))
    assert make.rows(idempotency, brand) == make.rows(event, brand) == []
    assert pooled.pool.checkedout() == 0
    marks = ", ".join(["%s"] * len(row))
    superuser.execute(f"insert into brand_head values ({marks})", row)
    assert (await mine.write(scope, does)).seq


async def test_a_work_whose_connection_was_lost_is_not_done(
    mine, pooled, brand, scope_for, superuser
):
    async def careless(work):
        pid = (await work.one(text("select pg_backend_pid() as pid"))).pid
        superuser.execute("select pg_terminate_backend(%s, 5000)", [pid])
        with suppress(Unavailable):
            await work.rows(Fixed(text("select 1 as one")))

    with pytest.raises(Unavailable):
        await mine.write(scope_for(brand), careless)
    assert pooled.pool.checkedout() == 0


async def test_a_work_that_has_failed_is_not_done(mine, pooled, brand, scope_for):
    async def careless(work):
        with suppress(DBAPIError):
            await work.rows(text("select 1 / 0"))

    with pytest.raises(RuntimeError, match="can't be committed"):
        await mine.write(scope_for(brand), careless)
    assert pooled.pool.checkedout() == 0
    assert (await mine.write(scope_for(brand), tell)).seq == 1


async def test_what_is_outdated_on_a_connection_costs_nobody_a_write(
    mine, pooled, brand, scope_for
):
    """As after a migration: what was prepared is prepared anew, on another connection."""
    await mine.write(scope_for(brand), tell)
    record = await pooled.pool.lend()
    await record.driver_connection.execute("deallocate all")
    pooled.pool.give_back(record)
    assert (await mine.write(scope_for(brand), tell)).seq == 2
    assert pooled.pool.checkedout() == 0
