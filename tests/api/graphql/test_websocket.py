"""graphql-transport-ws: every repair, every close code, nothing left behind."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from api.graphql.limits import BucketSize, EdgeLimits
from tests.api.graphql.toy import settled

PROTOCOL = ["graphql-transport-ws"]


@asynccontextmanager
async def opened(
    toy: Any, payload: dict[str, Any] | None = None
) -> AsyncGenerator[ClientConnection, None]:
    """An acknowledged socket of the toy's client."""
    payload = {"Authorization": f"Bearer {toy.token}"} if payload is None else payload
    async with connect(toy.ws, subprotocols=PROTOCOL) as socket:
        await tell(socket, type="connection_init", payload=payload)
        assert (await hear(socket))["type"] == "connection_ack"
        yield socket


async def tell(socket: ClientConnection, **message: Any) -> None:
    await socket.send(json.dumps(message))


async def hear(socket: ClientConnection) -> dict[str, Any]:
    frame = await asyncio.wait_for(socket.recv(), 5)
    assert isinstance(frame, str)
    heard: dict[str, Any] = json.loads(frame)
    return heard


async def subscribe(socket: ClientConnection, name: str, query: str, **more: Any) -> None:
    await tell(socket, type="subscribe", id=name, payload={"query": query, **more})


async def closed_with(socket: ClientConnection) -> int:
    """The close code the server sent; what it said before is skipped."""
    async with asyncio.timeout(60):
        with suppress(ConnectionClosed):
            while True:
                await socket.recv()
        assert socket.close_code is not None
        return socket.close_code


async def test_operations_run_and_complete(toy: Any) -> None:
    async with opened(toy) as socket:
        await subscribe(socket, "1", "subscription { accountEvents { cursor } }")
        heard = [await hear(socket) for _ in range(4)]
        assert [message["type"] for message in heard] == ["next", "next", "next", "complete"]
        await subscribe(socket, "1", "{ viewer }")
        answer = (await hear(socket))["payload"]
        assert answer["data"] == {"viewer": "t-client"}
        assert answer["extensions"]["cost"]["requestedQueryCost"] == 1
        assert (await hear(socket)) == {"id": "1", "type": "complete"}
    await settled(toy)
    assert toy.book.opened == 3


@pytest.mark.parametrize("name", ["Authorization", "authorization"])
async def test_credentials_are_read_in_either_case(toy: Any, name: str) -> None:
    payload = {name: f"Bearer {toy.token}", "Backdesk-Key": "bk_pub_x", "other": {"x": 1}}
    async with opened(toy, payload) as socket:
        await subscribe(socket, "1", "{ viewer }")
        assert (await hear(socket))["payload"]["data"] == {"viewer": "t-client"}
    seen = {"authorization": f"Bearer {toy.token}", "backdesk-key": "bk_pub_x"}
    assert all(call["parameters"] == seen for call in toy.book.seen)


@pytest.mark.parametrize("payload", [{}, None])
async def test_the_anonymous_may_connect(toy: Any, payload: Any) -> None:
    async with connect(toy.ws, subprotocols=PROTOCOL) as socket:
        await tell(socket, type="connection_init", **({} if payload is None else {"payload": {}}))
        assert (await hear(socket)) == {"type": "connection_ack"}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "BAD_USER_INPUT"),
        ("{ nope }", "BAD_USER_INPUT"),
        ("", "BAD_USER_INPUT"),
        ("query A { viewer } query B { viewer }", "BAD_USER_INPUT"),
        ("query($n: Int!) { clients(first: $n) { nodes { id } } }", "BAD_USER_INPUT"),
        ("{ clients(first: 100) { nodes { statements { login } } } }", "COST_TOO_HIGH"),
    ],
)
async def test_a_bad_document_fails_alone(toy: Any, query: str, code: str) -> None:
    async with opened(toy) as socket:
        await subscribe(socket, "live", "subscription { forever }")
        assert (await hear(socket))["type"] == "next"
        await subscribe(socket, "bad", query)
        heard = await hear(socket)
        assert (heard["id"], heard["type"]) == ("bad", "error")
        assert heard["payload"][0]["extensions"]["code"] == code
        await subscribe(socket, "good", "{ viewer }")
        assert (await hear(socket))["id"] == "good"
    await settled(toy)
    assert toy.book.finished == 1


