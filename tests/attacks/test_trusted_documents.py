"""Trusted documents over the served application: no brand's list opens or tells anything to
another, and an enforced one is not gone around."""

import asyncio
import json
from typing import Any

import pytest
import pytest_asyncio

from api.board import own_documents
from tenants.trusted_documents import (
    DocumentPlan,
    add_documents,
    document_id_of,
    remove_documents,
    set_document_policy,
    sha256_of,
)
from tenants.values import DocumentPolicy
from tenants.work import Database, WriteWork
from tests.attacks.actors import Asker, askers, one
from tests.attacks.calls import Answer, Api
from tests.attacks.sockets import joined
from tests.factories import Factory, scope_of
from tests.world import World

Worlds = tuple[World, World]
OURS = "query Ours { viewer { name } brand { slug } }"
THEIRS = "query Theirs { viewer { name } }"
FEED = "subscription Feed { clientEvents { __typename ... on FeedItem { cursor } } }"
STATUSES = {"Accept": "application/graphql-response+json"}
HELD = ("key", "client", "ib")
FREE = ("brand_admin", "sales", "ib_api", "service")


async def write(database: Database, world: World, command: Any, *given: Any) -> None:
    async def run(work: WriteWork) -> None:
        await command(work, *given)

    await database.write(scope_of(world.brand, "brand_admin"), run)


def id_of(text: str) -> str:
    return document_id_of(sha256_of(text))


async def raw(api: Api, asker: Asker | None, body: Any) -> Answer:
    headers = {**STATUSES, **(asker.headers if asker else {})}
    found = await api.http.post(api.graphql, json=body, headers=headers)
    return Answer(found.status_code, found.content)


async def until(api: Api, asker: Asker, body: Any, status: int) -> None:
    """Another process's change is seen within two seconds; a busy machine may take longer."""
    async with asyncio.timeout(20):
        while (await raw(api, asker, body)).status != status:  # noqa: ASYNC110 - another process's clock
            await asyncio.sleep(0.1)


@pytest_asyncio.fixture
async def enforced(api: Api, worlds: Worlds, make: Factory, database: Database) -> Any:
    """The first brand enforces its list, the second accepts its own."""
    world, other = worlds
    for where, text in ((world, OURS), (world, FEED), (other, THEIRS)):
        await write(database, where, add_documents, [DocumentPlan(text, (), 1)])
    policy = set_document_policy
    await write(database, world, policy, DocumentPolicy.ENFORCE, "attack")
    await write(database, other, policy, DocumentPolicy.ACCEPT, "attack")
    await until(api, one(make, world, "client"), {"query": THEIRS}, 400)
    await until(api, one(make, other, "client"), {"documentId": id_of(THEIRS)}, 200)
    yield
    for where in worlds:
        await write(database, where, policy, DocumentPolicy.OFF, "over")
    await until(api, one(make, world, "client"), {"query": THEIRS}, 200)
    await until(api, one(make, other, "client"), {"documentId": id_of(THEIRS)}, 400)
    await write(database, world, remove_documents, [id_of(OURS), id_of(FEED)])
    await write(database, other, remove_documents, [id_of(THEIRS)])


@pytest.mark.usefixtures("enforced")
async def test_a_foreign_document_is_as_unknown_as_none(api: Api, worlds: Worlds, make: Factory):
    """Byte for byte, for every kind of actor, in both directions; and asked at once."""
    for world, foreign in ((worlds[0], THEIRS), (worlds[1], OURS)):
        for asker in askers(make, world).values():
            if asker.name == "anonymous":
                continue
            told = {
                (await raw(api, asker, {"documentId": name})).without_request_id()
                for name in (id_of(foreign), id_of("{ none }"), "nonsense")
            }
            assert len(told) == 1, (asker.name, told)
            assert b"DOCUMENT_NOT_FOUND" in told.pop()


@pytest.mark.usefixtures("enforced")
async def test_an_enforced_list_is_the_only_way_in(api: Api, worlds: Worlds, make: Factory):
    world = worlds[0]
    for name in HELD:
        asker = one(make, world, name)
        for body in ({"documentId": id_of(OURS)}, {"query": OURS}):
            assert (await raw(api, asker, body)).data["brand"] == {"slug": world.brand.slug}
        for text in (THEIRS, OURS + " ", OURS.replace("{ ", "{"), f"# x\n{OURS}", "{ __typename }"):
            for body in (
                {"query": text},
                {"query": text, "operationName": "Ours"},
                {"query": text, "extensions": {"persistedQuery": {"sha256Hash": sha256_of(OURS)}}},
            ):
                answer = await raw(api, asker, body)
                assert (answer.status, answer.codes) == (400, {"DOCUMENT_NOT_FOUND"}), answer
                assert answer.data is None
        both = await raw(api, asker, {"query": THEIRS, "documentId": id_of(OURS)})
        assert (both.status, both.codes) == (400, {"BAD_USER_INPUT"})
        batch = await raw(api, asker, [{"documentId": id_of(OURS)}, {"query": THEIRS}])
        assert (batch.status, batch.codes) == (400, {"BAD_USER_INPUT"})
        for accept in ("application/json", "text/event-stream"):
            found = await api.http.get(
                api.graphql,
                params={"query": THEIRS, "documentid": id_of(OURS)},
                headers={**asker.headers, "Accept": accept},
            )
            assert "DOCUMENT_NOT_FOUND" in found.text
            assert '"data"' not in found.text


@pytest.mark.usefixtures("enforced")
async def test_a_socket_is_no_way_around(api: Api, worlds: Worlds, make: Factory):
    world = worlds[0]
    for name in HELD:
        async with joined(api, one(make, world, name)) as socket:
            for query in (THEIRS, FEED + " "):
                await socket.subscribe("1", query)
                message = await socket.receive()
                assert message["type"] == "error"
                assert "DOCUMENT_NOT_FOUND" in json.dumps(message)
            payload = {"documentId": id_of(OURS)}
            await socket.send({"type": "subscribe", "id": "2", "payload": payload})
            assert (await socket.receive())["payload"]["data"]["brand"]["slug"] == world.brand.slug


@pytest.mark.usefixtures("enforced")
async def test_those_who_build_run_what_they_like(api: Api, worlds: Worlds, make: Factory):
    world = worlds[0]
    for name in FREE:
        asker = one(make, world, name)
        assert (await raw(api, asker, {"query": THEIRS})).data["viewer"] is not None
        assert (await raw(api, asker, {"documentId": id_of(OURS)})).status == 200


@pytest.mark.usefixtures("enforced")
async def test_staff_can_still_sign_in_on_the_board(api: Api, worlds: Worlds, make: Factory):
    """Its own documents run as they are, and only as they are."""
    key = one(make, worlds[0], "key")
    brand, sign_in, refresh = own_documents()
    assert (await raw(api, key, {"query": brand})).data["brand"]["name"]
    given = {"actor": "STAFF", "email": "nobody@people.example", "password": "wrong horse"}
    answer = await raw(api, key, {"query": sign_in, "variables": {"input": given}})
    assert answer.data["sessionCreate"]["tokens"] is None
    answer = await raw(api, key, {"query": refresh, "variables": {"input": {"refreshToken": "x"}}})
    assert answer.data["sessionRefresh"]["tokens"] is None
    assert (await raw(api, key, {"query": sign_in + " "})).codes == {"DOCUMENT_NOT_FOUND"}
