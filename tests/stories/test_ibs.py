"""An introducing broker's day, told with the official `gql` client against a whole installation.

An ib invites another, whose link brings a client; the client trades for real, and the commission
is in both ibs' feeds while the deal is still news. Each figure says why it is what it is, and the
console reckons all of them again.
"""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.api.embedded import ROOT
from tests.stories.cashier import Payer
from tests.stories.conftest import Installation
from tests.stories.telling import VERIFY, ask, from_elsewhere, http, items, mailed_token, socket

INVITE = """mutation { ibInvitationCreate(input: {name: "Ivo Invited",
  email: "ivo@ibs.example"}) { invitation { status } errors { code } } }"""
JOIN = """mutation($token: String!) { ibInvitationAccept(input: {token: $token,
  password: "quiet harbour 71", code: "IVO"}) { tokens { accessToken } errors { code } } }"""
ME = "{ viewer { ib { id code level parent { code } plan { name } } } }"
PLAN = """mutation { ibPlanCreate(input: {name: "Five dollars", terms: {currencyCode: "USD",
  convention: OVERRIDE, holdDays: 14, symbolGroups: [{name: "All", symbols: ["*"]}],
  components: [{name: "Rebate", rates: [{perLot: "5", group: "All"}]}]}}) {
  plan { id } errors { code message } } }"""
ASSIGN = """mutation($ib: ID!, $plan: ID!) { ibPlanAssign(input: {ibId: $ib, planId: $plan}) {
  ib { code plan { name } } errors { code message } } }"""
LINK = """mutation { ibLinkCreate(input: {campaign: "Spring fair"}) {
  link { id code } errors { code } } }"""
REGISTER = """mutation($input: ClientRegisterInput!) {
  clientRegister(input: $input) { accepted errors { message } } }"""
OPEN = """mutation { accountOpen(input: {idempotencyKey: "live", kind: LIVE, currencyCode: "EUR",
  leverage: 30}) { account { id status } errors { code message } } }"""
FUND = """mutation($wallet: ID!, $account: ID!) { transferCreate(input: {idempotencyKey: "fund",
  from: {walletId: $wallet}, to: {accountId: $account},
  amount: {amount: "400", currencyCode: "EUR"}}) { transfer { id } errors { code message } } }"""
PLACE = """mutation($account: ID!, $key: String!) { orderPlace(input: {idempotencyKey: $key,
  accountId: $account, symbol: "EURUSD", side: BUY, lots: "0.07"}) {
    order { status reasonCode } errors { code message } } }"""
HELD = "query($account: ID!) { node(id: $account) { ... on Account { positions { id } } } }"
CLOSE = """mutation($position: ID!, $key: String!) { positionClose(input: {idempotencyKey: $key,
  positionId: $position}) { account { id } errors { code message } } }"""
FEED = """subscription { ibEvents(filter: {kinds: [ACCRUED]}) { __typename
  ... on FeedItem { cursor occurredAt }
  ... on IbEvent { kind amount { amount currencyCode } ib { code }
    accrual { tier at client { reference email } explanation { summary steps
      inputs { name value } } } } } }"""
MINE = """{ viewer { ib { links { nodes { code clientCount } } accruals { nodes { tier status
  quantity amount { amount } deal { symbol } } } } } }"""
NODE = "query($id: ID!) { node(id: $id) { __typename } }"


class Pair:
    """The demo's northern ib, and the one it invites."""

    def __init__(self, installation: Installation, invited: str) -> None:
        tokens = installation.brand("aurora")["tokens"]
        self.installation = installation
        self.north = http(installation, tokens["ib"])
        self.south = http(installation, tokens["ib_2"])
        self.staff = http(installation, tokens["brand_admin"])
        self.invited_token = invited
        self.invited = http(installation, invited)


@pytest.fixture(scope="module")
async def pair(installation: Installation) -> Pair:
    """Invited by mail, joined by its token, given a plan by staff."""
    tokens = installation.brand("aurora")["tokens"]
    north = http(installation, tokens["ib"])
    assert (await ask(north, INVITE))["invitation"] == {"status": "SENT"}
    token = await mailed_token(installation.home, "ivo@ibs.example")
    key = installation.brand("aurora")["publishable_key"]
    portal = http(installation, None, **{"Backdesk-Key": key}, **from_elsewhere())
    joined = await ask(portal, JOIN, token=token)
    made = Pair(installation, joined["tokens"]["accessToken"])
    me = (await ask(made.invited, ME))["ib"]
    assert (me["code"], me["level"], me["parent"]) == ("IVO", 2, None), "what is above is hidden"
    plan = (await ask(made.staff, PLAN))["plan"]["id"]
    given = await ask(made.staff, ASSIGN, ib=me["id"], plan=plan)
    assert given["ib"] == {"code": "IVO", "plan": {"name": "Five dollars"}}
    return made


