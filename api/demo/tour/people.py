"""Steps about brands, clients and leads: who sees what."""

import secrets
from typing import Any

from api.demo.tour.guide import Guide, check

BRANDS = "{ brands { nodes { slug name timeZone currencies } } }"
MASKED = "query($id: ID!) { node(id: $id) { ... on Client { name email maskedFields } } }"
NODE = "query($id: ID!) { node(id: $id) { __typename } }"
CAPTURE = """mutation($input: LeadCreateInput!) { leadCreate(input: $input) {
  accepted errors { code message } } }"""
CLIENT_PAGE = """
query($search: String!) { clients(first: 1, filter: {search: {contains: $search}}) {
  totalCount { value }
  nodes { id reference name email status
    owner { name } ib { code name }
    wallets { currencyCode available { amount } held { amount } }
    accounts(first: 2) { nodes { login kind state { equity { amount currencyCode } } } }
    payments(first: 2) { nodes { reference status amount { amount currencyCode } } }
    timeline(first: 3) { nodes { occurredAt summary } } } } }"""
LEAD = """
query($email: String!) { leads(first: 1, filter: {email: {eq: $email}}) { nodes {
  id version reference stage source campaign owner { name } } } }"""


async def three_brands(guide: Guide) -> None:
    """The group: three brands on one installation
    The operator sees the brands; their clients, it does not. All three share one simulator server,
    split by ranges of logins."""
    found = await guide.show("operator", BRANDS)
    slugs = {one["slug"] for one in found["nodes"]}
    check(slugs == {"aurora", "borealis", "cirrus"}, f"three brands, not {sorted(slugs)}")


async def one_client_page(guide: Guide) -> None:
    """The client page, in one query
    Profile, money, accounts, payments and the timeline of a client, for its brand's staff."""
    found = await guide.show("aurora/brand_admin", CLIENT_PAGE, search="alma.0@")
    check(found["totalCount"]["value"] == 1, "one client has that address")
    (guide.kept["client"],) = found["nodes"]


async def masks(guide: Guide) -> None:
    """The same client for support: masked
    What a role may not see is masked, and said to be."""
    found = await guide.show("aurora/support", MASKED, id=guide.kept["client"]["id"])
    check("•" in found["email"] and "email" in found["maskedFields"], "the address is masked")


async def foreign_is_absent(guide: Guide) -> None:
    """Another brand, another client, another line: it does not exist
    Three who must not see it ask for the same id. What is foreign answers as what is not there."""
    for who in ("borealis/brand_admin", "aurora/client_2", "aurora/ib_2"):
        found = await guide.show(who, NODE, id=guide.kept["client"]["id"])
        check(found is None, f"{who} sees a client that is not its own")


async def a_lead_comes_in(guide: Guide) -> None:
    """A lead, by publishable key, to the agent whose turn it is
    A landing page leaves details with the brand's public key. The same answer for known and
    unknown; a moment later the lead has an owner."""
    email = f"tour.{secrets.token_hex(4)}@lead.example"
    form = {"email": email, "name": "Terry Tour", "source": "tour", "campaign": "five-minutes"}
    answered = await guide.show("aurora", CAPTURE, input=form)
    check(answered["accepted"], "the details are taken")

    async def owned() -> Any:
        found = await guide.quietly("aurora/brand_admin", LEAD, email=email)
        return found["nodes"] and found["nodes"][0]["owner"]

    await guide.until("an owner", owned)
    found = await guide.show("aurora/brand_admin", LEAD, email=email)
    check(found["nodes"][0]["stage"] == "ASSIGNED", "whoever has an owner is assigned")


STEPS = (three_brands, one_client_page, masks)
