"""The `gql` package over each of its transports: a query, an error, a feed, the whole schema."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from gql import Client, gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.aiohttp_websockets import AIOHTTPWebsocketsTransport
from gql.transport.exceptions import TransportQueryError, TransportServerError
from gql.transport.httpx import HTTPXAsyncTransport, HTTPXTransport
from gql.transport.requests import RequestsHTTPTransport
from gql.transport.websockets import WebsocketsTransport

DEMO = json.loads(Path(os.environ["BACKDESK_DEMO"]).read_text())
URL, WS = DEMO["graphql"], DEMO["ws"]
TOKEN = DEMO["brands"][0]["tokens"]["client"]
HEADERS = {"Authorization": f"Bearer {TOKEN}"}

VIEWER = gql("{ viewer { actor { __typename } permissions } }")
FEED = gql("subscription { accountEvents { __typename ... on FeedItem { cursor } } }")

ASYNC: dict[str, Callable[[], Any]] = {
    "aiohttp": lambda: AIOHTTPTransport(url=URL, headers=HEADERS),
    "httpx": lambda: HTTPXAsyncTransport(url=URL, headers=HEADERS),
    "websockets": lambda: WebsocketsTransport(url=WS, init_payload=HEADERS),
    "aiohttp websockets": lambda: AIOHTTPWebsocketsTransport(url=WS, init_payload=HEADERS),
}
SYNC: dict[str, Callable[[], Any]] = {
    "requests": lambda: RequestsHTTPTransport(url=URL, headers=HEADERS),
    "httpx, blocking": lambda: HTTPXTransport(url=URL, headers=HEADERS),
}


async def ask(make: Callable[[], Any]) -> None:
    """A query, against the schema the server tells; and a refused one."""
    async with Client(transport=make(), fetch_schema_from_transport=True) as session:
        answer = await session.execute(VIEWER)
        assert answer["viewer"]["actor"]["__typename"] == "Client", answer
    async with Client(transport=make()) as session:
        refused: Exception | None = None
        try:
            await session.execute(gql("{ nope }"))
        except (TransportQueryError, TransportServerError) as error:
            refused = error
        assert "BAD_USER_INPUT" in str(getattr(refused, "errors", "")), repr(refused)


async def ask_blocking(make: Callable[[], Any]) -> None:
    """The same over a transport that blocks."""

    def work() -> None:
        client = Client(transport=make(), fetch_schema_from_transport=True)
        answer = client.execute(VIEWER)
        assert answer["viewer"]["actor"]["__typename"] == "Client", answer

    await asyncio.to_thread(work)


async def follow(make: Callable[[], Any]) -> None:
    """The first item of a feed, then a query on the same socket."""
    async with Client(transport=make()) as session:
        items = session.subscribe(FEED)
        item = await anext(items)
        assert item["accountEvents"]["__typename"] == "FeedHeartbeat", item
        await items.aclose()
        assert (await session.execute(VIEWER))["viewer"]


async def main() -> int:
    """Runs every check; how many failed."""
    checks: list[tuple[str, Callable[..., Awaitable[None]], Callable[[], Any]]] = [
        *((f"{name}: queries", ask, make) for name, make in ASYNC.items()),
        *((f"{name}: queries", ask_blocking, make) for name, make in SYNC.items()),
        *((f"{name}: a feed", follow, make) for name, make in ASYNC.items() if "sock" in name),
    ]
    failed = 0
    for name, check, make in checks:
        try:
            async with asyncio.timeout(30):
                await check(make)
            print(f"ok    {name}")
        except Exception as error:
            failed += 1
            print(f"FAIL  {name}: {type(error).__name__}: {error}")
    print(f"{len(checks) - failed} of {len(checks)}")
    return failed


if __name__ == "__main__":
    sys.exit(1 if asyncio.run(main()) else 0)
