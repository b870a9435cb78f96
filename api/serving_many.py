"""`backdesk serve --workers N`: the same server in several processes, on one port.

The socket is the parent's and is kept while any process lives: what waits in its queue when a
process dies is served by another, and one that died is started again. Each has its own pool,
caches and buckets, so that a caller's limits hold for each process it happens to reach.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import closing
from functools import partial

from api import lifeline
from api.serving import accepts_tcp, require_port
from api.settings import Settings
from api.supervisor import Stopped, Supervisor, program

VARIABLE = "BACKDESK_LISTENING"


def is_one_of_many() -> bool:
    """Whether this process was given a socket to serve from."""
    return VARIABLE in os.environ


def inherited() -> socket.socket | None:
    """The socket that this process shares with others, when it is one of many."""
    told = os.environ.pop(VARIABLE, "")
    if not told.isdigit():
        return None
    handle = int(told)
    os.set_inheritable(handle, False)
    return socket.socket(fileno=handle)


async def serve(settings: Settings, count: int, say: Callable[[str], None]) -> None:
    """Serve from `count` processes until a signal; then all end as one would.

    Refuses in one line when the port is taken or a process can't start.
    """
    require_port(settings.host, settings.port)
    lifeline.watch()
    answers = partial(accepts_tcp, settings.host, settings.port)
    with closing(_bound(settings)) as shared:
        environment = {VARIABLE: str(shared.fileno())}
        async with Supervisor(None, say, environment=environment) as supervisor:
            parts = [program(f"server {n}", "serve", answers) for n in range(1, count + 1)]
            for part in parts:
                part.handles = (shared.fileno(),)
            try:
                starting = asyncio.gather(*map(supervisor.start, parts))
                await supervisor.unless_stopped(_all(starting))
                say(f"{count} processes serve {settings.url}")
                await supervisor.wait()
            except Stopped:
                pass


async def _all(starting: asyncio.Future[list[None]]) -> None:
    await starting


def _bound(settings: Settings) -> socket.socket:
    """A socket on the port. Children listen on it when they can answer, so that nobody who comes
    earlier waits for them."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        settings.host, settings.port, type=socket.SOCK_STREAM
    )[0]
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(address)
    return made