async def test_bugs_are_masked(toy: Any) -> None:
    async with opened(toy) as socket:
        await subscribe(socket, "1", "subscription { breaks }")
        heard = [await hear(socket) for _ in range(2)]
        assert [message["type"] for message in heard] == ["next", "error"]
        assert heard[1]["payload"][0]["message"] == "Internal error."
        toy.book.broken = True
        await subscribe(socket, "2", "{ viewer }")
        heard = [await hear(socket)]
        assert heard[0]["payload"][0]["extensions"]["code"] == "INTERNAL"
        assert "ledger" not in json.dumps(heard)


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "{",
        "7",
        "null",
        "[]",
        '"text"',
        "{}",
        '{"type": 7}',
        '{"type": "start"}',
        '{"type": "ping", "payload": 7}',
        '{"type": "connection_init", "payload": []}',
        '{"type": "connection_init", "payload": {"Authorization": 7}}',
        '{"type": "connection_init", "payload": {"Authorization": "é"}}',
        '{"type": "complete"}',
        '{"type": "subscribe"}',
        '{"type": "subscribe", "id": 7, "payload": {"query": "{ viewer }"}}',
        '{"type": "subscribe", "id": "", "payload": {"query": "{ viewer }"}}',
        '{"type": "subscribe", "id": "1"}',
        '{"type": "subscribe", "id": "1", "payload": []}',
        '{"type": "subscribe", "id": "1", "payload": {"query": 7}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{a}", "variables": []}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{a}", "operationName": 7}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{a}", "extensions": 7}}',
        "[" * 50_000,
        b"{}",
    ],
)
@pytest.mark.parametrize("acknowledged", [True, False])
async def test_malformed_messages_close_with_4400(
    toy: Any, frame: str | bytes, acknowledged: bool
) -> None:
    async with connect(toy.ws, subprotocols=PROTOCOL) as socket:
        if acknowledged:
            await tell(socket, type="connection_init")
            await hear(socket)
        await socket.send(frame)
        assert await closed_with(socket) == 4400
    await settled(toy)


async def test_subscribing_before_the_acknowledgement_closes_with_4401(toy: Any) -> None:
    async with connect(toy.ws, subprotocols=PROTOCOL) as socket:
        await subscribe(socket, "1", "{ viewer }")
        assert await closed_with(socket) == 4401


async def test_a_wrong_token_closes_with_4403(toy: Any) -> None:
    async with connect(toy.ws, subprotocols=PROTOCOL) as socket:
        await tell(socket, type="connection_init", payload={"authorization": "Bearer wrong"})
        assert await closed_with(socket) == 4403


async def test_an_unavailable_server_says_try_later(toy: Any) -> None:
    toy.book.unavailable = True
    async with connect(toy.ws, subprotocols=PROTOCOL) as socket:
        await tell(socket, type="connection_init")
        assert await closed_with(socket) == 1013


@pytest.mark.parametrize("protocols", [["graphql-ws"], ["graphql-sse"], None])
async def test_other_subprotocols_close_with_4406(toy: Any, protocols: Any) -> None:
    async with connect(toy.ws, subprotocols=protocols) as socket:
        assert await closed_with(socket) == 4406


async def test_silence_closes_with_4408(make_toy: Any) -> None:
    toy = await make_toy(EdgeLimits(init_seconds=0.05))
    async with connect(toy.ws, subprotocols=PROTOCOL) as socket:
        assert await closed_with(socket) == 4408


async def test_a_second_operation_of_a_name_closes_with_4409(toy: Any) -> None:
    async with opened(toy) as socket:
        await subscribe(socket, "1", "subscription { forever }")
        await subscribe(socket, "1", "subscription { forever }")
        assert await closed_with(socket) == 4409
    await settled(toy)


async def test_a_second_init_closes_with_4429(toy: Any) -> None:
    async with opened(toy) as socket:
        await tell(socket, type="connection_init")
        assert await closed_with(socket) == 4429


async def test_a_message_too_large_closes_with_1009(toy: Any) -> None:
    async with opened(toy) as socket:
        await socket.send(json.dumps({"type": "ping", "payload": {"x": "x" * 300_000}}))
        assert await closed_with(socket) == 1009


