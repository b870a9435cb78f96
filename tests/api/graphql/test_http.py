"""GraphQL over HTTP: forms of answers, statuses, and every malformed request."""

import asyncio
import gzip
from typing import Any

import httpx
import orjson
import pytest

from api.graphql.limits import EdgeLimits
from api.graphql.negotiation import Media, negotiate

RESPONSE = "application/graphql-response+json"


async def test_answers_json_with_200_and_the_request_id_everywhere(toy: Any) -> None:
    answer = await toy.post("{ viewer }", headers={"X-Request-Id": "req-12345678"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["x-request-id"] == "req-12345678"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["vary"] == "Accept, Origin"
    assert answer.json()["data"] == {"viewer": "t-client"}
    assert answer.json()["extensions"]["requestId"] == "req-12345678"


async def test_a_malformed_request_id_is_replaced(toy: Any) -> None:
    answer = await toy.post("{ viewer }", headers={"X-Request-Id": "two words"})
    assert len(answer.headers["x-request-id"]) == 32


async def test_the_anonymous_may_ask_typename(toy: Any) -> None:
    answer = await toy.post("{ __typename }", anonymous=True)
    assert (answer.status_code, answer.json()["data"]) == (200, {"__typename": "Query"})


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (None, Media.JSON),
        ("", Media.JSON),
        ("*/*", Media.JSON),
        ("application/*", Media.JSON),
        ("application/json", Media.JSON),
        (RESPONSE, Media.RESPONSE),
        (f"{RESPONSE}, application/json;q=0.9", Media.RESPONSE),
        (f"{RESPONSE};q=0.5, application/json", Media.JSON),
        (f"{RESPONSE}, application/json, text/event-stream, multipart/mixed", Media.RESPONSE),
        ("text/event-stream", Media.EVENTS),
        ("text/event-stream, application/json", Media.JSON),
        ("text/event-stream, application/json;q=0", Media.EVENTS),
        ("application/json; charset=utf-8", Media.JSON),
        ("application/json; charset=utf-16", None),
        ("application/json; q=oops", None),
        ("text/html", None),
        ("multipart/mixed", None),
    ],
)
def test_the_form_follows_accept(accept: str | None, media: Media | None) -> None:
    assert negotiate(accept) is media


@pytest.mark.parametrize("query", ["{", "{ nope }", "query A { viewer } query B { viewer }"])
@pytest.mark.parametrize(("accept", "status"), [("application/json", 200), (RESPONSE, 400)])
async def test_request_errors_have_no_data(toy: Any, query: str, accept: str, status: int) -> None:
    answer = await toy.post(query, headers={"Accept": accept})
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith(accept)
    assert "data" not in answer.json()
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize(("accept", "status"), [("application/json", 200), (RESPONSE, 400)])
async def test_bad_variables_are_a_request_error(toy: Any, accept: str, status: int) -> None:
    answer = await toy.post(
        "query($n: Int!) { clients(first: $n) { nodes { id } } }",
        variables={"n": "many"},
        headers={"Accept": accept},
    )
    assert answer.status_code == status
    assert "data" not in answer.json()
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"7",
        b"null",
        b'"text"',
        b"[]",
        b'[{"query": "{ viewer }"}]',
        b"{}",
        b'{"query": null}',
        b'{"query": ""}',
        b'{"query": 7}',
        b'{"query": {"a": 1}}',
        b'{"query": "{ viewer }", "variables": "x"}',
        b'{"query": "{ viewer }", "variables": [1]}',
        b'{"query": "{ viewer }", "operationName": 7}',
        b'{"query": "{ viewer }", "extensions": []}',
        b'{"query": "{ viewer }", "variables": {"a": "\\u0000"}}',
        b'{"query": "{ viewer }", "variables": {"a": "\\ud800"}}',
        b'{"query": "{ node(id: \\"\\\\u0000\\") { id } }"}',
        b'{"query": "{ viewer }\xff"}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"a":' * 50_000,
    ],
)
async def test_every_malformed_body_is_400(toy: Any, body: bytes) -> None:
    for accept in ("application/json", RESPONSE):
        headers = {"Content-Type": "application/json", "Accept": accept}
        answer = await toy.http.post(toy.url, content=body, headers=headers)
        assert answer.status_code == 400, answer.text
        assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
        assert "data" not in answer.json()


async def test_lists_longer_than_200_items_are_refused(toy: Any) -> None:
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    fine = await toy.post(query, variables={"ids": ["x"] * 200})
    refused = await toy.post(query, variables={"ids": ["x"] * 201})
    assert (fine.status_code, refused.status_code) == (200, 400)


