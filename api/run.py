"""What `backdesk run` does: every process of one home, in order, until somebody ends it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Sequence
from functools import partial
from typing import Any, TypeVar

from rich.console import Console
from rich.status import Status
from rich.text import Text

from api import database, serving
from api.embedded.endpoints import Endpoints
from api.settings import SANDBOX_HOST, Settings
from api.supervisor import Part, Stopped, Supervisor, program
from api.welcome import greet

T = TypeVar("T")
_BAR = 30


class Progress:
    """Says what goes on: a line that moves while a step runs, one that stays when it has ended."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._shown: Status | None = None
        self._title = ""

    def advance(self, share: float) -> None:
        """Show how far the step that runs has come, from 0 to 1."""
        if self._shown is not None:
            done = round(share * _BAR)
            bar = "█" * done + "░" * (_BAR - done)
            self._shown.update(f"{self._title} {bar} {share:.0%}")

    def say(self, line: str) -> None:
        self.console.print(Text(line), soft_wrap=True)

    async def step(self, supervisor: Supervisor, title: str, work: Coroutine[Any, Any, T]) -> T:
        """Run one step of the start under a spinner, with the time that it took."""
        started = time.monotonic()
        if not self.console.is_terminal:
            self.say(f"  {title} …")
        with self.console.status(title) as shown:
            self._shown, self._title = shown, title
            try:
                result = await supervisor.unless_stopped(work)
            finally:
                self._shown = None
        self.say(f"✓ {title} ({time.monotonic() - started:.1f} s)")
        return result


async def run(settings: Settings, console: Console) -> None:
    """Start everything, greet, and stay until SIGINT or SIGTERM; then end all, Postgres last.

    Call it while holding the home's lock. Refuses in one line what the operator can fix.
    """
    serving.require_port(settings.host, settings.port)
    if settings.environment == "development":
        serving.require_port(SANDBOX_HOST, settings.sandbox_port, name="SANDBOX_PORT")
    progress = Progress(console)
    # Children run in the checkout, so relative paths are made absolute for them.
    environment = {"BACKDESK_HOME": str(settings.home.path)}
    if settings.prices is not None:
        environment["BACKDESK_PRICES"] = str(settings.prices)
    async with Supervisor(settings.home.log, progress.say, environment=environment) as supervisor:
        try:
            await _start_all(settings, supervisor, progress)
            greet(settings, console)
            await supervisor.wait()
        except Stopped:
            pass
        progress.say("stopping …")
    progress.say("stopped; your data is kept in " + str(settings.home.path))


async def _start_all(settings: Settings, supervisor: Supervisor, progress: Progress) -> None:
    from api.demo.seeding import seed

    step = partial(progress.step, supervisor)
    urls = await step("database", _database(settings, supervisor, progress.console))
    await step("migrations", asyncio.to_thread(_migrate, urls))
    settings.home.record(
        port=settings.port,
        url=settings.url,
        sandbox_port=settings.sandbox_port,
        sandbox_url=settings.sandbox_url,
    )
    # Two at a time: most of a start is interpreters that load.
    simulator_socket = str(settings.simulator_socket)
    outside = [program("simulator", "simulator", partial(serving.accepts_unix, simulator_socket))]
    if settings.environment == "development":
        takes_calls = partial(serving.accepts_tcp, SANDBOX_HOST, settings.sandbox_port)
        outside.append(program("sandbox", "sandbox", takes_calls))
    await step("simulator, its market, sandbox vendors", _start(supervisor, outside))
    if settings.environment == "development":
        await step("demo brands", seed(settings, urls, progress.say, progress.advance))
    states = partial(serving.accepts_unix, str(settings.states_socket))
    answers = partial(serving.accepts_tcp, settings.host, settings.port)
    inside = [program("worker", "worker", states), program("server", "serve", answers)]
    await step("worker and server", _start(supervisor, inside))


async def _start(supervisor: Supervisor, parts: Sequence[Part]) -> None:
    """Start some parts together; return when all of them serve. Raises what the first one does."""
    await asyncio.gather(*(supervisor.start(part) for part in parts))


async def _database(settings: Settings, supervisor: Supervisor, console: Console) -> Endpoints:
    """A running database with its roles, ours or the one of `DATABASE_URL`."""
    cluster = settings.cluster
    if cluster is None:
        return await asyncio.to_thread(database.open_external, settings, console)
    await supervisor.start_postgres(cluster)
    await asyncio.to_thread(cluster.bootstrap)
    return cluster.endpoints


def _migrate(urls: Endpoints) -> None:
    from api.embedded.migrate import migrate

    migrate(urls)
