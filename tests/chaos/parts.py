"""What each forked process runs: the product's own server and workers, and the outside worlds.

The product's clocks of minutes are set to seconds (leases, retries of jobs, rounds), so that a
campaign of a minute sees what a day does.
"""

import asyncio
import gc
from asyncio.mixins import _LoopBoundMixin
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import uvicorn
import uvloop
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette
from starlette.types import ASGIApp

from api import reactions, worker
from api.app import assemble_app
from api.listening import OPTIONS, Server
from api.logs import configure_logs
from api.settings import Settings
from domain.events import jobs
from sandbox import app as sandbox
from simulator import app as simulator
from tenants.database import make_engine
from tenants.passwords import Passwords
from tenants.work import Database
from tests.chaos import plants, witness
from tests.chaos.bare import BareLedger
from tests.chaos.board import Board
from tests.chaos.crash import Crash, Door, wrap_jobs, wrap_transactions
from tests.chaos.nursery import Listeners, Orders

LEASE_SECONDS = 3.0
_BEAT_SECONDS = 1.0
_RETRY_SECONDS = 3.0
_ROUND_SECONDS = 2.0
POOL_SIZE = 4


def settings_of(home: str, prefix: str, listeners: Listeners) -> Settings:
    """The settings of every process of a campaign."""
    port, sandbox_port = listeners.ports()
    return Settings(
        backdesk_home=Path(home),
        role_prefix=prefix,
        port=port,
        sandbox_port=sandbox_port,
        pool_size=POOL_SIZE,
        database_url=None,
        environment="development",
    )


@dataclass
class Prepared:
    """Everything that need not be made again in each fork."""

    orders: Orders
    board: Board
    listeners: Listeners
    settings: Settings
    app: ASGIApp
    series: dict[str, Any] = field(default_factory=dict)

    def run(self, slot: str, serial: int) -> None:
        """Be the process of a slot until killed. `serial` counts the forks, for the dice."""
        role = slot.partition("-")[0]
        seed = f"{self.orders.seed}:{slot}:{serial}"
        configure_logs(self.settings)
        match role:
            case "api":
                self._serve(Crash(self.board, role, seed))
            case "worker":
                self._work(Crash(self.board, role, seed))
            case "simulator":
                uvloop.run(self._simulate())
            case _:
                uvloop.run(self._sell())

    def _serve(self, crash: Crash) -> None:
        wrap_transactions(crash)
        plants.break_api(self.orders.plant)
        config = uvicorn.Config(
            Door(self.app, crash),
            loop="uvloop",
            lifespan="on",
            log_level="error",
            timeout_graceful_shutdown=1,
            **OPTIONS,
        )
        Server(config).run(sockets=[self.listeners.api])

    def _work(self, crash: Crash) -> None:
        wrap_transactions(crash)
        plants.break_worker(self.orders.plant)

        def dying(made: worker.Worker) -> None:
            wrap_jobs(made.jobs, crash)

        registrations = (*reactions.REGISTRATIONS, witness.register, dying)
        uvloop.run(worker.work(self.settings, self.settings.endpoints(), registrations))

    async def _simulate(self) -> None:
        url = self.settings.endpoints().url("simulator", driver="asyncpg")
        chosen = simulator.SimulatorSettings(url, speed=Decimal(0))
        async with simulator.running(chosen, series=self.series) as app:
            await simulator.serve(app, self.settings.simulator_socket)

    async def _sell(self) -> None:
        chosen = sandbox.SandboxSettings(
            self.settings.endpoints().url("sandbox"),
            self.settings.sandbox_url,
            control_token=self.settings.home.secrets().sandbox_token,
        )
        async with sandbox.running(chosen) as app:
            await sandbox.serve(app, self.listeners.sandbox)


def prepare(orders: Orders, board: Board, listeners: Listeners) -> Prepared:
    """Build application, schema and prices once; shorten the clocks for every fork."""
    settings = settings_of(orders.home, orders.prefix, listeners)
    jobs.STALLED_SECONDS = LEASE_SECONDS
    jobs._HEARTBEAT_SECONDS = _BEAT_SECONDS
    jobs._RETRY_SECONDS_MAX = _RETRY_SECONDS
    worker.retake_stalled = partial(jobs.retake_stalled, stalled_seconds=LEASE_SECONDS)
    worker._STALLED_EVERY_SECONDS = _BEAT_SECONDS
    reactions._RESUME_EVERY_S = _ROUND_SECONDS
    Passwords.warm_up = _nothing  # type: ignore[method-assign] # costs more than the fork
    app = assemble_app(settings, settings.endpoints())
    engine = make_engine(settings.endpoints().url("app", driver="asyncpg"), pool_size=POOL_SIZE)
    door = BareLedger(app, Database(engine))
    asyncio.run(_warm(app, door, engine, orders))
    _forget_loop()
    series: dict[str, Any] = {}
    if "simulator" in orders.slots:
        series = simulator._series(simulator.SimulatorSettings("", speed=Decimal(0)))
    return Prepared(orders, board, listeners, settings, door, series)


async def _warm(app: Starlette, door: ASGIApp, engine: AsyncEngine, orders: Orders) -> None:
    """Ask once what will be asked, so that no fork compiles a statement or a document again."""
    transport = httpx.ASGITransport(app=door, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client,
    ):
        for path, token, body in orders.warming:
            await client.post(path, json=body, headers={"Authorization": f"Bearer {token}"})
    await engine.dispose()


def _forget_loop() -> None:
    """What waits in asyncio remembers the loop it was warmed in; each fork has one of its own."""
    for one in gc.get_objects():
        if isinstance(one, _LoopBoundMixin):
            one._loop = None  # type: ignore[assignment] # as it was made


async def _nothing(_self: Passwords) -> None:
    """A password hash is warmed up for the first stranger, who never comes here."""
