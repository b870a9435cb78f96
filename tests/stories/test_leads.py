"""A sales agent's lead: captured by publishable key, given in turn, seen live, moved on, converted.

Told with the official `gql` client against a whole installation.
"""

import asyncio
from typing import Any

from tests.stories.conftest import Installation
from tests.stories.telling import ask, from_elsewhere, http, items, signed_up, socket

CAPTURE = """mutation($input: LeadCreateInput!) { leadCreate(input: $input) {
  accepted errors { code message } } }"""
LEADS = """query($email: String!) { leads(filter: {email: {eq: $email}}) { nodes {
  id version stage source campaign lastSource owner { name } client { name }
  touches { nodes { source campaign } } } } }"""
MOVE = """mutation($input: LeadStageChangeInput!) { leadStageChange(input: $input) {
  lead { stage version } errors { code message } } }"""
FEED = """subscription { leadEvents { __typename ... on FeedItem { cursor }
  ... on LeadEvent { kind stage lead { id } } } }"""
AGENTS = 3


async def captured(installation: Installation, email: str, **form: str) -> None:
    """Somebody leaves details on a page of the brand, with its publishable key."""
    key = installation.brand("aurora")["publishable_key"]
    portal = http(installation, None, **{"Backdesk-Key": key}, **from_elsewhere())
    wanted = {"email": email, "source": "google", "campaign": "autumn"} | form
    assert (await ask(portal, CAPTURE, input=wanted))["accepted"] is True


async def lead_of(installation: Installation, email: str, *, owned: bool = True) -> Any:
    """The only lead with that address, as soon as it has an owner."""
    tokens = installation.brand("aurora")["tokens"]
    async with asyncio.timeout(60):
        while True:  # the worker is another process: only looking tells
            found = (await ask(http(installation, tokens["brand_admin"]), LEADS, email=email))[
                "nodes"
            ]
            if found and (found[0]["owner"] or not owned):
                assert len(found) == 1
                return found[0]
            await asyncio.sleep(0.05)


async def test_leads_go_to_agents_in_turn_and_the_same_person_stays_one(
    installation: Installation,
) -> None:
    owners = []
    for n in range(2 * AGENTS):
        await captured(installation, f"turn.{n}@lead.example")
        owners.append((await lead_of(installation, f"turn.{n}@lead.example"))["owner"]["name"])
    assert len(set(owners)) == AGENTS
    assert owners[:AGENTS] == owners[AGENTS:], "whoever had none for longest is next"
    await captured(installation, "turn.0@lead.example", source="meta", campaign="winter")
    async with asyncio.timeout(60):
        while True:  # as above
            again = await lead_of(installation, "turn.0@lead.example")
            if len(again["touches"]["nodes"]) == 2:
                break
            await asyncio.sleep(0.05)
    assert (again["source"], again["campaign"], again["lastSource"]) == ("google", "autumn", "meta")
    assert again["owner"]["name"] == owners[0]


async def test_the_agent_sees_it_live_moves_it_on_and_it_converts(
    installation: Installation,
) -> None:
    """The brand has three agents; who comes fourth goes to whom the token is of."""
    token = installation.brand("aurora")["tokens"]["sales"]
    email = "lena.lead@light.example"  # the address that `signed_up` gives to Lena Lead
    async with socket(installation, token) as session, asyncio.timeout(120):
        feed = items(session, FEED)
        assert (await anext(feed))["__typename"] == "FeedHeartbeat"
        given = await until_it_is_ours(installation, feed, email)
        lead = await lead_of(installation, email)
        assert (given["kind"], given["stage"]) == ("OWNER_CHANGED", "ASSIGNED")
        agent = http(installation, token)
        for stage in ("CONTACTED", "INTERESTED"):
            wanted = {"leadId": lead["id"], "stage": stage, "expectedVersion": lead["version"]}
            lead |= (await ask(agent, MOVE, input=wanted))["lead"]
            moved = await next_of(feed, lead["id"])
            assert (moved["kind"], moved["stage"]) == ("STAGE_CHANGED", stage)
        await signed_up(installation, "Lena Lead")
        converted = await next_of(feed, lead["id"])
        assert (converted["kind"], converted["stage"]) == ("CONVERTED", "REGISTERED")
    became = await lead_of(installation, email)
    assert (became["stage"], became["client"]["name"]) == ("REGISTERED", "Lena Lead")


async def until_it_is_ours(installation: Installation, feed: Any, email: str) -> Any:
    """Leads come until one is given to the agent who watches; that one has the address wanted."""
    for n in range(AGENTS):
        await captured(installation, f"before.{n}@lead.example")
        owner = (await lead_of(installation, f"before.{n}@lead.example"))["owner"]["name"]
        if owner.startswith("Sol "):
            break
    for n in range(AGENTS - 1):
        await captured(installation, f"between.{n}@lead.example")
        await lead_of(installation, f"between.{n}@lead.example")
    await captured(installation, email)
    wanted = await lead_of(installation, email)
    assert wanted["owner"]["name"].startswith("Sol ")
    async for item in feed:
        about = item.get("lead") or {}
        if about.get("id") == wanted["id"] and item["kind"] == "OWNER_CHANGED":
            return item
    raise AssertionError("the feed ended")


async def next_of(feed: Any, lead_id: str) -> Any:
    async for item in feed:
        if (item.get("lead") or {}).get("id") == lead_id:
            return item
    raise AssertionError("the feed ended")
