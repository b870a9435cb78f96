"""A trader's first day, told with the official `gql` client against a whole installation.

Register by publishable key, verify by mail, open an account, trade on replayed prices, watch equity
live, lose the socket and go on from the cursor; another brand sees none of it.
"""

import asyncio
import csv
import gzip
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from gql import Client

from tests.stories.conftest import RECORDED, Installation
from tests.stories.telling import ask, http, items, signed_up, socket

LOTS, CONTRACT = Decimal("0.10"), 100_000
BAR_ORDER = ("open", "low", "high", "close")  # docs/bridge.openapi.yaml: how a bar is played
OPEN = """mutation($key: String!) {
  accountOpen(input: {idempotencyKey: $key, kind: DEMO, currencyCode: "USD", leverage: 100}) {
    account { id login status } errors { code message } } }"""
PLACE = """mutation($key: String!, $account: ID!) {
  orderPlace(input: {idempotencyKey: $key, accountId: $account, symbol: "GBPUSD", side: BUY,
                     lots: "0.10"}) {
    order { id status filledPrice reasonCode } errors { code message } } }"""
CLOSE = """mutation($key: String!, $position: ID!) {
  positionClose(input: {idempotencyKey: $key, positionId: $position}) {
    account { id } errors { code message } } }"""
POSITIONS = "query($account: ID!) { node(id: $account) { ... on Account { positions { id } } } }"
STATES = """subscription($accounts: [ID!]!) { accountStates(accountIds: $accounts) {
  balance { amount } equity { amount } margin { amount } asOf } }"""
NODE = "query($account: ID!) { node(id: $account) { __typename id } }"
QUOTES = """subscription($account: ID!) { quotes(accountId: $account, symbols: ["GBPUSD"]) {
  bid ask at recordedAt source } }"""
EVENTS = """subscription($account: ID, $after: Cursor) {
  accountEvents(accountId: $account, after: $after) {
    __typename ... on FeedItem { cursor } ... on AccountEvent { kind accountId payload }
    ... on FeedHeartbeat { highWater } } }"""
PULL = """query($after: Cursor) { events(topics: [ACCOUNT], after: $after) {
  cursor hasMore events { kind cursor objectId } } }"""


@cache
def recorded_bars() -> dict[str, dict[datetime, dict[str, Decimal]]]:
    """The recording as published: bars by side and minute, read without our own reader."""
    sides = {}
    for side in ("bid", "ask"):
        with gzip.open(RECORDED / f"gbpusd-m1-{side}-2012.csv.gz", "rt", newline="") as lines:
            sides[side] = {
                datetime.fromisoformat(row["timestamp"]): {
                    name: Decimal(row[name]) for name in BAR_ORDER
                }
                for row in csv.DictReader(lines)
            }
    return sides


