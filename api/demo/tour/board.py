"""The step about the board: what it asks, and what it hears."""

import asyncio
import secrets
from typing import Any

from api.demo.tour.guide import Guide, check

WHO = "aurora/brand_admin"
FIGURES = """{ dashboard { day asOf leadsByStage { stage count } clientsInKyc { status count }
  depositsClearedToday { amount { amount currencyCode } count }
  withdrawalsPending { amount { amount currencyCode } count oldestAt }
  ibVolume { lots deals accrued { amount currencyCode } }
  challengesNearFloor { rule distance { amount currencyCode } } withheld { field permission } } }"""
STAGES = "{ dashboard { asOf leadsByStage { stage count } } }"
HEARD = """subscription { leadEvents { __typename ... on FeedItem { cursor }
  ... on LeadEvent { kind stage lead { reference } } } }"""
CAPTURE = """mutation($input: LeadCreateInput!) { leadCreate(input: $input) {
  accepted errors { code message } } }"""


async def the_live_board(guide: Guide) -> None:
    """The live board
    One page shows a brand as it is now, made of the public API alone: one query for its figures,
    and feeds that say when to ask again. A lead comes in, and the figures know."""
    guide.say(f"open it beside this: {guide.asker.told['url']}/board")
    guide.say(f"and sign in with: {guide.asker.brand('aurora')['tokens']['brand_admin']}")
    before = _leads(await guide.show(WHO, FIGURES))
    form = {
        "email": f"board.{secrets.token_hex(4)}@lead.example",
        "name": "Bo Board",
        "source": "tour",
    }
    async with guide.asker.follow(WHO, HEARD, {}) as items:
        await guide.quietly("aurora", CAPTURE, input=form)
        async with asyncio.timeout(60):
            async for item in items:
                if item.get("kind") == "CAPTURED":
                    break
    guide.print(WHO, HEARD, item)
    after = _leads(await guide.show(WHO, STAGES))
    check(after > before, f"the board counts the lead: {before} before, {after} after")


def _leads(dashboard: Any) -> int:
    """How many leads there are, at any stage."""
    return sum(int(one["count"]) for one in dashboard["leadsByStage"])


STEPS = (the_live_board,)
