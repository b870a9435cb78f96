"""The pet shop's schema, and asking it as somebody with given permissions."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine
from strawberry.types import ExecutionResult

from api.embedded import Endpoints
from domain.reads import Registry
from schema.shared.assemble import Assembled, assemble
from schema.shared.context import Context
from tenants.context import Actor, ActorKind, Scope
from tenants.database import make_engine
from tenants.work import Database
from tests.domain.reads import zoo
from tests.domain.reads.zoo_database import fresh, keeper, linked, zoo_endpoints
from tests.schema.shared import petshop

__all__ = ["fresh", "keeper", "linked", "zoo_endpoints"]

ALL = frozenset({"people:read", "people:all", "people:pii", "people:score", "vets:read"})
Denied = list[tuple[str, tuple[str, ...]]]


@pytest.fixture(scope="session")
def denied() -> Denied:
    """What `on_denied` was told since it was last cleared."""
    return []


@pytest.fixture(scope="session")
def assembled(linked: Registry, denied: Denied) -> Assembled:
    async def on_denied(_context: Any, permission: str, path: tuple[str, ...]) -> None:
        denied.append((permission, path))

    return assemble(
        linked,
        zoo.CURSORS,
        query=petshop.Query,
        mutation=petshop.Mutation,
        subscription=petshop.Subscription,
        on_denied=on_denied,
    )


@pytest_asyncio.fixture(scope="session")
async def shop(keeper: AsyncEngine, zoo_endpoints: Endpoints) -> AsyncIterator[Database]:
    engine = make_engine(zoo_endpoints.url("app", driver="asyncpg"), pool_size=2)
    yield Database(engine)
    await engine.dispose()


class Answer:
    """An answer and how many statements it took."""

    def __init__(self, result: ExecutionResult, statements: int) -> None:
        self.data = result.data
        self.errors = result.errors or []
        self.statements = statements

    @property
    def codes(self) -> list[str]:
        return [str((each.extensions or {}).get("code")) for each in self.errors]


Ask = Callable[..., Awaitable[Answer]]


@pytest.fixture
def ask(assembled: Assembled, shop: Database, fresh: UUID) -> Ask:
    """`await ask("{ … }", rights={…}, **variables)` in the test's own brand."""

    async def asking(
        text: str,
        *,
        rights: frozenset[str] | set[str] = ALL,
        kind: ActorKind = ActorKind.STAFF,
        **variables: Any,
    ) -> Answer:
        scope = Scope(
            brand_id=variables.pop("brand", fresh),
            actor=Actor(kind, UUID(int=7)),
            permissions=frozenset(rights),
            request_id="req",
        )
        context = Context(scope=scope, database=shop, reading=assembled.reading, services=None)
        result = await assembled.schema.execute(
            text, variable_values=variables, context_value=context
        )
        # Of the last snapshot: a mutation begins without one.
        statements = context.work.statements
        await context.close()
        return Answer(result, statements)

    return asking
