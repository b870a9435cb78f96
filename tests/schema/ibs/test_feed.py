"""The feed of ibs: a commission is told when its deal closes, to its own line and nobody else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from domain.ibs.commands.create_link import create_link
from domain.kernel.ids import encode_id
from tenants.context import Scope
from tenants.work import Database
from tests.domain.ibs.commissions.desk import Desk
from tests.domain.ibs.commissions.plans import terms
from tests.factories import Brand, Factory, rights_of, scope_of
from tests.schema.people import World

FOLLOW = """subscription ($filter: IbEventFilter, $after: Cursor) {
  ibEvents(filter: $filter, after: $after) {
    __typename ... on FeedItem { cursor }
    ... on IbEvent { kind ibId payload amount { amount } ib { code }
      accrual { tier status } } } }"""


async def follow(world: World, scope: Scope, **variables: Any) -> AsyncIterator[Any]:
    context = world.context(scope)
    results = await world.assembled.schema.stream(
        FOLLOW, variable_values=variables, context_value=context
    )
    async with aclosing(results) as stream:
        async for one in stream:
            assert one.errors is None, one.errors
            yield one.data["ibEvents"]


async def take(feed: AsyncIterator[Any], count: int) -> list[Any]:
    """The next events, heartbeats left out."""
    found: list[Any] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            item = await anext(feed)
            if item["__typename"] == "IbEvent":
                found.append(item)
    return found


async def begun(world: World, scope: Scope, **variables: Any) -> AsyncIterator[Any]:
    feed = follow(world, scope, **variables)
    assert (await anext(feed))["__typename"] == "FeedHeartbeat"
    return feed


async def test_a_line_hears_what_it_earned(
    world: World, make: Factory, brand: Brand, worker_database: Database
) -> None:
    desk = Desk(make, brand, worker_database, levels=2)
    desk.plans(terms("5"), terms("8"))
    master, direct = desk.line
    feeds = [await begun(world, scope_of(brand, ib=ib)) for ib in (master, direct)]
    closed = await desk.trade("2.35")
    await desk.consume()
    world.bus.wake(brand.id)
    both = await take(feeds[0], 2)
    assert [(one["ib"]["code"], one["amount"]["amount"]) for one in both] == [
        (direct.code, "11.75"), (master.code, "7.05"),
    ]  # fmt: skip
    (own,) = await take(feeds[1], 1)
    assert (own["kind"], own["ibId"]) == ("ACCRUED", encode_id("ib", direct.id))
    assert own["accrual"] == {"tier": 1, "status": "PROVISIONAL"}
    assert own["payload"] == {
        "ibId": encode_id("ib", direct.id),
        "dealId": encode_id("deal", closed),
        "clientId": encode_id("client", desk.client.id),
        "tier": 1,
        "component": "REBATE",
        "amountMinor": "1175",
        "currency": "USD",
        "status": "PROVISIONAL",
    }
    await desk.cancel(closed)
    await desk.consume()
    world.bus.wake(brand.id)
    (back,) = await take(feeds[1], 1)
    assert (back["kind"], back["amount"]) == ("REVERSED", {"amount": "-11.75"})
    for feed in feeds:
        await feed.aclose()


async def test_a_filter_leaves_out_other_brokers_and_kinds(
    world: World, make: Factory, brand: Brand, worker_database: Database
) -> None:
    desk = Desk(make, brand, worker_database, levels=2)
    desk.plans(terms("5"), terms("8"))
    master = desk.line[0]
    wanted = {"ibId": encode_id("ib", master.id), "kinds": ["ACCRUED"]}
    feed = await begun(world, scope_of(brand, ib=master), filter=wanted)
    await desk.cancel(await desk.trade("1"))
    await desk.trade("1")
    await desk.consume()
    world.bus.wake(brand.id)
    (own,) = await take(feed, 1)
    assert (own["ib"]["code"], own["amount"]["amount"]) == (master.code, "3.00")
    await feed.aclose()
    context = world.context(scope_of(brand, ib=master))
    refused = await world.assembled.schema.stream(
        FOLLOW, variable_values={"filter": {"ibId": "ib_1"}}, context_value=context
    )
    async with aclosing(refused) as stream:
        first = await anext(stream)
    assert [one.extensions["code"] for one in first.errors] == ["BAD_USER_INPUT"]


async def test_without_the_right_to_commissions_the_tree_is_heard_alone(
    world: World, make: Factory, brand: Brand, worker_database: Database
) -> None:
    desk = Desk(make, brand, worker_database, levels=1)
    desk.plans(terms("5"))
    (ib,) = desk.line
    scope = scope_of(brand, ib=ib, permissions=rights_of("ib") - {"commissions:read"})
    document = FOLLOW.replace("accrual { tier status }", "")
    results = await world.assembled.schema.stream(document, context_value=world.context(scope))
    async with aclosing(results) as stream, asyncio.timeout(20):
        assert (await anext(stream)).data["ibEvents"]["__typename"] == "FeedHeartbeat"
        await desk.trade("1")
        await desk.consume()
        await world.database.write(
            scope_of(brand, ib=ib), lambda work: create_link(work, ib.id, "Fair")
        )
        world.bus.wake(brand.id)
        async for one in stream:
            if one.data["ibEvents"]["__typename"] == "IbEvent":
                assert one.data["ibEvents"]["kind"] == "LINK_CREATED"
                break
