"""Leads through the API: what each caller sees and may do, each refusal, and the feed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from domain.clients.leads.consumers import settling
from domain.clients.leads.tables import lead, lead_touch
from domain.events.consumers import consume
from domain.ibs.queries import find_introducer
from domain.kernel.ids import encode_id
from tenants import tables
from tenants.context import Scope
from tenants.work import Database
from tests.factories import Brand, Factory, scope_of
from tests.schema.people import Ask, World

CREATE = """mutation ($input: LeadCreateInput!) { leadCreate(input: $input) {
  accepted lead { id version stage owner { id } touches { nodes { source ibCode } } }
  errors { code path } } }"""
LEAVE = """mutation ($input: LeadCreateInput!) { leadCreate(input: $input) {
  accepted errors { code path } } }"""
MOVE = """mutation ($input: LeadStageChangeInput!) { leadStageChange(input: $input) {
  lead { version stage lostReason } errors { code path } } }"""
ASSIGN = """mutation ($input: LeadAssignInput!) { leadAssign(input: $input) {
  lead { version stage owner { id } ownerships { nodes { givenBy owner { id } } } }
  errors { code path } } }"""
AGENT = """mutation ($input: LeadAgentSetInput!) { leadAgentSet(input: $input) {
  agent { enabled capacity languages countries assignedAt staff { id } } errors { code path } } }"""
LIST = """query ($filter: LeadFilter, $order: LeadOrder) { leads(filter: $filter, orderBy: $order) {
  totalCount { value } nodes { reference email phone name maskedFields
    actions { name allowed reasonCode } } } }"""
FEED = "subscription { leadEvents { __typename ... on LeadEvent { kind stage lead { id } } } }"
SENT = {"source": "google", "email": "ann@one.example", "name": "Ann Lee", "phone": "+35799123456"}


async def entered(ask: Ask, brand: Brand, **changed: Any) -> Any:
    """A lead that an administrator entered."""
    answer = await ask(CREATE, scope_of(brand, "brand_admin"), input=SENT | changed)
    return answer.only()["lead"]


async def given(ask: Ask, brand: Brand, found: Any) -> Any:
    """A lead that the brand's sales agent owns now."""
    whole = {"leadId": found["id"], "expectedVersion": found["version"]}
    whole["ownerId"] = encode_id("staff", brand.staff["sales"])  # type: ignore[index] # by its name
    return (await ask(ASSIGN, scope_of(brand, "brand_admin"), input=whole)).only()["lead"]


async def test_the_public_learns_nothing_of_who_is_known(
    ask: Ask, make: Factory, brand: Brand
) -> None:
    await entered(ask, brand)
    for email in ("ann@one.example", "new@one.example"):
        answer = await ask(LEAVE, scope_of(brand), input=SENT | {"email": email})
        assert answer.only() == {"accepted": True, "errors": []}
    assert (len(make.rows(lead, brand)), len(make.rows(lead_touch, brand))) == (1, 3)


async def test_a_client_s_session_counts_for_nothing(ask: Ask, make: Factory, brand: Brand) -> None:
    scope = scope_of(brand, client=make.client(brand))
    assert (await ask(LEAVE, scope, input=SENT)).only()["accepted"] is True
    assert (await ask(CREATE, scope, input=SENT)).codes[0] == "FORBIDDEN"
    assert len(make.rows(lead_touch, brand)) == 1


async def test_refused_details_leave_nothing_behind(ask: Ask, make: Factory, brand: Brand) -> None:
    for changed, code, field in (
        ({"email": None, "phone": None}, "CONTACT_REQUIRED", "email"),
        ({"phone": "12"}, "INVALID", "phone"),
        ({"source": ""}, "INVALID", "source"),
        ({"landingPage": "https://x/" + "x" * 2000}, "INVALID", "landingPage"),
        ({"landingPage": "javascript:alert(1)"}, "INVALID", "landingPage"),
        ({"country": "XX"}, "INVALID", "country"),
    ):
        answer = await ask(LEAVE, scope_of(brand), input=SENT | changed)
        body = answer.only()
        assert body["errors"] == [{"code": code, "path": ["input", field]}]
        assert body["accepted"] is False
    assert make.rows(lead_touch, brand) == make.rows(tables.event, brand) == []
    codes = []
    for _ in range(7):
        body = (await ask(LEAVE, scope_of(brand), input=SENT)).only()
        codes += [one["code"] for one in body["errors"]]
    assert set(codes) == {"THROTTLED"}
    touches = len(make.rows(lead_touch, brand))
    assert touches == 7 - len(codes) == len(make.rows(tables.event, brand))


