"""A server written by hand for five operations: uvicorn, asyncpg, one SQL function for each.

No parser, no token, no limit, no permission: it knows the documents by their text. What Python can
do at best with this database when it need not be a GraphQL server.
"""

import asyncio
import os
from uuid import UUID

import asyncpg
import orjson
import uvicorn
from starlette.types import Receive, Scope, Send

from bench.peers.questions import NAMES, PLAIN, Name
from bench.peers.statements import CALLS

_OPERATIONS = {" ".join(PLAIN[name].split()): name for name in NAMES}
_POOL = 8


class Server:
    """An ASGI application with prepared statements on a few connections."""

    def __init__(self) -> None:
        self._free: asyncio.Queue[dict[Name, asyncpg.prepared_stmt.PreparedStatement]] = (
            asyncio.Queue()
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the start of the server."""
        if scope["type"] == "lifespan":
            await self._start(receive, send)
            return
        brand = next(value for name, value in scope["headers"] if name == b"x-brand")
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        answer = await self._answer(brand.decode(), orjson.loads(body))
        length = str(len(answer)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", length)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _answer(self, brand: str, asked: dict[str, object]) -> bytes:
        name = _OPERATIONS[str(asked["query"])]
        variables = asked["variables"]
        assert isinstance(variables, dict)
        values = [UUID(one) if key == "id" else one for key, one in variables.items()]
        statements = await self._free.get()
        try:
            found: str = await statements[name].fetchval(UUID(brand), *values)
        finally:
            self._free.put_nowait(statements)
        return found.encode()

    async def _start(self, receive: Receive, send: Send) -> None:
        await receive()
        for _ in range(_POOL):
            connection = await asyncpg.connect(os.environ["PEER_DATABASE"])
            prepared = {name: await connection.prepare(CALLS[name]) for name in NAMES}
            # What was prepared is open until something is run, and a statement time-out counts.
            await connection.execute("select")
            self._free.put_nowait(prepared)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})


if __name__ == "__main__":
    uvicorn.run(Server(), port=int(os.environ["PORT"]), log_level="warning", access_log=False)
