"""Connections that are ended from outside: by a dead token, and by the server's own end."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest
import uvicorn
from sqlalchemy import func, update
from starlette.applications import Starlette
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from api.graphql import callers
from api.graphql.limits import BucketSize, EdgeLimits
from api.graphql.live import Live
from api.graphql.view import GraphQLView
from api.listening import OPTIONS, Server
from domain.events.bus import MemoryBus
from domain.events.cursor import FeedCursors
from domain.events.hub import Hub
from domain.events.rights import RightsWatch
from domain.events.stream import Feeds, RightsEnded
from domain.events.values import Audience, Feed
from tenants.context import ActorKind
from tenants.tables import token
from tests.api.graphql.toy import CallerBook, portal_only, toy_schema

pytestmark = pytest.mark.timeout(40)

ACCOUNTS = Feed("accountEvents", frozenset({"ACCOUNT"}))


async def test_sockets_that_do_not_read_hold_up_no_other_revocation(
    database: Any, make: Any, brand: Any, brand_b: Any, scope_for: Any
) -> None:
    """Twenty connections of a dead token take ten seconds each; others end within two."""
    live, audience = Live(50), Audience({"ACCOUNT": "accounts:watch"})
    watch = RightsWatch(database, audience, ended=live.revoke)
    held = [make.staff_token(one, "brand_admin") for one in (brand, brand_b)]
    stalled: list[int] = []

    async def stalls(code: int, _reason: str) -> None:
        stalled.append(code)
        await asyncio.sleep(10)

    with ExitStack() as connections:
        for each in held:
            for _ in range(20):
                connections.enter_context(live.joined(each.id.hex, stalls))
        async with MemoryBus() as bus, Hub(database, bus, audience, rights=watch) as hub:
            feeds = Feeds(hub, database, FeedCursors(b"a secret of thirty-two bytes or so"))
            following = []
            for one, each in zip((brand, brand_b), held, strict=True):
                feed = feeds.follow(scope_for(one, "brand_admin", token_id=each.id), ACCOUNTS)
                await anext(feed)
                following.append(feed)
                dead = update(token).where(token.c.brand_id == one.id, token.c.id == each.id)
                make.run(one, dead.values(revoked_at=func.now()))
            began = time.monotonic()
            for feed in following:
                with pytest.raises(RightsEnded):
                    await asyncio.wait_for(anext(feed), 5)
            assert time.monotonic() - began < 2.5
            async with asyncio.timeout(1):
                while len(stalled) < 40:  # noqa: ASYNC110 - closes have no event to wait on
                    await asyncio.sleep(0.01)
    assert stalled == [4403] * 40
    for closing in list(live._closing):
        closing.cancel()


async def test_one_failing_close_leaves_the_others(caplog: Any) -> None:
    live, closed = Live(5), []

    async def breaks(_code: int, _reason: str) -> None:
        raise OSError("gone")

    async def closes(code: int, _reason: str) -> None:
        closed.append(code)

    with live.joined("a", breaks), live.joined("b", closes):
        assert await live.close_all() == 2
    assert closed == [1012]
    assert await live.revoke(uuid4()) == 0


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[uvicorn.Server, int, str]]:
    book = CallerBook()
    view = GraphQLView(toy_schema(), context_factory=book.context, allow_origin=portal_only)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, Any]]:
        yield {"live": view.live}

    listener = socket.create_server(("127.0.0.1", 0))
    app = Starlette(routes=view.routes(), lifespan=lifespan)
    config = uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=8, **OPTIONS)
    server = Server(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.005)
    yield server, listener.getsockname()[1], book.add("t", ActorKind.CLIENT)
    server.should_exit = True
    await running


async def test_a_server_that_stops_tells_sockets_and_streams() -> None:
    """Sockets close with 1012, event streams end whole; nobody waits for the drain's 8 s."""
    query = "subscription { forever }"
    async with serving() as (server, port, held), httpx.AsyncClient() as http:
        base = f"127.0.0.1:{port}/graphql"
        headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {held}"}
        async with (
            connect(f"ws://{base}", subprotocols=["graphql-transport-ws"]) as ws,
            http.stream("POST", f"http://{base}", json={"query": query}, headers=headers) as sse,
        ):
            await ws.send(json.dumps({"type": "connection_init"}))
            await ws.recv()
            reading = sse.aiter_text()
            await anext(reading)
            began = time.monotonic()
            server.should_exit = True
            with pytest.raises(StopAsyncIteration):
                await asyncio.wait_for(anext(reading), 5)
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(ws.recv(), 5)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012
            assert closed.value.rcvd.reason == "Service restart"
    assert time.monotonic() - began < 4


async def test_wrong_tokens_are_charged_to_their_address_before_they_are_looked_up(
    make_toy: Any,
) -> None:
    toy = await make_toy(EdgeLimits(strangers=BucketSize(3 * callers.STRANGER_COST, 0.001)))
    for _ in range(10):
        assert (await toy.post("{ viewer }")).status_code == 200, "who may in pays nothing"
    forged = {"Authorization": "Bearer forged"}
    codes = [(await toy.post("{ viewer }", headers=forged)).status_code for _ in range(5)]
    assert codes == [401, 401, 401, 429, 429]
    asked = [one["given"] for one in toy.book.seen]
    assert asked.count("Bearer forged") == 3, "the rest was not looked up"