@pytest.fixture(scope="module")
async def trader(pair: Pair) -> Payer:
    """A client who came by the invited ib's link, with 400 euros on a live account."""
    link = (await ask(pair.invited, LINK))["link"]
    installation = pair.installation
    key = installation.brand("aurora")["publishable_key"]
    portal = http(installation, None, **{"Backdesk-Key": key}, **from_elsewhere())
    form = {"name": "Lena Linked", "email": "lena@light.example", "country": "CY",
            "password": "quiet harbour 71", "ibCode": link["code"].lower()}  # fmt: skip
    assert (await ask(portal, REGISTER, input=form))["accepted"] is True
    token = await mailed_token(installation.home, "lena@light.example")
    verified = await ask(portal, VERIFY, token=token)
    payer = Payer(installation, verified["tokens"]["accessToken"])
    await payer.prove()
    await payer.pay_in("500.00", key="in")
    return payer


async def position_of(payer: Payer, account: str) -> str:
    async with asyncio.timeout(30):
        while not (held := (await payer.ask(HELD, account=account))["positions"]):  # noqa: ASYNC110 - only looking tells
            await asyncio.sleep(0.05)
    return str(held[0]["id"])


async def next_accrual(feed: AsyncIterator[Any]) -> Any:
    async with asyncio.timeout(60):
        async for item in feed:
            if item["__typename"] == "IbEvent":
                return item
    raise AssertionError("the feed has ended")


@pytest.fixture(scope="module")
async def told(pair: Pair, trader: Payer) -> list[Any]:
    """Three deals of 0.07 lots, and what the invited ib's feed said of each."""
    account = (await trader.ask(OPEN))["account"]["id"]
    wallet = (await trader.wallet_until("EUR", Decimal(500)))["id"]
    moved = (await trader.ask(FUND, wallet=wallet, account=account))["transfer"]
    await trader.until(moved["id"], "DONE")
    heard = []
    async with socket(pair.installation, pair.invited_token) as session:
        feed = items(session, FEED)
        assert (await anext(feed))["__typename"] == "FeedHeartbeat"
        for turn in range(3):
            placed = await trader.ask(PLACE, account=account, key=f"buy-{turn}")
            assert placed["order"]["status"] == "FILLED", placed
            position = await position_of(trader, account)
            await trader.ask(CLOSE, position=position, key=f"sell-{turn}")
            heard.append(await next_accrual(feed))
    return heard


async def test_a_deal_is_a_commission_within_a_second(told: list[Any]) -> None:
    assert {(one["kind"], one["amount"]["amount"], one["ib"]["code"]) for one in told} == {
        ("ACCRUED", "0.35", "IVO")
    }
    gaps = [instant(one["occurredAt"]) - instant(one["accrual"]["at"]) for one in told]
    assert min(gaps) < timedelta(seconds=1), gaps


async def test_the_figure_says_why(told: list[Any]) -> None:
    accrual = told[0]["accrual"]
    assert accrual["tier"] == 1
    assert accrual["client"]["email"] == "l•••@•••", "an ib sees no addresses"
    why = accrual["explanation"]
    assert why["summary"] == "0.35 USD for 0.07 lots of EURUSD closed at tier 1, by Five dollars."
    facts = {one["name"]: one["value"] for one in why["inputs"]}
    assert facts["rate per lot"] == "5 USD by group All"
    assert why["steps"][-1] == "0.07 lots × 5 USD, rounded down and capped, is 0.35 USD."


async def test_each_sees_its_own_branch_and_no_other(pair: Pair, told: list[Any]) -> None:
    mine = (await ask(pair.invited, MINE))["ib"]
    assert [one["clientCount"] for one in mine["links"]["nodes"]] == [1]
    assert [(one["tier"], one["amount"]["amount"]) for one in mine["accruals"]["nodes"]] == [
        (1, "0.35")
    ] * 3
    above = (await ask(pair.north, MINE))["ib"]["accruals"]["nodes"]
    # Ten dollars a lot for the line, less the five below: 0.70 less 0.35.
    assert [one["amount"]["amount"] for one in above if one["tier"] == 2][:3] == ["0.35"] * 3
    me = (await ask(pair.invited, ME))["ib"]["id"]
    assert await ask(pair.north, NODE, id=me) == {"__typename": "Ib"}
    assert await ask(pair.south, NODE, id=me) is None


async def test_the_console_reckons_the_same_figures(pair: Pair, told: list[Any]) -> None:
    home = str(pair.installation.home)
    asked = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "api.cli", "ibs", "replay"],
        cwd=ROOT,
        env={**os.environ, "BACKDESK_HOME": home, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert asked.returncode == 0, asked.stdout + asked.stderr
    line = next(one for one in asked.stdout.splitlines() if one.startswith("aurora"))
    assert re.search(r"\bnone$", line.strip()), line


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
