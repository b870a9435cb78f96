"""Puts the sandbox vendors together and serves them on TCP of this machine."""

import asyncio
import socket
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from http import HTTPStatus

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from domain.kernel.clock import Clock, SystemClock
from sandbox.kyc import controls as kyc_controls
from sandbox.kyc import verify
from sandbox.kyc import wire as kyc_wire
from sandbox.kyc.office import Kyc
from sandbox.psp import checkout, controls, reads, writes
from sandbox.psp.faults import CUT, Failing, Knobs
from sandbox.psp.office import Psp
from sandbox.store import Store
from sandbox.wire import failed

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """How one sandbox runs. `url` is where payers find it; without a `control_token` there are
    no controls; `knobs` replace the faults that were kept."""

    dsn: str
    url: str
    control_token: str | None = None
    knobs: Knobs | None = None


async def run(dsn: str, *, port: int, control_token: str) -> None:
    """Serves until it is cancelled. Raises StoreDown when there is no database, OSError when the
    port is taken."""
    with listen(port) as listener:
        settings = SandboxSettings(dsn, f"http://{HOST}:{port}", control_token)
        async with running(settings) as app:
            await serve(app, listener)


@asynccontextmanager
async def running(
    settings: SandboxSettings, *, clock: Clock | None = None
) -> AsyncIterator[Starlette]:
    """The application with its loops at work, until the block ends."""
    store = Store(settings.dsn)
    await store.open()
    clock = clock or SystemClock()
    psp = Psp(store, clock, url=settings.url, knobs=settings.knobs)
    kyc = Kyc(store, clock, url=settings.url)
    try:
        await psp.open()
        await kyc.open()
        yield _app(settings, psp, kyc)
    finally:
        await kyc.close()
        await psp.close()
        await store.close()


def _app(settings: SandboxSettings, psp: Psp, kyc: Kyc) -> Starlette:
    routes = [*reads.ROUTES, *writes.ROUTES, *checkout.ROUTES, *kyc_wire.ROUTES, *verify.ROUTES]
    if settings.control_token:
        routes += [*controls.ROUTES, *kyc_controls.ROUTES]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Failing)],
        exception_handlers={HTTPException: _failed},
    )
    app.state.psp, app.state.kyc = psp, kyc
    app.state.control_token = settings.control_token
    return app


async def _failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = "UNKNOWN_PATH" if error.status_code == HTTPStatus.NOT_FOUND else "MALFORMED"
    return failed(error.status_code, code, f"{request.method} {request.url.path} is not served.")


def listen(port: int) -> socket.socket:
    """A socket of this machine only; port 0 takes a free one. Raises OSError when it is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(256)
    except OSError:
        listener.close()
        raise
    return listener


async def serve(app: ASGIApp, listener: socket.socket) -> None:
    """Serves on a listening socket until it is cancelled, then lets running calls finish."""
    config = uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        lifespan="off",
        access_log=False,
        server_header=False,
        log_level="warning",
        timeout_graceful_shutdown=3,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
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


class _Protocol(HttpToolsProtocol):
    """Gives each call the means to be cut off without an answer, for `faults`."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {CUT: self.transport.abort}  # type: ignore[dict-item] # ours
