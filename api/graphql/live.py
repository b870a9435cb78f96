"""The open sockets and event streams of this process, by token: how many, and how to end them.

A revoked token ends its connections at once through `Live.revoke`; whoever learns of revocations
(the hub, a sign-out) calls it. Counts are per token, or per caller's bucket for the anonymous.
"""

from collections import defaultdict
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import Protocol
from uuid import UUID

from api.graphql.context import EdgeContext
from api.graphql.errors import EdgeRefusal

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
        """Ends every connection of a token with 4403; how many there were."""
        return await self._end(list(self._open.get(token_id.hex, ())), REVOKED, "Token revoked")

    async def close_all(self) -> int:
        """Ends every connection with 1012, as a server does before it restarts."""
        everyone = [close for closes in self._open.values() for close in closes]
        return await self._end(everyone, RESTARTING, "Service restart")

    def __len__(self) -> int:
        return sum(len(closes) for closes in self._open.values())

    async def _end(self, closes: list[Close], code: int, reason: str) -> int:
        for close in closes:
            await close(code, reason)
        return len(closes)


def connection_key(context: EdgeContext) -> str:
    """Whom a connection counts for: its token, else the first throttle key."""
    if context.scope.token_id is not None:
        return context.scope.token_id.hex
    return next(iter(context.throttle_keys), "anonymous")
