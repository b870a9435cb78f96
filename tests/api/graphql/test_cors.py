"""CORS: allowed origins by name, no wildcard, no credentials; sockets by the same list."""

from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from api.graphql.cors import is_local

PORTAL = "https://portal.example"
ASK = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}


async def test_an_allowed_origin_may_ask_and_read(toy: Any) -> None:
    asked = await toy.http.options(toy.url, headers={"Origin": PORTAL, **ASK})
    assert asked.status_code == 204
    assert asked.headers["access-control-allow-origin"] == PORTAL
    assert asked.headers["access-control-allow-methods"] == "GET, POST"
    allowed = asked.headers["access-control-allow-headers"].lower()
    for name in ("authorization", "backdesk-key", "content-type", "last-event-id"):
        assert name in allowed
    assert "access-control-allow-credentials" not in asked.headers
    answer = await toy.post("{ viewer }", headers={"Origin": PORTAL})
    assert answer.headers["access-control-allow-origin"] == PORTAL
    assert "X-Request-Id" in answer.headers["access-control-expose-headers"]
    assert "Origin" in answer.headers["vary"]


async def test_errors_can_be_read_across_origins_too(toy: Any) -> None:
    headers = {"Origin": PORTAL, "Authorization": "Bearer wrong"}
    answer = await toy.post("{ viewer }", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == PORTAL


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "https://portal.example.evil.example",
        "http://portal.example",
        "http://localhost:3000",
        "*",
    ],
)
async def test_any_other_origin_may_neither_ask_nor_read(toy: Any, origin: str) -> None:
    asked = await toy.http.options(toy.url, headers={"Origin": origin, **ASK})
    assert asked.status_code == 403
    answer = await toy.post("{ viewer }", headers={"Origin": origin})
    for got in (asked, answer):
        assert not [name for name in got.headers if name.startswith("access-control")]
    with pytest.raises(InvalidStatus) as caught:
        await connect(toy.ws, origin=origin, subprotocols=["graphql-transport-ws"])
    assert caught.value.response.status_code == 403


async def test_localhost_may_in_development(make_toy: Any) -> None:
    toy = await make_toy(development=True)
    answer = await toy.post("{ viewer }", headers={"Origin": "http://localhost:5173"})
    assert answer.headers["access-control-allow-origin"] == "http://localhost:5173"
    async with connect(
        toy.ws, origin="http://localhost:5173", subprotocols=["graphql-transport-ws"]
    ):
        pass


@pytest.mark.parametrize("origin", [PORTAL, None])
async def test_pages_of_the_portal_and_no_pages_may_open_sockets(toy: Any, origin: Any) -> None:
    async with connect(toy.ws, origin=origin, subprotocols=["graphql-transport-ws"]) as socket:
        assert socket.subprotocol == "graphql-transport-ws"


async def test_the_server_s_own_pages_may_open_sockets(toy: Any) -> None:
    own = toy.url.removesuffix("/graphql")
    async with connect(toy.ws, origin=own, subprotocols=["graphql-transport-ws"]) as socket:
        assert socket.subprotocol == "graphql-transport-ws"


@pytest.mark.parametrize(
    ("origin", "local"),
    [
        ("http://localhost", True),
        ("https://localhost:8443", True),
        ("http://127.0.0.1:3000", True),
        ("http://[::1]:3000", True),
        ("http://localhost.evil.example", False),
        ("http://evil.example", False),
        ("file://localhost", False),
        ("http://[", False),
    ],
)
def test_local_origins(origin: str, local: bool) -> None:
    assert is_local(origin) is local


async def test_unknown_origins_of_a_broken_directory_are_no_crash(toy: Any) -> None:
    headers = {"Origin": "https://broken.example"}
    asked = await toy.http.options(toy.url, headers={**headers, **ASK})
    answer = await toy.post("{ viewer }", headers=headers)
    assert (asked.status_code, answer.status_code) == (503, 500)
    assert answer.json()["errors"][0]["extensions"]["code"] == "INTERNAL"
