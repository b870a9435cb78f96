"""What staff see of money: what waits for them, what they may do, the books, and a risk."""

from datetime import UTC, datetime
from typing import Any

import pytest

from domain.clients.tables import client as client_table
from domain.kernel.ids import encode_id, new_uuid
from domain.payments.disputes.tables import dispute, dispute_evidence
from domain.payments.reconciliation.tables import discrepancy, settlement
from tenants.tables import audit
from tests.domain.payments.till import Till
from tests.domain.payments.withdrawals.counter import Counter
from tests.factories import Factory, scope_of
from tests.schema.people import Ask

TO_DO = """query ($filter: ApprovalFilter) { approvals(filter: $filter) {
  nodes { level withdrawal { reference } } totalCount { value } } }"""
ACTIONS = """query ($id: ID!) { node(id: $id) { ... on Payment {
  actions { name allowed reasonCode } } } }"""
DISPUTES = """{ disputes { nodes { reference status amount { amount } held { amount }
  fee { amount } deposit { reference } client { reference }
  evidence { text staff { name } } } } }"""
OWN_DISPUTES = """query ($id: ID!) { node(id: $id) { ... on Deposit { disputes {
  status held { amount } } } } }"""
DISCREPANCIES = """query ($filter: DiscrepancyFilter) { discrepancies(filter: $filter) { nodes {
  kind status subject expected { amount } actual { amount } facts
  payment { __typename reference } } } }"""
SETTLEMENTS = "{ settlements { nodes { name lines merchantAccount { name status pspName } } } }"
BOOKS = """query ($filter: LedgerTransferFilter) { ledgerTransfers(filter: $filter, first: 5) {
  nodes { id key kind state actor { __typename } client { reference }
    postings { accountKind amount { amount } } holds { accountKind amount { amount } } } } }"""
SET_RISK = """mutation ($input: ClientRiskSetInput!) { clientRiskSet(input: $input) {
  client { version risk } errors { code path } } }"""


def shown(key: Any) -> str:
    return encode_id("payment", key)


async def allowed(ask: Ask, key: Any, scope: Any) -> dict[str, Any]:
    found = (await ask(ACTIONS, scope, id=shown(key))).only()["actions"]
    return {one["name"]: one["reasonCode"] for one in found}


async def test_to_do_is_what_waits_for_oneself(ask: Ask, counter: Counter) -> None:
    await counter.deposit(100_000_000)
    key = await counter.request("6000")
    brand = counter.till.brand
    finance, admin = scope_of(brand, "finance"), scope_of(brand, "brand_admin")
    compliance, auditor = scope_of(brand, "compliance"), scope_of(brand, "auditor")

    async def levels(scope: Any, **variables: Any) -> list[str]:
        page = (await ask(TO_DO, scope, **variables)).only()
        assert page["totalCount"]["value"] == len(page["nodes"])
        return [one["level"] for one in page["nodes"]]

    assert await levels(finance) == await levels(admin) == ["BACK_OFFICE"]
    assert await levels(finance, filter={"level": {"in": ["FINANCE"]}}) == []
    assert await levels(compliance) == await levels(auditor) == []
    await counter.approve(key, admin)
    # Whoever approved does not approve again; the other sees the next level.
    assert (await levels(finance), await levels(admin)) == (["FINANCE"], [])
    await counter.approve(key, finance)
    assert await levels(finance) == []
    mine = await counter.request("6000", scope=finance)
    assert (await levels(finance), await levels(admin)) == ([], ["BACK_OFFICE"])
    assert (await allowed(ask, mine, finance))["withdrawalApprove"] == "FOUR_EYES"


