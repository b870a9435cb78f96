"""One reader's place in the hub: a bounded queue that overflows openly instead of dropping."""

import asyncio
from collections import deque
from contextlib import suppress
from uuid import UUID

from domain.events.values import EventRow, Feed
from tenants.context import Scope

QUEUE_EVENTS_MAX = 256
QUEUE_BYTES_MAX = 1 << 20


class Subscription:
    """What the hub has for one reader. `delivered` is the last position the reader is past.

    When the reader is too slow the whole queue goes and `overflowed` says so: everything behind
    `delivered` is still in the log. `revoked` says that the reader's rights ended.
    """

    def __init__(self, scope: Scope, feed: Feed) -> None:
        self.scope = scope
        self.feed = feed
        # The one client whose events this reader can be given, or None.
        self.narrowed_to: UUID | None = scope.client_id or feed.client_id
        self.delivered = 0
        self.overflowed = False
        self.revoked = False
        self._queue: deque[EventRow] = deque()
        self._bytes = 0
        self._news = asyncio.Event()

    def offer(self, row: EventRow) -> None:
        """Queue an event that the reader asked for and may see. Never waits."""
        if self.overflowed or row.seq <= self.delivered:
            return
        self._queue.append(row)
        self._bytes += row.size
        if len(self._queue) > QUEUE_EVENTS_MAX or self._bytes > QUEUE_BYTES_MAX:
            self.overflowed = True
            self._queue.clear()
            self._bytes = 0
        self._news.set()

    def revoke(self) -> None:
        """End the reader's feed at its next step."""
        self.revoked = True
        self._news.set()

    async def ended(self) -> None:
        """Returns when the reader's rights end; for readers that are given no events."""
        while not self.revoked:
            await self._news.wait()
            self._news.clear()

    def take(self) -> EventRow | None:
        """The next queued event, or None."""
        if not self._queue:
            self._news.clear()
            return None
        row = self._queue.popleft()
        self._bytes -= row.size
        self.delivered = row.seq
        return row

    async def wait(self, seconds: float) -> None:
        """Until there is something to see, or `seconds` have passed."""
        if self.overflowed or self.revoked or self._queue:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds)):
                await self._news.wait()
