"""The stream of a platform: whoever stops reading has stopped, whatever comes just then."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from domain.accounts.adapters import bridge_stream

HEARTBEAT = '{"type": "heartbeat", "at": "2026-11-30T10:00:00Z"}'


class Socket:
    """Says one message when it is told to, and nothing ever after."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.coming: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def recv(self) -> str:
        self.asked.set()
        if self.coming.done():
            return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]
        return await self.coming


async def test_a_reader_cancelled_as_a_message_comes_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    socket = Socket()

    @asynccontextmanager
    async def connected(*_given: Any) -> AsyncIterator[Socket]:
        yield socket

    monkeypatch.setattr(bridge_stream, "_connect", connected)

    async def read() -> None:
        stream = bridge_stream.follow("http://platform", "0", token=None)
        assert isinstance(stream, AsyncGenerator)
        async with aclosing(stream):
            async for _ in stream:
                raise AssertionError("a heartbeat is no item")

    task = asyncio.create_task(read())
    await socket.asked.wait()
    socket.coming.set_result(HEARTBEAT)
    task.cancel()  # both in one turn of the loop
    done, _ = await asyncio.wait([task], timeout=5)
    assert done == {task}, "it reads on, and whoever stops the worker waits for ever"
    assert task.cancelled()
