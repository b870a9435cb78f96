"""The part of the schema under test, over the whole registry, asked with tokens as callers have."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import strawberry
from argon2 import PasswordHasher

from api.auth import ACTORS
from domain.reads import Cursors, Registry
from schema.access.documents import DocumentMutations, DocumentQueries
from schema.access.mutations import AccessMutations
from schema.access.queries import AccessQueries
from schema.clients.queries import ClientQueries
from schema.root import READS, TYPES
from schema.shared.assemble import Assembled, assemble
from schema.shared.context import Context
from schema.shared.nodes import NodeQueries
from tenants.access import Access
from tenants.api_tokens import ApiTokens
from tenants.brands import Directory
from tenants.denials import Denials
from tenants.identify import Asking, Identifier
from tenants.password_reset import PasswordReset
from tenants.passwords import Passwords
from tenants.sign_in import SignIn
from tenants.trusted_lists import TrustedLists
from tenants.work import Database

FAST = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@strawberry.type
class Query(AccessQueries, ClientQueries, DocumentQueries, NodeQueries):
    pass


@strawberry.type
class Mutation(AccessMutations, DocumentMutations):
    pass


@dataclass(frozen=True)
class Services:
    sign_in: SignIn
    password_reset: PasswordReset
    api_tokens: ApiTokens
    trusted: TrustedLists


@dataclass(frozen=True)
class Answer:
    """An answer with its errors' codes."""

    data: Any
    errors: list[Any]

    @property
    def codes(self) -> list[str]:
        return [str((one.extensions or {}).get("code")) for one in self.errors]


Ask = Callable[..., Awaitable[Answer]]


@pytest.fixture(scope="session")
def assembled() -> Assembled:
    return assemble(
        Registry(*READS).link(), Cursors(bytes(32)), query=Query, mutation=Mutation, types=TYPES
    )


@pytest.fixture
def services(database: Database) -> Services:
    passwords = Passwords(FAST)
    sign_in = SignIn(database, passwords, ACTORS, Denials(database))
    return Services(
        sign_in,
        PasswordReset(database, passwords, ACTORS),
        ApiTokens(ACTORS),
        TrustedLists(database),
    )


@pytest.fixture
def ask(assembled: Assembled, database: Database, services: Services) -> Ask:
    """`await ask("{ viewer { … } }", token)`, or with `key=`, `host=`, `brand=`."""
    directory, access = Directory(database), Access()

    async def run(document: str, token: Any = None, /, **variables: Any) -> Answer:
        asking = Asking(
            authorization=f"Bearer {getattr(token, 'text', token)}" if token else None,
            publishable_key=variables.pop("key", None),
            host=variables.pop("host", None),
            brand=variables.pop("brand", None),
            ip="192.0.2.1",
            request_id="request",
        )
        identifier = Identifier(database, directory, ACTORS, access=access)
        directory.forget()
        scope = await identifier.identify(asking)
        context = Context(
            scope=scope, database=database, reading=assembled.reading, services=services
        )
        result = await assembled.schema.execute(
            document, variable_values=variables, context_value=context
        )
        await context.close()
        return Answer(result.data, list(result.errors or []))

    return run
