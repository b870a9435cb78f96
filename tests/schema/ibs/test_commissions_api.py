"""Commissions through the API: plans, links and invitations made, accruals read and explained."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from domain.ibs.commissions.rounds import close_months, mature
from domain.ibs.commissions.tables import ib_accrual, ib_assignment, ib_plan, ib_plan_version
from domain.ibs.tables import ib as ib_table
from domain.ibs.tables import ib_invitation, ib_link
from domain.kernel.ids import encode_id, new_uuid
from tenants.tables import audit, event
from tenants.work import Database
from tests.domain.ibs.commissions.desk import CLOSED_AT, Desk
from tests.domain.ibs.commissions.plans import terms
from tests.factories import Brand, Factory, rights_of, scope_of
from tests.schema.people import Ask

TERMS: dict[str, Any] = {
    "currencyCode": "USD",
    "convention": "OVERRIDE",
    "holdDays": 14,
    "gates": {"minSeconds": 180},
    "symbolGroups": [{"name": "ALL", "symbols": ["*"]}],
    "components": [{"name": "REBATE", "rates": [{"perLot": "5", "group": "ALL"}]}],
}
PLAN = """mutation ($input: IbPlanCreateInput!) { ibPlanCreate(input: $input) {
  plan { id name version number terms { currencyCode convention holdDays
    gates { minSeconds minPips closeBy paysHedged paysOwnAccounts }
    symbolGroups { name symbols }
    components { name kind shares maxLots maxAmount { amount } rates { perLot symbol group } } } }
  errors { code path } } }"""
PUBLISH = """mutation ($input: IbPlanVersionPublishInput!) {
  ibPlanVersionPublish(input: $input) { plan { version number versions { nodes {
    number fromAt createdAt terms { holdDays } plan { name } } } } errors { code path } } }"""
ASSIGN = """mutation ($input: IbPlanAssignInput!) { ibPlanAssign(input: $input) {
  ib { code plan { name number } } errors { code path } } }"""
LINK = """mutation ($input: IbLinkCreateInput!) { ibLinkCreate(input: $input) {
  link { code campaign clientCount ib { code } } errors { code path } } }"""
INVITE = """mutation ($input: IbInvitationCreateInput!) { ibInvitationCreate(input: $input) {
  invitation { name email maskedFields status expiresAt ib { code } acceptedBy { code } }
  errors { code path } } }"""
ACCEPT = """mutation ($input: IbInvitationAcceptInput!) { ibInvitationAccept(input: $input) {
  tokens { accessToken } errors { code path } } }"""
MOVE = """mutation ($input: IbMoveInput!) { ibMove(input: $input) {
  ib { code level parent { code } } errors { code path } } }"""
PLANS = """query { ibPlans { nodes { name } } }"""
ACCRUALS = """query ($filter: IbAccrualFilter) { ibAccruals(filter: $filter) { nodes {
  component tier quantity rate amount { amount currencyCode } status planName planNumber
  ib { code } client { reference email } deal { symbol } reverses { tier } } } }"""
WHY = """query { ibAccruals { nodes { tier explanation { summary rule ruleVersion steps
  replayDigest inputs { name value sourceId at } } } } }"""
MINE = """query ($from: DateTime!, $to: DateTime!) { ibs(first: 1) { nodes {
  plan { name } links { nodes { code clientCount } }
  accruals(filter: {status: {eq: PAYABLE}}) { nodes { amount { amount } } }
  statements { nodes { month accruals accrued { amount } reversed { amount } total { amount }
    lines { nodes { tier } } } }
  performance(from: $from, to: $to, by: MONTH) {
    beginsAt newClients tradingClients deals lots accrued { amount currencyCode } } } } }"""


@pytest.fixture
def desk(make: Factory, brand: Brand, worker_database: Database) -> Desk:
    made = Desk(make, brand, worker_database)
    made.plans(terms("5"), terms("8"), terms("10"))
    return made


async def made_plan(ask: Ask, brand: Brand, **changes: Any) -> Any:
    given = {"name": "Gold", "terms": TERMS} | changes
    return (await ask(PLAN, scope_of(brand, "brand_admin"), input=given)).only()["plan"]


async def test_staff_make_a_plan_and_its_next_version(
    ask: Ask, make: Factory, brand: Brand
) -> None:
    plan = await made_plan(ask, brand)
    assert plan | {"id": ""} == {
        "id": "",
        "name": "Gold",
        "version": 1,
        "number": 1,
        "terms": {
            **TERMS,
            "gates": {
                "minSeconds": 180, "minPips": "0", "closeBy": "ONCE", "paysHedged": True,
                "paysOwnAccounts": False,
            },
            "components": [{
                "name": "REBATE", "kind": "REBATE_PER_LOT", "shares": [], "maxLots": None,
                "maxAmount": None, "rates": [{"perLot": "5", "symbol": None, "group": "ALL"}],
            }],
        },
    }  # fmt: skip
    staff = scope_of(brand, "brand_admin")
    capped = {"name": "REBATE", "rates": [{"perLot": "4", "group": "ALL"}], "maxLots": "50",
              "maxAmount": {"amount": "100.00", "currencyCode": "USD"}}  # fmt: skip
    given = {"planId": plan["id"], "expectedVersion": 1,
             "terms": TERMS | {"holdDays": 7, "components": [capped]}}  # fmt: skip
    published = (await ask(PUBLISH, staff, input=given)).only()["plan"]
    assert (published["version"], published["number"]) == (2, 2)
    versions = published["versions"]["nodes"]
    assert [(one["number"], one["terms"]["holdDays"]) for one in versions] == [(2, 7), (1, 14)]
    stored = make.rows(ib_plan_version, brand)
    assert stored[1].terms["components"][0]["max_minor"] == "10000"
    assert len(make.rows(audit, brand)) == 2


async def test_refusals_about_plans_are_data_and_leave_nothing(
    ask: Ask, make: Factory, brand: Brand, brand_b: Brand
) -> None:
    plan = await made_plan(ask, brand)
    ib = make.ib(brand)
    staff = scope_of(brand, "brand_admin")
    past = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    euros = {"name": "x", "rates": [{"perLot": "1", "group": "ALL"}],
             "maxAmount": {"amount": "1.00", "currencyCode": "EUR"}}  # fmt: skip
    foreign = await made_plan(ask, brand_b)
    of_plan = {"planId": plan["id"], "expectedVersion": 1, "terms": TERMS}
    of_ib = {"ibId": encode_id("ib", ib.id), "planId": plan["id"]}
    cases = [
        (PLAN, {"name": "Gold", "terms": TERMS}, "NAME_TAKEN", ["input", "name"]),
        (PLAN, {"name": "", "terms": TERMS}, "INVALID", ["input", "name"]),
        (PLAN, {"name": "New", "terms": TERMS | {"components": [euros]}}, "INVALID",
         ["input", "terms", "components"]),
        (PLAN, {"name": "New", "terms": TERMS | {"currencyCode": "ZZZ"}}, "INVALID",
         ["input", "terms", "currencyCode"]),
        (PLAN, {"name": "New", "terms": TERMS, "fromAt": "9999-12-31T00:00:00Z"}, "INVALID",
         ["input", "fromAt"]),
        (PLAN, {"name": "New", "terms": TERMS, "fromAt": past}, "BEGINS_TOO_EARLY",
         ["input", "fromAt"]),
        (PUBLISH, of_plan | {"expectedVersion": 2}, "VERSION_CONFLICT",
         ["input", "expectedVersion"]),
        (PUBLISH, of_plan | {"planId": foreign["id"]}, "NOT_FOUND", ["input", "planId"]),
        (PUBLISH, of_plan | {"planId": "plan_1"}, "NOT_FOUND", ["input", "planId"]),
        (ASSIGN, of_ib | {"planId": foreign["id"]}, "NOT_FOUND", ["input", "planId"]),
        (ASSIGN, of_ib | {"ibId": encode_id("ib", make.ib(brand_b).id)}, "NOT_FOUND",
         ["input", "ibId"]),
        (ASSIGN, of_ib | {"fromAt": past}, "BEGINS_TOO_EARLY", ["input", "fromAt"]),
    ]  # fmt: skip
    for document, given, code, path in cases:
        answer = await ask(document, staff, input=given)
        assert answer.refused() == [(code, path)], given
    assert len(make.rows(ib_plan, brand)) == len(make.rows(ib_plan_version, brand)) == 1
    assert not make.rows(ib_assignment, brand)


async def test_an_assigned_plan_is_seen_by_those_it_holds_for(
    ask: Ask, make: Factory, brand: Brand
) -> None:
    top, other = make.ib(brand), make.ib(brand)
    low = make.ib(brand, top)
    plan = await made_plan(ask, brand)
    await made_plan(ask, brand, name="Unused")
    staff = scope_of(brand, "brand_admin")
    given = {"ibId": encode_id("ib", low.id), "planId": plan["id"]}
    done = (await ask(ASSIGN, staff, input=given)).only()
    assert done["ib"] == {"code": low.code, "plan": {"name": "Gold", "number": 1}}
    for ib, names in ((top, ["Gold"]), (low, ["Gold"]), (other, [])):
        seen = (await ask(PLANS, scope_of(brand, ib=ib))).only()["nodes"]
        assert [one["name"] for one in seen] == names
    above = given | {"ibId": encode_id("ib", top.id)}
    cheaper = await made_plan(ask, brand, name="Less", terms=TERMS | {
        "components": [{"name": "REBATE", "rates": [{"perLot": "4", "group": "ALL"}]}]
    })  # fmt: skip
    refused = await ask(ASSIGN, staff, input=above | {"planId": cheaper["id"]})
    assert refused.refused() == [("RATE_ABOVE_PARENT", ["input"])]


async def test_an_ib_makes_links_and_invites_for_itself_and_its_branch(
    ask: Ask, make: Factory, brand: Brand
) -> None:
    ib, other = make.ib(brand), make.ib(brand)
    below = make.ib(brand, ib)
    mine = scope_of(brand, ib=ib)
    link = (await ask(LINK, mine, input={"campaign": "Fair"})).only()["link"]
    assert link == {
        "code": link["code"], "campaign": "Fair", "clientCount": 0, "ib": {"code": ib.code},
    }  # fmt: skip
    made = make.rows(ib_link, brand)[0]
    make.client(brand, ib, ib_link_id=made.id)
    person = {"name": "Nora", "email": "nora@ib.example"}
    sent = (await ask(INVITE, mine, input=person)).only()["invitation"]
    assert (sent["status"], sent["email"], sent["maskedFields"], sent["acceptedBy"]) == (
        "SENT", "n•••@•••", ["email"], None,
    )  # fmt: skip
    for document, given in ((LINK, {"campaign": "Fair"}), (INVITE, person)):
        named = given | {"ibId": encode_id("ib", below.id)}
        assert (await ask(document, mine, input=named)).only()["errors"] == []
        for beyond in (other.id, new_uuid()):
            named = given | {"ibId": encode_id("ib", beyond)}
            refused = await ask(document, mine, input=named)
            assert refused.refused() == [("NOT_FOUND", ["input", "ibId"])]
        # Staff have no ib of their own, and say which.
        staff = await ask(document, scope_of(brand, "brand_admin"), input=given)
        assert staff.refused() == [("INVALID", ["input", "ibId"])]
    again = await ask(LINK, mine, input={"campaign": "Fair"})
    assert again.refused() == [("CAMPAIGN_TAKEN", ["input", "campaign"])]
    assert (len(make.rows(ib_link, brand)), len(make.rows(ib_invitation, brand))) == (2, 2)


async def test_a_token_that_is_none_joins_nobody(ask: Ask, make: Factory, brand: Brand) -> None:
    given = {"token": "bk_verify_x", "password": "quiet harbour 71"}
    answer = await ask(ACCEPT, scope_of(brand), input=given)
    assert answer.refused() == [("TOKEN_INVALID", ["input", "token"])]
    weak = await ask(ACCEPT, scope_of(brand), input=given | {"password": "short"})
    assert weak.refused() == [("PASSWORD_WEAK", ["input", "password"])]
    assert not make.rows(ib_table, brand)


async def test_staff_move_a_branch(ask: Ask, make: Factory, brand: Brand) -> None:
    old, new = make.ib(brand), make.ib(brand)
    moved = make.ib(brand, old)
    staff = scope_of(brand, "brand_admin")
    given = {"ibId": encode_id("ib", moved.id), "parentId": encode_id("ib", new.id)}
    done = (await ask(MOVE, staff, input=given)).only()
    assert done["ib"] == {"code": moved.code, "level": 2, "parent": {"code": new.code}}
    again = await ask(MOVE, staff, input=given)
    assert again.refused() == [("ALREADY_THERE", ["input", "parentId"])]
    top = (await ask(MOVE, staff, input={"ibId": given["ibId"]})).only()
    assert top["ib"] == {"code": moved.code, "level": 1, "parent": None}
    below = {"ibId": encode_id("ib", old.id), "parentId": "ib_1"}
    assert (await ask(MOVE, staff, input=below)).refused() == [("NOT_FOUND", ["input", "parentId"])]


async def test_each_sees_the_accruals_of_its_branch(
    ask: Ask, desk: Desk, make: Factory, brand: Brand
) -> None:
    await desk.trade("2.35")
    await desk.consume()
    whole = (await ask(ACCRUALS, scope_of(brand, "finance"))).only()["nodes"]
    assert len(whole) == 3
    master, sub, direct = desk.line
    for ib, expected in ((master, [1, 2, 3]), (sub, [1, 2]), (direct, [1])):
        seen = (await ask(ACCRUALS, scope_of(brand, ib=ib))).only()["nodes"]
        assert sorted(one["tier"] for one in seen) == expected
    assert seen == [{
        "component": "REBATE", "tier": 1, "quantity": "2.35", "rate": "5",
        "amount": {"amount": "11.75", "currencyCode": "USD"}, "status": "PROVISIONAL",
        "planName": seen[0]["planName"], "planNumber": 1, "ib": {"code": direct.code},
        "client": {"reference": desk.client.reference, "email": "c•••@•••"},
        "deal": {"symbol": "EURUSD"}, "reverses": None,
    }]  # fmt: skip
    only = {"filter": {"tier": {"eq": 2}, "ibId": {"eq": encode_id("ib", sub.id)}}}
    found = (await ask(ACCRUALS, scope_of(brand, ib=master), **only)).only()["nodes"]
    assert [one["amount"]["amount"] for one in found] == ["7.05"]
    assert (await ask(ACCRUALS, scope_of(brand, ib=make.ib(brand)))).only()["nodes"] == []


async def test_why_is_told_from_the_evidence_to_each_as_it_may_know(
    ask: Ask, desk: Desk, brand: Brand
) -> None:
    await desk.trade("2.35")
    await desk.consume()
    (direct,) = (await ask(WHY, scope_of(brand, ib=desk.line[2]))).only()["nodes"]
    why = direct["explanation"]
    assert why["rule"] == "ib.rebate_per_lot.override"
    assert why["summary"].startswith("11.75 USD for 2.35 lots of EURUSD closed at tier 1")
    facts = {one["name"]: one["value"] for one in why["inputs"]}
    assert facts["closed lots"] == "2.35 lots"
    assert facts["rate per lot"] == "5 USD by group ALL"
    assert (facts["due to the line up to here"], facts["due below"]) == ("11.75 USD", "0.00 USD")
    assert "place in the tree" not in facts
    assert why["steps"][-1] == "2.35 lots × 5 USD, rounded down and capped, is 11.75 USD."
    assert all(one["sourceId"] is None or "_" in one["sourceId"] for one in why["inputs"])
    inside = (await ask(WHY, scope_of(brand, "finance"))).only()["nodes"]
    own = next(one["explanation"] for one in inside if one["tier"] == 1)
    assert "place in the tree" in {one["name"] for one in own["inputs"]}
    assert own["replayDigest"] != why["replayDigest"]
    upper = next(one["explanation"] for one in inside if one["tier"] == 2)
    assert upper["steps"][-1] == "18.80 USD less 11.75 USD that is due below is 7.05 USD."


async def test_a_reversal_says_which_deal_took_what_back(
    ask: Ask, desk: Desk, brand: Brand
) -> None:
    cancel = await desk.cancel(await desk.trade("2.35"))
    assert cancel
    await desk.consume()
    closed = await desk.trade("1")
    await desk.consume()
    taken = await desk.cancel(closed)
    await desk.consume()
    nodes = (await ask(WHY, scope_of(brand, ib=desk.line[2]))).only()["nodes"]
    back = next(one["explanation"] for one in nodes if one["explanation"]["rule"] == "ib.reversal")
    assert back["summary"] == "-5.00 USD: the platform took the deal back."
    assert encode_id("deal", taken) in {one["sourceId"] for one in back["inputs"]}


async def test_an_ib_reads_plan_links_statements_and_performance(
    ask: Ask, desk: Desk, make: Factory, brand: Brand
) -> None:
    await desk.trade("2.35")
    undone = await desk.trade("1")
    await desk.consume()
    await desk.cancel(undone)
    await desk.consume()
    await mature(desk.database, brand.id)
    await close_months(desk.database, brand.id)
    scope = scope_of(brand, ib=desk.line[1])
    span = {"from": "2026-03-01T00:00:00Z", "to": "2026-04-01T00:00:00Z"}
    (mine,) = (await ask(MINE, scope, **span)).only()["nodes"]
    assert mine["plan"] is not None
    assert mine["accruals"]["nodes"] == [{"amount": {"amount": "7.05"}}]
    assert mine["statements"]["nodes"] == [{
        "month": "2026-03-01", "accruals": 1, "accrued": {"amount": "7.05"},
        "reversed": {"amount": "0.00"}, "total": {"amount": "7.05"},
        "lines": {"nodes": [{"tier": 2}]},
    }]  # fmt: skip
    assert mine["performance"] == [{
        "beginsAt": "2026-03-01T00:00:00.000000Z", "newClients": 0, "tradingClients": 1,
        "deals": 1, "lots": "2.35", "accrued": [{"amount": "7.05", "currencyCode": "USD"}],
    }]  # fmt: skip
    now = datetime.now(UTC)
    recent = {"from": (now - timedelta(days=40)).isoformat(), "to": now.isoformat()}
    (mine,) = (await ask(MINE, scope, **recent)).only()["nodes"]
    assert sum(one["newClients"] for one in mine["performance"]) == 1
    ages = {"from": "2000-01-01T00:00:00Z", "to": "2026-04-01T00:00:00Z"}
    assert (await ask(MINE, scope, **ages)).codes == ["BAD_USER_INPUT"]


async def test_accruals_take_the_same_statements_however_many(
    ask: Ask, desk: Desk, brand: Brand
) -> None:
    scope = scope_of(brand, ib=desk.line[0])
    await desk.trade("1")
    await desk.consume()
    small = await ask(ACCRUALS, scope)
    for n in range(5):
        await desk.trade("1", at=CLOSED_AT + timedelta(minutes=n))
    await desk.consume()
    large = await ask(ACCRUALS, scope)
    assert (len(small.only()["nodes"]), len(large.only()["nodes"])) == (3, 18)
    assert small.statements == large.statements


async def test_an_expired_invitation_says_so(ask: Ask, make: Factory, brand: Brand) -> None:
    ib = make.ib(brand)
    mine = scope_of(brand, ib=ib)
    await ask(INVITE, mine, input={"name": "Nora", "email": "nora@ib.example"})
    make.run(brand, update(ib_invitation).values(expires_at=datetime.now(UTC)))
    document = "{ ibs { nodes { invitations { nodes { status } } } } }"
    (node,) = (await ask(document, mine)).only()["nodes"]
    assert node["invitations"]["nodes"] == [{"status": "EXPIRED"}]


@pytest.mark.parametrize("role", ["sales", "finance", "auditor", None])
async def test_only_those_with_the_right_do_any_of_it(
    role: str | None, ask: Ask, make: Factory, brand: Brand
) -> None:
    ib = make.ib(brand)
    named = {"ibId": encode_id("ib", ib.id)}
    asked = [
        (PLAN, {"name": "Gold", "terms": TERMS}),
        (PUBLISH, {"planId": "ib_plan_1", "expectedVersion": 1, "terms": TERMS}),
        (ASSIGN, named | {"planId": "ib_plan_1"}),
        (LINK, named | {"campaign": "x"}),
        (INVITE, named | {"name": "x", "email": "x@y.example"}),
        (MOVE, named),
    ]
    for document, given in asked:
        answer = await ask(document, scope_of(brand, role), input=given)
        assert set(answer.codes) == {"UNAUTHENTICATED" if role is None else "FORBIDDEN"}
    for table in (ib_plan, ib_link, ib_invitation, ib_accrual, event):
        assert not make.rows(table, brand)
    assert rights_of("ib").isdisjoint({"plans:manage", "plans:assign", "ibs:move", "ibs:create"})
    assert rights_of("client").isdisjoint({"commissions:list", "plans:read", "links:read"})
