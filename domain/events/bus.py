"""How the news that a brand has events reaches the processes that follow it.

A port with two forms: inside one process, and over the database's NOTIFY. Neither carries data
and either may lose a wake-up: whoever listens also polls.
"""

import asyncio
from typing import Protocol, Self
from uuid import UUID

from tenants.wake import Heard, Listener, Wakeup


class EventBus(Protocol):
    """Wake-ups per brand. `wake` never waits and never fails; `listen` is called before start."""

    def wake(self, brand_id: UUID) -> None: ...
    def listen(self, heard: Heard) -> None: ...
    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *exc: object) -> None: ...


class MemoryBus:
    """Wakes the listeners of this process, in the next turn of its loop."""

    def __init__(self) -> None:
        self._listeners: list[Heard] = []

    def wake(self, brand_id: UUID) -> None:
        loop = asyncio.get_running_loop()
        for heard in self._listeners:
            loop.call_soon(heard, brand_id)

    def listen(self, heard: Heard) -> None:
        self._listeners.append(heard)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self._listeners.clear()


class PostgresBus:
    """Wakes the listeners of every process on the database; one connection to ring, one to hear."""

    def __init__(self, url: str) -> None:
        self._wakeup = Wakeup(url)
        self._listener = Listener(url, self._on_news)
        self._listeners: list[Heard] = []

    def wake(self, brand_id: UUID) -> None:
        self._wakeup(brand_id)

    def listen(self, heard: Heard) -> None:
        self._listeners.append(heard)

    async def __aenter__(self) -> Self:
        await self._wakeup.__aenter__()
        await self._listener.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._listener.__aexit__(*exc)
        await self._wakeup.__aexit__(*exc)

    def _on_news(self, brand_id: UUID | None) -> None:
        for heard in self._listeners:
            heard(brand_id)
