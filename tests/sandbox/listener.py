"""Hears notices as a merchant's server would, and answers them as it is told."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.app import HOST, listen, serve
from sandbox.psp.signing import sign

SECRET = "whsec_test"
PATIENCE_S = 15.0


@dataclass(frozen=True)
class Heard:
    """One notice as it came in."""

    body: bytes
    signature: str
    at: float
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def told(self) -> dict[str, Any]:
        shown: dict[str, Any] = orjson.loads(self.body)
        return shown

    @property
    def id(self) -> str:
        found: str = self.told["id"]
        return found

    def is_signed(self, secret: str = SECRET) -> bool:
        """Whether one of its signatures is of this secret."""
        stamp, *given = self.signature.split(",")
        at = int(stamp.removeprefix("t="))
        return sign([secret], self.body, at=at).split(",")[1] in given


@dataclass
class Listener:
    """`status` is what it answers; `notices` is all that came, in order."""

    url: str
    status: int = 200
    notices: list[Heard] = field(default_factory=list)
    came: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def take(self, request: Request) -> Response:
        now = asyncio.get_running_loop().time()
        signature = request.headers.get("sandbox-signature", "")
        heard = Heard(await request.body(), signature, now, dict(request.headers))
        async with self.came:
            self.notices.append(heard)
            self.came.notify_all()
        return Response(status_code=self.status)

    async def until(self, holds: Callable[[list[Heard]], bool]) -> list[Heard]:
        """All notices, once they are as wanted."""
        async with asyncio.timeout(PATIENCE_S), self.came:
            await self.came.wait_for(lambda: holds(self.notices))
        return list(self.notices)

    async def count(self, number: int) -> list[Heard]:
        """All notices, once there are so many."""
        return await self.until(lambda heard: len(heard) >= number)


@asynccontextmanager
async def listening(port: int = 0) -> AsyncIterator[Listener]:
    with listen(port) as server:
        listener = Listener(f"http://{HOST}:{server.getsockname()[1]}/notices")
        app = Starlette(routes=[Route("/notices", listener.take, methods=["POST"])])
        task = asyncio.create_task(serve(app, server))
        try:
            yield listener
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