async def test_staff_see_their_own_leads_or_all(ask: Ask, brand: Brand) -> None:
    mine = await entered(ask, brand)
    await given(ask, brand, mine)
    await entered(ask, brand, email="other@one.example", phone=None)
    seen = {}
    for role in ("brand_admin", "sales", "marketing", "auditor"):
        answer = (await ask(LIST, scope_of(brand, role))).only()
        seen[role] = {node["email"] for node in answer["nodes"]}
    both = {"ann@one.example", "other@one.example"}
    assert seen == {
        "brand_admin": both, "sales": {"ann@one.example"}, "auditor": both,
        "marketing": {"a•••@•••", "o•••@•••"},
    }  # fmt: skip


async def test_masked_fields_are_no_filter(ask: Ask, brand: Brand) -> None:
    await entered(ask, brand)
    by_mail = {"filter": {"email": {"eq": "ann@one.example"}}}
    found = (await ask(LIST, scope_of(brand, "sales"), **by_mail)).only()
    assert found["nodes"] == []
    found = (await ask(LIST, scope_of(brand, "brand_admin"), **by_mail)).only()
    assert found["totalCount"] == {"value": 1}
    assert (await ask(LIST, scope_of(brand, "marketing"), **by_mail)).codes == ["FORBIDDEN"]


async def test_an_agent_moves_its_lead_step_by_step(ask: Ask, brand: Brand) -> None:
    mine = await entered(ask, brand)
    version = (await given(ask, brand, mine))["version"]
    sales = scope_of(brand, "sales")
    move = {"leadId": mine["id"], "expectedVersion": version, "stage": "CONTACTED"}
    moved = (await ask(MOVE, sales, input=move)).only()["lead"]
    assert moved == {"version": version + 1, "stage": "CONTACTED", "lostReason": None}
    for changed, code, field in (
        ({}, "VERSION_CONFLICT", "expectedVersion"),
        ({"expectedVersion": version + 1, "stage": "FTD"}, "STAGE_NOT_REACHABLE", "stage"),
        ({"expectedVersion": version + 1, "stage": "LOST"}, "LOST_REASON_REQUIRED", "lostReason"),
        ({"leadId": "lead_" + "0" * 32}, "NOT_FOUND", "leadId"),
        ({"leadId": "client_1"}, "NOT_FOUND", "leadId"),
    ):
        answer = await ask(MOVE, sales, input=move | changed)
        assert answer.refused() == [(code, ["input", field])]
    lost = move | {"expectedVersion": version + 1, "stage": "LOST", "lostReason": "NO_ANSWER"}
    body = (await ask(MOVE, sales, input=lost)).only()
    assert body["lead"]["lostReason"] == "NO_ANSWER"


async def test_others_leads_and_other_brands_leads_look_absent(
    ask: Ask, make: Factory, brand: Brand
) -> None:
    theirs = await entered(ask, brand)
    foreign = await entered(ask, make.brand())
    for found in (theirs, foreign):
        move = {"leadId": found["id"], "expectedVersion": 1, "stage": "CONTACTED"}
        answer = await ask(MOVE, scope_of(brand, "sales"), input=move)
        assert answer.refused() == [("NOT_FOUND", ["input", "leadId"])]
    assert {row.stage for row in make.rows(lead, brand)} == {"NEW"}


async def test_a_lead_is_given_by_hand_with_its_history(
    ask: Ask, make: Factory, brand: Brand
) -> None:
    found = await entered(ask, brand)
    sales = encode_id("staff", brand.staff["sales"])  # type: ignore[index] # by its name
    after = await given(ask, brand, found)
    assert (after["stage"], after["owner"]) == ("ASSIGNED", {"id": sales})
    assert after["ownerships"]["nodes"] == [{"givenBy": "STAFF", "owner": {"id": sales}}]
    whole = {"leadId": found["id"], "expectedVersion": after["version"], "ownerId": None}
    admin = scope_of(brand, "brand_admin")
    freed = (await ask(ASSIGN, admin, input=whole)).only()["lead"]
    assert (freed["stage"], freed["owner"], len(freed["ownerships"]["nodes"])) == ("NEW", None, 2)
    unknown = whole | {"ownerId": "staff_" + "0" * 32, "expectedVersion": freed["version"]}
    refused = await ask(ASSIGN, admin, input=unknown)
    assert refused.refused() == [("NOT_FOUND", ["input", "ownerId"])]
    stale = await ask(ASSIGN, admin, input=whole)
    assert stale.refused() == [("VERSION_CONFLICT", ["input", "expectedVersion"])]
    known = make.client(brand)
    client_lead = await entered(ask, brand, email=known.email, phone=None)
    converted = {"leadId": client_lead["id"], "expectedVersion": client_lead["version"]}
    assert (await ask(ASSIGN, admin, input=converted)).refused() == [
        ("LEAD_CONVERTED", ["input", "leadId"])
    ]


