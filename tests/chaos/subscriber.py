"""Follows each brand's events over the API, resuming by cursor through every death."""

import asyncio
from collections import Counter
from uuid import UUID

from tenants.values import Role
from tests.chaos.asking import Caller
from tests.chaos.cast import House

EVENTS = """query($after: Cursor) { events(after: $after) {
  events { cursor topic kind objectId } cursor hasMore reset { reason } } }"""
_PAUSE_SECONDS = 0.25
Seen = tuple[str, str, str, str]
"""Brand, topic, kind and object of an event."""


class Subscriber:
    """What a portal would have heard of one brand."""

    def __init__(self, caller: Caller, house: House) -> None:
        self._caller = caller
        self._token = house.tokens[Role.BRAND_ADMIN]
        self._brand_id: UUID = house.brand_id
        self._after: str | None = None
        self._cursors: set[str] = set()
        self.seen: Counter[Seen] = Counter()
        self.findings: list[str] = []

    async def run(self) -> None:
        """Pull until cancelled."""
        while True:
            if not await self.pull():
                await asyncio.sleep(_PAUSE_SECONDS)

    async def pull(self) -> bool:
        """Take one page; whether there is more."""
        data = await self._caller.until(self._token, EVENTS, after=self._after)
        page = data["events"]
        if page["reset"] is not None:
            self.findings.append(f"a feed was reset: {page['reset']['reason']}")
        for event in page["events"]:
            if event["cursor"] in self._cursors:
                self.findings.append("an event was told twice to one cursor")
            self._cursors.add(event["cursor"])
            about = str(event["objectId"] or "").rpartition("_")[2]
            self.seen[self._brand_id.hex, event["topic"], event["kind"], about] += 1
        self._after = page["cursor"]
        return bool(page["hasMore"])

    async def catch_up(self) -> None:
        """Take what is left."""
        while await self.pull():
            pass
