"""A challenge from outside: bought, traded, broken at a tick, closed, explained, replayed."""

import asyncio
import os
import subprocess
import sys
from decimal import Decimal
from typing import Any

from tests.api.embedded import ROOT
from tests.stories.cashier import Payer
from tests.stories.conftest import Installation
from tests.stories.telling import items, socket

PUBLISH = """mutation($input: ChallengeProgramPublishInput!) {
  challengeProgramPublish(input: $input) { program { id version } errors { code message } } }"""
TAX = """mutation { challengeTaxSet(input: {idempotencyKey: "vat", country: "CY",
  label: "VAT 19 %", bps: 1900}) { done errors { code } } }"""
PROGRAMS = """{ challengePrograms(first: 1, filter: {code: {eq: "story-two-step"}}) { nodes {
  id version versions { price { amount } phases { name } } } } }"""
PRICE = """query($id: ID!) { challengePrice(programId: $id) { programVersion
  tax { amount } total { amount currencyCode } } }"""
BUY = """mutation($input: ChallengePurchaseInput!) { challengePurchase(input: $input) {
  purchase { id status payment { id next { ... on RedirectStep { url } } } }
  errors { code message } } }"""
MINE = """{ challenges(first: 1) { nodes { id status current { id status closing account { id access
  positions { id } } rules { rule limit { amount } distance { amount } } } } } }"""
RULES = """subscription($id: ID!) { ruleStates(challengeId: $id) { rule status
  limit { amount } distance { amount } } }"""
PLACE = """mutation($account: ID!) { orderPlace(input: {idempotencyKey: "all", accountId: $account,
  symbol: "EURUSD", side: BUY, lots: "20"}) { order { status reasonCode } errors { code } } }"""
BREACH = """query($id: ID!) { node(id: $id) { ... on Challenge { status breach { rule source
  floor { amount } equity { amount } at seenAt verifiedAt disabledAt
  explanation { summary steps replayDigest } } } } }"""


def program() -> dict[str, Any]:
    """The commission of twenty lots alone is more than a day may lose."""
    rules = {
        "profitTarget": {"percent": "10"},
        "maxLoss": {"share": {"percent": "10"}},
        "dailyLoss": {"share": {"amount": "100"}},
    }
    return {
        "idempotencyKey": "story", "code": "story-two-step", "name": "Two step", "leverage": 100,
        "balance": {"amount": "100000", "currencyCode": "EUR"},
        "price": {"amount": "400", "currencyCode": "EUR"},
        "phases": [{"name": "One", "rules": rules}, {"name": "Two", "rules": rules}],
    }  # fmt: skip


async def current(payer: Payer, status: str) -> Any:
    """The trader's challenge once its phase has a status."""
    async with asyncio.timeout(90):
        while True:  # PSP, worker and platform are other processes: only looking tells
            nodes = (await payer.ask(MINE))["nodes"]
            if nodes and nodes[0]["current"]["status"] == status:
                return nodes[0]
            await asyncio.sleep(0.1)


async def bought(payer: Payer, installation: Installation) -> None:
    """What a portal does: catalogue, price with tax, order, and the payer's own page."""
    (sold,) = (await payer.ask(PROGRAMS))["nodes"]
    price = await payer.ask(PRICE, id=sold["id"])
    assert (price["tax"], price["total"]["amount"]) == ({"amount": "76.00"}, "476.00")
    wanted = {
        "idempotencyKey": "buy",
        "programId": sold["id"],
        "programVersion": price["programVersion"],
        "total": price["total"],
        "pay": {
            "method": {
                "methodId": await payer.method("CARD"),
                "returnUrl": "https://aurora.localhost/paid",
            }
        },
    }
    made = (await payer.ask(BUY, input=wanted))["purchase"]
    assert made["status"] == "AWAITING_PAYMENT"
    await payer.until(made["payment"]["id"], "PENDING")
    page = """query($id: ID!) { node(id: $id) { ... on Deposit {
      next { ... on RedirectStep { url } } } } }"""
    payment = await payer.ask(page, id=made["payment"]["id"])
    async with payer.controls() as controls:
        await controls.pay(payer.psp_id(payment), instrument="4242424242424242")


async def test_a_trader_buys_trades_and_breaks_a_rule_that_explains_itself(
    installation: Installation,
) -> None:
    payer = await Payer.join(installation, "Tara Trader")
    await payer.as_staff("brand_admin", PUBLISH, input=program())
    await payer.as_staff("brand_admin", TAX)
    await bought(payer, installation)
    challenge = await current(payer, "ACTIVE")
    account = challenge["current"]["account"]["id"]
    floors = {one["rule"]: one["limit"]["amount"] for one in challenge["current"]["rules"]}
    assert (floors["MAX_LOSS"], floors["DAILY_LOSS"]) == ("90000.00", "99900.00")
    async with asyncio.timeout(60), socket(installation, payer.token) as session:
        live = items(session, RULES, id=challenge["id"])
        first = [await anext(live) for _ in range(3)]
        assert [one["rule"] for one in first] == ["PROFIT_TARGET", "MAX_LOSS", "DAILY_LOSS"]
        placed = await payer.ask(PLACE, account=account)
        assert placed["order"]["status"] == "FILLED", placed
        async for one in live:
            if one["rule"] == "DAILY_LOSS" and one["status"] == "BREACHED":
                assert Decimal(one["distance"]["amount"]) < 0
                break
        await live.aclose()
    over = await current(payer, "FAILED")
    phase = over["current"]
    assert (over["status"], phase["closing"]) == ("FAILED", "DISABLED")
    assert (phase["account"]["access"], phase["account"]["positions"]) == ("NO_TRADING", [])
    breach = (await payer.ask(BREACH, id=challenge["id"]))["breach"]
    assert (breach["rule"], breach["source"]) == ("DAILY_LOSS", "STREAM")
    assert breach["floor"] == {"amount": "99900.00"}
    assert Decimal(breach["equity"]["amount"]) < Decimal("99900.00")
    assert breach["at"] == breach["seenAt"]
    assert None not in (breach["verifiedAt"], breach["disabledAt"])
    equity = breach["equity"]["amount"]
    told = breach["explanation"]
    assert told["summary"] == f"Equity was {equity} EUR, below the floor of 99900.00 EUR."
    replayed = subprocess.run(  # noqa: ASYNC221 - nothing else goes on here
        [sys.executable, "-m", "api.cli", "challenges", "replay", "--phase", phase["id"]],
        cwd=ROOT,
        env={**os.environ, "BACKDESK_HOME": str(installation.home)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    assert "1 verdicts: the same" in replayed.stdout
