"""The worker process: consumers, jobs, periodic work, platform streams, states for the API.

Contexts register what they need done (`Worker.consumers`, `.jobs`, `.every`, `.forever`); the
process keeps all of it going. Whatever fails starts again after a pause, so that a killed
database costs a wait and nothing else: cursors, jobs and events are all in it.
"""

import asyncio
import logging
import os
import random
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import structlog
from prometheus_client import generate_latest

from api.embedded.endpoints import Endpoints
from api.health import HEALTH_FILE, METRICS_FILE
from api.platforms import Platforms
from api.settings import Settings
from domain.events.bus import PostgresBus
from domain.events.consumers import Consumer
from domain.events.jobs import JobRegistry
from domain.events.queue import make_app, retake_stalled, run_jobs
from domain.events.runner import ConsumerRunner
from domain.events.state_socket import StateServer
from tenants.database import make_engine
from tenants.work import Database

_HEALTH_SECONDS = 1.0
_METRICS_SECONDS = 5.0
_STALLED_EVERY_SECONDS = 10.0
_BACKOFF_SECONDS = (0.2, 5.0)
_STEADY_SECONDS = 30.0
_log = structlog.get_logger(__name__)

Run = Callable[[], Awaitable[None]]
Register = Callable[["Worker"], None]


@dataclass(slots=True)
class Worker:
    """What the worker does, and what those who register with it may use.

    `url` is the direct address of the database for the role `worker`, for advisory locks.
    `platforms` are connected by who reads their streams, and asked by everybody.
    """

    settings: Settings
    url: str
    database: Database
    states: StateServer
    consumers: list[Consumer] = field(default_factory=list)
    jobs: JobRegistry = field(default_factory=JobRegistry)
    loops: list[tuple[str, Run]] = field(default_factory=list)
    platforms: Platforms = field(init=False)

    def __post_init__(self) -> None:
        self.platforms = Platforms(self.settings.home.run_dir())

    def forever(self, name: str, run: Run) -> None:
        """Keep `run` going: started again, after a pause, whenever it ends or raises."""
        self.loops.append((name, run))

    def every(self, seconds: float, name: str, run: Run) -> None:
        """Call `run` every so many seconds; after a failed call sooner, at growing distances."""

        async def periodically() -> None:
            soon = _BACKOFF_SECONDS[1]
            while True:
                try:
                    await run()
                    pause, soon = seconds, _BACKOFF_SECONDS[1]
                except Exception as error:  # the worker's own loop: nothing may end it
                    _log.warning("round failed", round=name, error=repr(error))
                    pause, soon = min(seconds, soon), soon * 2
                await asyncio.sleep(pause)

        self.forever(name, periodically)


async def work(
    settings: Settings, endpoints: Endpoints, registrations: Iterable[Register] | None = None
) -> None:
    """Run the worker until it is cancelled; then let running jobs end (8 s) and go."""
    if registrations is None:
        from api.reactions import REGISTRATIONS

        registrations = REGISTRATIONS
    # While the database is away our own line says so; the pool would tell each attempt.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    url = endpoints.url("worker")
    engine = make_engine(
        endpoints.url("worker", driver="asyncpg"), pool_size=max(6, settings.pool_size)
    )
    bus = PostgresBus(url)
    database = Database(engine, wake=bus.wake)
    try:
        async with StateServer(settings.states_socket) as states, bus:
            worker = Worker(settings, url, database, states)
            for register in registrations:
                register(worker)
            await _run(worker, bus)
    finally:
        await engine.dispose()


async def _run(worker: Worker, bus: PostgresBus) -> None:
    runner = ConsumerRunner(worker.database, bus, worker.consumers)
    health = worker.settings.home.run_dir() / HEALTH_FILE
    loops: list[tuple[str, Run]] = [
        ("consumers", runner.run),
        ("jobs", lambda: run_jobs(make_app(worker.url, worker.jobs, worker.database))),
        ("stalled jobs", lambda: _retake(worker)),
        ("health", lambda: _tell_health(health, runner, worker.states)),
        ("metrics", lambda: _tell_metrics(health.with_name(METRICS_FILE))),
        *worker.loops,
    ]
    try:
        async with asyncio.TaskGroup() as group:
            for name, run in loops:
                group.create_task(_kept_up(name, run), name=name)
    finally:
        with suppress(OSError):
            health.unlink(missing_ok=True)
            health.with_name(METRICS_FILE).unlink(missing_ok=True)


async def _kept_up(name: str, run: Run) -> None:
    """Run for ever; pauses grow while it keeps failing and are short again once it was steady."""
    shortest, longest = _BACKOFF_SECONDS
    pause = shortest
    while True:
        began = time.monotonic()
        try:
            await run()
        except Exception as error:  # the worker's own loop: nothing may end it
            _log.warning("loop failed", loop=name, error=repr(error))
        if time.monotonic() - began > _STEADY_SECONDS:
            pause = shortest
        await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - spreads retries
        pause = min(longest, pause * 2)


async def _retake(worker: Worker) -> None:
    app = make_app(worker.url, JobRegistry(), worker.database, pool_size=1)
    async with app.open_async():
        while True:
            await retake_stalled(app)
            await asyncio.sleep(_STALLED_EVERY_SECONDS)


async def _tell_health(file: Path, runner: ConsumerRunner, states: StateServer) -> None:
    """Say each second that the loop turns, and whether the database answered since."""
    looks = -1
    while True:
        body = {
            "pid": os.getpid(),
            "at": time.time(),
            "database": runner.looks != looks,
            "brands": runner.brands,
            "peers": states.peers,
        }
        looks = runner.looks
        _put(file, orjson.dumps(body))
        await asyncio.sleep(_HEALTH_SECONDS)


async def _tell_metrics(file: Path) -> None:
    """The worker listens on no port: its metrics are a file in Prometheus' text form."""
    while True:
        _put(file, generate_latest())
        await asyncio.sleep(_METRICS_SECONDS)


def _put(file: Path, body: bytes) -> None:
    """Whole or not at all: readers never see half a file."""
    fresh = file.with_name(f".{file.name}")
    fresh.write_bytes(body)
    fresh.replace(file)
