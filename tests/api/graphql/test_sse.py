"""Event streams: frames, resumption, and how they end."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest

from api.graphql.limits import EdgeLimits
from tests.api.graphql.toy import settled

EVENTS = {"Accept": "text/event-stream"}


def frames(text: str) -> list[dict[str, str]]:
    """The events of a stream, as a browser reads them."""
    found = []
    for block in text.strip().split("\n\n"):
        lines = (line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        found.append({line[0]: line[1] if len(line) > 1 else "" for line in lines})
    return found


async def test_items_carry_their_cursor_as_id_and_lf_framing(toy: Any) -> None:
    answer = await toy.post("subscription { accountEvents { cursor text } }", headers=EVENTS)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert "\r" not in answer.text
    assert [(frame.get("id"), frame["event"]) for frame in frames(answer.text)] == [
        ("1", "next"),
        ("2", "next"),
        ("3", "next"),
        (None, "complete"),
    ]
    await settled(toy)
    assert toy.book.opened == 1


async def test_last_event_id_resumes_and_after_wins(toy: Any) -> None:
    query = "subscription($after: Cursor) { accountEvents(after: $after) { cursor } }"
    headers = {**EVENTS, "Last-Event-ID": "1"}
    resumed = await toy.post(query, headers=headers)
    assert [frame.get("id") for frame in frames(resumed.text)] == ["2", "3", None]
    chosen = await toy.post(query, headers=headers, variables={"after": "2"})
    assert [frame.get("id") for frame in frames(chosen.text)] == ["3", None]


async def test_an_event_source_subscribes_by_get(toy: Any) -> None:
    query = {"query": "subscription { accountEvents { cursor } }"}
    answer = await toy.http.get(toy.url, params=query, headers=EVENTS)
    assert [frame.get("id") for frame in frames(answer.text)] == ["1", "2", "3", None]
    mutation = {"query": 'mutation { noteCreate(text: "x") }'}
    assert (await toy.http.get(toy.url, params=mutation, headers=EVENTS)).status_code == 405


async def test_a_query_is_one_event(toy: Any) -> None:
    answer = await toy.post("{ viewer }", headers=EVENTS)
    assert [frame["event"] for frame in frames(answer.text)] == ["next", "complete"]


@pytest.mark.parametrize("query", ["{", "subscription { nope }"])
async def test_a_refused_document_is_a_refused_request(toy: Any, query: str) -> None:
    answer = await toy.post(query, headers=EVENTS)
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_bug_ends_the_stream_with_a_masked_error(toy: Any) -> None:
    answer = await toy.post("subscription { breaks }", headers=EVENTS)
    assert [frame["event"] for frame in frames(answer.text)] == ["next", "next", "complete"]
    assert "Internal error." in answer.text
    assert "ledger_account" not in answer.text


async def test_quiet_streams_get_comments(make_toy: Any) -> None:
    toy = await make_toy(EdgeLimits(ping_seconds=0.05))
    request = {"query": "subscription { forever }"}
    async with toy.http.stream("POST", toy.url, json=request, headers=EVENTS) as answer:
        seen = ""
        async for text in answer.aiter_text():
            seen += text
            if seen.count(": ping\n\n") >= 2:
                break
    assert seen.count(": ping\n\n") >= 2, "the stream ended without them"


async def test_a_client_that_leaves_frees_everything(toy: Any) -> None:
    request = {"query": "subscription { forever }"}
    async with toy.http.stream("POST", toy.url, json=request, headers=EVENTS) as answer:
        await anext(answer.aiter_text())
        assert len(toy.view.live) == 1
    await settled(toy)
    assert (toy.book.opened, toy.book.closed, toy.book.finished) == (1, 1, 1)
    assert len(toy.view.live) == 0


async def test_revoking_a_token_ends_its_streams_only(toy: Any) -> None:
    request = {"query": "subscription { forever }"}
    mine = {**EVENTS, "Authorization": f"Bearer {toy.token}"}
    other = {**EVENTS, "Authorization": f"Bearer {toy.staff}"}
    async with (
        toy.http.stream("POST", toy.url, json=request, headers=mine) as first,
        toy.http.stream("POST", toy.url, json=request, headers=other) as second,
    ):
        reading = first.aiter_text()
        await anext(reading)
        await anext(second.aiter_text())
        assert await toy.view.live.revoke(UUID(int=9)) == 0
        assert await toy.view.live.revoke(toy.book.token_ids[toy.token]) == 1
        with pytest.raises((StopAsyncIteration, httpx.RemoteProtocolError)):
            await anext(reading)
        assert len(toy.view.live) == 1


async def test_a_client_that_stops_reading_is_dropped(make_toy: Any) -> None:
    toy = await make_toy(EdgeLimits(write_seconds=0.2))
    host = toy.url.split("/")[2]
    reader, writer = await asyncio.open_connection(*host.split(":"), limit=1024)
    body = b'{"query": "subscription { flood }"}'
    head = f"POST /graphql HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await reader.readexactly(100)
    await settled(toy)
    writer.transport.abort()
    assert (toy.book.opened, toy.book.closed) == (1, 1)
