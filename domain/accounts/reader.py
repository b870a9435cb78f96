"""Reads one platform server's stream and splits it by login to brands, before any write.

One process reads a server at a time (`tenants.singleton`). What the stream says is published at
once for those who watch; deals are recorded in each brand's own work and only then is the cursor
moved, so that a crash replays and never skips. A login no brand owns goes to the quarantine.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import structlog
from sqlalchemy.exc import DBAPIError

from domain.accounts.burst import Burst, Tick
from domain.accounts.commands.end_orders import end_orders
from domain.accounts.commands.record_deals import AccountRow, record_deals, replace_positions
from domain.accounts.commands.record_order import record_order
from domain.accounts.commands.record_states import record_states
from domain.accounts.commands.save_server import quarantine_deals, save_cursor, save_symbols
from domain.accounts.events import AccountEventKind, account_event
from domain.accounts.live import publish_states
from domain.accounts.logins import Logins
from domain.accounts.ports import EquitySink, Platform, PlatformRefused, PlatformUnavailable
from domain.accounts.queries import find_cursor, list_placed_orders
from domain.accounts.trading import AccountState, Deal, MarginCall, StreamItem
from domain.events.states import StatePublisher
from domain.kernel.errors import Busy, Unavailable
from tenants.context import NO_BRAND, system_scope
from tenants.log import Event
from tenants.work import Database, WriteWork

T = TypeVar("T")
_log = structlog.get_logger(__name__)
_BURST_MAX = 500
_SAVE_EVERY_S = 1.0
_STEADY_S = 30.0
_ASKED_AT_ONCE = 8
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
        """Follow the stream; returns only by cancellation, raises what is a bug of ours."""
        clock = asyncio.get_running_loop().time
        failures = 0
        while True:
            began = clock()
            try:
                await self._follow()
            except (PlatformUnavailable, PlatformRefused, Unavailable, Busy) as error:
                _log.warning("stream_lost", server=self._server.name, reason=error.code)
                failures = 0 if clock() - began > _STEADY_S else failures
                await asyncio.sleep(_RETRY_S[min(failures, len(_RETRY_S) - 1)])
                failures += 1

    async def catch_up(self) -> str:
        """Record every deal after the saved cursor, and no more; the cursor reached.

        For who is alone with the server. Raises PlatformUnavailable.
        """
        await self._logins.load()
        async with self._database.read(_SHARED) as work:
            cursor = await find_cursor(work, self._server.id)
        return await self._catch_up(cursor)

    async def _follow(self) -> None:
        await save_symbols(self._database, self._server.id, await self._platform.symbols())
        cursor = await self.catch_up()
        await self._reconcile_orders()
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

    async def _reconcile_orders(self) -> None:
        """End the pending orders that ended on the platform while nobody was listening."""
        for brand_id in self._logins.brands():
            scope = system_scope(brand_id)
            async with self._database.read(scope) as work:
                waiting = await list_placed_orders(work, self._server.id)
            if not waiting:
                continue
            logins = sorted({row.login for row in waiting})
            pending = await self._ask(logins, self._platform.orders)
            still = {(login, one.order_id) for login, found in pending.items() for one in found}
            gone = [row for row in waiting if (row.login, row.ext_id) not in still]
            await self._database.write(scope, partial(end_orders, orders=gone))

    async def _ask(
        self, logins: Sequence[int], ask: Callable[[int], Awaitable[list[T]]]
    ) -> dict[int, list[T]]:
        """Ask the platform about some logins, a few at a time; one it does not know has nothing."""
        gate = asyncio.Semaphore(_ASKED_AT_ONCE)

        async def one(login: int) -> list[T]:
            async with gate:
                try:
                    return await ask(login)
                except PlatformRefused as refused:
                    _log.warning("login_refused", server=self._server.name, reason=refused.code)
                    return []

        return dict(zip(logins, await asyncio.gather(*map(one, logins)), strict=True))

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
            self._publish(burst)
            await self._record(burst)
            await self._tell(burst)

    def _publish(self, burst: Burst) -> None:
        self._unsaved.update(burst.states)
        states = burst.states.values()
        publish_states(self._bus, self._server.id, states, burst.quotes.values())

    async def _tell(self, burst: Burst) -> None:
        """Sinks come last: the deals that moved the figures can be read by then. Prices are told
        even when no state came with them, which may follow in the next burst."""
        dealt = frozenset(one.login for one in burst.deals)
        for tick in burst.ticks or ([Tick()] if dealt else []):
            quotes = list(tick.quotes.values())
            for sink in self._sinks:
                await sink.observe(self._server.id, tick.states, quotes, dealt=dealt)
            dealt = frozenset()

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
            reason = "login_without_account"
            await quarantine_deals(self._database, self._server.id, strays, reason=reason)
        for brand_id, accounts in brands.items():
            await self._record_brand(brand_id, accounts, burst)
        if burst.deals:
            await save_cursor(self._database, self._server.id, burst.deals[-1].cursor)

    async def _record_brand(
        self, brand_id: UUID, accounts: Mapping[int, AccountRow], burst: Burst
    ) -> None:
        moved = [login for login in accounts if login in burst.moved]
        positions = await self._platform.positions_of(moved) if moved else {}
        deals = [one for one in burst.deals if one.login in accounts]

        async def command(work: WriteWork, told: Sequence[Deal] = deals) -> None:
            await record_deals(work, self._server.id, accounts, told, positions)
            for change in burst.orders:
                if change.login in accounts:
                    await record_order(work, accounts[change.login], change)
            for call in burst.calls:
                if call.login in accounts:
                    work.emit(_margin_called(accounts[call.login], call))

        try:
            await self._database.write(system_scope(brand_id), command)
        except (DBAPIError, ArithmeticError, ValueError) as error:
            _log.error("burst_refused", server=self._server.name, error=type(error).__name__)
            readable = await self._readable(brand_id, accounts, deals)
            await self._database.write(system_scope(brand_id), partial(command, told=readable))

    async def _readable(
        self, brand_id: UUID, accounts: Mapping[int, AccountRow], deals: Sequence[Deal]
    ) -> list[Deal]:
        """Those of the deals that can be recorded, each tried alone; the rest is put aside.

        One deal that cannot be written must not stop the stream for every brand.
        """
        readable = []
        for one in deals:
            command = partial(
                record_deals,
                server_id=self._server.id,
                accounts=accounts,
                deals=[one],
                positions={},
            )
            try:
                await self._database.write(system_scope(brand_id), command)
            except (DBAPIError, ArithmeticError, ValueError):
                await quarantine_deals(self._database, self._server.id, [one], reason="unreadable")
            else:
                readable.append(one)
        return readable

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
        positions = await self._platform.positions_of(trading) if trading else {}

        async def command(work: WriteWork) -> None:
            await record_states(work, accounts, states)
            told = [(accounts[login], held) for login, held in positions.items()]
            await replace_positions(work, told)

        await self._database.write(system_scope(brand_id), command)


def _margin_called(account: AccountRow, call: MarginCall) -> Event:
    level = {"margin_level_percent": str(call.margin_level_percent), "at": call.at.isoformat()}
    return account_event(AccountEventKind.MARGIN_CALLED, account, level)
