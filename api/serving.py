"""How each child process runs: the web server, and the loops of the others."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import uvicorn
import uvloop
from uvicorn.config import LOGGING_CONFIG

from api import lifeline
from api.embedded.problems import SetupError
from api.settings import Settings

DRAIN_SECONDS = 8
START_FAILED = 3  # as `uvicorn.run` ends


def serve(settings: Settings) -> None:
    """Serve the API until a signal; refuses in one line when the port is taken.

    Whose word about the caller's address counts is `TRUSTED_PROXIES`; nobody's, when it is unset.
    One process of several takes its connections from the socket that they share.
    """
    from api.listening import OPTIONS, Server
    from api.serving_many import inherited

    shared = inherited()
    if shared is None:
        require_port(settings.host, settings.port)
    lifeline.watch()
    config = uvicorn.Config(
        "api.app:build_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        lifespan="on",
        proxy_headers=bool(settings.trusted_proxies),
        # Given even when it is empty: else uvicorn asks the environment and trusts this machine.
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=DRAIN_SECONDS,
        log_level="info",
        # In production the root logger writes JSON; uvicorn's own handlers would not.
        log_config=LOGGING_CONFIG if settings.environment == "development" else None,
        **OPTIONS,
    )
    server = Server(config)
    with suppress(KeyboardInterrupt):
        server.run(sockets=None if shared is None else [shared])
    if not server.started:
        raise SystemExit(START_FAILED)


def run_until_signalled(work: Coroutine[Any, Any, None]) -> None:
    """Run a process's main coroutine; SIGTERM and SIGINT cancel it, and that is a good end."""
    lifeline.watch()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(work)
        for sign in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(sign, task.cancel)
        with suppress(asyncio.CancelledError):
            await task

    uvloop.run(main())


def require_port(host: str, port: int, *, name: str = "PORT") -> None:
    """Refuse when nothing could listen there. `name` is the setting to change."""
    try:
        families = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        raise SetupError(f"HOST={host} is no address of this machine", "set another HOST") from None
    family, kind, protocol, _, address = families[0]
    with socket.socket(family, kind, protocol) as probe:
        # As the server does: a port in TIME_WAIT is free, one that is listened on is not.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise SetupError(
                    f"port {port} is taken by another program",
                    # Two on: the sandbox of whoever listens here is likely to be next to it.
                    f"stop it, or choose another: {name}={port + 2 if port < 65534 else 8000}",
                ) from None
            if error.errno == errno.EACCES:
                raise SetupError(
                    f"port {port} may not be opened by this account", "choose one above 1023"
                ) from None
            raise SetupError(
                f"{host}:{port} cannot be listened on ({error.strerror})", "set HOST and PORT"
            ) from None


async def accepts_tcp(host: str, port: int) -> bool:
    """Whether something accepts connections there."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 — not a bind
    return await _accepts(asyncio.open_connection(reachable, port))


async def accepts_unix(path: str) -> bool:
    """Whether something accepts connections at this socket."""
    return await _accepts(asyncio.open_unix_connection(path))


async def _accepts(
    opening: Coroutine[Any, Any, tuple[asyncio.StreamReader, asyncio.StreamWriter]],
) -> bool:
    try:
        async with asyncio.timeout(2):
            _, writer = await opening
    except (OSError, TimeoutError):
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True
