"""Consumers: exactly once, in order, replayable; one that is stuck holds up nobody."""

import asyncio
from contextlib import asynccontextmanager, suppress

import pytest
from sqlalchemy import insert, select, text

from domain.events.bus import MemoryBus
from domain.events.consumers import Consumer, consume, rewind
from domain.events.jobs import defer
from domain.events.runner import ConsumerRunner
from domain.kernel.errors import Unavailable
from tenants.context import system_scope
from tenants.log import Event
from tenants.tables import brand_counter, consumer_cursor
from tenants.work import WriteWork
from tests.domain.events.conftest import emitting, until

pytestmark = pytest.mark.timeout(60)


def events(*numbers):
    return [Event("ACCOUNT", "opened", payload={"n": n}) for n in numbers]


def recording(*brands, label="seen"):
    """An effect that shows when it happens twice: the second one breaks the primary key.

    Runners follow every brand of the database; those of other tests are let pass.
    """
    ours = {brand.id for brand in brands}

    async def record(work, row):
        if work.scope.brand_id in ours:
            name = f"{label}-{row.payload['n']}"
            values = {"brand_id": work.scope.brand_id, "name": name, "value": row.seq}
            await work.rows(insert(brand_counter).values(values))

    return record


def recorded(make, brand, label="seen"):
    """Numbers of the recorded events, in the order of the log."""
    rows = [row for row in make.rows(brand_counter, brand) if row.name.startswith(label)]
    ordered = sorted(rows, key=lambda row: row.value)
    return [int(row.name.removeprefix(f"{label}-")) for row in ordered]


def consumer(name, handle, **options):
    return Consumer(name, frozenset({"ACCOUNT"}), handle, **options)


@asynccontextmanager
async def running(database, bus, *consumers, **options):
    runner = ConsumerRunner(database, bus, consumers, **options)
    task = asyncio.create_task(runner.run())
    try:
        yield runner
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_every_brand_is_consumed_once_and_in_order(
    worker_database, bus, make, brand, brand_b, emit
):
    await emit(brand, *events(*range(120)))
    async with running(worker_database, bus, consumer("t.once", recording(brand, brand_b))):
        await emit(brand_b, *events(1, 2), Event("CLIENT", "registered"))
        await until(lambda: recorded(make, brand_b) == [1, 2])
        await emit(brand_b, *events(3))
        await until(lambda: recorded(make, brand_b) == [1, 2, 3])
        await until(lambda: recorded(make, brand) == list(range(120)))
    # Once and for all: who begins anew finds nothing left to do.
    async with running(
        worker_database, bus, consumer("t.once", recording(brand, brand_b))
    ) as runner:
        await until(lambda: runner.looks > 1)
    assert recorded(make, brand_b) == [1, 2, 3]
    assert recorded(make, brand) == list(range(120))


async def test_a_lost_wake_up_is_found_by_the_poll(worker_database, bus, make, brand, database):
    silent = emitting(database)
    await silent(brand, *events(0))
    async with running(worker_database, bus, consumer("t.poll", recording(brand))) as runner:
        await until(lambda: recorded(make, brand) == [0])
        await until(lambda: all(lane.task.done() for lane in runner._lanes.values()))
        rung, looked = [], runner.looks
        bus.listen(rung.append)
        await silent(brand, *events(1))
        await until(lambda: recorded(make, brand) == [0, 1])
        assert rung == [], "nobody rang"
        assert runner.looks > looked


async def test_a_crash_between_effect_and_commit_undoes_both(
    worker_database, make, brand, emit, superuser
):
    await emit(brand, *events(*range(10)))
    crashes = {4}

    record = recording(brand)

    async def dies(work, row):
        await record(work, row)
        if row.payload["n"] in crashes:
            crashes.clear()
            (pid,) = await work.rows(select(text("pg_backend_pid()")))
            superuser.execute("select pg_terminate_backend(%s)", [pid[0]])
            await work.rows(select(text("1")))

    one = consumer("t.crash", dies)
    with pytest.raises(Exception) as lost:
        await consume(worker_database, brand.id, one, limit=50)
    assert isinstance(lost.value, Unavailable), repr(lost.value)
    assert recorded(make, brand) == []
    assert [row.consumer for row in make.rows(consumer_cursor, brand)] == []
    done = await consume(worker_database, brand.id, one, limit=50)
    assert (done.handled, done.more) == (10, False)
    assert recorded(make, brand) == list(range(10))
    done = await consume(worker_database, brand.id, one, limit=50)
    assert done.handled == 0


async def test_two_workers_share_without_doing_anything_twice(worker_database, make, brand, emit):
    await emit(brand, *events(*range(200)))
    buses = [MemoryBus(), MemoryBus()]
    one = consumer("t.two", recording(brand))
    async with (
        running(worker_database, buses[0], one),
        running(worker_database, buses[1], one),
    ):
        await until(lambda: len(recorded(make, brand)) == 200)
    assert recorded(make, brand) == list(range(200))


