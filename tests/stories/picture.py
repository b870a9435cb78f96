"""Takes the README's picture of the board again: `python -m tests.stories.picture [home]`.

The home is that of a running demo, best a new one with DEMO_SCALE=0.05. Its first brand is made to
have a busy minute, through the API alone, while the board looks on.
"""

import asyncio
import json
import os
import sys
from decimal import Decimal
from pathlib import Path
from secrets import token_hex
from typing import Any

from tests.api.embedded import ROOT
from tests.stories.cashier import Payer
from tests.stories.conftest import Installation
from tests.stories.telling import ask, http, signed_up
from tests.stories.test_board import Board
from tests.stories.test_challenge import PUBLISH
from tests.stories.test_ibs import CLOSE, HELD
from tests.stories.test_payment_page import page_of_a_browser

PICTURE = ROOT / "docs" / "board.png"
BYTES_MAX = 200_000
# The demo's plans pay for nothing that was held for less than a minute.
HELD_S = 65.0
# So that it can be taken again in the same home.
RUN = token_hex(3)
WHO = """{ viewer { client { wallets { id currencyCode } accounts(filter: {kind: {eq: LIVE}}) {
  nodes { id } } } } }"""
BUY = """mutation($input: ChallengePurchaseInput!) { challengePurchase(input: $input) {
  purchase { id } errors { code message } } }"""
PRICE = "query($id: ID!) { challengePrice(programId: $id) { total { amount currencyCode } } }"
FUND = """mutation($input: TransferCreateInput!) { transferCreate(input: $input) {
  transfer { id } errors { code message } } }"""
TRADED = "{ challenges { nodes { current { status account { id } } } } }"
PLACE = """mutation($input: OrderPlaceInput!) { orderPlace(input: $input) {
  order { status reasonCode } errors { code message } } }"""
LEAD = """mutation($input: LeadCreateInput!) { leadCreate(input: $input) {
  lead { id version stage } errors { code message } } }"""
MOVE = """mutation($input: LeadStageChangeInput!) { leadStageChange(input: $input) {
  lead { stage } errors { code message } } }"""
# Name, and what a day and the whole may lose; and how many lots are bought on each.
PROGRAMS = (
    ("Sprint 50,000", 50_000, "0.6", "3", ("4", "7")),
    ("Two step 100,000", 100_000, "1", "10", ("9", "2")),
    ("Classic 25,000", 25_000, "5", "8", ("3",)),
)


def running(home: Path) -> Installation:
    """The installation that serves a home."""
    told = json.loads((home / "demo.json").read_text())
    port = int(told["url"].rpartition(":")[2])
    sandbox = os.environ.get("SANDBOX_PORT", str(port + 1))
    made: Any = Installation(home, told["url"], None, home, f"http://127.0.0.1:{sandbox}", told)
    return made


