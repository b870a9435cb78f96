"""Steps about a client who proves who it is, and pays in."""

import asyncio
from typing import Any

from api.demo.kyc_controls import KycControls
from api.demo.paying import DEPOSIT
from api.demo.tour.cashier import card_of, deposit_of, pay_in
from api.demo.tour.guide import Guide, check
from api.demo.tour.joining import join

SUBMIT = """mutation($input: KycCaseSubmitInput!) { kycCaseSubmit(input: $input) {
  case { id reference status next { ... on RedirectStep { url } } } errors { code message } } }"""
STANDING = """{ viewer { client { id kyc { status tier missing { code title }
  limits { currencyCode remaining { amount } }
  cases { id reference status next { ... on RedirectStep { url } } } } } } }"""
TOLD = """subscription { complianceEvents { __typename ... on FeedItem { cursor }
  ... on ComplianceEvent { kind requirement status tier } } }"""


async def nothing_before_it_is_proven(guide: Guide) -> None:
    """A client signs up, and may not pay in yet
    Registered with the brand's public key, the address proven by mail. The policy of the brand's
    legal entity, as data, asks who it is before money moves."""
    who = guide.kept["newcomer"] = await join(guide, "aurora", "Nora Newcomer")
    wanted = deposit_of("120", "EUR", await card_of(guide, who, "EUR"))
    answer = await guide.asker.ask(who, DEPOSIT, {"input": wanted})
    guide.print(who, DEPOSIT, answer.get("data") or answer, {"input": wanted})
    codes = [one["code"] for one in answer["data"]["depositCreate"]["errors"]]
    check(codes == ["KYC_TIER_LIMIT"], f"the deposit is refused, not {codes}")


async def a_client_is_verified(guide: Guide) -> None:
    """The client is verified, by the sandbox KYC vendor
    Its page is another process, reached over its own wire. What its notice says is pulled, never
    believed, and the client hears the decision live."""
    who = guide.kept["newcomer"]
    async with guide.asker.follow(who, TOLD, {}) as items:
        back = "https://aurora.localhost/identity"
        wanted = {"requirement": "IDENTITY", "returnUrl": back}
        await guide.show(who, SUBMIT, input=wanted)
        await _look_into_the_camera(guide, who)
        async with asyncio.timeout(60):
            async for item in items:
                if item.get("kind") == "TIER_CHANGED":
                    break
    guide.print(who, TOLD, item)
    found = (await guide.show(who, STANDING))["client"]["kyc"]
    check((found["status"], found["tier"]) == ("APPROVED", 1), "the identity is proven")


async def _look_into_the_camera(guide: Guide, who: str) -> None:
    """Go through the vendor's page, once it has the case."""

    async def page() -> Any:
        kyc = (await guide.quietly(who, STANDING))["client"]["kyc"]
        return kyc["cases"] and kyc["cases"][0]["next"] and kyc["cases"][0]["next"]["url"]

    url: str = await guide.until("the vendor's page", page)
    guide.say(f"the vendor's page: {url}")
    home = guide.settings.home
    async with KycControls(guide.sandbox_url, home.secrets().sandbox_token) as controls:
        await controls.submit(url.rpartition("/")[2])


async def the_client_pays_in(guide: Guide) -> None:
    """Now the deposit is taken, paid at the sandbox PSP, and seen live
    The client follows its deposits as server-sent events, pays by card at the provider, and the
    provider's notice is pulled, booked and told."""
    await pay_in(guide, guide.kept["newcomer"], "120")


STEPS = (nothing_before_it_is_proven, a_client_is_verified, the_client_pays_in)
