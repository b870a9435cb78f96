"""The KYC vendor as a running thing: its database, clock, faults, and loops."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import structlog

from domain.kernel.clock import Clock
from sandbox.kyc import outbox
from sandbox.kyc.desk import Desk
from sandbox.kyc.faults import Faults, Knobs
from sandbox.kyc.notices import Sender
from sandbox.store import Store, StoreDown

_AFTER_FAILURE_SECONDS = 0.5
_SLEEP_SECONDS = 0.1
_BATCH = 100
log = structlog.get_logger("sandbox.kyc")


class Kyc:
    """Open it with `open`, work through `desk`, end it with `close`."""

    def __init__(self, store: Store, clock: Clock, *, url: str) -> None:
        self.url = url
        self.store = store
        self.clock = clock
        self.faults = Faults(Knobs())
        self.sender = Sender(store, self.faults)
        self._news = asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Takes up what a predecessor left: faults, notices, what is decided by itself."""
        async with self.store.begin() as connection:
            await outbox.free(connection)
            kept = await connection.fetchval("select knobs from sandbox.kyc_faults where id = 1")
        if kept is not None:
            self.faults.set(Knobs.model_validate(kept))
        for round_, name in ((self.sender.round, "kyc notices"), (self._review, "kyc reviews")):
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
            self._news.set()

    async def set_faults(self, knobs: Knobs) -> None:
        async with self.store.begin() as connection:
            await connection.execute(
                "insert into sandbox.kyc_faults (id, knobs) values (1, $1)"
                " on conflict (id) do update set knobs = excluded.knobs",
                knobs.model_dump(mode="json"),
            )
        self.faults.set(knobs)

    async def cut_notices(self) -> int:
        """Gives up every notice that waits; how many that were."""
        async with self.store.begin() as connection:
            return await outbox.cut(connection)

    async def _review(self) -> None:
        """Does what is due, each in its own transaction, and waits a moment for more."""
        self._news.clear()
        async with self.store.begin() as connection:
            desk = Desk(connection, now=self.clock.now(), faults=self.faults)
            due = await desk.list_due(limit=_BATCH)
        for applicant_id in due:
            async with self.desk() as desk:
                found = await desk.find(applicant_id)
                if found is not None:
                    await desk.do_due(found)
        if not due:
            with suppress(TimeoutError):
                async with asyncio.timeout(_SLEEP_SECONDS):
                    await self._news.wait()


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