async def test_actions_say_what_this_viewer_may_do(ask: Ask, counter: Counter) -> None:
    await counter.deposit(100_000_000)
    key = await counter.request("6000")
    brand = counter.till.brand
    assert await allowed(ask, key, counter.as_client()) == {
        "withdrawalCancel": None,
        "withdrawalApprove": "FORBIDDEN",
        "withdrawalReject": "FORBIDDEN",
        "withdrawalDestinationChange": "FORBIDDEN",
    }
    expected = {
        "finance": None, "brand_admin": None, "compliance": "LEVEL_MISSING", "support": "FORBIDDEN",
    }  # fmt: skip
    for role, reason in expected.items():
        told = await allowed(ask, key, scope_of(brand, role))
        assert told["withdrawalApprove"] == told["withdrawalReject"] == reason, role
    await counter.approve(key, scope_of(brand, "brand_admin"))
    await counter.approve(key, scope_of(brand, "finance"))
    told = await allowed(ask, key, scope_of(brand, "finance"))
    assert told["withdrawalApprove"] == "WITHDRAWAL_NOT_WAITING"
    assert told["withdrawalCancel"] is None


async def disputed(till: Till, make: Factory) -> tuple[Any, Any]:
    client = make.client(till.brand)
    row = await till.deposit(client, 50_000)
    key, now = new_uuid(), datetime.now(UTC)
    make.insert(
        dispute, till.brand, id=key, payment_id=row["id"], client_id=client.id, ib_path="",
        connection_id=till.connection_id, reference="X-1", ext_id="dp_1", ext_version=1,
        status="OPEN", reason_code="fraudulent", currency="USD", amount_minor=50_000,
        fee_minor=1_500, held_minor=20_000, version=1, opened_at=now,
    )  # fmt: skip
    make.insert(
        dispute_evidence, till.brand, id=new_uuid(), dispute_id=key, text="Signed.",
        status="WAITING", staff_id=till.brand.staff["finance"], created_at=now,
    )  # fmt: skip
    return client, row


async def test_disputes_are_seen_whole_by_staff_and_in_part_by_their_client(
    ask: Ask, till: Till, make: Factory
) -> None:
    client, row = await disputed(till, make)
    (found,) = (await ask(DISPUTES, scope_of(till.brand, "finance"))).only()["nodes"]
    assert found["deposit"] == {"reference": row["reference"]}
    assert (found["held"], found["fee"]) == ({"amount": "200.00"}, {"amount": "15.00"})
    assert found["evidence"][0]["text"] == "Signed."
    own = scope_of(till.brand, client=client)
    assert set((await ask(DISPUTES, own)).codes) == {"FORBIDDEN"}
    (shown_to_client,) = (await ask(OWN_DISPUTES, own, id=shown(row["id"]))).only()["disputes"]
    assert shown_to_client == {"status": "OPEN", "held": {"amount": "200.00"}}
    fee = OWN_DISPUTES.replace("status held", "fee { amount } held")
    assert (await ask(fee, own, id=shown(row["id"]))).codes == ["FORBIDDEN"]


async def test_differences_are_for_finance(ask: Ask, till: Till, make: Factory) -> None:
    row = await till.deposit(make.client(till.brand), 50_000)
    now = datetime.now(UTC)
    values = {
        "status": "OPEN", "version": 1, "opened_at": now, "facts": {"payment_id": str(row["id"])},
    }  # fmt: skip
    make.insert(
        discrepancy, till.brand, id=new_uuid(), kind="AMOUNT_DIFFERS", subject="one",
        currency="USD", expected_minor=500, actual_minor=400, payment_id=row["id"], **values,
    )  # fmt: skip
    make.insert(
        discrepancy, till.brand, id=new_uuid(), kind="UNKNOWN_PAYMENT", subject="two", **values
    )
    make.insert(
        settlement, till.brand, id=new_uuid(), connection_id=till.connection_id, name="a.csv",
        digest="x", lines=3, matched=2, differing=1, imported_at=now,
    )  # fmt: skip
    finance = scope_of(till.brand, "finance")
    kind = {"kind": {"eq": "AMOUNT_DIFFERS"}}
    (one,) = (await ask(DISCREPANCIES, finance, filter=kind)).only()["nodes"]
    assert (one["expected"], one["actual"]) == ({"amount": "5.00"}, {"amount": "4.00"})
    assert one["facts"] == {"paymentId": shown(row["id"])}
    assert one["payment"] == {"__typename": "Deposit", "reference": row["reference"]}
    both = (await ask(DISCREPANCIES, finance)).only()["nodes"]
    assert [each["subject"] for each in both] == ["two", "one"]
    assert both[0]["expected"] is None
    (file,) = (await ask(SETTLEMENTS, finance)).only()["nodes"]
    assert file["merchantAccount"]["status"] == "ACTIVE"
    for role in ("sales", "support", "compliance", "dealing"):
        for document in (DISCREPANCIES, SETTLEMENTS, BOOKS):
            answer = await ask(document, scope_of(till.brand, role))
            assert set(answer.codes) == {"FORBIDDEN"}


