"""A bare graphql-transport-ws client: it sends what a well-behaved library never would."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import websockets
from websockets.asyncio.client import ClientConnection
from websockets.typing import Subprotocol

from tests.attacks.actors import Asker
from tests.attacks.calls import Api

PROTOCOL = "graphql-transport-ws"


class Socket:
    """One open socket."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, message: Mapping[str, Any]) -> None:
        await self.connection.send(json.dumps(message))

    async def receive(self, seconds: float = 20.0) -> dict[str, Any]:
        """The next message that is no ping. Raises ConnectionClosed, TimeoutError."""
        while True:
            found = json.loads(await asyncio.wait_for(self.connection.recv(), seconds))
            if found["type"] not in ("ping", "pong"):
                return dict(found)

    async def subscribe(
        self, key: str, query: str, variables: Mapping[str, Any] | None = None
    ) -> None:
        payload = {"query": query, "variables": variables or {}}
        await self.send({"type": "subscribe", "id": key, "payload": payload})

    async def everything(self, seconds: float) -> list[dict[str, Any]]:
        """What arrives within a time."""
        found: list[dict[str, Any]] = []
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while (left := end - loop.time()) > 0:
            try:
                found.append(await self.receive(left))
            except (TimeoutError, websockets.ConnectionClosed):
                break
        return found

    async def closed_with(self, seconds: float = 20.0) -> int:
        """The code the server closes with; messages before it are dropped."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    await self.connection.recv()
        except websockets.ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006


@asynccontextmanager
async def opened(
    api: Api,
    *,
    headers: Mapping[str, str] | None = None,
    protocol: str = PROTOCOL,
    origin: str | None = None,
) -> AsyncIterator[Socket]:
    """A socket before `connection_init`."""
    async with websockets.connect(
        api.graphql.replace("http", "ws"),
        subprotocols=[Subprotocol(protocol)],
        additional_headers=dict(headers or {}),
        origin=origin,  # type: ignore[arg-type] # any text is an attack
    ) as connection:
        yield Socket(connection)


@asynccontextmanager
async def joined(api: Api, asker: Asker) -> AsyncIterator[Socket]:
    """A socket that an actor has opened in the regular way."""
    async with opened(api) as socket:
        await socket.send({"type": "connection_init", "payload": dict(asker.headers)})
        assert (await socket.receive())["type"] == "connection_ack"
        yield socket
