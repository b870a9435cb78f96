"""Steps about what is proven and what is earned: identities, and a commission that says why."""

from api.demo.tour.guide import Guide, check

KYC = """query($id: ID!) { node(id: $id) { ... on Client { reference kyc { status tier
  cases { reference requirement status } } } } }"""
QUEUE = """{ kycCases(first: 4) { nodes { reference requirement status client { reference } } } }"""
EARNED = """{ ibs { nodes { code level plan { name } accruals(first: 1) { nodes {
  id amount { amount currencyCode } } } } } }"""
WHY = """query($id: ID!) { node(id: $id) { ... on IbAccrual { at tier status
  amount { amount currencyCode } deal { symbol lots }
  explanation { summary steps replayDigest } } } }"""


async def who_is_proven(guide: Guide) -> None:
    """Identities: what a client has proven, and what compliance looks at
    A tier says how much may come in and whether money may go out; each decision has its case."""
    await guide.show("aurora/brand_admin", KYC, id=guide.kept["client"]["id"])
    found = await guide.show("aurora/compliance", QUEUE)
    check(len(found["nodes"]) > 0, "the demo has cases in many states")


async def a_commission_says_why(guide: Guide) -> None:
    """A commission, and why it is what it is
    Three tiers of partners share what their clients' closed deals earn. Each figure comes with the
    plan, the rate and the steps that lead to it; a replay gives the same."""
    found = await guide.show("aurora/brand_admin", EARNED)
    check(len(found["nodes"]) >= 4, "the demo has four partners")
    earned = [one for ib in found["nodes"] for one in ib["accruals"]["nodes"]]
    if not earned:
        guide.say("nobody's client has closed a deal yet: a larger DEMO_SCALE has more of them")
        return
    why = await guide.show("aurora/brand_admin", WHY, id=earned[0]["id"])
    check(bool(why["explanation"]["steps"]), "a figure says how it came to be")
