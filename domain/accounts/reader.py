"""Reads one platform server's stream and splits it by login to brands, before any write.

One process reads a server at a time (`tenants.singleton`). What the stream says is published at
once for those who watch; deals are recorded in each brand's own work and only then is the cursor
moved, so that a crash replays and never skips. A login no brand owns goes to the quarantine.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import structlog

from domain.accounts.burst import Burst
from domain.accounts.commands.record_deals import AccountRow, record_deals, replace_positions
from domain.accounts.commands.record_order import record_order
from domain.accounts.commands.record_states import record_states
from domain.accounts.commands.save_server import quarantine_deals, save_cursor, save_symbols
from domain.accounts.events import AccountEventKind, account_event
from domain.accounts.live import publish_states
from domain.accounts.logins import Logins
from domain.accounts.ports import EquitySink, Platform, PlatformUnavailable
from domain.accounts.queries import find_cursor
from domain.accounts.trading import AccountState, MarginCall, StreamItem
from domain.events.states import StatePublisher
from domain.kernel.errors import Busy, Unavailable
from tenants.context import NO_BRAND, system_scope
from tenants.log import Event
from tenants.work import Database, WriteWork

_log = structlog.get_logger(__name__)
_BURST_MAX = 500
_SAVE_EVERY_S = 1.0
_RETRY_S = (0.1, 0.5, 1.0, 2.0, 5.0)
_SHARED = system_scope(NO_BRAND)


class StreamReader:
    """Follows one server until cancelled; every failure is retried from the saved cursor."""

    def __init__(
        self,
        server: Any,
        platform: Platform,
        database: Database,
        bus: StatePublisher,
        *,
        sinks: Sequence[EquitySink] = (),
    ) -> None:
        self._server = server
        self._platform = platform
        self._database = database
        self._bus = bus
        self._sinks = sinks
        self._logins = Logins(database, server.id)
        self._unsaved: dict[int, AccountState] = {}

    async def run(self) -> None:
        """Follow the stream; returns only by cancellation."""
        failures = 0
        while True:
            try:
                await self._follow()
            except (PlatformUnavailable, Unavailable, Busy) as error:
                _log.warning("stream_lost", server=self._server.name, reason=error.code)
                await asyncio.sleep(_RETRY_S[min(failures, len(_RETRY_S) - 1)])
                failures += 1

    async def _follow(self) -> None:
        await self._logins.load()
        await save_symbols(self._database, self._server.id, await self._platform.symbols())
        async with self._database.read(_SHARED) as work:
            cursor = await find_cursor(work, self._server.id)
        cursor = await self._catch_up(cursor)
        queue: asyncio.Queue[StreamItem] = asyncio.Queue(maxsize=10_000)
        tasks = [
            asyncio.create_task(self._feed(queue, cursor)),
            asyncio.create_task(self._save_states()),
            asyncio.create_task(self._drain(queue)),
        ]
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _catch_up(self, cursor: str) -> str:
        """Record every deal after the cursor by asking for history: the truth, not the stream."""
        while True:
            deals, cursor = await self._platform.deals_since(cursor, limit=_BURST_MAX)
            if not deals:
                return cursor
            burst = Burst()
            for one in deals:
                burst.add(one)
            await self._record(burst)

    async def _feed(self, queue: "asyncio.Queue[StreamItem]", cursor: str) -> None:
        async for item in self._platform.stream(cursor):
            await queue.put(item)
        raise PlatformUnavailable

    async def _drain(self, queue: "asyncio.Queue[StreamItem]") -> None:
        while True:
            burst = Burst()
            burst.add(await queue.get())
            while not queue.empty() and len(burst.deals) < _BURST_MAX:
                burst.add(queue.get_nowait())
            await self._publish(burst)
            await self._record(burst)

    async def _publish(self, burst: Burst) -> None:
        states = list(burst.states.values())
        self._unsaved.update(burst.states)
        publish_states(self._bus, self._server.id, states, burst.quotes.values())
        for sink in self._sinks:
            await sink.observe(self._server.name, states)

    async def _record(self, burst: Burst) -> None:
        """Record the facts of a burst, each brand in its own work, then move the cursor."""
        touched = burst.touched()
        if not touched:
            return
        brands = await self._logins.resolve(touched)
        owned = {login for accounts in brands.values() for login in accounts}
        strays = [one for one in burst.deals if one.login not in owned]
        if strays:
            _log.warning("deals_without_brand", server=self._server.name, count=len(strays))
            await quarantine_deals(self._database, self._server.id, strays)
        for brand_id, accounts in brands.items():
            await self._record_brand(brand_id, accounts, burst)
        if burst.deals:
            await save_cursor(self._database, self._server.id, burst.deals[-1].cursor)

    async def _record_brand(
        self, brand_id: UUID, accounts: Mapping[int, AccountRow], burst: Burst
    ) -> None:
        moved = [login for login in accounts if login in burst.moved]
        positions = {login: await self._platform.positions(login) for login in moved}
        deals = [one for one in burst.deals if one.login in accounts]

        async def command(work: WriteWork) -> None:
            await record_deals(work, self._server.id, accounts, deals, positions)
            for change in burst.orders:
                if change.login in accounts:
                    await record_order(work, accounts[change.login], change)
            for call in burst.calls:
                if call.login in accounts:
                    work.emit(_margin_called(accounts[call.login], call))

        await self._database.write(system_scope(brand_id), command)

    async def _save_states(self) -> None:
        """Every second, keep what changed: states of all accounts, positions of those trading."""
        while True:
            await asyncio.sleep(_SAVE_EVERY_S)
            unsaved, self._unsaved = self._unsaved, {}
            for brand_id, accounts in (await self._logins.resolve(unsaved)).items():
                await self._save_brand_states(brand_id, accounts, unsaved)

    async def _save_brand_states(
        self, brand_id: UUID, accounts: Mapping[int, AccountRow], unsaved: dict[int, AccountState]
    ) -> None:
        states = [unsaved[login] for login in accounts]
        trading = [one.login for one in states if one.margin > 0]
        positions = {login: await self._platform.positions(login) for login in trading}

        async def command(work: WriteWork) -> None:
            await record_states(work, accounts, states)
            for login, held in positions.items():
                await replace_positions(work, accounts[login], held)

        await self._database.write(system_scope(brand_id), command)


def _margin_called(account: AccountRow, call: MarginCall) -> Event:
    level = {"margin_level_percent": str(call.margin_level_percent), "at": call.at.isoformat()}
    return account_event(AccountEventKind.MARGIN_CALLED, account, level)
