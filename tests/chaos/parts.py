"""What each forked process runs: the product's own server and workers, and the outside worlds.

The product's clocks of minutes are set to seconds (leases, retries of jobs, rounds), so that a
campaign of a minute sees what a day does.
"""

import asyncio
import gc
from asyncio.mixins import _LoopBoundMixin
from datetime import timedelta
from decimal import Decimal
from functools import partial
from importlib import import_module
from pathlib import Path

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
from domain.accounts import jobs as accounts
from domain.events import queue
from domain.events.bus import PostgresBus
from domain.payments import notices
from domain.payments.deposits import jobs as deposits
from domain.payments.deposits import waiting as deposits_waiting
from domain.payments.transfers import waiting as transfers_waiting
from domain.payments.withdrawals import rules as withdrawals
from sandbox import app as sandbox
from simulator import app as simulator
from tenants.database import make_engine
from tenants.passwords import Passwords
from tenants.work import Database
from tests.chaos import plants, witness
from tests.chaos.bare import BareLedger
from tests.chaos.board import OURS, Board
from tests.chaos.crash import Crash, Door, wrap_jobs, wrap_transactions
from tests.chaos.nursery import Listeners, Orders, Warming
from tests.chaos.patch import patch

LEASE_SECONDS = 3.0
_BEAT_SECONDS = 1.0
_RETRY_SECONDS = 3.0
_ROUND_SECONDS = 2.0
_PATIENCE_SECONDS = 0.1
_WARMING_TRIES = 20
_STUCK_AFTER = timedelta(seconds=5)
POOL_SIZE = 2
_NESTED_POOL_SIZE = 8


def settings_of(home: str, prefix: str, listeners: Listeners, *, plant: str = "") -> Settings:
    """The settings of every process of a campaign. Few connections: each fork opens them anew."""
    port, sandbox_port = listeners.ports()
    return Settings(
        backdesk_home=Path(home),
        role_prefix=prefix,
        port=port,
        sandbox_port=sandbox_port,
        pool_size=_NESTED_POOL_SIZE if plant in plants.NESTED else POOL_SIZE,
        database_url=None,
        environment="development",
    )


class Parts:
    """The processes of a campaign, and what they need not make again in each fork."""

    def __init__(self, orders: Orders, board: Board, listeners: Listeners) -> None:
        self.orders = orders
        self.board = board
        self.listeners = listeners
        self.settings = settings_of(orders.home, orders.prefix, listeners, plant=orders.plant)
        self.series = simulator._series(simulator.SimulatorSettings("", speed=Decimal(0)))
        self.app: ASGIApp | None = None

    def warm_up(self, warming: Warming) -> None:
        """Build the application and let it answer once; shorten the clocks for every fork."""
        shorten_clocks()
        plants.break_process(self.orders.plant)
        import_module(f"uvicorn.protocols.websockets.{OPTIONS['ws'].replace('-', '_')}_impl")
        app = assemble_app(self.settings, self.settings.endpoints())
        url = self.settings.endpoints().url("app", driver="asyncpg")
        engine = make_engine(url, pool_size=self.settings.pool_size)
        self.app = BareLedger(app, Database(engine))
        asyncio.run(_warm(app, self.app, engine, warming))
        _forget_loop()

    def run(self, slot: str, serial: int) -> None:
        """Be the process of a slot until killed. `serial` counts the forks, for the dice."""
        role = slot.partition("-")[0]
        seed = f"{self.orders.seed}:{slot}:{serial}"
        configure_logs(self.settings)
        match role:
            case "api":
                if slot != OURS[0]:
                    _hear_nothing()
                self._serve(Crash(self.board, role, seed))
            case "worker":
                self._work(Crash(self.board, role, seed))
            case "simulator":
                uvloop.run(self._simulate())
            case _:
                uvloop.run(self._sell())

    def _serve(self, crash: Crash) -> None:
        assert self.app is not None, "it was warmed up"
        wrap_transactions(crash)
        config = uvicorn.Config(
            Door(self.app, crash),
            loop="uvloop",
            lifespan="on",
            log_config=None,
            timeout_graceful_shutdown=1,
            **OPTIONS,
        )
        Server(config).run(sockets=[self.listeners.api])

    def _work(self, crash: Crash) -> None:
        wrap_transactions(crash)

        def dying(made: worker.Worker) -> None:
            wrap_jobs(made.jobs, crash)

        registrations = (*reactions.REGISTRATIONS, witness.register, dying)
        uvloop.run(worker.work(self.settings, self.settings.endpoints(), registrations))

    async def _simulate(self) -> None:
        url = self.settings.endpoints().url("simulator", driver="asyncpg")
        chosen = simulator.SimulatorSettings(url, speed=Decimal(1))
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


def shorten_clocks() -> None:
    """Leases, retries and rounds of the product, from minutes to seconds."""
    patch(queue, "STALLED_SECONDS", LEASE_SECONDS)
    patch(queue, "_HEARTBEAT_SECONDS", _BEAT_SECONDS)
    patch(queue, "_RETRY_SECONDS_MAX", _RETRY_SECONDS)
    patch(accounts, "STUCK_AFTER", _STUCK_AFTER)
    patch(notices, "STUCK_AFTER", _STUCK_AFTER)
    patch(deposits, "SILENT_AFTER", _STUCK_AFTER)
    patch(withdrawals, "ASK_MOST", _STUCK_AFTER)
    for waiting in (deposits_waiting, transfers_waiting):
        # A server lives for about a second here: whoever waits for two is never answered.
        patch(waiting, "PATIENCE_S", _PATIENCE_SECONDS)
    retake = partial(queue.retake_stalled, stalled_seconds=LEASE_SECONDS)
    patch(worker, "retake_stalled", retake)
    patch(worker, "_STALLED_EVERY_SECONDS", _BEAT_SECONDS)
    patch(Passwords, "warm_up", _nothing)

    def often(made: worker.Worker, seconds: float, name: str, run: worker.Run) -> None:
        every(made, min(seconds, _ROUND_SECONDS), name, run)

    every = patch(worker.Worker, "every", often)


async def _warm(app: Starlette, door: ASGIApp, engine: AsyncEngine, warming: Warming) -> None:
    """Ask once what will be asked, so that no fork compiles a statement or a document again."""
    transport = httpx.ASGITransport(app=door, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client,
    ):
        for path, token, body in warming:
            headers = {"Authorization": f"Bearer {token}"}
            for _ in range(_WARMING_TRIES):
                told = (await client.post(path, json=body, headers=headers)).json()
                [payload] = told["data"].values()
                if not payload.get("errors"):
                    break
                await asyncio.sleep(_BEAT_SECONDS)  # the market has no price yet
            else:
                raise RuntimeError(f"warming up: {told}")
    await engine.dispose()


def _hear_nothing() -> None:
    """A server without the bus: half of a fork's cost were its connections. The first server has
    one, and everybody polls besides."""

    async def alone(bus: PostgresBus, *_: object) -> PostgresBus:
        return bus

    patch(PostgresBus, "__aenter__", alone)
    patch(PostgresBus, "__aexit__", alone)


def _forget_loop() -> None:
    """What waits in asyncio remembers the loop it was warmed in; each fork has one of its own."""
    for one in gc.get_objects():
        if isinstance(one, _LoopBoundMixin):
            patch(one, "_loop", None)


async def _nothing(_self: Passwords) -> None:
    """A password hash is warmed up for the first stranger, who never comes here."""
