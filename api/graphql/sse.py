"""Subscriptions over server-sent events (graphql-sse, distinct connections).

Frames end in LF LF (the parsers of common clients know no other), a feed item's cursor is the
frame's `id`, so that a browser's EventSource resumes by `Last-Event-ID`. The stream ends when the
client leaves, when it reads nothing for the write time-out, or when its token is revoked.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from typing import Any, Final

import orjson
from starlette.types import Receive, Send
from strawberry.http.streaming import SSETransport, merge_stream_with_heartbeat

from api.graphql.limits import EdgeLimits
from api.graphql.operation import Answer

HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}


_LAST: Final = {"type": "http.response.body", "body": b"", "more_body": False}
_LAST_SECONDS = 1.0


class EventFrames(SSETransport):
    """Strawberry's transport with LF framing and cursors as event ids."""

    def encode_answer(self, payload: Mapping[str, Any]) -> str:
        """One `next` frame."""
        cursor = cursor_of(payload)
        return (f"id: {cursor}\n" if cursor else "") + self.encode_event(
            "next", orjson.dumps(payload).decode()
        )

    def encode_event(self, event: str, data: str | None = None) -> str:
        """One frame; `data` is a single line, as orjson writes it."""
        return f"event: {event}\ndata: {data or ''}\n\n"

    def encode_comment(self, comment: str) -> str:
        """A line that clients skip; it keeps proxies from closing a quiet stream."""
        return f": {comment}\n\n"


def cursor_of(payload: Mapping[str, Any]) -> str | None:
    """The cursor of the feed item in a payload, None for items without one."""
    for item in (payload.get("data") or {}).values():
        cursor = item.get("cursor") if isinstance(item, dict) else None
        if isinstance(cursor, str) and "\n" not in cursor and "\r" not in cursor:
            return cursor
    return None


async def send_events(
    answers: AsyncGenerator[Answer, None],
    receive: Receive,
    send: Send,
    *,
    headers: Mapping[str, str],
    limits: EdgeLimits,
    ended: asyncio.Event,
) -> None:
    """Sends answers as frames until they end, the client leaves or stops reading, or `ended`."""
    frames = EventFrames(heartbeat_interval=limits.ping_seconds)

    async def encoded() -> AsyncGenerator[str, None]:
        async with aclosing(answers):
            async for answer in answers:
                yield frames.encode_answer(answer.payload)
        yield frames.encode_complete()

    merged = merge_stream_with_heartbeat(
        encoded,
        lambda: frames.encode_comment("ping"),
        interval=limits.ping_seconds,
        send_initial_heartbeat=False,
    )
    lines = merged()
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": 200, "headers": raw})
    writing = asyncio.ensure_future(_write(lines, send, limits.write_seconds))
    leaving = asyncio.ensure_future(_left(receive))
    ending = asyncio.ensure_future(ended.wait())
    tasks = (writing, leaving, ending)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError, TimeoutError, OSError):
                await task
        await lines.aclose()
    if ended.is_set() and writing.cancelled():
        # Whole, so that the client knows that it was ended and did not lose the connection.
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(_LAST_SECONDS):
                await send(_LAST)


async def _write(lines: AsyncIterator[str], send: Send, seconds: float) -> None:
    async for line in lines:
        async with asyncio.timeout(seconds):
            await send({"type": "http.response.body", "body": line.encode(), "more_body": True})
    await send(_LAST)


async def _left(receive: Callable[[], Awaitable[Any]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
