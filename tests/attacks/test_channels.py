"""Live channels: what a socket hears, and who may open one."""

import asyncio

import pytest
import websockets
from sqlalchemy import update

from tenants import tables
from tenants.log import Event
from tenants.work import Database, WriteWork
from tests.attacks.actors import Asker, askers, one
from tests.attacks.calls import Api
from tests.attacks.sockets import joined, opened
from tests.factories import Factory, scope_of
from tests.world import World

Worlds = tuple[World, World]
QUIET_S = 0.5
FEED = "subscription($id: ID) { accountEvents(accountId: $id) { __typename } }"
CLIENTS = "subscription { clientEvents { __typename ... on ClientEvent { cursor kind } } }"


async def tell(database: Database, world: World, subject: str, *, topic: str = "CLIENT") -> None:
    """Commit an event about a subject."""
    client = world.client(subject)

    async def command(work: WriteWork) -> None:
        work.emit(
            Event(
                topic, "profile_changed", client.id, client_id=client.id, ib_path=client.ib_path,
                payload={"fields": [world.subjects[subject].canary]},
            )
        )  # fmt: skip

    await database.write(scope_of(world.brand, "system"), command)


def heard(messages: list[dict[str, object]], kind: str) -> int:
    return sum(kind in str(message) for message in messages)


async def test_a_feed_tells_nothing_of_others(
    api: Api, worlds: Worlds, make: Factory, serving: Database
):
    """One event about each subject of both brands; each socket hears of its own and no other."""
    world, other = worlds
    everybody = askers(make, world)
    expected = {"brand_admin": 4, "client": 1, "client_2": 1, "ib": 2, "ib_2": 1, "operator": 4}
    ready = asyncio.Barrier(len(expected) + 1)
    sockets = {
        name: asyncio.create_task(listen(api, everybody[name], ready, due=count))
        for name, count in expected.items()
    }
    await ready.wait()
    for subject in ("north", "north_child", "south", "alone"):
        await tell(serving, other, subject)
        await tell(serving, world, subject)
    got = {name: heard(await task, "ClientEvent") for name, task in sockets.items()}
    assert got == expected


async def listen(
    api: Api, asker: Asker, ready: asyncio.Barrier, *, due: int
) -> list[dict[str, object]]:
    """What a socket hears once everybody listens: what is due, and what else comes behind it."""
    async with joined(api, asker) as socket:
        await socket.subscribe("1", CLIENTS)
        told = [await socket.receive()]
        await ready.wait()
        while heard(told, "ClientEvent") < due:
            told.append(await socket.receive())
        return told + await socket.everything(QUIET_S)


async def test_a_foreign_account_is_as_silent_as_none(api: Api, worlds: Worlds, make: Factory):
    """Subscribing to another brand's, another client's and no account gives one answer."""
    world, other = worlds
    for name in ("client", "ib", "brand_admin"):
        asker = one(make, world, name)
        told = []
        for key in (
            other.account("alone").id.hex,
            "0" * 32,
            *([world.account("south").id.hex] if name != "brand_admin" else []),
        ):
            async with joined(api, asker) as socket:
                await socket.subscribe("1", FEED, {"id": f"account_{key}"})
                first = await socket.receive()
                told.append((first["type"], _codes(first)))
        assert len(set(told)) == 1, (name, told)


async def test_nothing_runs_before_the_socket_is_known(api: Api):
    """Neither on this protocol nor on the legacy one, which took `start` without an init."""
    async with opened(api) as socket:
        await socket.subscribe("1", CLIENTS)
        assert await socket.closed_with() == 4401
    try:
        async with opened(api, protocol="graphql-ws") as socket:
            await socket.send({"type": "start", "id": "1", "payload": {"query": CLIENTS}})
            assert await socket.closed_with() in (1002, 4400, 4401, 4406)
    except websockets.WebSocketException:
        pass


async def test_a_page_of_another_site_opens_no_socket(api: Api, worlds: Worlds, make: Factory):
    asker = one(make, worlds[0], "client")
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with opened(api, origin="https://evil.example", headers=asker.headers):
            pass
    assert refused.value.response.status_code == 403


async def test_forged_credentials_open_no_socket(api: Api, worlds: Worlds, make: Factory):
    token = make.staff_token(worlds[0].brand, "sales").text
    for text in (token[:-1], token.replace("access", "api"), "nonsense", ""):
        async with opened(api) as socket:
            payload = {"Authorization": f"Bearer {text}"} if text else {"Authorization": 7}
            await socket.send({"type": "connection_init", "payload": payload})
            await socket.subscribe("1", CLIENTS)
            messages = await socket.everything(1.0)
            assert not [
                one for one in messages if one["type"] == "next" and "errors" not in str(one)
            ]


async def test_a_revoked_token_ends_its_sockets(api: Api, worlds: Worlds, make: Factory):
    """On a socket that does nothing but listen, too."""
    brand = worlds[0].brand
    asker = one(make, worlds[0], "client")
    assert asker.token is not None
    async with joined(api, asker) as socket:
        await socket.subscribe("1", CLIENTS)
        assert (await socket.receive())["type"] == "next"
        make.run(
            brand,
            update(tables.token)
            .where(tables.token.c.brand_id == brand.id, tables.token.c.id == asker.token.id)
            .values(revoked_at=tables.token.c.created_at),
        )
        assert await socket.closed_with() == 4403


async def test_a_cursor_of_another_brand_resumes_nothing(
    api: Api, worlds: Worlds, make: Factory, serving: Database
):
    """A cursor is bound to its brand and feed; edited ones are refused like foreign ones."""
    world, other = worlds
    await tell(serving, world, "alone")
    await tell(serving, other, "alone")
    document = "query($after: Cursor) { events(after: $after, first: 5) { __typename cursor } }"
    admins = [one(make, each, "brand_admin") for each in worlds]
    own, foreign = [(await api.ask(admin, document)).data["events"]["cursor"] for admin in admins]
    assert (await api.ask(admins[0], document, {"after": own})).data["events"]
    told = set()
    for edited in (
        foreign,
        own[:-2] + ("AA" if own[-2:] != "AA" else "BB"),
        own[::-1],
        "x",
        own + own,
    ):
        answer = await api.ask(admins[0], document, {"after": edited})
        assert answer.codes == {"BAD_USER_INPUT"}, answer
        told.add(answer.without_request_id())
    assert len(told) == 1, told


def _codes(message: dict[str, object]) -> str:
    payload = message.get("payload")
    errors = payload if isinstance(payload, list) else []
    return ",".join(str(one.get("extensions", {}).get("code")) for one in errors)
