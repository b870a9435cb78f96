"""Accounts through the schema: a scripted platform, and a runner that carries requests out.

The runner does what the worker's jobs do, so that a mutation's wait ends as in production.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal as D
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import select

from domain.accounts.carry_out import carry_out
from domain.accounts.ports import OutcomeUnknown, PlatformRefused, PlatformUnavailable
from domain.accounts.tables import platform_request, trade_order
from domain.accounts.trading import Interval, Passwords, PriceBar
from domain.clients.reach import OwnClients
from domain.events.bus import MemoryBus
from domain.events.cursor import FeedCursors
from domain.events.hub import Hub
from domain.events.states import States
from domain.events.stream import Feeds
from domain.events.values import Audience
from domain.kernel.ids import encode_id, new_uuid
from schema.root import build
from schema.shared.assemble import Assembled
from schema.shared.context import Context
from tenants.context import Scope, system_scope
from tenants.secrets import Vault
from tenants.work import Database
from tests.factories import Account, Brand, Client, Factory
from tests.schema.people import SECRET, Answer, Ask

VAULT = Vault(bytes(range(32)))


@dataclass
class ScriptedPlatform:
    """A platform that agrees to everything, unless `refusal` or `lost` say otherwise."""

    calls: list[tuple[str, Any]] = field(default_factory=list)
    refusal: str | None = None
    lost: bool = False
    silent: bool = False
    held: list[Any] = field(default_factory=list)
    passwords: list[Passwords] = field(default_factory=list)

    async def _did(self, name: str, what: Any = None) -> None:
        self.calls.append((name, what))
        if self.silent:
            await asyncio.Event().wait()
        if self.lost:
            raise OutcomeUnknown(name)
        if self.refusal:
            raise PlatformRefused(self.refusal, "no")

    async def create_account(self, request: Any, *, op_id: str) -> Any:
        self.passwords.append(request.passwords)
        await self._did("create_account", request.login)

    async def balance_op(self, login: int, *, amount: D, **_how: Any) -> str:
        await self._did("balance_op", amount)
        return "1"

    async def set_leverage(self, login: int, leverage: int, *, op_id: str) -> Any:
        await self._did("set_leverage", leverage)
        return SimpleNamespace(leverage=leverage)

    async def set_access(self, login: int, access: Any, *, op_id: str) -> Any:
        await self._did("set_access", access.value)
        return SimpleNamespace(access=access)

    async def set_passwords(self, login: int, passwords: Passwords, *, op_id: str) -> None:
        self.passwords.append(passwords)
        await self._did("set_passwords")

    async def positions(self, login: int) -> list[Any]:
        return self.held

    async def orders(self, login: int) -> list[Any]:
        return []

    async def place_order(self, login: int, request: Any) -> Any:
        await self._did("place_order", request.lots)
        deal = SimpleNamespace(price=D("1.10002")) if request.price is None else None
        return SimpleNamespace(order=SimpleNamespace(order_id=f"t{len(self.calls)}"), deal=deal)

    async def modify_order(self, login: int, order_id: str, *, op_id: str, **levels: Any) -> Any:
        await self._did("modify_order", levels)
        return SimpleNamespace(**levels)

    async def cancel_order(self, login: int, order_id: str, *, op_id: str) -> None:
        await self._did("cancel_order", order_id)

    async def modify_position(self, login: int, ticket: str, *, op_id: str, **levels: Any) -> Any:
        await self._did("modify_position", levels)
        return SimpleNamespace(**levels)

    async def close_position(self, login: int, ticket: str, *, lots: Any, op_id: str) -> None:
        await self._did("close_position", lots)

    async def price_history(
        self, symbol: str, *, start: datetime, end: datetime, interval: Interval
    ) -> list[PriceBar]:
        await self._did("price_history", (symbol, start, end, interval))
        price = D("1.10000")
        return [PriceBar(start, price, price, price, price, D("1.10010"), 3)]


@dataclass
class Connected:
    """The platforms of a process: always the scripted one."""

    platform: Any

    def connect(self, _server: Any) -> Any:
        return self.platform


@dataclass(frozen=True)
class Services:
    feeds: Feeds
    states: States
    vault: Vault
    platforms: Connected


@dataclass(frozen=True)
class World:
    assembled: Assembled
    database: Database
    services: Services
    bus: MemoryBus

    def context(self, scope: Scope) -> Context[Services]:
        return Context(
            scope=scope,
            database=self.database,
            reading=self.assembled.reading,
            services=self.services,
        )


@pytest.fixture(scope="session")
def assembled() -> Assembled:
    return build(SECRET)


@pytest.fixture
def platform() -> ScriptedPlatform:
    return ScriptedPlatform()


@pytest_asyncio.fixture
async def world(
    assembled: Assembled, database: Database, platform: ScriptedPlatform
) -> AsyncIterator[World]:
    audience = Audience({"ACCOUNT": "accounts:watch"}, {}, reach=OwnClients())
    async with MemoryBus() as bus, Hub(database, bus, audience) as hub:
        feeds = Feeds(hub, database, FeedCursors(SECRET))
        services = Services(feeds, States(), VAULT, Connected(platform))
        yield World(assembled, database, services, bus)


@pytest.fixture
def ask(world: World, count_statements: Any) -> Ask:
    """`await ask("{ accounts { … } }", scope, **variables)`."""

    async def asking(document: str, scope: Scope, **variables: Any) -> Answer:
        context = world.context(scope)
        with count_statements() as counted:
            result = await world.assembled.schema.execute(
                document, variable_values=variables, context_value=context
            )
        await context.close()
        return Answer(result.data, list(result.errors or []), counted.total)

    return asking


@dataclass(frozen=True)
class Stage:
    """A client with an account that has a position and a pending order, and its worker."""

    brand: Brand
    client: Client
    account: Account
    position_id: UUID
    order_id: UUID

    @property
    def ids(self) -> dict[str, str]:
        return {
            "clientId": encode_id("client", self.client.id),
            "accountId": encode_id("account", self.account.id),
            "positionId": encode_id("position", self.position_id),
            "orderId": encode_id("order", self.order_id),
        }


def pending_order(make: Factory, account: Account, **columns: Any) -> UUID:
    """An order that waits on the platform to buy 0.10 lots at 1.05."""
    key, now = new_uuid(), datetime.now(UTC)
    row = {
        "id": key, "account_id": account.id, "client_id": account.client_id, "ext_id": f"{key}",
        "ib_path": account.ib_path, "symbol": "EURUSD", "side": "BUY", "type": "LIMIT",
        "lots": D("0.1"), "price": D("1.05"), "stop_loss": D("1.04"), "take_profit": None,
        "status": "PLACED", "created_at": now, "updated_at": now,
    }  # fmt: skip
    make.insert(trade_order, account, **(row | columns))
    return key


@pytest_asyncio.fixture
async def stage(
    make: Factory, brand: Brand, worker_database: Database, platform: ScriptedPlatform
) -> AsyncIterator[Stage]:
    make.symbol("EURUSD")
    client = make.client(brand)
    account = make.account(brand, client)
    made = Stage(brand, client, account, make.position(account), pending_order(make, account))
    task = asyncio.create_task(_carry(worker_database, brand, platform))
    yield made
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _carry(database: Database, brand: Brand, platform: Any) -> None:
    """Carry out what is asked in a brand, each request once, as its job would."""
    tried: set[UUID] = set()
    columns = platform_request.c
    open_now = select(columns.id).where(columns.brand_id == brand.id, columns.status == "SENDING")
    while True:
        async with database.read(system_scope(brand.id)) as work:
            asked = {row.id for row in await work.rows(open_now)} - tried
        for request_id in asked:
            tried.add(request_id)
            with suppress(OutcomeUnknown, PlatformUnavailable):
                await carry_out(database, lambda _: platform, brand.id, request_id, vault=VAULT)
        await asyncio.sleep(0.02)
