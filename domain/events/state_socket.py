"""States over a unix socket: the worker listens, API processes connect and stay current.

A frame is four bytes of length (big endian) and a JSON object of keys and values. Each peer has
its own unread states, conflated by key: one that reads slowly costs at most the newest value of
each key and holds up nobody.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, Self

import orjson
import structlog

from domain.events.states import States, Watcher

_FRAME_STATES_MAX = 1_000
_FRAME_BYTES_MAX = 4 << 20
_UNSENT_BYTES_MAX = 256 << 10
_BACKOFF_SECONDS = (0.05, 2.0)
_log = structlog.get_logger(__name__)


class StateServer:
    """Publishes states to whoever connects to its socket; a new peer is sent all there is."""

    def __init__(self, path: Path, states: States | None = None) -> None:
        self._path = path
        self._states = states or States()
        self._peers: dict[Watcher, asyncio.Task[None]] = {}
        self._server: asyncio.Server | None = None

    @property
    def peers(self) -> int:
        """How many processes are connected."""
        return len(self._peers)

    def publish(self, states: Mapping[str, Any]) -> None:
        """Values of keys, JSON-ready. Never waits."""
        self._states.publish(states)
        for peer in self._peers:
            peer.offer(states)

    async def __aenter__(self) -> Self:
        # Left behind by a killed predecessor; the supervisor runs one worker at a time.
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, str(self._path))
        self._path.chmod(0o600)
        return self

    async def __aexit__(self, *_exc: object) -> None:
        assert self._server is not None, "it was entered"
        self._server.close()
        for task in list(self._peers.values()):
            task.cancel()
        await asyncio.gather(*self._peers.values(), return_exceptions=True)
        await self._server.wait_closed()
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.set_write_buffer_limits(high=_UNSENT_BYTES_MAX)
        peer = Watcher(frozenset())
        peer.offer(self._states.everything())
        sending = asyncio.create_task(_send(peer, writer))
        self._peers[peer] = sending
        leaving = asyncio.create_task(reader.read(1))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            del self._peers[peer]
            for task in (sending, leaving):
                task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
            writer.close()


async def _send(peer: Watcher, writer: asyncio.StreamWriter) -> None:
    while True:
        for frame in _frames(await peer.take()):
            writer.write(frame)
            # Here a slow peer waits, alone; what is published meanwhile is conflated.
            await writer.drain()


def _frames(states: Mapping[str, Any]) -> Iterator[bytes]:
    rest = iter(states.items())
    while part := dict(islice(rest, _FRAME_STATES_MAX)):
        body = orjson.dumps(part)
        yield len(body).to_bytes(4, "big") + body


class StateLink:
    """Keeps the states of this process current from the worker's socket; reconnects by itself."""

    def __init__(self, path: Path, states: States) -> None:
        self._path = path
        self._states = states
        self._task: asyncio.Task[None] | None = None
        self.connected = False

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="states")
        return self

    async def __aexit__(self, *_exc: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        shortest, longest = _BACKOFF_SECONDS
        pause = shortest
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(str(self._path))
            except OSError:
                pause = min(longest, pause * 2)
            else:
                pause = shortest
                self.connected = True
                try:
                    await self._receive(reader)
                except (OSError, EOFError, ValueError) as error:
                    _log.info("states lost", error=type(error).__name__)
                finally:
                    self.connected = False
                    writer.close()
            await asyncio.sleep(pause)

    async def _receive(self, reader: asyncio.StreamReader) -> None:
        while True:
            size = int.from_bytes(await reader.readexactly(4), "big")
            if size > _FRAME_BYTES_MAX:
                raise ValueError("a frame of states is too long")
            self._states.publish(orjson.loads(await reader.readexactly(size)))
