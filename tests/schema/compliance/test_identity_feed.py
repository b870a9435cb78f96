"""The feed of identities: a client hears of its own, staff of what is theirs to know."""

import asyncio
from typing import Any

from domain.compliance.risk.values import Flag
from domain.kernel.ids import encode_id
from tests.domain.compliance.identity.desk import Desk
from tests.factories import scope_of
from tests.schema.payments.window import World

FOLLOW = """subscription ($filter: ComplianceEventFilter, $after: Cursor) {
  complianceEvents(filter: $filter, after: $after) {
    __typename ... on FeedItem { cursor }
    ... on ComplianceEvent { kind requirement status tier client { reference } } } }"""


async def heard(feed: Any, number: int) -> list[Any]:
    found: list[Any] = []
    async with asyncio.timeout(20):
        while len(found) < number:
            item = await anext(feed)
            if item["__typename"] == "ComplianceEvent":
                found.append(item)
    return found


async def test_a_client_hears_of_its_own_and_nothing_that_was_found(desk: Desk, world: World):
    feed = world.feed(FOLLOW, scope_of(desk.brand, client=desk.client))
    await anext(feed)
    case_id = await desk.submit()
    await desk.says(case_id, "APPROVED", flags=frozenset({Flag.PEP}))
    await desk.says(case_id, "REJECTED_RETRY", 2)
    await desk.says(case_id, "APPROVED", 3)
    world.bus.wake(desk.brand.id)
    items = await heard(feed, 5)
    assert [(one["kind"], one["status"], one["tier"]) for one in items] == [
        ("CASE_SUBMITTED", "DRAFT", None),
        ("CASE_HELD", "ON_HOLD", None),
        ("CASE_REJECTED", "REJECTED_RETRY", None),
        ("CASE_APPROVED", "APPROVED", None),
        ("TIER_CHANGED", None, 1),
    ]
    await feed.aclose()


async def test_staff_hear_of_one_client_and_of_proposals(desk: Desk, world: World):
    about = {"clientId": encode_id("client", desk.client.id), "kinds": ["DECISION_PROPOSED"]}
    feed = world.feed(FOLLOW, scope_of(desk.brand, "brand_admin"), filter=about)
    await anext(feed)
    case_id = await desk.submit()
    await desk.says(case_id, "ON_HOLD")
    await desk.decide(case_id, "APPROVED")
    world.bus.wake(desk.brand.id)
    (one,) = await heard(feed, 1)
    assert one["client"] == {"reference": desk.client.reference}
    await feed.aclose()
