"""Strawberry as most would write it: SQLAlchemy's ORM, a loader for each relation, both caches.

Parsed documents and validations are cached. The brand comes from a header; there are no tokens,
limits or permissions.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import strawberry
import uvicorn
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, SchemaExtension, ValidationCache

from bench.peers import mapped
from bench.peers.loaded import Work

_POOL = 8
Info: TypeAlias = strawberry.Info[dict[str, Any], None]


def _work(info: Info) -> Work:
    work: Work = info.context["work"]
    return work


@strawberry.type
class Money:
    """An amount as a decimal text."""

    amount: str
    currency_code: str

    @classmethod
    def of(cls, minor: int, currency: str) -> "Money":
        """From minor units."""
        if currency == "JPY":
            return cls(amount=str(minor), currency_code=currency)
        return cls(amount=f"{int(minor) // 100}.{int(minor) % 100:02}", currency_code=currency)


@strawberry.type
class State:
    """What an account holds."""

    balance: Money
    equity: Money


@strawberry.type
class Account:
    """A trading account."""

    id: strawberry.ID
    login: str
    currency_code: str
    leverage: int
    status: str

    @classmethod
    def of(cls, row: mapped.Account) -> "Account":
        """From its row."""
        return cls(id=strawberry.ID(str(row.id)), login=str(row.login), leverage=row.leverage,
                   currency_code=row.currency, status=row.status)  # fmt: skip

    @strawberry.field
    async def state(self, info: Info) -> State | None:
        """Its balance."""
        row = await _work(info).states.load(UUID(self.id))
        if row is None:
            return None
        return State(
            balance=Money.of(row.balance_minor, row.currency),
            equity=Money.of(row.equity_minor, row.currency),
        )


@strawberry.type
class Payment:
    """A deposit or a withdrawal."""

    id: strawberry.ID
    reference: str
    status: str
    amount: Money
    created_at: datetime
    client_id: strawberry.Private[UUID]

    @classmethod
    def of(cls, row: mapped.Payment) -> "Payment":
        """From its row."""
        return cls(id=strawberry.ID(str(row.id)), reference=row.reference, status=row.status,
                   amount=Money.of(row.amount_minor, row.currency), created_at=row.created_at,
                   client_id=row.client_id)  # fmt: skip

    @strawberry.field
    async def client(self, info: Info) -> "Client":
        """Whose it is."""
        return Client.of(await _work(info).clients.load(self.client_id))


@strawberry.type
class Client:
    """A client."""

    id: strawberry.ID
    name: str
    email: str
    phone: str | None
    country: str
    status: str
    created_at: datetime

    @classmethod
    def of(cls, row: mapped.Client) -> "Client":
        """From its row."""
        return cls(id=strawberry.ID(str(row.id)), name=row.name, email=row.email, phone=row.phone,
                   country=row.country, status=row.status, created_at=row.created_at)  # fmt: skip

    @strawberry.field
    async def accounts(self, info: Info, first: int) -> list[Account]:
        """Its accounts, newest first."""
        return [Account.of(row) for row in await _work(info).accounts.load((UUID(self.id), first))]

    @strawberry.field
    async def payments(self, info: Info, first: int) -> list[Payment]:
        """Its payments, newest first."""
        return [Payment.of(row) for row in await _work(info).payments.load((UUID(self.id), first))]


@strawberry.type
class Ib:
    """An introducing broker."""

    id: strawberry.ID
    name: str
    level: int
    clients_count: int

    @classmethod
    def of(cls, row: mapped.Ib) -> "Ib":
        """From its row."""
        return cls(
            id=strawberry.ID(str(row.id)),
            name=row.name,
            level=row.level,
            clients_count=row.client_count,
        )

    @strawberry.field
    async def children(self, info: Info, first: int) -> list["Ib"]:
        """The ibs below it, newest first."""
        return [Ib.of(row) for row in await _work(info).children.load((UUID(self.id), first))]


@strawberry.type
class Note:
    """A note of staff on a client."""

    id: strawberry.ID
    body: str
    created_at: datetime


@strawberry.type
class Query:
    """What can be read."""

    @strawberry.field
    async def client(self, info: Info, id: strawberry.ID) -> Client | None:
        """One client."""
        work, kind = _work(info), mapped.Client
        found = await work.rows(
            select(kind).where(kind.brand_id == work.brand, kind.id == UUID(id))
        )
        return Client.of(found[0][0]) if found else None

    @strawberry.field
    async def clients(self, info: Info, first: int) -> list[Client]:
        """Clients, newest first."""
        work, kind = _work(info), mapped.Client
        asked = select(kind).where(kind.brand_id == work.brand)
        asked = asked.order_by(kind.created_at.desc(), kind.id.desc()).limit(first)
        return [Client.of(row) for (row,) in await work.rows(asked)]

    @strawberry.field
    async def payments(self, info: Info, first: int, status: str) -> list[Payment]:
        """Payments of a status, newest first."""
        work, kind = _work(info), mapped.Payment
        asked = select(kind).where(kind.brand_id == work.brand, kind.status == status)
        asked = asked.order_by(kind.created_at.desc(), kind.id.desc()).limit(first)
        return [Payment.of(row) for (row,) in await work.rows(asked)]

    @strawberry.field
    async def ib(self, info: Info, id: strawberry.ID) -> Ib | None:
        """One ib."""
        work, kind = _work(info), mapped.Ib
        found = await work.rows(
            select(kind).where(kind.brand_id == work.brand, kind.id == UUID(id))
        )
        return Ib.of(found[0][0]) if found else None


@strawberry.type
class Mutation:
    """What can be changed."""

    @strawberry.mutation
    async def note_create(self, info: Info, client_id: strawberry.ID, body: str) -> Note:
        """Write a note on a client."""
        row = await _work(info).note(UUID(client_id), body)
        return Note(id=strawberry.ID(str(row.id)), body=row.body, created_at=row.created_at)


class Committed(SchemaExtension):
    """A session for each operation, committed at its end."""

    async def on_operation(self) -> AsyncIterator[None]:
        """Open, and commit."""
        context = self.execution_context.context
        async with AsyncSession(context["engine"], expire_on_commit=False) as session:
            context["work"] = Work(session, UUID(context["request"].headers["x-brand"]))
            yield
            await session.commit()


class Server(GraphQL[dict[str, Any], None]):
    """The endpoint, whose context knows the engine."""

    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> dict[str, Any]:
        """What resolvers see."""
        return {"request": request, "response": response, "engine": request.app.state.engine}


def build() -> Starlette:
    """The application."""
    schema = strawberry.Schema(
        Query, Mutation, extensions=[ParserCache, ValidationCache, Committed]
    )

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        url = os.environ["PEER_DATABASE"].replace("postgresql:", "postgresql+asyncpg:", 1)
        app.state.engine = create_async_engine(url, pool_size=_POOL, max_overflow=0)
        yield
        await app.state.engine.dispose()

    return Starlette(lifespan=lifespan, routes=[Route("/graphql", Server(schema))])


if __name__ == "__main__":
    uvicorn.run(build(), port=int(os.environ["PORT"]), log_level="warning", access_log=False)
