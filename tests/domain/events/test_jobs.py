"""Jobs: run once their cause is committed, again after a failure, harmless when doubled."""

import asyncio
from collections import Counter
from contextlib import suppress

import psycopg
import pytest
import pytest_asyncio
from sqlalchemy import insert, select, update

from domain.events.jobs import ATTEMPTS_MAX, JobRegistry, defer
from domain.events.queue import Backoff, make_app, retake_stalled, run_jobs
from tenants.context import system_scope
from tenants.tables import brand_counter
from tests.domain.events.conftest import until

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def registry():
    return JobRegistry()


@pytest_asyncio.fixture
async def enqueue(worker_database, brand):
    async def enqueue(name, key="1", again=False, **args):
        async def command(work):
            await defer(work, name, args, key=key, again=again)

        await worker_database.write(system_scope(brand.id), command)

    return enqueue


@pytest.fixture
def app(dsn, registry, worker_database):
    """Makes the application once every job is registered."""
    return lambda: make_app(dsn("worker"), registry, worker_database, pool_size=3)


@pytest.fixture(autouse=True)
def queue(dsn):
    """The library's own tables as its triggers expect them; empty before and after each test."""
    with psycopg.connect(dsn("worker"), autocommit=True, options="-c search_path=jobs") as opened:
        opened.execute("delete from procrastinate_jobs")
        yield opened
        opened.execute("delete from procrastinate_jobs")


def counted(make, brand):
    return {row.name: row.value for row in make.rows(brand_counter, brand)}


async def add_one(work):
    """An effect that shows each time it happens."""
    columns = brand_counter.c
    key = (columns.brand_id == work.scope.brand_id, columns.name == "done")
    if not await work.rows(select(columns.value).where(*key).with_for_update()):
        row = {"brand_id": work.scope.brand_id, "name": "done", "value": 1}
        await work.rows(insert(brand_counter).values(row))
    else:
        await work.rows(update(brand_counter).where(*key).values(value=columns.value + 1))
    return "done"


async def test_a_deferred_job_runs_with_its_brand_and_arguments(
    app, registry, enqueue, make, brand, queue
):
    seen = []

    @registry.job("t.run")
    async def run(job, args):
        seen.append((job.brand_id, job.key, job.attempt, args))
        await job.once("effect", add_one)

    await enqueue("t.run", key="k", n=3)
    await run_jobs(app(), wait=False)
    assert seen == [(brand.id, "k", 1, {"n": 3})]
    assert counted(make, brand) == {"done": 1}
    assert queue.execute("select count(*) from procrastinate_jobs").fetchone() == (0,)


async def test_a_round_adds_no_job_to_one_that_waits_for_its_turn(enqueue, queue):
    def waiting():
        rows = queue.execute("select lock, status::text from procrastinate_jobs").fetchall()
        return Counter((lock.rpartition(":")[2], status) for lock, status in rows)

    for _ in range(3):
        await enqueue("t.asks", key="a", again=True)
    await enqueue("t.asks", key="b", again=True)
    assert waiting() == {("a", "todo"): 1, ("b", "todo"): 1}
    await enqueue("t.asks", key="a")
    assert waiting()["a", "todo"] == 2, "a cause of its own is never swallowed"
    queue.execute("update procrastinate_jobs set status = 'doing' where lock like '%:b'")
    for _ in range(2):
        await enqueue("t.asks", key="b", again=True)
    assert waiting() == {("a", "todo"): 2, ("b", "doing"): 1, ("b", "todo"): 1}
    queue.execute(
        "update procrastinate_jobs set scheduled_at = now() + interval '1 hour'"
        " where status = 'todo'"
    )
    for _ in range(2):
        await enqueue("t.asks", key="b", again=True)
    assert waiting()["b", "todo"] == 2, "one that waits for its hour keeps nobody from asking now"


