"""The worker process: what is registered runs, and a database that goes away costs only a wait."""

import asyncio
from contextlib import asynccontextmanager, suppress

import orjson
import pytest
from sqlalchemy import insert

from api.settings import Settings
from api.worker import HEALTH_FILE, METRICS_FILE, work
from domain.events.consumers import Consumer
from domain.events.jobs import defer
from domain.events.state_socket import StateLink
from domain.events.states import States
from tenants.context import system_scope
from tenants.log import Event
from tenants.tables import brand_counter

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def settings(tmp_path):
    made = Settings(backdesk_home=tmp_path / "home")
    made.home.create()
    return made


@asynccontextmanager
async def running(settings, endpoints, *registrations):
    task = asyncio.create_task(work(settings, endpoints, registrations))
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(condition, seconds=60.0):
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is awaited has no event to wait on
            await asyncio.sleep(0.01)


def orders(brand):
    """A consumer that defers a job for each event, whose effect shows when it is doubled."""

    async def react(event_work, row):
        if event_work.scope.brand_id == brand.id:
            await defer(event_work, "t.effect", {"n": row.payload["n"]}, key=str(row.seq))

    async def effect(job, args):
        async def command(job_work):
            name = f"done-{args['n']}"
            row = {"brand_id": brand.id, "name": name, "value": 1}
            await job_work.rows(insert(brand_counter).values(row))
            return name

        await job.once("effect", command)

    def register(worker):
        worker.consumers.append(Consumer("t.worker", frozenset({"ACCOUNT"}), react))
        worker.jobs.job("t.effect")(effect)

    return register


@pytest.fixture
def emit(database, brand):
    async def emit(*numbers):
        async def command(event_work):
            for n in numbers:
                event_work.emit(Event("ACCOUNT", "opened", payload={"n": n}))

        await database.write(system_scope(brand.id), command)

    return emit


def done(make, brand):
    return {int(row.name[5:]) for row in make.rows(brand_counter, brand) if row.name[:5] == "done-"}


async def test_an_event_becomes_a_job_becomes_an_effect_through_every_cut(
    settings, endpoints, brand, make, emit, superuser
):
    """Every connection of the worker is killed again and again while events come in."""
    rounds = 5
    async with running(settings, endpoints, orders(brand)):
        for round_ in range(rounds):
            await emit(*range(round_ * 10, round_ * 10 + 10))
            await until(lambda r=round_: len(done(make, brand)) > r * 10)
            killed = superuser.execute(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity"
                " where datname = %s and usename = %s",
                [endpoints.database, endpoints.name("worker")],
            ).fetchone()
            assert killed[0] > 0
        await until(lambda: done(make, brand) == set(range(rounds * 10)))


async def test_it_tells_that_it_lives_and_leaves_nothing_behind(settings, endpoints, brand):
    health = settings.home.run_dir() / HEALTH_FILE
    metrics = settings.home.run_dir() / METRICS_FILE
    states = States()

    def told():
        with suppress(FileNotFoundError):
            return orjson.loads(health.read_bytes())
        return {}

    async with (
        StateLink(settings.states_socket, states),
        running(settings, endpoints, lambda worker: worker.states.publish({"a": 1})),
    ):
        await until(lambda: told().get("database") and told()["brands"] > 0)
        await until(lambda: told()["peers"] == 1)
        await until(lambda: states.newest(["a"]) == {"a": 1})
        await until(metrics.exists)
        assert b"backdesk_jobs" in metrics.read_bytes()
    assert not health.exists()
    assert not metrics.exists()
    assert not settings.states_socket.exists()


async def test_rounds_and_loops_go_on_after_failures(settings, endpoints):
    rounds, starts = [], []

    async def fails_at_first():
        rounds.append("failed" if len(rounds) < 2 else "done")
        if rounds[-1] == "failed":
            raise ValueError("not yet")

    async def ends():
        starts.append(1)

    def register(worker):
        worker.every(0.01, "round", fails_at_first)
        worker.forever("loop", ends)

    async with running(settings, endpoints, register):
        await until(lambda: len(rounds) >= 5 and len(starts) >= 3)
    assert rounds[:5] == ["failed", "failed", "done", "done", "done"]
    # A loop that ends begins again; with the worker, both end for good.
    ended = len(rounds), len(starts)
    await asyncio.sleep(0.05)
    assert (len(rounds), len(starts)) == ended


async def test_it_stops_when_asked_and_lets_a_running_job_end(
    settings, endpoints, brand, make, emit
):
    inside, end = asyncio.Event(), asyncio.Event()

    async def react(event_work, row):
        if event_work.scope.brand_id == brand.id:
            await defer(event_work, "t.slow", {}, key=str(row.seq))

    async def slow(job, args):
        inside.set()
        await end.wait()

        async def command(job_work):
            row = {"brand_id": brand.id, "name": "done-1", "value": 1}
            await job_work.rows(insert(brand_counter).values(row))

        await job.once("effect", command)

    def register(worker):
        worker.consumers.append(Consumer("t.stop", frozenset({"ACCOUNT"}), react))
        worker.jobs.job("t.slow")(slow)

    async with running(settings, endpoints, register) as task:
        await emit(1)
        await asyncio.wait_for(inside.wait(), 30)
        task.cancel()
        await asyncio.sleep(0.1)
        assert not task.done()
        end.set()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 15)
    assert done(make, brand) == {1}
