"""The schema of clients and ibs over all declarations, asked as somebody, statements counted."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
import strawberry
from argon2 import PasswordHasher

from domain.clients.reach import OwnClients
from domain.events.bus import MemoryBus
from domain.events.cursor import FeedCursors
from domain.events.hub import Hub
from domain.events.stream import Feeds
from domain.events.values import Audience
from domain.reads import Cursors, Registry
from schema.access.queries import AccessQueries
from schema.clients.lead_feed import LeadSubscriptions
from schema.clients.lead_mutations import LeadMutations
from schema.clients.leads import LeadQueries
from schema.clients.mutations import ClientMutations
from schema.clients.queries import ClientQueries
from schema.clients.subscriptions import ClientSubscriptions
from schema.ibs.commission_mutations import CommissionMutations
from schema.ibs.mutations import IbMutations
from schema.ibs.queries import IbQueries
from schema.ibs.status_mutations import IbStatusMutations
from schema.ibs.subscriptions import IbSubscriptions
from schema.root import READS, TYPES
from schema.shared.assemble import Assembled, assemble
from schema.shared.context import Context
from schema.shared.nodes import NodeQueries
from schema.shared.plans import Plans
from tenants.context import Scope
from tenants.passwords import Passwords
from tenants.work import Database
from tests.schema.plans.both import unlike

PASSWORDS = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
SECRET = b"thirty-two bytes of a test's key"


@strawberry.type
class Query(AccessQueries, ClientQueries, IbQueries, LeadQueries, NodeQueries):
    pass


@strawberry.type
class Mutation(ClientMutations, CommissionMutations, IbMutations, IbStatusMutations, LeadMutations):
    pass


@strawberry.type
class Subscription(ClientSubscriptions, IbSubscriptions, LeadSubscriptions):
    pass


@dataclass(frozen=True)
class Services:
    passwords: Passwords
    feeds: Feeds


@dataclass(frozen=True)
class Answer:
    """An answer, with its errors' codes and the number of statements it took."""

    data: Any
    errors: list[Any]
    statements: int

    @property
    def codes(self) -> list[str]:
        return [str((one.extensions or {}).get("code")) for one in self.errors]

    def only(self) -> Any:
        """The value of the one root field of an answer without errors."""
        assert not self.errors, self.errors
        (value,) = self.data.values()
        return value

    def refused(self) -> list[tuple[str, list[str]]]:
        """Code and path of each error in a mutation's payload, whose results are null."""
        body = self.only()
        results = {k: value for k, value in body.items() if k not in ("errors", "replayed")}
        assert not any(results.values()), results
        return [(one["code"], one["path"]) for one in body["errors"]]


Ask = Callable[..., Awaitable[Answer]]


@pytest.fixture(scope="session")
def assembled() -> Assembled:
    return assemble(
        Registry(*READS).link(),
        Cursors(SECRET),
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=TYPES,
    )


@dataclass(frozen=True)
class World:
    """The parts a context is made of, and the bus that wakes feeds."""

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


@pytest_asyncio.fixture
async def world(assembled: Assembled, database: Database) -> AsyncIterator[World]:
    audience = Audience(
        {"CLIENT": "clients:watch", "IB": "ibs:watch", "LEAD": "leads:watch"},
        {("CLIENT", "note_added"): "notes:read", ("IB", "accrued"): "commissions:read"},
        reach=OwnClients(),
        owned={"LEAD": "leads:all"},
    )
    async with MemoryBus() as bus, Hub(database, bus, audience) as hub:
        feeds = Feeds(hub, database, FeedCursors(SECRET))
        yield World(assembled, database, Services(PASSWORDS, feeds), bus)


@pytest.fixture(scope="session")
def plans(assembled: Assembled, database: Database) -> Plans:
    return Plans(assembled.schema, assembled.reading, database)


@pytest.fixture
def ask(world: World, count_statements: Any, plans: Plans) -> Ask:
    """`await ask("{ clients { … } }", scope, **variables)`; what has a plan is asked of it, too."""

    async def asking(document: str, scope: Scope, **variables: Any) -> Answer:
        context = world.context(scope)
        with count_statements() as counted:
            result = await world.assembled.schema.execute(
                document, variable_values=variables, context_value=context
            )
        await context.close()
        prepared = world.assembled.schema.documents.prepare(document)
        woven = await plans.answer(prepared, None, variables, scope)
        assert woven is None or unlike(prepared, woven, result) is None
        return Answer(result.data, list(result.errors or []), counted.total)

    return asking
