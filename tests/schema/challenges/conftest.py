"""A firm whose API is asked as portals do, over the feeds of production."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio

from api.app import audience
from domain.accounts.live import publish_states
from domain.accounts.trading import Quote
from domain.events.bus import MemoryBus
from domain.events.cursor import FeedCursors
from domain.events.hub import Hub
from domain.events.states import States
from domain.events.stream import Feeds
from domain.payments.statements.links import StatementLinks
from schema.root import build
from schema.shared.assemble import Assembled
from schema.shared.context import Context
from tenants.context import Scope
from tenants.work import Database
from tests.domain.challenges.firm import Firm
from tests.domain.payments.deposits.conftest import desk, queue
from tests.domain.payments.deposits.desk import VAULT, Desk
from tests.schema.people import SECRET, Answer

__all__ = ["desk", "queue"]
Asks = Callable[..., Awaitable[Answer]]


class Prices:
    """A platform that only prices: what it is told."""

    def __init__(self) -> None:
        self.told: list[Quote] = []

    def connect(self, _server: Any) -> "Prices":
        return self

    async def quotes(self, symbols: list[str]) -> list[Quote]:
        return [one for one in self.told if one.symbol in symbols]

    async def server_clock(self) -> Any:
        return type("Clock", (), {"now": self.told[0].at})


@dataclass(frozen=True)
class Services:
    feeds: Feeds
    states: States
    platforms: Prices = field(default_factory=Prices)
    statements: StatementLinks = field(default_factory=lambda: StatementLinks(VAULT))
    allow_local_pages: bool = False


@dataclass(frozen=True)
class Window:
    """What an operation is made of."""

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
            reached_at=lambda: "http://prop.example",
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

    def tick(self, server_id: Any, *states: Any) -> None:
        publish_states(self.services.states, server_id, states, ())


@pytest.fixture(scope="session")
def assembled() -> Assembled:
    return build(SECRET)


@pytest_asyncio.fixture
async def window(assembled: Assembled, database: Database) -> AsyncIterator[Window]:
    async with MemoryBus() as bus, Hub(database, bus, audience()) as hub:
        feeds = Feeds(hub, database, FeedCursors(SECRET))
        yield Window(assembled, database, Services(feeds, States()), bus)


@pytest.fixture
def ask(window: Window, count_statements: Any) -> Asks:
    """`await ask("{ challenges { … } }", scope, **variables)`."""

    async def asking(document: str, scope: Scope, **variables: Any) -> Answer:
        context = window.context(scope)
        with count_statements() as counted:
            result = await window.assembled.schema.execute(
                document, variable_values=variables, context_value=context
            )
        await context.close()
        return Answer(result.data, list(result.errors or []), counted.total)

    return asking


@pytest_asyncio.fixture
async def firm(desk: Desk) -> Firm:
    """Sells a two-step challenge in US dollars."""
    return await Firm(desk).open()
