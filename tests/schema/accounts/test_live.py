"""Accounts live: states and quotes conflated, events from the log, silence about others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from decimal import Decimal as D
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.accounts.commands.change_leverage import change_leverage
from domain.accounts.live import publish_states
from domain.accounts.trading import AccountState, Quote, QuoteSource
from domain.accounts.values import StateSource
from domain.clients.tables import client as client_table
from domain.kernel.ids import encode_id
from schema.accounts import subscriptions
from tenants.context import Scope
from tenants.values import Role
from tests.factories import Account, Brand, Factory, scope_of
from tests.schema.accounts.desk import Stage, World

STATES = """subscription ($ids: [ID!]!) { accountStates(accountIds: $ids) {
  accountId equity { amount } balance { amount } freeMargin { amount } marginLevelPercent
  withdrawable { amount } asOf source } }"""
QUOTES = """subscription ($id: ID!, $symbols: [String!]!) {
  quotes(accountId: $id, symbols: $symbols) { symbol bid ask source } }"""
EVENTS = """subscription ($id: ID, $after: Cursor) { accountEvents(accountId: $id, after: $after) {
  __typename ... on FeedItem { cursor }
  ... on AccountEvent { kind accountId payload account { login } } } }"""


async def follow(world: World, document: str, scope: Scope, **variables: Any) -> AsyncIterator[Any]:
    results = await world.assembled.schema.stream(
        document, variable_values=variables, context_value=world.context(scope)
    )
    async with aclosing(results) as stream:
        async for one in stream:
            assert one.errors is None, one.errors
            yield next(iter(one.data.values()))


async def refusal(world: World, document: str, scope: Scope, **variables: Any) -> set[str]:
    results = await world.assembled.schema.stream(
        document, variable_values=variables, context_value=world.context(scope)
    )
    async with aclosing(results) as stream:
        refused = await anext(stream)
    return {one.extensions["code"] for one in refused.errors}


async def soon(feed: AsyncIterator[Any]) -> Any:
    return await asyncio.wait_for(anext(feed), 10)


async def silent(feed: AsyncIterator[Any]) -> bool:
    """Whether nothing comes; ends the feed."""
    try:
        await asyncio.wait_for(anext(feed), 0.5)
    except TimeoutError:
        return True
    return False


def state(account: Account, equity: str) -> AccountState:
    money = {name: D("1000.005") for name in ("balance", "free_margin")}
    return AccountState(
        login=account.login, credit=D("10"), equity=D(equity), margin=D("50"), floating=D(0),
        margin_level_percent=D(200), currency="USD", digits=2,
        as_of=datetime(2026, 5, 4, tzinfo=UTC), source=StateSource.STREAM, **money,
    )  # fmt: skip


def tell(world: World, account: Account, *equities: str) -> None:
    for equity in equities:
        told = [state(account, equity)]
        publish_states(world.services.states, account.server_id, told, ())


def shown(one: Account) -> str:
    return encode_id("account", one.id)


async def test_states_are_the_newest_and_only_of_accounts_one_sees(
    world: World, make: Factory, brand: Brand, brand_b: Brand, engine: AsyncEngine
) -> None:
    client, other = make.client(brand), make.client(brand)
    mine, theirs = make.account(brand, client), make.account(brand, other)
    foreign = make.account(brand_b, make.client(brand_b))
    ids = [shown(one) for one in (mine, theirs, foreign)] + ["account_1"]
    tell(world, mine, "1000")
    feed = follow(world, STATES, scope_of(brand, client=client), ids=ids)
    first = await soon(feed)
    assert first == {
        "accountId": shown(mine), "equity": {"amount": "1000.00"},
        "balance": {"amount": "1000.00"}, "freeMargin": {"amount": "1000.00"},
        "marginLevelPercent": "2000.00", "withdrawable": {"amount": "990.00"},
        "asOf": "2026-05-04T00:00:00.000000Z", "source": "STREAM",
    }  # fmt: skip
    assert engine.sync_engine.pool.checkedout() == 0, "a feed holds no connection"  # type: ignore[attr-defined] # of a queue pool
    tell(world, mine, *(f"{1000 + n}" for n in range(1, 50)))
    assert (await soon(feed))["equity"] == {"amount": "1049.00"}
    tell(world, theirs, "1")
    tell(world, foreign, "2")
    assert await silent(feed)
    strangers = follow(world, STATES, scope_of(brand_b, "brand_admin"), ids=[shown(mine)])
    waiting = asyncio.create_task(silent(strangers))
    await asyncio.sleep(0.1)
    tell(world, mine, "5")
    assert await waiting


async def test_states_end_when_the_client_leaves_ones_sight(
    world: World, make: Factory, brand: Brand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriptions, "LOOK_AGAIN_S", 0.0)
    sales = scope_of(brand, "sales")
    client = make.client(brand, owner_id=sales.actor.id)
    account = make.account(brand, client)
    feed = follow(world, STATES, sales, ids=[shown(account)])
    tell(world, account, "1")
    assert (await soon(feed))["equity"] == {"amount": "1.00"}
    elsewhere = update(client_table).where(
        client_table.c.brand_id == brand.id, client_table.c.id == client.id
    )
    make.run(brand, elsewhere.values(owner_id=brand.staff[Role.BRAND_ADMIN]))
    tell(world, account, "2")
    assert await silent(feed)


async def test_quotes_are_conflated_and_of_an_account_one_sees(
    world: World, make: Factory, brand: Brand, brand_b: Brand
) -> None:
    client = make.client(brand)
    account = make.account(brand, client)

    def quote(symbol: str, bid: str) -> None:
        at = datetime.now(UTC)
        one = Quote(symbol, D(bid), D(bid) + D("0.0001"), at, at, QuoteSource.RECORDED)
        publish_states(world.services.states, brand.server_id, (), [one])

    given = {"id": shown(account), "symbols": ["EURUSD", "GBPUSD"]}
    feed = follow(world, QUOTES, scope_of(brand, client=client), **given)
    quote("EURUSD", "1.1000")
    first = await soon(feed)
    assert first == {"symbol": "EURUSD", "bid": "1.1000", "ask": "1.1001", "source": "RECORDED"}
    for n in range(1, 10):
        quote("EURUSD", f"1.100{n}")
    quote("USDJPY", "150.0")
    assert (await soon(feed))["bid"] == "1.1009"
    assert await silent(feed)
    strangers = follow(world, QUOTES, scope_of(brand_b, "brand_admin"), **given)
    assert await silent(strangers)


async def test_live_feeds_are_bounded_and_take_their_right(world: World, stage: Stage) -> None:
    scope = scope_of(stage.brand, client=stage.client)
    bad = {"BAD_USER_INPUT"}
    key = stage.ids["accountId"]
    assert await refusal(world, STATES, scope, ids=[]) == bad
    assert await refusal(world, STATES, scope, ids=[key] * 101) == bad
    assert await refusal(world, QUOTES, scope, id=key, symbols=[]) == bad
    assert await refusal(world, QUOTES, scope, id=key, symbols=["EURUSD"] * 51) == bad
    assert await refusal(world, EVENTS, scope, id="client_1") == bad
    for document, given in (
        (STATES, {"ids": [key]}),
        (QUOTES, {"id": key, "symbols": ["EURUSD"]}),
        (EVENTS, {"id": key}),
    ):
        nobody = scope_of(stage.brand)
        assert await refusal(world, document, nobody, **given) == {"UNAUTHENTICATED"}
        lacking = scope_of(stage.brand, client=stage.client, permissions=frozenset({"x"}))
        assert await refusal(world, document, lacking, **given) == {"FORBIDDEN"}


async def changed(world: World, brand: Brand, account: Account, leverage: int) -> None:
    scope = scope_of(brand, "brand_admin")
    await world.database.write(
        scope, lambda work: change_leverage(work, account.id, leverage, expected_version=None)
    )
    world.bus.wake(brand.id)


async def take(feed: AsyncIterator[Any], count: int) -> list[Any]:
    found: list[Any] = []
    async with asyncio.timeout(60):
        while len(found) < count:
            item = await anext(feed)
            if item["__typename"] == "AccountEvent":
                found.append(item)
    return found


async def test_events_of_one_account_are_resumed_and_of_others_unheard(
    world: World, make: Factory, brand: Brand, brand_b: Brand
) -> None:
    client = make.client(brand)
    mine, second = make.account(brand, client), make.account(brand, client)
    other, foreign = make.account(brand, make.client(brand)), make.client(brand_b)
    theirs = make.account(brand_b, foreign)
    scope = scope_of(brand, client=client)
    feeds = {
        "one": follow(world, EVENTS, scope, id=shown(mine)),
        "all": follow(world, EVENTS, scope),
        "not mine": follow(world, EVENTS, scope, id=shown(other)),
    }
    for feed in feeds.values():
        assert (await soon(feed))["__typename"] == "FeedHeartbeat"
    await changed(world, brand_b, theirs, 9)
    for account, leverage in ((other, 10), (mine, 11), (second, 12), (mine, 13)):
        await changed(world, brand, account, leverage)
    one, every = await take(feeds["one"], 2), await take(feeds["all"], 3)
    assert {item["accountId"] for item in one} == {shown(mine)}
    assert [item["accountId"] for item in every] == [shown(mine), shown(second), shown(mine)]
    assert {item["kind"] for item in every} == {"LEVERAGE_REQUESTED"}
    assert one[0]["account"] == {"login": str(mine.login)}
    assert one[0]["payload"]["accountId"] == shown(mine)
    again = follow(world, EVENTS, scope, id=shown(mine), after=one[0]["cursor"])
    (resumed,) = await take(again, 1)
    assert resumed["cursor"] == one[1]["cursor"]
    for feed in (again, feeds["one"], feeds["all"]):
        await feed.aclose()  # type: ignore[attr-defined] # a generator
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(take(feeds["not mine"], 1), 0.5)