async def test_the_books_show_both_sides(ask: Ask, counter: Counter) -> None:
    await counter.deposit(100_000)
    await counter.request("400")
    finance = scope_of(counter.till.brand, "finance")
    hold, deposit = (await ask(BOOKS, finance)).only()["nodes"]
    assert (hold["state"], hold["postings"]) == ("PENDING", [])
    assert hold["actor"] == {"__typename": "Client"}
    assert sorted(one["amount"]["amount"] for one in hold["holds"]) == ["-400.00", "400.00"]
    sides = {one["accountKind"]: one["amount"]["amount"] for one in deposit["postings"]}
    assert sides == {"CLIENT_WALLET": "1000.00", "PSP_CLEARING": "-1000.00"}
    (found,) = (await ask(BOOKS, finance, filter={"key": {"eq": deposit["key"]}})).only()["nodes"]
    assert found["id"] == deposit["id"]


async def test_staff_set_a_risk_with_a_reason(ask: Ask, make: Factory, till: Till) -> None:
    client, brand = make.client(till.brand), till.brand
    given = {
        "clientId": encode_id("client", client.id), "expectedVersion": 1, "risk": "HIGH",
        "reason": " Large amounts from abroad ",
    }  # fmt: skip
    compliance = scope_of(brand, "compliance")
    done = (await ask(SET_RISK, compliance, input=given)).only()
    assert done == {"client": {"version": 2, "risk": "HIGH"}, "errors": []}
    (line,) = [row for row in make.rows(audit, brand) if row.action == "client.set_risk"]
    assert (line.before, line.after) == ({"risk": "LOW"}, {"risk": "HIGH"})
    assert line.reason == "Large amounts from abroad"
    again = (await ask(SET_RISK, compliance, input=given | {"expectedVersion": 2})).only()
    assert again["client"] == {"version": 2, "risk": "HIGH"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"reason": "  "}, ("INVALID", ["input", "reason"])),
        ({"reason": "x" * 501}, ("INVALID", ["input", "reason"])),
        ({"expectedVersion": 7}, ("VERSION_CONFLICT", ["input", "expectedVersion"])),
        ({"clientId": "client_0"}, ("NOT_FOUND", ["input", "clientId"])),
    ],
    ids=["no-reason", "long-reason", "version", "unknown"],
)
async def test_a_refused_risk_leaves_nothing(
    change: Any, code: Any, ask: Ask, make: Factory, till: Till
) -> None:
    client = make.client(till.brand)
    given = {
        "clientId": encode_id("client", client.id), "expectedVersion": 1, "risk": "HIGH",
        "reason": "Because",
    }  # fmt: skip
    answer = await ask(SET_RISK, scope_of(till.brand, "compliance"), input=given | change)
    assert answer.refused() == [code]
    (row,) = [one for one in make.rows(client_table, till.brand) if one.id == client.id]
    assert (row.risk, row.version) == ("LOW", 1)
    assert not [one for one in make.rows(audit, till.brand) if one.action == "client.set_risk"]


@pytest.mark.parametrize("role", ["finance", "support", "sales"])
async def test_a_risk_is_compliances(role: str, ask: Ask, make: Factory, till: Till) -> None:
    client = make.client(till.brand)
    given = {
        "clientId": encode_id("client", client.id), "expectedVersion": 1, "risk": "HIGH",
        "reason": "Because",
    }  # fmt: skip
    answer = await ask(SET_RISK, scope_of(till.brand, role), input=given)
    assert set(answer.codes) == {"FORBIDDEN"}
    document = "query ($id: ID!) { node(id: $id) { ... on Client { risk } } }"
    for scope in (scope_of(till.brand, role), scope_of(till.brand, client=client)):
        assert (await ask(document, scope, id=given["clientId"])).codes == ["FORBIDDEN"]
