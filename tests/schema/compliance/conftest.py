"""A brand whose legal entity asks for identities, seen through the whole schema."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import psycopg
import pytest
import pytest_asyncio

from api.app import audience
from api.embedded import Endpoints
from domain.compliance.identity.links import PaperLinks
from domain.events.bus import MemoryBus
from domain.events.cursor import FeedCursors
from domain.events.hub import Hub
from domain.events.stream import Feeds
from schema.shared.assemble import Assembled
from tenants.work import Database
from tests.domain.compliance.identity.desk import VAULT, Desk
from tests.factories import Brand, Factory
from tests.schema.payments.window import World, ask, assembled
from tests.schema.people import SECRET

__all__ = ["ask", "assembled"]


class Services:
    """What the schema needs of the application."""

    def __init__(self, feeds: Feeds) -> None:
        self.feeds = feeds
        self.papers = PaperLinks(VAULT)
        self.allow_local_pages = False


@pytest_asyncio.fixture
async def world(assembled: Assembled, database: Database) -> AsyncIterator[World]:
    async with MemoryBus() as bus, Hub(database, bus, audience()) as hub:
        feeds = Feeds(hub, database, FeedCursors(SECRET))
        services: Any = Services(feeds)
        yield World(assembled, database, services, bus)


@pytest.fixture
def queue(endpoints: Endpoints) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(
        endpoints.url("worker"), autocommit=True, options="-c search_path=jobs"
    ) as opened:
        yield opened


@pytest_asyncio.fixture
async def desk(
    make: Factory,
    database: Database,
    worker_database: Database,
    brand: Brand,
    queue: psycopg.Connection[Any],
) -> AsyncIterator[Desk]:
    made = await Desk(make, database, worker_database, brand, queue).open()
    yield made
    await made.close()
