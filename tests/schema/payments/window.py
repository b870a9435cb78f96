"""The cashier's window: the whole schema over the feeds of production, and rows to look at."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from api.app import audience
from domain.events.bus import MemoryBus
from domain.events.cursor import FeedCursors
from domain.events.hub import Hub
from domain.events.stream import Feeds
from domain.payments.commands.record_payment import create_payment
from domain.payments.statements.links import StatementLinks
from domain.payments.values import PaymentKind, PaymentStatus
from schema.root import build
from schema.shared.assemble import Assembled
from schema.shared.context import Context
from tenants.context import Scope
from tenants.secrets import Vault
from tenants.work import Database, WriteWork
from tests.domain.payments.till import Till
from tests.domain.payments.withdrawals.counter import Counter
from tests.factories import Brand, Client, Factory, scope_of
from tests.schema.people import SECRET, Answer, Ask

VAULT = Vault(bytes(range(32)))


@dataclass(frozen=True)
class Services:
    feeds: Feeds
    vault: Vault
    statements: StatementLinks


@dataclass(frozen=True)
class World:
    """What an operation is made of, and the bus that wakes feeds."""

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
            reached_at=lambda: "http://cashier.example",
        )

    async def feed(self, document: str, scope: Scope, **variables: Any) -> AsyncIterator[Any]:
        """The items of a subscription."""
        results = await self.assembled.schema.stream(
            document, variable_values=variables, context_value=self.context(scope)
        )
        async with aclosing(results) as stream:
            async for one in stream:
                assert one.errors is None, one.errors
                (item,) = one.data.values()
                yield item

    async def write(self, scope: Scope, command: Any) -> Any:
        """Run a command, and wake the feeds of its brand."""
        done = (await self.database.write(scope, command)).value
        self.bus.wake(scope.brand_id)
        return done


@pytest.fixture(scope="session")
def assembled() -> Assembled:
    return build(SECRET)


@pytest_asyncio.fixture
async def world(assembled: Assembled, database: Database) -> AsyncIterator[World]:
    async with MemoryBus() as bus, Hub(database, bus, audience()) as hub:
        feeds = Feeds(hub, database, FeedCursors(SECRET))
        yield World(assembled, database, Services(feeds, VAULT, StatementLinks(VAULT)), bus)


@pytest.fixture
def ask(world: World, count_statements: Any) -> Ask:
    """`await ask("{ payments { … } }", scope, **variables)`."""

    async def asking(document: str, scope: Scope, **variables: Any) -> Answer:
        context = world.context(scope)
        with count_statements() as counted:
            result = await world.assembled.schema.execute(
                document, variable_values=variables, context_value=context
            )
        await context.close()
        return Answer(result.data, list(result.errors or []), counted.total)

    return asking


@pytest.fixture
def till(make: Factory, database: Database, brand: Brand) -> Till:
    """A PSP connection of a new brand, and its books."""
    return Till(make, database, brand).open()


@pytest.fixture
def counter(till: Till) -> Counter:
    """A client of that brand, with payment methods."""
    return Counter(till).open()


async def begin(
    database: Database, client: Client, kind: PaymentKind, by: Scope, **columns: Any
) -> dict[str, Any]:
    """A payment that has just begun, as the command that makes payments leaves it."""
    status = {
        PaymentKind.DEPOSIT: PaymentStatus.PENDING,
        PaymentKind.WITHDRAWAL: PaymentStatus.REQUESTED,
        PaymentKind.TRANSFER: PaymentStatus.SENDING,
    }[kind]

    async def command(work: WriteWork) -> dict[str, Any]:
        values = {
            "kind": kind, "status": status, "client_id": client.id, "ib_path": client.ib_path,
            "currency": "USD", "amount_minor": 10_000, "fee_minor": 0,
        }  # fmt: skip
        return await create_payment(work, values | columns)

    return (await database.write(by, command)).value


def by_client(brand: Brand, client: Client) -> Scope:
    return scope_of(brand, client=client)
