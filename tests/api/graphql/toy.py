"""A small schema and caller book, served by a real uvicorn on a loopback port.

Its names follow the real SDL so that a test reads like a front end; nothing of it is the product.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, NewType
from uuid import UUID, uuid4

import strawberry
from graphql import GraphQLError
from starlette.requests import HTTPConnection
from strawberry.schema.config import StrawberryConfig

from api.graphql.context import EdgeContext
from api.graphql.errors import EdgeRefusal
from domain.kernel.ids import new_uuid
from schema.shared.documents import ExecutableSchema
from tenants.context import ANONYMOUS, Actor, ActorKind, Scope

Cursor = NewType("Cursor", str)
BRAND = UUID(int=1)
SECRET_TEXT = "relation ledger_account on db-7.internal violates constraint posting_pk"


@strawberry.type
class Money:
    amount: str
    currency_code: str


@strawberry.interface
class Node:
    id: strawberry.ID


@strawberry.type
class PageInfo:
    has_next_page: bool = False
    end_cursor: Cursor | None = None


@strawberry.type
class Account(Node):
    login: str = "1001"
    balance: Money = field(default_factory=lambda: Money(amount="1.00", currency_code="USD"))


@strawberry.type
class AccountConnection:
    nodes: list[Account]
    page_info: PageInfo


@strawberry.type
class Client(Node):
    name: str
    tags: list[str] = field(default_factory=list)

    @strawberry.field
    def accounts(self, first: int | None = None) -> AccountConnection:
        accounts = [Account(id=strawberry.ID(f"account_{n}")) for n in range(2)]
        return AccountConnection(nodes=accounts[: first or 25], page_info=PageInfo())

    @strawberry.field
    def statements(self, points: int = 200) -> list[Account]:
        return []

    @strawberry.field
    def deals(self) -> list[Account]:
        return []


@strawberry.type
class ClientEdge:
    cursor: Cursor
    node: Client


@strawberry.type
class ClientConnection:
    edges: list[ClientEdge]
    nodes: list[Client]
    page_info: PageInfo


def _clients(count: int) -> ClientConnection:
    clients = [Client(id=strawberry.ID(f"client_{n}"), name=f"Client {n}") for n in range(count)]
    edges = [ClientEdge(cursor=Cursor(str(n)), node=c) for n, c in enumerate(clients)]
    return ClientConnection(edges=edges, nodes=clients, page_info=PageInfo())


@strawberry.type
class Query:
    @strawberry.field
    def viewer(self, info: strawberry.Info) -> str | None:
        actor: Actor = info.context.scope.actor
        return None if actor.kind is ActorKind.ANONYMOUS else actor.name

    @strawberry.field
    def node(self, id: strawberry.ID) -> Node | None:
        return Client(id=id, name="Ada") if id.startswith("client_") else None

    @strawberry.field
    def nodes(self, ids: list[strawberry.ID]) -> list[Node | None]:
        return [None for _ in ids]

    @strawberry.field
    def clients(
        self, first: int | None = None, after: Cursor | None = None, last: int | None = None
    ) -> ClientConnection:
        return _clients(min(first or 25, 3))

    @strawberry.field
    def boom(self) -> str | None:
        raise ValueError(SECRET_TEXT)

    @strawberry.field
    def refused(self, code: str = "CONFLICT") -> str | None:
        raise GraphQLError("Told to the caller.", extensions={"code": code})

    @strawberry.field
    async def slow(self, seconds: float = 60) -> str:
        await asyncio.sleep(seconds)
        return "done"

    @strawberry.field
    async def large(self, info: strawberry.Info, bytes: int) -> str:
        await info.context.read()
        return "x" * bytes

    @strawberry.field(metadata={"cost": 7})
    def priced(self) -> str:
        return "seven"

    @strawberry.field
    def unwritable(self) -> Annotated[strawberry.scalars.JSON, "never JSON"]:
        return strawberry.scalars.JSON(object())


@strawberry.type
class UserError:
    message: str


@strawberry.type
class SessionCreatePayload:
    token: str | None
    errors: list[UserError]


@strawberry.type
class Mutation:
    @strawberry.mutation
    def session_create(self, email: str) -> SessionCreatePayload:
        return SessionCreatePayload(token="t", errors=[])

    @strawberry.mutation
    def note_create(self, text: str) -> str:
        return text


@strawberry.type
class FeedItem:
    cursor: Cursor
    text: str


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def account_events(
        self, info: strawberry.Info, after: Cursor | None = None, until: int = 3
    ) -> AsyncGenerator[FeedItem, None]:
        start = after or info.context.last_event_id
        for number in range(int(start) + 1 if start else 1, until + 1):
            yield FeedItem(cursor=Cursor(str(number)), text=f"event {number}")

    @strawberry.subscription
    async def forever(self, info: strawberry.Info) -> AsyncGenerator[int, None]:
        yield 0
        try:
            await asyncio.sleep(3600)
        finally:
            info.context.book.finished += 1

    @strawberry.subscription
    async def flood(self) -> AsyncGenerator[str, None]:
        while True:
            yield "x" * 100_000
            await asyncio.sleep(0)

    @strawberry.subscription
    async def breaks(self) -> AsyncGenerator[int, None]:
        yield 1
        raise ValueError(SECRET_TEXT)


def toy_schema() -> ExecutableSchema:
    return ExecutableSchema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[Client, Account],
        config=StrawberryConfig(
            disable_field_suggestions=True,
            sort_schema=True,
            scalar_map={Cursor: strawberry.scalar(name="Cursor")},
        ),
    )


@dataclass
class ToyContext:
    """What the product's own context offers the edge, and counts of its use."""

    book: "CallerBook"
    request_id: str
    scope: Scope
    throttle_keys: tuple[str, ...]
    last_event_id: str | None = None
    is_closed: bool = False
    held: int = 0

    async def read(self) -> None:
        """Takes a connection of the pool, as the first statement of an operation does."""
        await asyncio.wait_for(self.book.pool.acquire(), 5)
        self.held += 1

    @property
    def is_holding(self) -> bool:
        return not self.is_closed

    async def close(self) -> None:
        await asyncio.sleep(0)
        while self.held:
            self.held -= 1
            self.book.pool.release()
        self.book.closed += not self.is_closed
        self.is_closed = True


