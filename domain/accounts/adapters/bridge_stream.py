"""The live half of the bridge wire: one WebSocket, resumed by the cursor of the last deal.

A platform that has nothing to say sends a heartbeat every five seconds; silence of three of them
means that the connection is dead, however open it looks.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote as escaped

import orjson
from pydantic import TypeAdapter, ValidationError
from websockets.asyncio.client import connect, unix_connect
from websockets.exceptions import WebSocketException

from domain.accounts.ports import PlatformUnavailable
from domain.accounts.trading import (
    AccountState,
    BalanceChange,
    Deal,
    MarginCall,
    OrderChange,
    PositionChange,
    Quote,
    StreamItem,
)
from domain.accounts.values import StateSource
from domain.outbound.client import UNIX

SILENCE_S = 15.0
_MESSAGE_BYTES_MAX = 8 * 2**20
_SINGLE: dict[str, TypeAdapter[Any]] = {
    "deal": TypeAdapter(Deal),
    "position_change": TypeAdapter(PositionChange),
    "order_change": TypeAdapter(OrderChange),
    "balance_change": TypeAdapter(BalanceChange),
    "margin_call": TypeAdapter(MarginCall),
}
_QUOTES = TypeAdapter(list[Quote])
_STATES = TypeAdapter(list[AccountState])


async def follow(endpoint: str, after: str, *, token: str | None) -> AsyncIterator[StreamItem]:
    """Deals after the cursor, then everything live, until the connection ends.

    Refusals: PLATFORM_UNAVAILABLE, always in the end; go on with the cursor of the last deal.
    """
    try:
        async with _connect(endpoint, after, token) as socket:
            while True:
                async with asyncio.timeout(SILENCE_S):
                    message = await socket.recv()
                for item in decode(message):
                    yield item
    except (WebSocketException, OSError, TimeoutError) as error:
        raise PlatformUnavailable(f"The platform's stream ended: {error!r}") from error


def _connect(endpoint: str, after: str, token: str | None) -> connect:
    path = f"/v1/stream?after={escaped(after)}"
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    options: dict[str, Any] = {
        "additional_headers": headers,
        "max_size": _MESSAGE_BYTES_MAX,
        "proxy": None,
        "open_timeout": 5,
        "close_timeout": 1,
    }
    if endpoint.startswith(UNIX):
        return unix_connect(endpoint.removeprefix(UNIX), f"ws://platform{path}", **options)
    return connect(endpoint.replace("http", "ws", 1).rstrip("/") + path, **options)


def decode(text: str | bytes) -> list[StreamItem]:
    """The items of one message: none for a greeting, a heartbeat or a type of a later version.

    Refusals: PLATFORM_UNAVAILABLE when it has not the published shape.
    """
    try:
        message = orjson.loads(text)
        kind = message["type"]
        if kind == "quotes":
            quotes: list[StreamItem] = [*_QUOTES.validate_python(message["items"])]
            return quotes
        if kind == "account_states":
            states = [{**item, "source": StateSource.STREAM} for item in message["items"]]
            return [*_STATES.validate_python(states)]
        adapter = _SINGLE.get(kind)
        return [] if adapter is None else [adapter.validate_python(message)]
    except (orjson.JSONDecodeError, KeyError, TypeError, ValidationError) as error:
        raise PlatformUnavailable("The platform's stream has not the published shape.") from error
