"""How uvicorn serves this API, and its HTTP protocol, which drops clients that stop reading.

The same options serve in production and in tests.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

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