async def test_bodies_are_counted_as_they_stream(toy: Any) -> None:
    sent, given = [], 0

    async def receive() -> dict[str, Any]:
        nonlocal given
        given += 65_536
        return {"type": "http.request", "body": b" " * 65_536, "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
        "state": {},
    }
    await toy.view(scope, receive, send)
    assert sent[0]["status"] == 413
    assert (b"connection", b"close") in sent[0]["headers"]
    assert given == 21 * 65_536


async def test_a_body_may_be_exactly_256_kib(toy: Any) -> None:
    headers = {"Content-Type": "application/json"}
    largest = orjson.dumps({"query": "{ viewer }", "pad": ""})
    padded = largest[:-2] + b"x" * (256 * 1024 - len(largest)) + b'"}'
    assert len(padded) == 256 * 1024
    assert (await toy.http.post(toy.url, content=padded, headers=headers)).status_code == 200
    answer = await toy.http.post(toy.url, content=padded + b" ", headers=headers)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/graphql"},
        {},
    ],
)
async def test_other_content_types_are_415(toy: Any, headers: dict[str, str]) -> None:
    answer = await toy.http.post(toy.url, content=b'{"query": "{ viewer }"}', headers=headers)
    assert answer.status_code == 415


async def test_compressed_bodies_are_415(toy: Any) -> None:
    answer = await toy.http.post(
        toy.url,
        content=gzip.compress(b'{"query": "{ viewer }"}'),
        headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
    )
    assert answer.status_code == 415


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_other_methods_are_405_with_allow(toy: Any, method: str) -> None:
    answer = await toy.http.request(method, toy.url)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


async def test_what_no_form_satisfies_is_406(toy: Any) -> None:
    assert (await toy.post("{ viewer }", headers={"Accept": "text/html"})).status_code == 406


async def test_get_is_for_queries_only(toy: Any) -> None:
    asked = {"query": "query A($n: Int) { clients(first: $n) { nodes { id } } }"}
    fine = await toy.http.get(toy.url, params={**asked, "variables": '{"n": 1}'})
    assert fine.json()["data"] == {"clients": {"nodes": [{"id": "client_0"}]}}
    mutation = await toy.http.get(toy.url, params={"query": 'mutation { noteCreate(text: "x") }'})
    assert (mutation.status_code, mutation.headers["allow"]) == (405, "POST")
    for wrong in ({"variables": "{"}, {"variables": "[]"}, {"extensions": "7"}):
        assert (await toy.http.get(toy.url, params={**asked, **wrong})).status_code == 400
    assert (await toy.http.get(toy.url)).status_code == 400


async def test_a_subscription_as_json_is_refused(toy: Any) -> None:
    answer = await toy.post("subscription { forever }")
    assert answer.status_code == 400
    assert toy.book.opened == toy.book.closed == 1


@pytest.mark.parametrize("accept", ["application/json", RESPONSE, "text/event-stream"])
async def test_a_wrong_token_is_401_with_the_way_in(toy: Any, accept: str) -> None:
    headers = {"Authorization": "Bearer wrong", "Accept": accept}
    answer = await toy.post("{ viewer }", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_an_unavailable_database_is_503(toy: Any) -> None:
    toy.book.unavailable = True
    answer = await toy.post("{ viewer }")
    assert answer.status_code == 503
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAVAILABLE"


async def test_deferring_is_unknown(toy: Any) -> None:
    answer = await toy.post("{ viewer ... @defer { node(id: 1) { id } } }")
    assert "data" not in answer.json()


async def test_an_operation_has_its_time(make_toy: Any) -> None:
    toy = await make_toy(EdgeLimits(operation_seconds=0.05))
    answer = await toy.post("{ slow }")
    assert answer.status_code == 503
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
    assert toy.book.opened == toy.book.closed == 1


async def test_an_answer_has_its_size(make_toy: Any) -> None:
    toy = await make_toy(EdgeLimits(max_answer=10_000))
    assert (await toy.post("{ large(bytes: 9000) }")).json()["data"]
    answer = await toy.post("{ large(bytes: 10001) }", headers={"Accept": RESPONSE})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "COST_TOO_HIGH"


async def test_contexts_are_closed_in_every_path(toy: Any) -> None:
    for query in ("{ viewer }", "{ boom }", "{ nope }", "{", "subscription { forever }"):
        await toy.post(query)
    endless = {"query": "subscription { forever }"}
    headers = {"Accept": "text/event-stream"}
    for _ in range(3):
        with pytest.raises(httpx.ReadTimeout):
            await toy.http.post(toy.url, json=endless, headers=headers, timeout=0.1)
    await asyncio.sleep(0.1)
    assert toy.book.opened == toy.book.closed == 8
    assert toy.book.finished == 3