async def test_who_takes_leads_is_set_by_managers(ask: Ask, brand: Brand) -> None:
    staff = encode_id("staff", brand.staff["sales"])  # type: ignore[index] # by its name
    whole = {"staffId": staff, "enabled": True, "capacity": 2, "languages": ["en"]}
    admin = scope_of(brand, "brand_admin")
    body = (await ask(AGENT, admin, input=whole)).only()["agent"]
    assert body == {
        "enabled": True, "capacity": 2, "languages": ["en"], "countries": [], "assignedAt": None,
        "staff": {"id": staff},
    }  # fmt: skip
    assert (await entered(ask, brand, language="en"))["owner"] == {"id": staff}
    refused = await ask(AGENT, admin, input=whole | {"capacity": 0})
    assert refused.refused() == [("INVALID", ["input", "capacity"])]
    nowhere = await ask(AGENT, admin, input=whole | {"countries": ["CY", "XX"]})
    assert nowhere.refused() == [("INVALID", ["input", "countries"])]
    nobody = await ask(AGENT, admin, input=whole | {"staffId": "staff_" + "0" * 32})
    assert nobody.refused() == [("NOT_FOUND", ["input", "staffId"])]
    listed = "{ leadAgents { nodes { capacity staff { id } } } }"
    assert len((await ask(listed, admin)).only()["nodes"]) == 1


async def test_denied_without_the_permission(ask: Ask, make: Factory, brand: Brand) -> None:
    scopes = (scope_of(brand, client=make.client(brand)), scope_of(brand, ib=make.ib(brand)))
    for scope in (*scopes, scope_of(brand, "support")):
        for document, given_input in (
            (MOVE, {"leadId": "lead_1", "expectedVersion": 1, "stage": "DNC"}),
            (ASSIGN, {"leadId": "lead_1", "expectedVersion": 1}),
            (AGENT, {"staffId": "staff_1", "enabled": True, "capacity": 1}),
        ):
            assert set((await ask(document, scope, input=given_input)).codes) == {"FORBIDDEN"}
        assert set((await ask(LIST, scope)).codes) == {"FORBIDDEN"}
    assert make.rows(lead, brand) == []


async def follow(world: World, scope: Scope) -> AsyncIterator[Any]:
    results = await world.assembled.schema.stream(FEED, context_value=world.context(scope))
    async with aclosing(results) as stream, asyncio.timeout(60):
        async for one in stream:
            assert one.errors is None, one.errors
            yield one.data["leadEvents"]


async def take(feed: AsyncIterator[Any], count: int) -> list[Any]:
    """The next events, heartbeats left out."""
    found: list[Any] = []
    while len(found) < count:
        item = await anext(feed)
        if item["__typename"] == "LeadEvent":
            found.append(item)
    return found


async def test_the_feed_tells_agents_of_their_own_leads(
    ask: Ask, world: World, brand: Brand, worker_database: Database
) -> None:
    sales, admin = (follow(world, scope_of(brand, role)) for role in ("sales", "brand_admin"))
    for feed in (sales, admin):
        assert (await anext(feed))["__typename"] == "FeedHeartbeat"
    await ask(LEAVE, scope_of(brand), input=SENT | {"email": "b@one.example", "phone": None})
    await consume(worker_database, brand.id, settling(find_introducer), limit=10)
    mine = await entered(ask, brand)
    await given(ask, brand, mine)
    world.bus.wake(brand.id)
    own, everything = await take(sales, 1), await take(admin, 3)
    assert [(one["kind"], one["lead"]["id"]) for one in own] == [("OWNER_CHANGED", mine["id"])]
    assert [one["kind"] for one in everything] == ["CAPTURED", "CAPTURED", "OWNER_CHANGED"]
    await asyncio.gather(sales.aclose(), admin.aclose())  # type: ignore[attr-defined] # generators
