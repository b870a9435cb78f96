"""What one reader may see of a stretch of the log: what it asked for, its rights, its clients."""

from collections.abc import Callable, Sequence
from uuid import UUID

from domain.events.values import Audience, EventRow, Feed
from tenants.work import ReadWork


class Sight:
    """Filters rows for one reader.

    Remembers which clients are within its reach for as long as `moves` tells the same number.
    """

    def __init__(
        self, audience: Audience, feed: Feed, *, moves: Callable[[], int] = lambda: 0
    ) -> None:
        self._audience = audience
        self._feed = feed
        self._moves = moves
        self._moves_known = moves()
        self._reached: dict[UUID, bool] = {}

    async def of(self, work: ReadWork, rows: Sequence[EventRow]) -> list[EventRow]:
        """The rows that the reader asked for and may see at this moment, in their order.

        `work` is the reader's own; nothing is asked of it unless a reach must be known.
        """
        scope = work.scope
        seen = [
            row for row in rows if self._feed.accepts(row) and self._audience.admits(scope, row)
        ]
        reach = self._audience.reach
        if not seen or reach is None or not reach.is_limited(scope):
            return seen
        if self._moves_known != self._moves():
            self._moves_known = self._moves()
            self._reached.clear()
        unknown = {row.concerns for row in seen if row.concerns is not None} - self._reached.keys()
        if unknown:
            reached = await reach.reached(work, unknown)
            self._reached.update({client_id: client_id in reached for client_id in unknown})
        return [row for row in seen if row.concerns is None or self._reached[row.concerns]]
