"""The toy server: a fresh view per test, on its own loopback port."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as AsgiScope

from api.graphql.limits import EdgeLimits
from api.graphql.trusted import Lists, Trusted
from api.graphql.view import GraphQLView
from api.listening import OPTIONS
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


class Switchboard:
    """The one server of a test run; each test puts its own application behind it."""

    def __init__(self) -> None:
        self.app: ASGIApp = Starlette()
        self.port = 0

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@pytest.fixture(scope="session")
async def switchboard() -> AsyncGenerator[Switchboard, None]:
    board = Switchboard()
    # Named, so that asyncio switches Nagle off: else each answer waits 40 ms for an ACK.
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    board.port = listener.getsockname()[1]
    config = uvicorn.Config(
        board,
        log_level="critical",
        lifespan="off",
        timeout_graceful_shutdown=1,
        **OPTIONS,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.005)
    yield board
    server.should_exit = True
    await serving


ToyMaker = Callable[..., Any]


@pytest.fixture
async def make_toy(switchboard: Switchboard) -> AsyncGenerator[ToyMaker, None]:
    views: list[GraphQLView] = []
    async with httpx.AsyncClient(timeout=10) as http:

        async def make(
            limits: EdgeLimits | None = None,
            *,
            development: bool = False,
            lists: Lists | None = None,
            own: Sequence[str] = (),
        ) -> Toy:
            book = CallerBook()
            view = GraphQLView(
                SCHEMA,
                context_factory=book.context,
                allow_origin=portal_only,
                limits=limits,
                trusted=Trusted(SCHEMA.documents, lists, own=own),
                development=development,
            )
            views.append(view)
            switchboard.app = Starlette(routes=view.routes())
            token = book.add("t-client", ActorKind.CLIENT)
            staff = book.add("t-staff", ActorKind.STAFF)
            url = f"http://127.0.0.1:{switchboard.port}/graphql"
            return Toy(view, book, http, url, url.replace("http", "ws"), token, staff)

        yield make
        for view in views:
            await view.live.close_all()


@pytest.fixture
async def toy(make_toy: ToyMaker) -> Toy:
    made: Toy = await make_toy()
    return made
