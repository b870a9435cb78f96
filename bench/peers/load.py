"""`python -m bench.peers.load`: asks a server at full width for some seconds, from one process.

It reads a job as JSON from its standard input and prints what it measured as JSON. Requests are
made beforehand, bytes and all; answers are told apart by their length alone, so that asking costs
some tens of microseconds. Its own processor time is part of what it tells: whoever reads a rate
can see that the asking was not what bounded it.
"""

import asyncio
import itertools
import re
import statistics
import sys
import time
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import cast

import orjson
import uvloop

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.I)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.I)
_REFUSALS = (b'"errors":[{', b'"errors": [{')
_THROTTLED = b"HTTP/1.1 429"
_GRACE_SECONDS = 30.0


@dataclass
class Asking:
    """What the connections share: requests to send, and what came of them."""

    requests: Iterator[bytes]
    taken: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    deadline: float = 0.0
    is_throttled: bool = False

    def note(self, answer: bytes, now: float, milliseconds: float) -> None:
        """Count an answer. The first for too many points ends it all: what came before counts."""
        if answer.startswith(_THROTTLED):
            self.is_throttled = True
            self.deadline = min(self.deadline, now)
            return
        self.taken.append(milliseconds)
        if is_refusal(answer):
            self.refused.append(answer[:1_500].decode(errors="replace"))


class Connection(asyncio.Protocol):
    """One caller: a request, its answer, the next request."""

    def __init__(self, asking: Asking, over: asyncio.Future[None]) -> None:
        self._asking = asking
        self._over = over
        self._received = b""
        self._began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask at once."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own is none by class
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Note what an answer took as soon as it is whole."""
        self._received += data
        if not is_whole(self._received):
            return
        now, answer, self._received = time.perf_counter(), self._received, b""
        self._asking.note(answer, now, (now - self._began) * 1000)
        if now < self._asking.deadline:
            self._ask()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Over: by us, or by a server that hung up, which counts as a refusal."""
        if time.perf_counter() < self._asking.deadline:
            self._asking.refused.append("the server hung up")
        if not self._over.done():
            self._over.set_result(None)

    def _ask(self) -> None:
        self._began = time.perf_counter()
        self._transport.write(next(self._asking.requests))


def is_whole(received: bytes) -> bool:
    """Whether an answer has come to its end."""
    head = received.find(b"\r\n\r\n")
    if head < 0:
        return False
    if length := _LENGTH.search(received, 0, head):
        return len(received) >= head + 4 + int(length[1])
    return bool(_CHUNKED.search(received, 0, head)) and received.endswith(b"\r\n0\r\n\r\n")


def is_refusal(answer: bytes) -> bool:
    """Whether it is anything but a plain success."""
    return not answer.startswith(b"HTTP/1.1 200") or any(one in answer for one in _REFUSALS)


async def ask(port: int, requests: list[bytes], *, width: int, seconds: float) -> Asking:
    """Ask for so many seconds over `width` connections; every caller waits for its last answer."""
    loop = asyncio.get_running_loop()
    asking = Asking(itertools.cycle(requests), deadline=time.perf_counter() + seconds)
    ends: list[asyncio.Future[None]] = [loop.create_future() for _ in range(width)]
    for end in ends:
        await loop.create_connection(partial(Connection, asking, end), "127.0.0.1", port)
    async with asyncio.timeout(seconds + _GRACE_SECONDS):
        await asyncio.gather(*ends)
    return asking


def main() -> None:
    """One job."""
    job = orjson.loads(sys.stdin.buffer.read())
    requests = [b64decode(each) for each in job["requests"]]
    worked = time.process_time()
    began = time.perf_counter()
    asking = uvloop.run(ask(job["port"], requests, width=job["width"], seconds=job["seconds"]))
    worked = time.process_time() - worked
    ended = asking.deadline if asking.is_throttled else time.perf_counter()
    cuts = statistics.quantiles(asking.taken, n=100) if len(asking.taken) > 1 else [0.0] * 99
    told = {
        "count": len(asking.taken),
        "seconds": ended - began,
        "p50": cuts[49],
        "p99": cuts[98],
        "worked": worked,
        "is_throttled": asking.is_throttled,
        "refused": len(asking.refused),
        "refusal": asking.refused[0] if asking.refused else "",
    }
    sys.stdout.buffer.write(orjson.dumps(told))


if __name__ == "__main__":
    main()
