"""The toy server: a fresh view per test, on its own loopback port."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette

from api.graphql.limits import EdgeLimits
from api.graphql.view import GraphQLView
from api.graphql.websocket import UVICORN_OPTIONS
from tenants.context import ActorKind
from tests.api.graphql.toy import CallerBook, portal_only, toy_schema

SCHEMA = toy_schema()


@dataclass
class Toy:
    """A running toy server and a client that acts with a client's token."""

    view: GraphQLView
    book: CallerBook
    http: httpx.AsyncClient
    url: str
    ws: str
    token: str
    staff: str

    async def post(self, query: str, *, anonymous: bool = False, **more: Any) -> httpx.Response:
        headers = {} if anonymous else {"Authorization": f"Bearer {self.token}"}
        headers |= more.pop("headers", {})
        return await self.http.post(self.url, json={"query": query, **more}, headers=headers)


@asynccontextmanager
async def running(limits: EdgeLimits | None, *, development: bool) -> AsyncGenerator[Toy, None]:
    book = CallerBook()
    view = GraphQLView(
        SCHEMA,
        context_factory=book.context,
        allow_origin=portal_only,
        limits=limits,
        development=development,
    )
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    config = uvicorn.Config(
        Starlette(routes=view.routes()),
        log_level="critical",
        lifespan="off",
        timeout_graceful_shutdown=1,
        **UVICORN_OPTIONS,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.005)
    token, staff = book.add("t-client", ActorKind.CLIENT), book.add("t-staff", ActorKind.STAFF)
    url = f"http://127.0.0.1:{port}/graphql"
    try:
        async with httpx.AsyncClient(timeout=10) as http:
            ws = url.replace("http", "ws")
            yield Toy(view, book, http, url, ws, token, staff)
    finally:
        server.should_exit = True
        await view.live.close_all()
        await serving


ToyMaker = Callable[..., Any]


@pytest.fixture
async def make_toy() -> AsyncGenerator[ToyMaker, None]:
    async with AsyncExitStack() as stack:

        async def make(limits: EdgeLimits | None = None, *, development: bool = False) -> Toy:
            return await stack.enter_async_context(running(limits, development=development))

        yield make


@pytest.fixture
async def toy(make_toy: ToyMaker) -> Toy:
    made: Toy = await make_toy()
    return made
