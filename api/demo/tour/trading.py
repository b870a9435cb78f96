"""Steps about trading: an order, live equity, and a feed that misses nothing."""

import asyncio
import secrets
from typing import Any

from api import database
from api.demo.tour.guide import Guide, check
from api.ledger import verify_ledgers

OWN = "{ viewer { client { accounts(filter: {kind: {eq: DEMO}}) { nodes { id login } } } } }"
ORDER = """mutation($key: String!, $account: ID!) { orderPlace(input: {idempotencyKey: $key,
  accountId: $account, symbol: "EURUSD", side: BUY, lots: "0.10"}) {
  order { status filledPrice } replayed errors { code message } } }"""
STATES = """subscription($accounts: [ID!]!) { accountStates(accountIds: $accounts) {
  equity { amount currencyCode } balance { amount } asOf source } }"""
EVENTS = """subscription($account: ID!, $after: Cursor) {
  accountEvents(accountId: $account, after: $after) { __typename
    ... on FeedItem { cursor } ... on AccountEvent { kind } } }"""
WHO = "aurora/client"


async def an_order_is_filled_once(guide: Guide) -> None:
    """An order, filled by the platform; the same key never trades twice
    The answer waits for the fill. Sent again, it is the same order."""
    own = await guide.quietly(WHO, OWN)
    account = own["client"]["accounts"]["nodes"][0]["id"]
    guide.kept |= {"account": account, "key": f"tour-{secrets.token_hex(6)}"}
    first = await guide.show(WHO, ORDER, key=guide.kept["key"], account=account)
    again = await guide.show(WHO, ORDER, key=guide.kept["key"], account=account)
    check(first["order"] == again["order"], "it is the same order")
    check(not first["replayed"] and again["replayed"], "the second answer is a repetition")


async def equity_moves(guide: Guide) -> None:
    """Equity, live
    Three values as the market moves: always the newest, at most four a second."""
    seen: list[Any] = []
    async with guide.asker.follow(WHO, STATES, {"accounts": [guide.kept["account"]]}) as items:
        async with asyncio.timeout(60):
            async for item in items:
                seen.append(item)
                if len(seen) == 3:
                    break
    guide.print(WHO, STATES, seen)


async def nothing_is_missed(guide: Guide) -> None:
    """Cut the connection, trade, come back: nothing is missing
    A feed has a cursor. While nobody listens an order is filled; resumed behind the last cursor,
    the feed begins with what was missed."""
    account = guide.kept["account"]
    async with guide.asker.follow(WHO, EVENTS, {"account": account}) as items:
        async with asyncio.timeout(60):
            cursor = (await anext(items))["cursor"]
    guide.say("the connection is cut")
    await guide.quietly(WHO, ORDER, key=f"tour-{secrets.token_hex(6)}", account=account)
    kinds: list[str] = []
    behind = {"account": account, "after": cursor}
    async with guide.asker.follow(WHO, EVENTS, behind) as items:
        async with asyncio.timeout(60):
            async for item in items:
                kinds += [item["kind"]] if "kind" in item else []
                if "DEAL_OPENED" in kinds:
                    break
    guide.print(WHO, EVENTS, kinds, behind)
    check("ORDER_REQUESTED" in kinds, "what happened meanwhile is told first")


async def the_books_hold(guide: Guide) -> None:
    """The books
    Every invariant of every brand's ledger, checked over all that was ever posted."""
    urls = database.running(guide.settings)
    clean = await asyncio.to_thread(verify_ledgers, urls, None, guide.console)
    check(clean, "the ledger has findings")


STEPS = (an_order_is_filled_once, equity_moves, nothing_is_missed)
