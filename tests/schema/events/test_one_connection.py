"""An operation holds one connection at a time: a pool of one is enough for whatever it asks."""

import asyncio

import pytest
import pytest_asyncio
import strawberry

from domain.clients.reach import OwnClients
from domain.events.bus import MemoryBus
from domain.events.cursor import FeedCursors
from domain.events.hub import Hub
from domain.events.stream import Feeds
from domain.events.values import Audience
from domain.kernel.ids import encode_id
from domain.reads import Cursors, Registry
from schema.events.queries import EventQueries
from schema.events.types import Event
from schema.root import READS, TYPES
from schema.shared.assemble import assemble
from schema.shared.context import Context
from tenants.context import system_scope
from tenants.database import make_engine
from tenants.log import Event as Logged
from tenants.work import Database
from tests.schema import people
from tests.schema.people import SECRET, Services

pytestmark = pytest.mark.timeout(30)

TOPICS = {"ACCOUNT": "accounts:watch", "CLIENT": "clients:watch", "IB": "ibs:watch"}
UPDATE = """
  m%d: clientUpdate(input: {clientId: $id, expectedVersion: %d, name: "Name %d"}) {
    client { id name } errors { code message }
  }
"""


@strawberry.type
class Query(people.Query, EventQueries):
    pass


@pytest.fixture(scope="module")
def assembled():
    return assemble(
        Registry(*READS).link(),
        Cursors(SECRET),
        query=Query,
        mutation=people.Mutation,
        subscription=people.Subscription,
        types=[Event, *TYPES],
    )


@pytest_asyncio.fixture
async def context(endpoints, assembled):
    """`context(scope)` over a pool of one connection, which nobody waits for above a second."""
    engine = make_engine(endpoints.url("app", driver="asyncpg"), pool_size=1)
    engine.sync_engine.pool._timeout = 1
    database = Database(engine)
    audience = Audience(TOPICS, {}, reach=OwnClients())
    async with MemoryBus() as bus, Hub(database, bus, audience) as hub:
        services = Services(people.PASSWORDS, Feeds(hub, database, FeedCursors(SECRET)))

        def made(scope):
            reading = assembled.reading
            return Context(scope=scope, database=database, reading=reading, services=services)

        yield made
    await engine.dispose()
    assert engine.sync_engine.pool.checkedout() == 0


async def ask(assembled, asked, document, **variables):
    result = await asyncio.wait_for(
        assembled.schema.execute(document, variable_values=variables, context_value=asked), 10
    )
    await asked.close()
    assert result.errors is None, result.errors
    return result.data


async def test_many_pages_of_events_are_one_snapshot(
    context, assembled, make, brand, scope_for, database
):
    own = make.client(brand, owner_id=brand.staff["sales"])
    foreign = make.client(brand, owner_id=brand.staff["brand_admin"])

    async def command(work):
        for client in (own, foreign):
            changed = {"object_id": client.id, "client_id": client.id}
            work.emit(Logged("CLIENT", "profile_changed", **changed))

    await database.write(system_scope(brand.id), command)
    sales = scope_for(brand, "sales")
    assert "clients:all" not in sales.permissions
    aliases = "\n".join(f"e{n}: events(first: 1) {{ events {{ clientId }} }}" for n in range(15))
    told = await ask(assembled, context(sales), f"{{ {aliases} }}")
    seen = [encode_id("client", own.id)]
    assert [[one["clientId"] for one in page["events"]] for page in told.values()] == [seen] * 15


async def test_each_mutation_of_a_document_starts_without_a_connection(
    context, assembled, make, brand, scope_for
):
    client = make.client(brand)
    updates = "".join(UPDATE % (n, n, n) for n in (1, 2, 3))
    told = await ask(
        assembled,
        context(scope_for(brand, "brand_admin")),
        f"mutation ($id: ID!) {{ {updates} }}",
        id=encode_id("client", client.id),
    )
    assert [one["errors"] for one in told.values()] == [[], [], []]
    assert [one["client"]["name"] for one in told.values()] == ["Name 1", "Name 2", "Name 3"]