async def publish(payer: Payer, name: str, balance: int, daily: str, whole: str) -> Any:
    """The program with the version that is sold now."""
    rules = {
        "profitTarget": {"percent": "8"},
        "maxLoss": {"share": {"percent": whole}},
        "dailyLoss": {"share": {"percent": daily}},
    }
    code = name.lower().replace(" ", "-").replace(",", "")
    wanted = {
        "idempotencyKey": f"{code} {RUN}", "code": code, "name": name, "leverage": 100,
        "balance": {"amount": str(balance), "currencyCode": "EUR"},
        "price": {"amount": str(balance // 250), "currencyCode": "EUR"},
        "phases": [{"name": "Evaluation", "rules": rules}],
    }  # fmt: skip
    return (await payer.as_staff("brand_admin", PUBLISH, input=wanted))["program"]


async def place(payer: Payer, account: str, lots: str) -> None:
    order = {"idempotencyKey": f"{account} {lots} {RUN}", "accountId": account, "symbol": "EURUSD",
             "side": "BUY", "lots": lots}  # fmt: skip
    await payer.ask(PLACE, input=order)


async def buy_challenges(payer: Payer, wallet: str) -> None:
    """Buy one for each size of trade, and trade on all of them."""
    sizes = []
    for name, balance, daily, whole, lots in PROGRAMS:
        program = await publish(payer, name, balance, daily, whole)
        total = (await payer.ask(PRICE, id=program["id"]))["total"]
        for size in lots:
            wanted = {
                "idempotencyKey": f"{name} {size} {RUN}", "programId": program["id"],
                "programVersion": program["version"], "total": total,
                "pay": {"walletId": wallet},
            }  # fmt: skip
            await payer.ask(BUY, input=wanted)
            sizes.append(size)
    async with asyncio.timeout(120):
        while True:  # worker and platform are other processes: only looking tells
            newest = (await payer.ask(TRADED))["nodes"][: len(sizes)]
            phases = [one["current"] or {"status": "NONE"} for one in newest]
            if [one["status"] for one in phases] == ["ACTIVE"] * len(sizes):
                break
            await asyncio.sleep(0.2)
    for phase, size in zip(reversed(phases), sizes, strict=True):
        await place(payer, phase["account"]["id"], size)


async def open_live(payer: Payer, wallet: str, account: str) -> None:
    """Positions of the kind that earn an introducing broker its commission."""
    wanted = {"idempotencyKey": RUN, "from": {"walletId": wallet}, "to": {"accountId": account},
              "amount": {"amount": "400", "currencyCode": "EUR"}}  # fmt: skip
    moved = (await payer.ask(FUND, input=wanted))["transfer"]
    await payer.until(moved["id"], "DONE")
    for size in ("0.04", "0.06"):
        await place(payer, account, size)


async def close_live(payer: Payer, account: str) -> None:
    async with asyncio.timeout(60):
        while len(held := (await payer.ask(HELD, account=account))["positions"]) < 2:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.1)
    for one in held:
        await payer.ask(CLOSE, position=one["id"], key=f"close {one['id']} {RUN}")


async def capture_leads(payer: Payer) -> None:
    for n, name in enumerate(("Nora Quill", "Otto Marsh", "Pia Lindqvist")):
        form = {"source": "google", "email": f"lead{n}.{RUN}@light.example", "name": name}
        lead = (await payer.as_staff("brand_admin", LEAD, input=form))["lead"]
        if n:
            step = {"leadId": lead["id"], "expectedVersion": lead["version"], "stage": "CONTACTED"}
            await payer.as_staff("brand_admin", MOVE, input=step)


async def busy_minute(installation: Installation) -> None:
    tokens = installation.brand("aurora")["tokens"]
    payer = Payer(installation, tokens["client_2"])
    me = (await ask(http(installation, payer.token), WHO))["client"]
    wallet = next(one["id"] for one in me["wallets"] if one["currencyCode"] == "EUR")
    live = me["accounts"]["nodes"][0]["id"]
    await payer.pay_in("1250.00", key=RUN)
    await open_live(payer, wallet, live)
    held_until = asyncio.get_running_loop().time() + HELD_S
    await buy_challenges(payer, wallet)
    await asyncio.sleep(held_until - asyncio.get_running_loop().time())
    await close_live(payer, live)
    await capture_leads(payer)
    newcomer = await signed_up(installation, f"Lina {RUN}")
    await Payer(installation, newcomer).begin_proof()
    await Payer(installation, tokens["client"]).pay_in("300.00", key=RUN)


async def take(home: Path) -> None:
    installation = running(home)
    async with page_of_a_browser() as any_page:
        browser = any_page.context.browser
        assert browser is not None
        page = await browser.new_page(locale="en-GB", viewport={"width": 1360, "height": 860})
        board = Board(installation, page)
        await board.open("brand_admin")
        await busy_minute(installation)
        await board.until_told("300.00")
        async with asyncio.timeout(60):
            while Decimal(next(iter(await board.values("ibs")), "0")) == 0:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.1)
        await page.wait_for_timeout(6_000)  # equity is asked for again, lights go out
        await page.screenshot(path=PICTURE)
    size = PICTURE.stat().st_size
    assert size < BYTES_MAX, f"{size} bytes are too many for a README"
    print(f"{PICTURE.relative_to(ROOT)}: {size:,} bytes")


if __name__ == "__main__":
    asyncio.run(take(Path(sys.argv[1] if len(sys.argv) > 1 else ".backdesk").absolute()))
