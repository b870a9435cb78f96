"""The PSP as a running thing: its database, clock, faults, and loops that work by themselves."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import structlog

from domain.kernel.clock import Clock
from sandbox.psp import outbox
from sandbox.psp.desk import Desk
from sandbox.psp.faults import Faults, Knobs
from sandbox.psp.notices import Sender
from sandbox.psp.settling import Settler
from sandbox.store import Store, StoreDown

_AFTER_FAILURE_SECONDS = 0.5
log = structlog.get_logger("sandbox")


class Psp:
    """Open it with `open`, work through `desk`, end it with `close`."""

    def __init__(self, store: Store, clock: Clock, *, url: str, knobs: Knobs | None = None) -> None:
        self.url = url
        self.store = store
        self.clock = clock
        self.faults = Faults(knobs or Knobs())
        self.sender = Sender(store, self.faults)
        self.settler = Settler(store, clock, self.desk)
        self._knobs = knobs
        self._loops: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Takes up what a predecessor left: faults, notices, what settles by itself."""
        async with self.store.begin() as connection:
            await outbox.free(connection)
            kept = await connection.fetchval("select knobs from sandbox.psp_faults where id = 1")
        if self._knobs is not None:
            await self.set_faults(self._knobs)
        elif kept is not None:
            self.faults.set(Knobs.model_validate(kept))
        for round_, name in ((self.sender.round, "notices"), (self.settler.round, "settling")):
            self._loops.append(asyncio.create_task(_keep_going(round_), name=name))

    async def close(self) -> None:
        for loop in self._loops:
            loop.cancel()
            with suppress(asyncio.CancelledError):
                await loop
        await self.sender.close()

    @asynccontextmanager
    async def desk(self) -> AsyncIterator[Desk]:
        """One transaction; after its commit the loops look at what it left them."""
        async with self.store.begin() as connection:
            desk = Desk(connection, now=self.clock.now(), faults=self.faults)
            yield desk
        if desk.has_news:
            self.sender.wake()
            self.settler.wake()

    async def set_faults(self, knobs: Knobs) -> None:
        async with self.store.begin() as connection:
            await connection.execute(
                "insert into sandbox.psp_faults (id, knobs) values (1, $1)"
                " on conflict (id) do update set knobs = excluded.knobs",
                knobs.model_dump(mode="json"),
            )
        self.faults.set(knobs)

    async def cut_notices(self) -> int:
        """Gives up every notice that waits or is under way; how many that were."""
        async with self.store.begin() as connection:
            count = await outbox.cut(connection)
        await self.sender.drop()
        return count


async def _keep_going(round_: Callable[[], Awaitable[None]]) -> None:
    """A loop that must not end: a failure is written down, and the next round tries again."""
    while True:
        try:
            await round_()
        except StoreDown:
            log.warning("the database does not answer")
            await asyncio.sleep(_AFTER_FAILURE_SECONDS)
        except Exception:
            log.exception("a round failed")
            await asyncio.sleep(_AFTER_FAILURE_SECONDS)
