"""A call ends, whatever the other side does, and its answer is no larger than it may be."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from domain.outbound.client import Lost, NeverSent, Outbound, Patience, TooLarge, Unanswered

Speak = Callable[[asyncio.StreamWriter], Awaitable[None]]
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n"
SHORT = Patience(call_s=0.3, connect_s=0.2, tries=3, pause_s=0.001, answer_bytes_max=1_000)


class Side:
    """The other side: it hears a call and says what it is told to; `calls` counts them."""

    def __init__(self, speak: Speak) -> None:
        self._speak = speak
        self.calls = 0
        self._tasks: list[asyncio.Task[None]] = []

    def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.append(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                self.calls += 1
                await self._speak(writer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def speaking(
    speak: Speak, patience: Patience = SHORT
) -> AsyncIterator[tuple[Outbound, Side]]:
    side = Side(speak)
    server = await asyncio.start_server(side, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    out = Outbound(f"http://127.0.0.1:{port}", token=None, patience=patience)
    try:
        yield out, side
    finally:
        await out.aclose()
        server.close()
        await side.end()


def whole(content: bytes, *headers: bytes) -> Speak:
    async def speak(writer: asyncio.StreamWriter) -> None:
        lines = [b"content-length: %d" % len(content), *headers]
        writer.write(HEAD + b"\r\n".join(lines) + b"\r\n\r\n" + content)

    return speak


async def endless(writer: asyncio.StreamWriter, size: int = 65_536) -> None:
    writer.write(HEAD + b"transfer-encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"%x\r\n" % size + b"x" * size + b"\r\n")
        await writer.drain()


async def dripping(writer: asyncio.StreamWriter) -> None:
    """Each byte comes well within the time that a read may take."""
    writer.write(HEAD + b"content-length: 100000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def silent(_: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("speak", [dripping, silent], ids=["drips", "says-nothing"])
async def test_a_call_has_a_time_as_a_whole(speak: Speak):
    async with speaking(speak) as (out, side):
        with pytest.raises(Lost) as lost:
            await out.once("GET", "/")
        assert not isinstance(lost.value, TooLarge)
        with pytest.raises(Unanswered):
            await out.safely("GET", "/")
        assert side.calls == 4


async def test_a_call_may_be_given_more_time_than_others():
    async def late(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.4)
        await whole(b"there")(writer)

    async with speaking(late) as (out, _):
        with pytest.raises(Lost):
            await out.once("GET", "/")
        assert (await out.once("GET", "/", call_s=5)).content == b"there"


async def test_an_answer_without_an_end_is_not_read_and_not_asked_for_again():
    async with speaking(endless, Patience(tries=3, answer_bytes_max=1_000_000)) as (out, side):
        with pytest.raises(TooLarge, match="1000000 bytes"):
            await out.once("GET", "/")
        with pytest.raises(Unanswered, match="1000000 bytes"):
            await out.safely("GET", "/")
        assert side.calls == 2


@pytest.mark.parametrize(("size", "fits"), [(1_000, True), (1_001, False)])
async def test_the_most_that_an_answer_may_be(size: int, fits: bool):
    async with speaking(whole(b"x" * size)) as (out, _):
        if fits:
            assert len((await out.once("GET", "/")).content) == size
        else:
            with pytest.raises(TooLarge):
                await out.once("GET", "/")


async def test_what_counts_is_what_is_unpacked():
    packed = gzip.compress(b"x" * 100_000)
    assert len(packed) < 1_000
    async with speaking(whole(packed, b"content-encoding: gzip")) as (out, _):
        with pytest.raises(TooLarge):
            await out.once("GET", "/")
    small = gzip.compress(b'{"a": 1}')
    async with speaking(whole(small, b"content-encoding: gzip", b"x-kept: yes")) as (out, _):
        answer = await out.once("GET", "/")
        assert (answer.status_code, answer.json(), answer.headers["x-kept"]) == (
            200, {"a": 1}, "yes",
        )  # fmt: skip


async def test_large_answers_do_not_open_the_breaker_and_slow_ones_do():
    async with speaking(endless) as (out, side):
        for _ in range(8):
            with pytest.raises(TooLarge):
                await out.once("GET", "/")
        assert side.calls == 8
    async with speaking(silent, Patience(call_s=0.4)) as (out, side):
        for _ in range(5):
            with pytest.raises(Lost):
                await out.once("GET", "/")
        with pytest.raises(NeverSent, match="a moment ago"):
            await out.once("GET", "/")
        assert side.calls == 5
