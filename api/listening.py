"""How uvicorn serves this API, and its HTTP protocol, which drops clients that stop reading.

The same options serve in production and in tests.
"""

import asyncio
import socket
from collections.abc import Mapping
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

STALL_SECONDS = 10.0


class ImpatientHttp(HttpToolsProtocol):
    """Drops a connection whose client takes none of its answers for `stall_seconds`.

    uvicorn waits for such a client for ever, with what its request holds. One that reads slowly
    but reads is served to the end.
    """

    stall_seconds = STALL_SECONDS
    _stalling: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        """The client is behind: what it has not taken is more than the transport likes to keep."""
        super().pause_writing()
        self._watch(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """The client has caught up."""
        super().resume_writing()
        self._forget()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over, whoever ended it."""
        self._forget()
        super().connection_lost(exc)

    def _watch(self, waiting: int) -> None:
        self._stalling = self.loop.call_later(self.stall_seconds, self._judge, waiting)

    def _judge(self, waiting: int) -> None:
        left = self.transport.get_write_buffer_size()
        if left < waiting:
            self._watch(left)
        else:
            self.transport.abort()

    def _forget(self) -> None:
        if self._stalling is not None:
            self._stalling.cancel()
            self._stalling = None


class Server(uvicorn.Server):
    """Ends sockets and event streams first when it stops, so that it need not wait for them.

    What to end is `live` in the state that the application's lifespan yields.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell everybody (close code 1012), then let what is short come to its end."""
        live = self.lifespan.state.get("live")
        if live is not None:
            await live.close_all()
        await super().shutdown(sockets)


OPTIONS: Final[Mapping[str, Any]] = {
    "http": ImpatientHttp,
    "ws": "websockets-sansio",
    "ws_ping_interval": 20.0,
    "ws_ping_timeout": 20.0,
    "ws_max_size": 256 * 1024,
    "ws_per_message_deflate": False,
    "server_header": False,
    "access_log": False,
}
"""Sockets are not compressed: the memory for it would be most of a socket's cost."""
