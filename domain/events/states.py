"""States: values of which only the newest matters, carried from the worker to the API processes.

Conflated by key, the last value wins. Nothing here waits for a reader: who is slow misses the
values between. Keys and values are the business of whoever publishes.
"""

import asyncio
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any, Protocol

KEYS_MAX = 200_000


class StatePublisher(Protocol):
    """Where states are published. Never waits and never fails."""

    def publish(self, states: Mapping[str, Any]) -> None: ...


class Watcher:
    """One reader's unread states: at most one per key it asked for."""

    def __init__(self, keys: frozenset[str]) -> None:
        self.keys = keys
        self._unread: dict[str, Any] = {}
        self._news = asyncio.Event()

    def offer(self, states: Mapping[str, Any]) -> None:
        """Replace what is unread."""
        self._unread.update(states)
        self._news.set()

    async def take(self) -> dict[str, Any]:
        """Everything unread, once there is something."""
        await self._news.wait()
        self._news.clear()
        unread, self._unread = self._unread, {}
        return unread


class States:
    """The newest states of this process, and who watches them. Itself a publisher, in memory.

    Holds the newest value of up to `keys_max` keys, so that a new watcher begins with the present;
    beyond that the ones longest unchanged are forgotten.
    """

    def __init__(self, *, keys_max: int = KEYS_MAX) -> None:
        self._keys_max = keys_max
        self._newest: dict[str, Any] = {}
        self._watchers: dict[str, set[Watcher]] = {}

    def __len__(self) -> int:
        return len(self._newest)

    def newest(self, keys: Iterable[str]) -> dict[str, Any]:
        """The known values of some keys."""
        return {key: self._newest[key] for key in keys if key in self._newest}

    def everything(self) -> Mapping[str, Any]:
        """All newest values; not to be kept."""
        return self._newest

    def publish(self, states: Mapping[str, Any]) -> None:
        """Make values the newest of their keys and offer them to who watches those."""
        offers: dict[Watcher, dict[str, Any]] = {}
        for key, value in states.items():
            self._newest.pop(key, None)
            self._newest[key] = value
            for watcher in self._watchers.get(key, ()):
                offers.setdefault(watcher, {})[key] = value
        while len(self._newest) > self._keys_max:
            del self._newest[next(iter(self._newest))]
        for watcher, offered in offers.items():
            watcher.offer(offered)

    async def watch(
        self, keys: Collection[str], *, interval_seconds: float = 0.25
    ) -> AsyncGenerator[dict[str, Any], None]:
        """The newest values of some keys, then what changed, at most once per interval."""
        watcher = Watcher(frozenset(keys))
        for key in watcher.keys:
            self._watchers.setdefault(key, set()).add(watcher)
        try:
            present = self.newest(watcher.keys)
            if present:
                watcher.offer(present)
            while True:
                yield await watcher.take()
                await asyncio.sleep(interval_seconds)
        finally:
            for key in watcher.keys:
                with suppress(KeyError):
                    self._watchers[key].discard(watcher)
                    if not self._watchers[key]:
                        del self._watchers[key]
