"""Puts the simulator together and runs it: store, market, engine, wire."""

import asyncio
import hmac
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.kernel.clock import Clock, SystemClock
from simulator import controls, reads, stream, writes
from simulator.engine import Engine
from simulator.faults import FaultKind, Faults
from simulator.hub import Hub
from simulator.recordings import Series, load
from simulator.store import Store, StoreDown
from simulator.symbols import SYMBOLS
from simulator.wire import failed

FLUSH_SECONDS = 0.25
_PLAY_SECONDS_MIN, _PLAY_SECONDS_MAX = 0.01, 0.25
log = structlog.get_logger("simulator")


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """How one simulator runs. `speed` is market seconds per second, 0 is by hand; without a
    `token` whoever reaches the socket is served; `has_controls` serves the test controls."""

    dsn: str
    prices: Path | None = None
    speed: Decimal = Decimal(1)
    seed: str = "backdesk"
    token: str | None = None
    has_controls: bool = False


async def simulate(
    url: str, *, socket: Path, prices: Path | None, speed: float, has_controls: bool = False
) -> None:
    """Runs on a Unix socket until it is cancelled.

    Raises AlreadyRunning when another simulator has this database, StoreDown when there is none.
    """
    settings = SimulatorSettings(
        url, prices=prices, speed=Decimal(str(speed)), has_controls=has_controls
    )
    async with running(settings) as app:
        await serve(app, socket)


@asynccontextmanager
async def running(
    settings: SimulatorSettings,
    *,
    clock: Clock | None = None,
    series: dict[str, Series] | None = None,
) -> AsyncIterator[Starlette]:
    """The application with its engine started and its market moving, until the block ends.

    `series` replaces the prices that the settings name.
    """
    if series is None:
        series = await asyncio.to_thread(_series, settings)
    faults, store = Faults(), Store(settings.dsn)
    hub = Hub(faults)
    engine = Engine(store, hub, clock or SystemClock())
    async with AsyncExitStack() as stack:
        stack.push_async_callback(store.close)
        await engine.start(series, settings.speed)
        for work in (_play, _flush):
            stack.push_async_callback(_cancel, asyncio.create_task(work(engine)))
        stack.callback(hub.cut, "shutting down")
        app = _app(settings)
        app.state.engine, app.state.store, app.state.hub = engine, store, hub
        app.state.faults = faults
        yield app


def _series(settings: SimulatorSettings) -> dict[str, Series]:
    return {
        symbol.name: load(symbol, settings.prices, seed=settings.seed)
        for symbol in SYMBOLS.values()
    }


def _app(settings: SimulatorSettings) -> Starlette:
    routes = [*reads.ROUTES, *writes.ROUTES, *stream.ROUTES]
    middleware = [Middleware(TokenCheck, token=settings.token)]
    if settings.has_controls:
        routes += controls.ROUTES
        middleware.append(Middleware(Failing))
    return Starlette(routes=routes, middleware=middleware)


async def serve(app: ASGIApp, socket: Path) -> None:
    """Serves on a Unix socket until it is cancelled, then lets running calls finish."""
    config = uvicorn.Config(
        app,
        uds=str(socket),
        http="httptools",
        ws="websockets-sansio",
        lifespan="off",
        access_log=False,
        server_header=False,
        log_level="warning",
        timeout_graceful_shutdown=3,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve())
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        server.should_exit = True
        await task
        raise


class _Server(uvicorn.Server):
    """Signals belong to the process that runs us, not to the web server."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


async def _play(engine: Engine) -> None:
    while True:
        await _survive(engine.play)
        next_at = engine.market.next_at()
        wait = _PLAY_SECONDS_MAX
        if next_at is not None:
            wait = (next_at - engine.look().now).total_seconds()
        await asyncio.sleep(min(max(wait, _PLAY_SECONDS_MIN), _PLAY_SECONDS_MAX))


async def _flush(engine: Engine) -> None:
    async def once() -> None:
        engine.flush()
        await engine.roll_over()

    while True:
        await _survive(once)
        await asyncio.sleep(FLUSH_SECONDS)


async def _survive(work: Callable[[], object]) -> None:
    """One round of a loop that must not end: a failure is written down, the next round tries."""
    try:
        done = work()
        if asyncio.iscoroutine(done):
            await done
    except StoreDown:
        log.warning("the database does not answer")
    except Exception:
        log.exception("a round of the market failed")


async def _cancel(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


class TokenCheck:
    """Lets in who carries the token, when there is one. WebSockets are closed before they open."""

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self._app = app
        self._wanted = f"Bearer {token}".encode() if token else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        shown = dict(scope.get("headers", ())).get(b"authorization", b"")
        if self._wanted is None or hmac.compare_digest(shown, self._wanted):
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await failed(401, "UNAUTHORIZED", "Send the bearer token.")(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008, "reason": "unauthorized"})


class Failing:
    """Fails calls as the armed faults say. Controls themselves never fail."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or path.startswith("/v1/controls/"):
            await self._app(scope, receive, send)
            return
        faults: Faults = scope["app"].state.faults
        call = f"{scope['method']} {path}"
        if late := faults.take(FaultKind.LATENCY, call=call):
            await asyncio.sleep(late.delay_ms / 1000)
        if broken := faults.take(FaultKind.STATUS, call=call):
            await failed(broken.status, "FAULT", "Failed on demand.")(scope, receive, send)
        elif faults.take(FaultKind.DROP, call=call):
            await self._app(scope, receive, _unheard)
            while (await receive())["type"] != "http.disconnect":
                continue
        else:
            await self._app(scope, receive, send)


async def _unheard(_: Message) -> None:
    """The answer that is never sent."""