async def test_a_cursor_never_moves_back_when_another_worker_was_quicker(
    worker_database, make, brand, emit, monkeypatch
):
    """One worker is held up between its first two statements while another finishes the log."""
    record, paused, go_on = recording(brand), asyncio.Event(), asyncio.Event()
    one = consumer("t.race", record)
    await emit(brand, *events(1, 2))
    await consume(worker_database, brand.id, one, limit=50)
    real, calls = WriteWork.rows, []

    async def slow(work, statement, parameters=None):
        found = await real(work, statement, parameters)
        if asyncio.current_task().get_name() == "slow" and "brand_state" not in str(statement):
            calls.append(str(statement))
            if len(calls) == 1:
                paused.set()
                await go_on.wait()
        return found

    monkeypatch.setattr(WriteWork, "rows", slow)
    held = asyncio.create_task(consume(worker_database, brand.id, one, limit=50), name="slow")
    await asyncio.wait_for(paused.wait(), 10)
    await emit(brand, *events(3, 4))
    quick = await consume(worker_database, brand.id, one, limit=50)
    go_on.set()
    slowly = await asyncio.wait_for(held, 10)
    handled = (quick.handled if quick else 0) + (slowly.handled if slowly else 0)
    assert handled == 2, "each event once, whoever came first"
    again = await consume(worker_database, brand.id, one, limit=50)
    assert again.handled == 0
    assert recorded(make, brand) == [1, 2, 3, 4]


async def test_a_poison_event_stops_its_consumer_at_its_brand_only(
    worker_database, bus, make, brand, brand_b, emit
):
    poison = {5}

    record = recording(brand, brand_b)

    async def picky(work, row):
        if work.scope.brand_id == brand.id and row.payload["n"] in poison:
            raise ValueError("can't handle this one")
        await record(work, row)

    quick = {"backoff_seconds": (0.02, 0.05)}
    consumers = (consumer("t.picky", picky), consumer("t.other", recording(brand, label="other")))
    async with running(worker_database, bus, *consumers, **quick):
        await emit(brand, *events(*range(10)))
        await emit(brand_b, *events(*range(100, 110)))
        await until(lambda: recorded(make, brand) == [0, 1, 2, 3, 4])
        await until(lambda: recorded(make, brand_b) == list(range(100, 110)))
        await until(lambda: len(recorded(make, brand, "other")) == 10)
        assert recorded(make, brand) == [0, 1, 2, 3, 4]
        poison.clear()
        await until(lambda: recorded(make, brand) == list(range(10)))


async def test_cursors_can_be_moved_back_and_may_begin_now(worker_database, make, brand, emit):
    await emit(brand, *events(1, 2, 3))
    seen = []

    async def note(work, row):
        seen.append(row.payload["n"])

    late = consumer("t.late", note, from_now=True)
    assert (await consume(worker_database, brand.id, late, limit=10)).handled == 0
    await emit(brand, *events(4))
    await consume(worker_database, brand.id, late, limit=10)
    assert seen == [4]
    await rewind(worker_database, brand.id, late, to=1)
    while (await consume(worker_database, brand.id, late, limit=2)).more:
        pass
    assert seen == [4, 2, 3, 4]


async def test_a_job_exists_only_if_its_cause_was_handled(
    worker_database, make, brand, emit, superuser
):
    await emit(brand, *events(1))
    fails = {"now": True}

    async def deferring(work, row):
        await defer(work, "t.job", {"n": row.payload["n"]}, key=str(row.seq))
        if fails["now"]:
            raise ValueError("after deferring")

    def jobs():
        return superuser.execute(
            "select task_name, lock, args from jobs.procrastinate_jobs"
            " where args->>'brand_id' = %s", [str(brand.id)],
        ).fetchall()  # fmt: skip

    one = consumer("t.deferring", deferring)
    with pytest.raises(ValueError, match="after deferring"):
        await consume(worker_database, brand.id, one, limit=10)
    assert jobs() == []
    fails["now"] = False
    await consume(worker_database, brand.id, one, limit=10)
    await consume(worker_database, brand.id, one, limit=10)
    ((name, lock, args),) = jobs()
    assert name == "t.job"
    assert lock == f"{brand.id.hex}:t.job:1"
    assert args == {"brand_id": str(brand.id), "key": "1", "args": {"n": 1}}


async def test_the_app_role_cannot_defer_or_move_cursors(database, brand):
    async def defers(work):
        await defer(work, "t.job", {}, key="1")

    async def moves(work):
        await work.rows(
            insert(consumer_cursor).values(
                brand_id=brand.id, consumer="x", seq=1, updated_at=work.now()
            )
        )

    for command in (defers, moves):
        with pytest.raises(Exception, match="permission denied"):
            await database.write(system_scope(brand.id), command)