@dataclass
class CallerBook:
    """Tokens by text; `revoked` ones are turned away. Counts opened and closed contexts.

    `pool` stands for the connections of the database.
    """

    tokens: dict[str, Actor] = field(default_factory=dict)
    token_ids: dict[str, UUID] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)
    pool: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    unavailable: bool = False
    broken: bool = False
    opened: int = 0
    closed: int = 0
    finished: int = 0
    seen: list[dict[str, Any]] = field(default_factory=list)

    def add(self, token: str, kind: ActorKind) -> str:
        self.tokens[token] = Actor(kind, uuid4(), token)
        self.token_ids[token] = new_uuid()
        return token

    async def context(
        self, connection: HTTPConnection, parameters: Mapping[str, str] | None
    ) -> EdgeContext:
        if self.broken:
            raise RuntimeError(SECRET_TEXT)
        if self.unavailable:
            raise EdgeRefusal("UNAVAILABLE", 503, "The database is away.")
        given = (parameters or {}).get("authorization") or connection.headers.get("authorization")
        self.seen.append({"parameters": parameters and dict(parameters), "given": given})
        token = given.removeprefix("Bearer ") if given else None
        if token is not None and (token not in self.tokens or token in self.revoked):
            raise EdgeRefusal("UNAUTHENTICATED", 401, "The token is not valid.")
        actor = self.tokens[token] if token else ANONYMOUS
        token_id = self.token_ids[token] if token else None
        own = f"token:{BRAND.hex}:{token}" if token else f"anonymous:{BRAND.hex}:loopback"
        self.opened += 1
        return ToyContext(
            book=self,
            request_id=connection.state.request_id,
            scope=Scope(BRAND, actor, token_id=token_id),
            throttle_keys=(own, f"brand:{BRAND.hex}:all"),
        )


async def settled(toy: Any) -> None:
    """Waits until the server has given back every context and connection; or fails."""
    for _ in range(300):
        if toy.book.opened == toy.book.closed and len(toy.view.live) == 0:
            return
        await asyncio.sleep(0.01)
    raise AssertionError((toy.book.opened, toy.book.closed, len(toy.view.live)))


async def portal_only(origin: str, connection: HTTPConnection) -> bool:
    if origin == "https://broken.example":
        raise ConnectionError(SECRET_TEXT)
    return origin == "https://portal.example"