async def test_a_failed_job_is_tried_again_later(app, registry, enqueue, queue):
    attempts = []

    @registry.job("t.fails", attempts=2)
    async def fails(job, args):
        attempts.append(job.attempt)
        raise ValueError("no")

    await enqueue("t.fails")
    made = app()
    await run_jobs(made, wait=False)

    def state():
        return queue.execute(
            "select status, attempts, scheduled_at > now() from procrastinate_jobs"
        ).fetchone()

    assert state() == ("todo", 1, True)
    queue.execute("update procrastinate_jobs set scheduled_at = now()")
    await run_jobs(app(), wait=False)
    assert attempts == [1, 2]
    assert state()[:2] == ("failed", 2)


async def test_a_hanging_job_is_cut_off(app, registry, enqueue, queue):
    @registry.job("t.hangs", seconds=0.05)
    async def hangs(job, args):
        await asyncio.Event().wait()

    await enqueue("t.hangs")
    await run_jobs(app(), wait=False)
    row = queue.execute("select status from procrastinate_jobs").fetchone()
    assert row == ("todo",)


async def test_a_zombie_does_not_double_the_effect(app, registry, enqueue, make, brand, queue):
    """The first worker stands still; its job is retaken and done; then it wakes up and goes on."""
    standing, awake = asyncio.Event(), asyncio.Event()
    runs = []

    @registry.job("t.zombie")
    async def zombie(job, args):
        runs.append(job.attempt)
        if len(runs) == 1:
            standing.set()
            await awake.wait()
        assert (await job.once("effect", add_one)).value == "done"

    await enqueue("t.zombie")
    first = asyncio.create_task(run_jobs(app()))
    try:
        await asyncio.wait_for(standing.wait(), 20)
        queue.execute(
            "update procrastinate_workers set last_heartbeat = now() - interval '1 minute'"
        )
        second = app()
        async with second.open_async():
            assert await retake_stalled(second) == 1
            assert await retake_stalled(second) == 0
        queue.execute("update procrastinate_jobs set scheduled_at = null")
        await run_jobs(app(), wait=False)
        assert counted(make, brand) == {"done": 1}
        awake.set()
        await until(lambda: len(runs) >= 2)
        await until(
            lambda: (
                queue.execute(
                    "select count(*) from procrastinate_jobs where status in ('todo', 'doing')"
                ).fetchone()
                == (0,)
            )
        )
    finally:
        first.cancel()
        with suppress(asyncio.CancelledError):
            await first
    assert counted(make, brand) == {"done": 1}


async def test_a_job_that_takes_its_workers_with_it_is_set_aside(app, registry, enqueue, queue):
    @registry.job("t.kills")
    async def kills(job, args):
        raise AssertionError("never run here")

    await enqueue("t.kills")
    queue.execute(
        "update procrastinate_jobs set status = 'doing', attempts = %s", [ATTEMPTS_MAX - 1]
    )
    made = app()
    async with made.open_async():
        assert await retake_stalled(made) == 0
    row = queue.execute("select status from procrastinate_jobs").fetchone()
    assert row == ("failed",)


async def test_jobs_of_one_key_run_one_at_a_time(app, registry, enqueue):
    inside, most = 0, 0

    @registry.job("t.serial")
    async def serial(job, args):
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0)
        inside -= 1

    for _ in range(5):
        await enqueue("t.serial", key="same")
    await run_jobs(app(), wait=False)
    assert most == 1


def test_pauses_grow_and_end(registry):
    class Tried:
        def __init__(self, attempts):
            self.attempts = attempts

    backoff = Backoff(10)
    decisions = [
        backoff.get_retry_decision(exception=ValueError(), job=Tried(n)) for n in range(10)
    ]
    assert [one is None for one in decisions] == [False] * 9 + [True]
    times = [one.retry_at for one in decisions[:9]]
    assert times == sorted(times)


def test_names_are_registered_once(registry):
    async def handle(run, args):
        """Nothing."""

    registry.job("t.same")(handle)
    with pytest.raises(AssertionError, match="twice"):
        registry.job("t.same")(handle)
    other = JobRegistry()
    other.job("t.same")(handle)
    with pytest.raises(AssertionError, match="twice"):
        registry.include(other)
