"""The open sockets and event streams of this process, by token: how many, and how to end them.

A revoked token ends its connections at once through `Live.revoke`; whoever learns of revocations
(the hub, a sign-out) calls it. Counts are per token, or per caller's bucket for the anonymous.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import Protocol
from uuid import UUID

import structlog

from api.graphql.context import EdgeContext
from api.graphql.errors import EdgeRefusal

log = structlog.get_logger("backdesk.graphql")

CLOSING_SECONDS = 5.0
RESTARTING = 1012
REVOKED = 4403


class Close(Protocol):
    """Ends one connection with a close code; an event stream just ends."""

    def __call__(self, code: int, reason: str, /) -> Awaitable[None]: ...


class Live:
    """The registry of one process."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: defaultdict[str, list[Close]] = defaultdict(list)
        self._closing: set[asyncio.Task[None]] = set()

    @contextmanager
    def joined(self, key: str, close: Close) -> Iterator[None]:
        """Counts a connection while it lasts. THROTTLED (429) above the limit of its key."""
        if len(self._open[key]) >= self._most:
            raise EdgeRefusal("THROTTLED", 429, f"More than {self._most} connections are open.")
        self._open[key].append(close)
        try:
            yield
        finally:
            self._open[key].remove(close)
            if not self._open[key]:
                del self._open[key]

    async def revoke(self, token_id: UUID) -> int:
        """Begins to end every connection of a token with 4403; how many there are.

        Waits for none of them: one that reads nothing takes its time, and whoever revokes has
        others to watch.
        """
        ours = list(self._open.get(token_id.hex, ()))
        self._end(ours, REVOKED, "Token revoked")
        return len(ours)

    async def close_all(self) -> int:
        """Ends every connection with 1012, within 5 s, as a server does before it restarts."""
        everyone = [close for closes in self._open.values() for close in closes]
        closing = self._end(everyone, RESTARTING, "Service restart")
        if closing:
            await asyncio.wait(closing, timeout=CLOSING_SECONDS)
        return len(everyone)

    def __len__(self) -> int:
        return sum(len(closes) for closes in self._open.values())

    def _end(self, closes: list[Close], code: int, reason: str) -> list[asyncio.Task[None]]:
        begun = [asyncio.create_task(_ended(close, code, reason)) for close in closes]
        self._closing.update(begun)
        for one in begun:
            one.add_done_callback(self._closing.discard)
        return begun


async def _ended(close: Close, code: int, reason: str) -> None:
    try:
        await close(code, reason)
    except Exception as error:  # the other connections are closed all the same
        log.warning("graphql_close_failed", exception=type(error).__name__)


def connection_key(context: EdgeContext) -> str:
    """Whom a connection counts for: its token, else the first throttle key."""
    if context.scope.token_id is not None:
        return context.scope.token_id.hex
    return next(iter(context.throttle_keys), "anonymous")
