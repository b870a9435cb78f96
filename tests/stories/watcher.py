"""A portal's subscriber in a process of its own: prints each deposit event with its arrival.

Run as `python -m tests.stories.watcher URL TOKEN`; a line of JSON per item.
"""

import asyncio
import json
import sys
import time

from gql import Client, gql
from gql.transport.websockets import WebsocketsTransport

DEPOSITS = """subscription { depositEvents { __typename ... on FeedItem { occurredAt }
  ... on DepositEvent { kind depositId } } }"""


async def watch(url: str, token: str) -> None:
    """Follow the deposits that the token may see, until the process is ended."""
    payload = {"Authorization": f"Bearer {token}"}
    client = Client(transport=WebsocketsTransport(url=url, init_payload=payload))
    async with client as session:
        async for item in session.subscribe(gql(DEPOSITS)):
            print(json.dumps({"at": time.time(), **item["depositEvents"]}), flush=True)


if __name__ == "__main__":
    asyncio.run(watch(*sys.argv[1:]))
