"""The feed of clients: who hears of whom, filters, and the client as it is now."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from domain.clients.commands.add_note import add_note
from domain.clients.commands.assign_client import assign_client
from domain.clients.commands.update_client import update_client
from domain.clients.values import ProfileChange
from domain.kernel.ids import encode_id
from tenants.context import Scope
from tenants.work import Command
from tests.factories import Brand, Client, Factory, scope_of
from tests.schema.people import World

FOLLOW = """subscription ($filter: ClientEventFilter, $after: Cursor) {
  clientEvents(filter: $filter, after: $after) {
    __typename ... on FeedItem { cursor }
    ... on ClientEvent { kind changedFields client { reference version } } } }"""


async def follow(world: World, scope: Scope, **variables: Any) -> AsyncIterator[Any]:
    context = world.context(scope)
    results = await world.assembled.schema.stream(
        FOLLOW, variable_values=variables, context_value=context
    )
    async with aclosing(results) as stream:
        async for one in stream:
            assert one.errors is None, one.errors
            yield one.data["clientEvents"]


async def take(feed: AsyncIterator[Any], kinds: int) -> list[Any]:
    """The next events, heartbeats left out."""
    found: list[Any] = []
    async with asyncio.timeout(60):
        while len(found) < kinds:
            item = await anext(feed)
            if item["__typename"] == "ClientEvent":
                found.append(item)
    return found


async def do(world: World, brand: Brand, command: Command[Any]) -> None:
    await world.database.write(scope_of(brand, "brand_admin"), command)
    world.bus.wake(brand.id)


def change(client: Client, version: int, **fields: Any) -> Command[Any]:
    async def command(work: Any) -> Any:
        return await update_client(
            work, client.id, ProfileChange(**fields), expected_version=version
        )

    return command


def note(client: Client) -> Command[Any]:
    async def command(work: Any) -> Any:
        return await add_note(work, client.id, "x")

    return command


async def test_events_carry_what_happened_and_the_client_as_it_is(
    world: World, make: Factory, brand: Brand
) -> None:
    client = make.client(brand)
    feed = follow(world, scope_of(brand, "brand_admin"))
    assert (await anext(feed))["__typename"] == "FeedHeartbeat"
    await do(world, brand, change(client, 1, phone="+35799000001", language="en"))
    await do(world, brand, note(client))
    first, second = await take(feed, 2)
    assert (first["kind"], first["changedFields"]) == ("PROFILE_CHANGED", ["phone"])
    assert first["client"] == {"reference": client.reference, "version": 2}
    assert (second["kind"], second["changedFields"]) == ("NOTE_ADDED", [])
    assert second["client"] == {"reference": client.reference, "version": 2}
    await feed.aclose()
    again = follow(world, scope_of(brand, "brand_admin"), after=first["cursor"])
    (resumed,) = await take(again, 1)
    assert resumed["cursor"] == second["cursor"]
    await again.aclose()


async def test_each_hears_of_its_own_clients(
    world: World, make: Factory, brand: Brand, brand_b: Brand
) -> None:
    ib = make.ib(brand)
    mine, other = make.client(brand, ib), make.client(brand)
    foreign = make.client(brand_b)
    owner = brand.staff["sales"]
    readers = {
        "client": follow(world, scope_of(brand, client=mine)),
        "ib": follow(world, scope_of(brand, ib=ib)),
        "sales": follow(world, scope_of(brand, "sales")),
        "filter": follow(
            world,
            scope_of(brand, "brand_admin"),
            filter={"clientId": encode_id("client", mine.id), "kinds": ["PROFILE_CHANGED"]},
        ),
    }
    for feed in readers.values():
        await anext(feed)

    async def hand_over(work: Any) -> Any:
        return await assign_client(work, mine.id, owner, expected_version=1)

    await do(world, brand_b, change(foreign, 1, tags=("b",)))
    await do(world, brand, note(mine))
    await do(world, brand, change(other, 1, tags=("o",)))
    await do(world, brand, hand_over)
    await do(world, brand, change(mine, 2, tags=("m",)))
    heard = {}
    for name, feed in readers.items():
        expected = {"client": 2, "ib": 2, "filter": 1, "sales": 1}[name]
        found = await take(feed, expected)
        heard[name] = {(one["kind"], one["client"]["reference"]) for one in found}
        await feed.aclose()
    both = {("OWNER_CHANGED", mine.reference), ("PROFILE_CHANGED", mine.reference)}
    assert heard["client"] == heard["ib"] == both
    assert heard["filter"] == {("PROFILE_CHANGED", mine.reference)}
    assert {reference for _, reference in heard["sales"]} == {mine.reference}


async def test_a_filter_with_no_id_of_a_client_is_refused(world: World, brand: Brand) -> None:
    results = await world.assembled.schema.stream(
        FOLLOW,
        variable_values={"filter": {"clientId": "ib_1"}},
        context_value=world.context(scope_of(brand, "brand_admin")),
    )
    async with aclosing(results) as stream:
        refused = await anext(stream)
    assert [one.extensions["code"] for one in refused.errors] == ["BAD_USER_INPUT"]


async def test_following_clients_needs_its_right(world: World, brand: Brand) -> None:
    for scope, code in (
        (scope_of(brand), "UNAUTHENTICATED"),
        (scope_of(brand, "marketing"), "FORBIDDEN"),
    ):
        results = await world.assembled.schema.stream(FOLLOW, context_value=world.context(scope))
        async with aclosing(results) as stream:
            refused = await anext(stream)
        assert {one.extensions["code"] for one in refused.errors} == {code}
