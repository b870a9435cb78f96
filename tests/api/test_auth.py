"""What a connection shows, and which pages may call from a browser."""

import pytest
from sqlalchemy import update
from starlette.requests import HTTPConnection

from api.auth import Origins, asking_of, authenticate, make_identifier
from api.graphql.errors import EdgeRefusal
from tenants import tables
from tenants.brands import Directory


def connection(**headers):
    shown = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "headers": shown, "client": ("192.0.2.1", 4000), "state": {}}
    return HTTPConnection(scope)


@pytest.fixture
def identifier(database):
    return make_identifier(database, Directory(database))


@pytest.fixture
def origins(database):
    return Origins(database, Directory(database))


def test_headers_and_a_sockets_parameters():
    over_http = connection(
        authorization="Bearer a", backdesk_key="k", backdesk_brand="b", host="h", origin="o"
    )
    over_http.state.request_id = "r"
    asking = asking_of(over_http)
    assert (asking.authorization, asking.publishable_key, asking.brand) == ("Bearer a", "k", "b")
    assert (asking.host, asking.origin, asking.ip, asking.request_id) == (
        "h", "o", "192.0.2.1", "r"
    )  # fmt: skip
    socket = asking_of(over_http, {"Authorization": "Bearer x", "Backdesk-Key": "y"})
    assert (socket.authorization, socket.publishable_key, socket.brand) == ("Bearer x", "y", "b")
    strange = asking_of(connection(host="h"), {"authorization": 7})  # a caller's JSON
    assert strange.authorization is None


async def test_who_is_turned_away_hears_401_with_a_challenge_or_403(
    identifier, make, brand, brand_b
):
    with pytest.raises(EdgeRefusal) as caught:
        await authenticate(identifier, connection(authorization="Bearer nonsense"))
    assert (caught.value.code, caught.value.status) == ("UNAUTHENTICATED", 401)
    assert caught.value.headers["WWW-Authenticate"].startswith("Bearer ")
    token = make.staff_token(brand, "sales")
    with pytest.raises(EdgeRefusal) as caught:
        await authenticate(
            identifier, connection(authorization=f"Bearer {token.text}", host=brand_b.host)
        )
    assert (caught.value.code, caught.value.status) == ("FORBIDDEN", 403)
    scope = await authenticate(identifier, connection(host=brand.host))
    assert scope.brand_id == brand.id


async def test_pages_of_the_host_itself_of_brands_and_of_keys_may_call(
    origins, make, brand, brand_b
):
    make.run(brand, update(tables.publishable_key).values(origins=["http://localhost:3000"]))
    neutral, claimed = connection(host="localhost:8000"), connection(host=brand.host)
    for origin, on_neutral, on_claimed in (
        ("http://localhost:8000", True, False),
        (f"http://{brand.host}", False, True),
        (f"https://{brand.host}", True, True),
        (f"https://{brand_b.host}", True, False),
        ("http://localhost:3000", True, True),
        ("https://evil.example", False, False),
        ("null", False, False),
        ("", False, False),
        (f"https://{brand.host}.evil.example", False, False),
    ):
        assert await origins(origin, neutral) is on_neutral, origin
        assert await origins(origin, claimed) is on_claimed, origin
