"""Steps about a challenge: bought, traded, and stopped at the very tick that broke a rule."""

import asyncio
import secrets
from decimal import Decimal
from typing import Any

from api.demo.asking import Json
from api.demo.past.fates import SPRINT
from api.demo.tour.cashier import card_of, pay
from api.demo.tour.guide import Guide, check
from api.demo.tour.joining import join

SYMBOL, LOTS, FALL = "EURGBP", "3", Decimal("0.005")
"""What is traded, how much of it, and by which share its price is to fall."""
PROGRAM = """query($code: String!) { challengePrograms(first: 1, filter: {code: {eq: $code}}) {
  nodes { id version name } } }"""
PRICE = """query($id: ID!) { challengePrice(programId: $id) { programVersion
  net { amount } tax { amount } total { amount currencyCode } } }"""
BUY = """mutation($input: ChallengePurchaseInput!) { challengePurchase(input: $input) {
  purchase { reference status payment { id } } errors { code message } } }"""
MINE = """{ challenges(first: 1) { nodes { id reference status current { id status closing
  account { id login access positions { id } }
  rules { rule status daysDone limit { amount } distance { amount } } } } } }"""
PLACE = """mutation($input: OrderPlaceInput!) { orderPlace(input: $input) {
  order { status filledPrice } errors { code message } } }"""
QUOTES = """subscription($account: ID!, $symbols: [String!]!) {
  quotes(accountId: $account, symbols: $symbols) { symbol bid ask } }"""
ADVANCE = """mutation($input: SandboxAdvanceInput!) { sandboxAdvance(input: $input) {
  now errors { code message } } }"""
BREACH = """query($id: ID!) { node(id: $id) { ... on Challenge { status breach {
  rule source at floor { amount } equity { amount } verifiedAt disabledAt
  prices { symbol bid ask at } positions { ticket side lots } } } } }"""
WHY = """query($id: ID!) { node(id: $id) { ... on Challenge { reference breach {
  explanation { summary steps replayDigest } } } } }"""


async def a_challenge_is_bought(guide: Guide) -> None:
    """A challenge, bought with tax at the sandbox PSP
    Somebody new at the prop brand pays for thirty days on 25,000. The account is there as soon as
    the payment is, with every rule and what is left to it."""
    who = guide.kept["aspirant"] = await join(guide, "cirrus", "Tara Trader")
    (sold,) = (await guide.quietly(who, PROGRAM, code=SPRINT))["nodes"]
    price = await guide.show(who, PRICE, id=sold["id"])
    method = await card_of(guide, who, price["total"]["currencyCode"])
    wanted = {
        "idempotencyKey": _key(),
        "programId": sold["id"],
        "programVersion": price["programVersion"],
        "total": price["total"],
        "pay": {"method": {"methodId": method, "returnUrl": "https://cirrus.localhost/paid"}},
    }
    made = await guide.show(who, BUY, input=wanted)
    await pay(guide, who, made["purchase"]["payment"]["id"])
    await _until(guide, "ACTIVE")
    guide.kept["challenge"] = (await guide.show(who, MINE))["nodes"][0]


async def stopped_at_the_very_tick(guide: Guide) -> None:
    """The account, stopped at the very tick
    Three lots are bought, then the sandbox lets the price fall: one tick, and the market's own
    next price takes it back. The loss of the day was too much at that tick: positions are closed,
    nothing is traded any more, and the breach shows its evidence and its steps."""
    who, challenge = guide.kept["aspirant"], guide.kept["challenge"]
    account = challenge["current"]["account"]["id"]
    wanted = {"accountId": account, "symbol": SYMBOL, "side": "BUY", "lots": LOTS}
    placed = await guide.show(who, PLACE, input=wanted | {"idempotencyKey": _key()})
    check(placed["order"]["status"] == "FILLED", "the order is filled")
    await _judged(guide)
    seen = await _quote(guide, who, account)
    await guide.show("cirrus/brand_admin", ADVANCE, input=_fallen(seen))
    over = await _until(guide, "FAILED")
    access = over["current"]["account"]
    breach = (await guide.show(who, BREACH, id=challenge["id"]))["breach"]
    check(breach["rule"] == "DAILY_LOSS", "it is the day's loss that was too much")
    check(Decimal(breach["equity"]["amount"]) < Decimal(breach["floor"]["amount"]), "it was below")
    check(bool(breach["prices"] and breach["positions"]), "the evidence is kept")
    why = (await guide.show(who, WHY, id=challenge["id"]))["breach"]
    check(bool(why["explanation"]["steps"]), "the breach says how it came to be")
    check(access["access"] == "NO_TRADING" and not access["positions"], "nothing goes on there")
    guide.say("judge it again: .venv/bin/backdesk challenges replay")


async def _judged(guide: Guide) -> None:
    """The engine has met the phase, which began a moment ago, and counts its first day: from now
    on no tick escapes it."""

    async def counts() -> bool:
        (one,) = (await guide.quietly(guide.kept["aspirant"], MINE))["nodes"]
        return any(rule["daysDone"] for rule in one["current"]["rules"])

    await guide.until("the day that counts", counts)
    guide.say("the order is judged: the day counts as one of those that must be traded")


async def _quote(guide: Guide, who: str, account: str) -> Json:
    """What the symbol costs on the account just now."""
    asked = {"account": account, "symbols": [SYMBOL]}
    async with guide.asker.follow(who, QUOTES, asked) as items, asyncio.timeout(60):
        seen = await anext(items)
    guide.print(who, QUOTES, seen, asked)
    return seen


def _fallen(seen: Json) -> Json:
    """The same symbol by so much cheaper."""
    bid, ask = (
        (Decimal(seen[side]) * (1 - FALL)).quantize(Decimal(seen[side])) for side in ("bid", "ask")
    )
    price = {"symbol": SYMBOL, "bid": str(bid), "ask": str(ask)}
    return {"idempotencyKey": _key(), "move": {"price": price}}


async def _until(guide: Guide, status: str) -> Json:
    """The newcomer's challenge, once its phase has a status."""

    async def there() -> Any:
        nodes = (await guide.quietly(guide.kept["aspirant"], MINE))["nodes"]
        return next((one for one in nodes if one["current"]["status"] == status), None)

    found: Json = await guide.until(f"the phase that is {status}", there)
    return found


def _key() -> str:
    return f"tour-{secrets.token_hex(6)}"


STEPS = (a_challenge_is_bought, stopped_at_the_very_tick)
