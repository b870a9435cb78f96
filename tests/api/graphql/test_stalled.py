"""Clients that read nothing or write nothing: others are served meanwhile, and they are dropped."""

import asyncio
import json
import re
import time
from typing import Any

import pytest
from websockets.asyncio.client import connect

from api.graphql.limits import EdgeLimits
from api.listening import ImpatientHttp
from tests.api.graphql.toy import settled

pytestmark = pytest.mark.timeout(40)

LARGE = "{ large(bytes: 4000000) }"
SMALL = "{ large(bytes: 1) }"


def raw_post(toy: Any, query: str) -> bytes:
    body = json.dumps({"query": query}).encode()
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {toy.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def served_at_once(toy: Any) -> None:
    """Another caller gets an answer that takes a connection of the pool of one."""
    began = time.monotonic()
    for _ in range(5):
        answer = await toy.post(SMALL, headers={"Authorization": f"Bearer {toy.staff}"})
        assert answer.json()["data"] == {"large": "x"}, answer.text
    assert time.monotonic() - began < 1.5


async def test_an_http_client_that_reads_nothing_holds_no_connection(
    toy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImpatientHttp, "stall_seconds", 3)
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(toy))
    reader._transport.pause_reading()  # type: ignore[attr-defined] # a client that never reads
    writer.write(raw_post(toy, LARGE) * 12)
    await asyncio.sleep(0.7)
    await served_at_once(toy)
    # Past the time-out the connection is aborted: what comes is not all that was asked for.
    await asyncio.sleep(3)
    await settled(toy)
    reader._transport.resume_reading()  # type: ignore[attr-defined]
    got = 0
    try:
        while chunk := await asyncio.wait_for(reader.read(1 << 20), 5):
            got += len(chunk)
    except ConnectionError:
        pass
    assert got < 12 * 4_000_000
    writer.close()


async def test_a_slow_reader_is_served_to_the_end(
    toy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImpatientHttp, "stall_seconds", 1.5)
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(toy), limit=1 << 16)
    count, began = 4, time.monotonic()
    writer.write(raw_post(toy, LARGE) * count)
    for _ in range(count):
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        assert head.startswith(b"HTTP/1.1 200 ")
        (length,) = re.findall(rb"(?i)content-length: ([0-9]+)", head)
        body, left = bytearray(), int(length)
        while left:
            body += await asyncio.wait_for(reader.readexactly(min(left, 160_000)), 5)
            left = int(length) - len(body)
            await asyncio.sleep(0.02)
        assert json.loads(body)["data"] == {"large": "x" * 4_000_000}
    assert time.monotonic() - began > ImpatientHttp.stall_seconds, "slower than who is dropped"
    writer.close()


async def test_a_socket_that_reads_nothing_holds_no_connection(make_toy: Any) -> None:
    toy = await make_toy(EdgeLimits(write_seconds=3))
    async with connect(
        toy.ws, subprotocols=["graphql-transport-ws"], max_queue=1, max_size=None, close_timeout=0.1
    ) as socket:
        credentials = {"authorization": f"Bearer {toy.token}"}
        await socket.send(json.dumps({"type": "connection_init", "payload": credentials}))
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        for number in range(15):
            asked = {"id": str(number), "type": "subscribe", "payload": {"query": LARGE}}
            await socket.send(json.dumps(asked))
        await asyncio.sleep(0.7)
        await served_at_once(toy)
    await settled(toy)


async def test_a_body_that_drips_is_answered_408(make_toy: Any) -> None:
    toy = await make_toy(EdgeLimits(body_seconds=0.4))
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(toy))
    whole = raw_post(toy, SMALL)
    head, _, body = whole.partition(b"\r\n\r\n")
    writer.write(head + b"\r\n\r\n")

    async def drip() -> None:
        for number in range(len(body) - 1):
            writer.write(body[number : number + 1])
            await asyncio.sleep(0.2)

    dripping = asyncio.create_task(drip())
    # In one look: what was sent to it unread resets the connection behind the answer.
    answer = await asyncio.wait_for(reader.readuntil(b"BAD_USER_INPUT"), 5)
    assert not dripping.done(), "answered before the body was there"
    dripping.cancel()
    assert answer.startswith(b"HTTP/1.1 408 "), answer
    assert b"connection: close" in answer.lower()
    writer.close()
    assert toy.book.opened == 0


def port_of(toy: Any) -> int:
    return int(toy.url.rsplit(":", 1)[1].partition("/")[0])
