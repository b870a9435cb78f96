"""Steps about money: in by card, moved by hand; out with four eyes; disputed."""

import asyncio
import secrets
import time
from typing import Any

from api.demo.asking import Json
from api.demo.paying import DEPOSIT, LIVE, METHODS, STATUS
from api.demo.sandbox import CARD, SandboxControls
from api.demo.tour.guide import Guide, check

WAITING = """{ approvals { nodes { level n withdrawal { id reference version
  amount { amount currencyCode } approvals { level status decidedBy { name } } } } } }"""
DISPUTES = """{ disputes { nodes { reference status reasonCode amount { amount currencyCode }
  held { amount } evidenceDueAt deposit { reference status } } } }"""
ADVANCE = """mutation($input: SandboxAdvanceInput!) { sandboxAdvance(input: $input) {
  now errors { code message } } }"""
APPROVE = """mutation($input: WithdrawalApproveInput!) { withdrawalApprove(input: $input) {
  withdrawal { reference status } errors { code message } } }"""


async def card_of(guide: Guide, who: str, currency: str) -> str:
    """The method by which somebody pays by card."""
    options = await guide.quietly(who, METHODS)
    found: str = next(
        one["method"]["id"]
        for one in options
        if one["method"]["kind"] == "CARD" and one["currencyCode"] == currency
    )
    return found


def deposit_of(amount: str, currency: str, method: str) -> Json:
    """What is wanted, under a key of its own."""
    return {
        "idempotencyKey": f"tour-{secrets.token_hex(6)}",
        "methodId": method,
        "amount": {"amount": amount, "currencyCode": currency},
        "returnUrl": "https://aurora.localhost/paid",
    }


async def pay_in(guide: Guide, who: str, amount: str) -> None:
    """A deposit in euros by card, paid and followed until it is settled."""
    wanted = deposit_of(amount, "EUR", await card_of(guide, who, "EUR"))
    async with guide.asker.follow(who, LIVE, {}) as items:
        made = (await guide.show(who, DEPOSIT, input=wanted))["deposit"]
        paid_at = await pay(guide, who, made["id"])
        async with asyncio.timeout(60):
            async for item in items:
                if item.get("depositId") == made["id"] and item["kind"] == "SETTLED":
                    break
        guide.print(who, LIVE, item)
        guide.say(f"settled and heard {time.monotonic() - paid_at:.2f} s after it was paid")


async def pay(guide: Guide, who: str, deposit_id: str) -> float:
    """Pay at the provider, as its page does; when that was."""

    async def page() -> Any:
        found = await guide.quietly(who, STATUS, id=deposit_id)
        return found["next"] and found["next"].get("url")

    url: str = await guide.until("the provider's page", page)
    guide.say(f"the payer's page: {url}")
    token = guide.settings.home.secrets().sandbox_token
    async with SandboxControls(guide.sandbox_url, token) as controls:
        await controls.pay(url.rstrip("/").rpartition("/")[2], instrument=CARD)
    return time.monotonic()


async def a_payer_by_hand(guide: Guide) -> None:
    """For front-end tests: a sandbox is moved by hand
    Another deposit, whose payer declines because the test says so. Prices and the brand's clock
    move likewise."""
    who = "aurora/client"
    wanted = deposit_of("35", "EUR", await card_of(guide, who, "EUR"))
    made = (await guide.quietly(who, DEPOSIT, input=wanted))["deposit"]

    async def status() -> Any:
        return (await guide.quietly(who, STATUS, id=made["id"]))["status"]

    async def waits() -> bool:
        return bool(await status() == "PENDING")

    async def failed() -> bool:
        return bool(await status() == "FAILED")

    await guide.until("the provider's page", waits)
    asked = {
        "idempotencyKey": f"tour-{secrets.token_hex(6)}",
        "move": {"payment": {"paymentId": made["id"], "payer": "DECLINE"}},
    }
    await guide.show("aurora/brand_admin", ADVANCE, input=asked)
    await guide.until("the decline", failed)
    guide.say("the deposit is FAILED, as its payer was told to")


async def four_eyes(guide: Guide) -> None:
    """A withdrawal that waits for its second approver
    The brand's admin gave the first approval and may not give the second. Finance may, and the
    money goes back to the card that it came from."""
    waiting = (await guide.show("aurora/finance", WAITING))["nodes"]
    second = next((one for one in waiting if one["level"] == "FINANCE"), None)
    if second is None:
        guide.say("nothing waits any more: an earlier tour has approved it")
        return
    asked = {
        "withdrawalId": second["withdrawal"]["id"],
        "expectedVersion": second["withdrawal"]["version"],
        "reason": "Same card, known client.",
    }
    variables = {"input": asked | {"idempotencyKey": f"tour-{secrets.token_hex(6)}"}}
    refused = await guide.asker.ask("aurora/brand_admin", APPROVE, variables)
    guide.print("aurora/brand_admin", APPROVE, refused["data"])
    codes = [one["code"] for one in refused["data"]["withdrawalApprove"]["errors"]]
    check(codes == ["FOUR_EYES"], f"the same person twice is refused, not {codes}")
    asked["idempotencyKey"] = f"tour-{secrets.token_hex(6)}"
    approved = await guide.show("aurora/finance", APPROVE, input=asked)
    check(approved["withdrawal"]["status"] != "REQUESTED", "the last approval sends it")


async def a_dispute(guide: Guide) -> None:
    """A dispute, and what it holds
    A payer told the bank that a deposit was not its own; the money is held until it is decided."""
    found = await guide.show("aurora/finance", DISPUTES)
    check(len(found["nodes"]) >= 1, "the demo has one dispute")


STEPS = (a_payer_by_hand, four_eyes, a_dispute)