def recorded_price(at: datetime) -> tuple[Decimal, Decimal]:
    """Bid and ask that the recording holds for a recorded instant."""
    minute = at.replace(second=0, microsecond=0)
    name = BAR_ORDER[(at - minute) // timedelta(seconds=15)]
    bars = recorded_bars()
    bid, ask = bars["bid"][minute][name], bars["ask"][minute][name]
    return bid, max(bid, ask)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


class Trader:
    """A new client of the brand `aurora` with an account in dollars."""

    def __init__(self, installation: Installation, token: str, account: str) -> None:
        self.installation, self.token, self.account = installation, token, account

    async def trade(self, key: str) -> Decimal:
        """Buy, and wait until the position is seen; the price paid."""
        client = http(self.installation, self.token)
        placed = await ask(client, PLACE, key=f"{key}-buy", account=self.account)
        assert placed["order"]["status"] == "FILLED", placed
        return Decimal(placed["order"]["filledPrice"])

    async def close_all(self, key: str) -> None:
        client = http(self.installation, self.token)
        async with asyncio.timeout(60):
            while not (held := (await ask(client, POSITIONS, account=self.account))["positions"]):  # noqa: ASYNC110 - only looking tells
                await asyncio.sleep(0.05)  # the deal arrives over the platform's stream
        for position in held:
            await ask(client, CLOSE, key=f"{key}-{position['id']}", position=position["id"])


@pytest.fixture(scope="module")
async def trader(installation: Installation) -> Trader:
    """Registered by publishable key, verified by mail, with a demo account of 10,000 USD."""
    access = await signed_up(installation, "Nadia First")
    opened = await ask(http(installation, access), OPEN, key="first")
    assert opened["account"]["status"] == "ACTIVE", opened
    return Trader(installation, access, opened["account"]["id"])


async def test_equity_is_what_the_recorded_prices_make_it(trader: Trader) -> None:
    if not RECORDED.is_dir():
        pytest.skip("the recorded prices (../shared/data/fx) are not on this machine")
    paid = await trader.trade("equity")
    quotes: list[Any] = []
    states: list[Any] = []
    async with socket(trader.installation, trader.token) as session, asyncio.timeout(60):

        async def watch(document: str, seen: list[Any], **variables: Any) -> None:
            async for item in items(session, document, **variables):
                seen.append(item)
                if len(states) >= 20 and len(quotes) >= 20 and len(priced(states, quotes)) >= 6:
                    return

        await asyncio.gather(
            watch(QUOTES, quotes, account=trader.account),
            watch(STATES, states, accounts=[trader.account]),
        )
    await trader.close_all("equity")
    checked = 0
    for state, quote in priced(states, quotes):
        bid, ask_price = recorded_price(instant(quote["recordedAt"]))
        assert (Decimal(quote["bid"]), Decimal(quote["ask"])) == (bid, ask_price)
        expected = Decimal(state["balance"]["amount"]) + (bid - paid) * LOTS * CONTRACT
        assert Decimal(state["equity"]["amount"]) == expected.quantize(Decimal("0.01"))
        checked += 1
    assert checked >= 4, (quotes, states)


def priced(states: list[Any], quotes: list[Any]) -> list[tuple[Any, Any]]:
    """States with an open position, each with the price of its instant, where that is clear."""
    found = [(state, price_at(quotes, instant(state["asOf"]))) for state in states]
    return [(state, quote) for state, quote in found
            if quote is not None and state["margin"]["amount"] != "0.00"]  # fmt: skip


def price_at(quotes: list[Any], at: datetime) -> Any:
    """The price of an instant, when it lies clearly between two prices that follow each other."""
    margin = timedelta(milliseconds=60)
    for quote, following in pairwise(quotes):
        if instant(quote["at"]) + margin <= at <= instant(following["at"]) - margin:
            return quote
    return None


async def test_a_cut_socket_resumes_with_nothing_missing(trader: Trader) -> None:
    seen: list[tuple[str, str]] = []

    def note(item: Any) -> None:
        if item["__typename"] == "AccountEvent":
            seen.append((item["cursor"], item["kind"]))

    async with socket(trader.installation, trader.token) as session, asyncio.timeout(60):
        feed = items(session, EVENTS, account=trader.account)
        begun = await anext(feed)
        assert begun["__typename"] == "FeedHeartbeat"
        buying = asyncio.create_task(trader.trade("resume-1"))
        async for item in feed:
            note(item)
            if seen and seen[-1][1] == "ORDER_FILLED":
                break
        await buying
    # The socket is gone; life goes on without it.
    await trader.close_all("resume-1")
    await trader.trade("resume-2")
    await trader.close_all("resume-2")
    truth = await settled_truth(trader)
    async with socket(trader.installation, trader.token) as session, asyncio.timeout(60):
        async for item in items(session, EVENTS, account=trader.account, after=seen[-1][0]):
            note(item)
            if item["__typename"] == "FeedHeartbeat" and item["cursor"] == item["highWater"]:
                break
    live = [kind.lower() for _, kind in seen]
    assert live == truth[-len(live) :], "nothing is missing, nothing is out of order"
    assert len({cursor for cursor, _ in seen}) == len(seen), "nothing came twice"
    assert live.count("deal_opened") == live.count("deal_closed") == 2


async def test_another_brand_sees_none_of_it(trader: Trader) -> None:
    installation = trader.installation
    others = installation.brand("borealis")["tokens"]
    for name in ("brand_admin", "dealing", "client", "ib"):
        client = http(installation, others[name])
        assert await ask(client, NODE, account=trader.account) is None, name
        own = {event["objectId"] for event in await pull_all(client)}
        assert trader.account not in own, name
    async with socket(installation, others["brand_admin"]) as session, asyncio.timeout(60):
        silent = items(session, STATES, accounts=[trader.account])
        feed = items(session, EVENTS)
        heard = asyncio.ensure_future(anext(silent))
        assert (await anext(feed))["__typename"] == "FeedHeartbeat"
        await trader.trade("unseen")
        await trader.close_all("unseen")
        await settled_truth(trader)
        assert not heard.done()
        heard.cancel()
        foreign = asyncio.ensure_future(anext(feed))
        done, _ = await asyncio.wait({foreign}, timeout=1)
        for item in done:
            assert item.result().get("accountId") != trader.account
        foreign.cancel()


async def settled_truth(trader: Trader) -> list[str]:
    """Kinds of all the trader's events, once every deal that was asked for has arrived."""
    client = http(trader.installation, trader.token)
    async with asyncio.timeout(60):
        while True:
            kinds = [event["kind"] for event in await pull_all(client)]
            if kinds.count("deal_closed") == kinds.count("close_requested"):
                return kinds
            await asyncio.sleep(0.05)  # the deal arrives over the platform's stream


async def pull_all(client: Client) -> list[Any]:
    """Every event that the pull form shows, page by page."""
    after, events = None, []
    while True:
        page = await ask(client, PULL, after=after)
        events += page["events"]
        after = page["cursor"]
        if not page["hasMore"]:
            return events