@pytest.mark.parametrize("payload", [None, {}, {"n": 1, "deep": {"x": [1]}}])
async def test_pings_are_echoed(toy: Any, payload: Any) -> None:
    sent = {} if payload is None else {"payload": payload}
    async with connect(toy.ws, subprotocols=PROTOCOL) as socket:
        await tell(socket, type="ping", **sent)
        assert await hear(socket) == {"type": "pong", **sent}
        await tell(socket, type="pong")


async def test_one_operation_too_many_fails_alone(toy: Any) -> None:
    async with opened(toy) as socket:
        for number in range(20):
            await subscribe(socket, str(number), "subscription { forever }")
        assert {(await hear(socket))["type"] for _ in range(20)} == {"next"}
        await subscribe(socket, "20", "subscription { forever }")
        heard = await hear(socket)
        assert (heard["id"], heard["type"]) == ("20", "error")
        assert heard["payload"][0]["extensions"]["code"] == "THROTTLED"
        await tell(socket, type="complete", id="0")
        await subscribe(socket, "20", "subscription { forever }")
        assert (await hear(socket))["type"] == "next"
    await settled(toy)
    assert toy.book.finished == 21


async def test_a_token_has_its_number_of_sockets(make_toy: Any) -> None:
    toy = await make_toy(EdgeLimits(sockets_per_token=2))
    async with opened(toy), opened(toy), opened(toy, {"Authorization": f"Bearer {toy.staff}"}):
        async with connect(toy.ws, subprotocols=PROTOCOL) as socket:
            payload = {"Authorization": f"Bearer {toy.token}"}
            await tell(socket, type="connection_init", payload=payload)
            assert await closed_with(socket) == 4429
        assert len(toy.view.live) == 3
    await settled(toy)


async def test_revoking_a_token_closes_its_sockets_with_4403(toy: Any) -> None:
    async with opened(toy) as first, opened(toy, {"Authorization": f"Bearer {toy.staff}"}) as other:
        await subscribe(first, "1", "subscription { forever }")
        assert (await hear(first))["type"] == "next"
        assert await toy.view.live.revoke(toy.book.token_ids[toy.token]) == 1
        assert await closed_with(first) == 4403
        await subscribe(other, "1", "{ viewer }")
        assert (await hear(other))["type"] == "next"
    await settled(toy)


async def test_a_token_revoked_meanwhile_ends_the_socket_at_its_next_operation(toy: Any) -> None:
    async with opened(toy) as socket:
        toy.book.revoked.add(toy.token)
        await subscribe(socket, "1", "{ viewer }")
        assert await closed_with(socket) == 4403


async def test_an_empty_bucket_fails_the_operation_only(make_toy: Any) -> None:
    sizes = {"token": BucketSize(60, 0.001), "brand": BucketSize(10_000, 100)}
    toy = await make_toy(EdgeLimits(buckets=sizes))
    async with opened(toy) as socket:
        for number in range(2):
            await subscribe(socket, str(number), "subscription { forever }")
            await hear(socket)
        await subscribe(socket, "x", "{ clients(first: 60) { nodes { id } } }")
        heard = await hear(socket)
        assert (heard["id"], heard["type"]) == ("x", "error")
        assert heard["payload"][0]["extensions"]["code"] == "THROTTLED"
        assert heard["payload"][0]["extensions"]["retryAfter"] > 0


async def test_a_client_that_stops_reading_is_dropped(make_toy: Any) -> None:
    toy = await make_toy(EdgeLimits(write_seconds=0.2))
    async with opened(toy) as socket:
        await subscribe(socket, "1", "subscription { flood }")
        await hear(socket)
        socket.transport.pause_reading()
        assert toy.book.closed < toy.book.opened == 2, "the socket's own, and the flood's"
        await settled(toy)
        assert (toy.book.opened, toy.book.closed) == (2, 2)
        # What it finds when it reads again is an end without a word: nobody waited to tell it.
        socket.transport.resume_reading()
        assert await closed_with(socket) == 1006


async def test_leaving_at_once_frees_everything(toy: Any) -> None:
    async with opened(toy) as socket:
        for number in range(5):
            await subscribe(socket, str(number), "subscription { forever }")
        assert (await hear(socket))["type"] == "next"
        socket.transport.abort()
    await settled(toy)
    assert toy.book.opened == 6
