"""Disputes and reconciliation through the API: who may, what it answers, what it refuses."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.kernel.ids import encode_id, new_uuid
from domain.payments.disputes.jobs import record
from domain.payments.disputes.tables import dispute, dispute_evidence
from domain.payments.reconciliation.tables import discrepancy, settlement
from tenants.context import Actor, ActorKind, Scope
from tests.domain.payments.till import Till
from tests.factories import Client, Factory, scope_of
from tests.schema.people import Ask

EVIDENCE = """mutation ($input: DisputeEvidenceSubmitInput!) {
  disputeEvidenceSubmit(input: $input) {
  dispute { status evidence { text status staff { name } } } replayed errors { code path } } }"""
DEBT = """mutation ($input: DebtRepayInput!) { debtRepay(input: $input) {
  client { reference } debt { amount currencyCode } replayed errors { code path } } }"""
OWED = """query ($id: ID!) { node(id: $id) { ... on Client {
  wallets { debt { amount currencyCode } } } } }"""
MINE = "{ viewer { client { wallets { debt { amount currencyCode } } } } }"
RATIOS = """query ($from: Date!, $to: Date!) { chargebackRatios(from: $from, to: $to) {
  month deposits disputes ratio merchantAccount { id } } }"""
IMPORT = """mutation ($input: SettlementImportInput!) { settlementImport(input: $input) {
  settlement { id name lines matched differing } replayed errors { code path message } } }"""
RESOLVE = """mutation ($input: DiscrepancyResolveInput!) { discrepancyResolve(input: $input) {
  discrepancy { status resolution } correction { id status move amount { amount } } replayed
  errors { code path } } }"""
PROPOSE = """mutation ($input: LedgerCorrectionProposeInput!) {
  ledgerCorrectionPropose(input: $input) { correction { id status transfer { id } } replayed
  errors { code path } } }"""
APPROVE = """mutation ($input: LedgerCorrectionApproveInput!) {
  ledgerCorrectionApprove(input: $input) { correction { status posted { kind reason }
  proposedBy { id } decidedBy { id } discrepancy { status } } replayed errors { code path } } }"""
REJECT = """mutation ($input: LedgerCorrectionRejectInput!) {
  ledgerCorrectionReject(input: $input) { correction { status } replayed errors { code path } } }"""
CORRECTIONS = "{ ledgerCorrections { id status reason } }"
REPORT = """query ($day: Date!) { reconciliation(day: $day) { day unreconciledPercent
  accounts { kind reference opening { amount } closing { amount } openHours openDiscrepancies
    movements { kind count amount { amount } } }
  currencies { clientWallets { amount } ledgerTotal { amount } unreconciledPercent } } }"""
HEADING = "settlement_id,date,type,psp_id,reference,currency,gross,fee,net"


@pytest.fixture
def client(make: Factory, till: Till) -> Client:
    return make.client(till.brand)


@pytest.fixture
def finance(till: Till) -> Scope:
    return scope_of(till.brand, "finance")


@pytest.fixture
def second(make: Factory, till: Till, finance: Scope) -> Scope:
    """Another member of staff with the same rights."""
    key = make.staff(till.brand, "finance")
    return replace(finance, actor=Actor(ActorKind.STAFF, key, "second"))


def key() -> str:
    return new_uuid().hex


async def disputed(till: Till, client: Client, status: str, **changed: Any) -> str:
    deposit = await till.deposit(client, 100_00)
    stated = till.disputed(deposit, status, version=1, **changed)
    await record(till.database, till.brand.id, till.connection_id, stated)
    rows = till.make.rows(dispute, till.brand)
    return encode_id("dispute", next(row.id for row in rows if row.ext_id == stated.id))


def day_file(psp_id: str, gross: str) -> str:
    day = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    return f"{HEADING}\nst_1,{day},payment,{psp_id},x,USD,{gross},0.00,{gross}\n"


async def test_evidence_is_kept_and_on_its_way(
    ask: Ask, till: Till, client: Client, finance: Scope
) -> None:
    about = {"disputeId": await disputed(till, client, "OPEN"), "text": "shipped"}
    given = {"idempotencyKey": key(), **about}
    first = (await ask(EVIDENCE, finance, input=given)).only()
    assert first["errors"] == []
    assert [(one["text"], one["status"]) for one in first["dispute"]["evidence"]] == [
        ("shipped", "WAITING")
    ]
    assert (await ask(EVIDENCE, finance, input=given)).only()["replayed"] is True
    assert len(till.make.rows(dispute_evidence, till.brand)) == 1
    blank = {**about, "idempotencyKey": key(), "text": " "}
    assert (await ask(EVIDENCE, finance, input=blank)).refused() == [("INVALID", ["input", "text"])]


async def test_a_decided_dispute_takes_no_evidence(
    ask: Ask, till: Till, client: Client, finance: Scope
) -> None:
    shown = await disputed(till, client, "LOST")
    given = {"idempotencyKey": key(), "disputeId": shown, "text": "shipped"}
    refused = (await ask(EVIDENCE, finance, input=given)).refused()
    assert refused == [("DISPUTE_CLOSED", ["input", "disputeId"])]


async def test_evidence_is_refused_once_its_time_is_over(
    ask: Ask, till: Till, client: Client, finance: Scope
) -> None:
    shown = await disputed(till, client, "OPEN", evidence_due_at=datetime.now(UTC))
    given = {"idempotencyKey": key(), "disputeId": shown, "text": "shipped"}
    refused = (await ask(EVIDENCE, finance, input=given)).refused()
    assert refused == [("EVIDENCE_TOO_LATE", ["input", "disputeId"])]
    assert till.make.rows(dispute_evidence, till.brand) == []
    due = datetime.now(UTC) + timedelta(minutes=5)
    shown = await disputed(till, client, "OPEN", evidence_due_at=due)
    given = {"idempotencyKey": key(), "disputeId": shown, "text": "shipped"}
    done = (await ask(EVIDENCE, finance, input=given)).only()
    assert done["errors"] == []


async def test_a_debt_is_repaid_once_and_said(
    ask: Ask, till: Till, client: Client, finance: Scope
) -> None:
    deposit = await till.deposit(client, 100_00)
    await till.move(till.wallet(client), till.house(), 60_00)
    own = scope_of(till.brand, client=client)

    async def owed() -> str:
        """What staff see and the client sees: the same."""
        shown = (await ask(OWED, finance, id=encode_id("client", client.id))).only()
        seen = shown["wallets"][0]["debt"]
        mine = (await ask(MINE, own)).only()["client"]["wallets"][0]["debt"]
        assert mine == seen
        return str(seen["amount"])

    opened = till.disputed(deposit, "OPEN", version=1)
    await record(till.database, till.brand.id, till.connection_id, opened)
    assert await owed() == "0.00", "nothing is lost yet"
    stated = till.disputed(deposit, "LOST", version=2)
    await record(till.database, till.brand.id, till.connection_id, stated)
    assert await owed() == "60.00"
    await till.deposit(client, 500_00)
    given = {
        "idempotencyKey": key(), "clientId": encode_id("client", client.id), "reason": "asked",
        "amount": {"amount": "25.00", "currencyCode": "USD"},
    }  # fmt: skip
    done = (await ask(DEBT, finance, input=given)).only()
    assert done["debt"] == {"amount": "35.00", "currencyCode": "USD"}
    assert done["client"] == {"reference": client.reference}
    assert await owed() == "35.00"
    again = (await ask(DEBT, finance, input=given)).only()
    assert again["replayed"] is True
    assert await till.balance(till.owed(client)) == -35_00
    more = {**given, "idempotencyKey": key(), "amount": {"amount": "36", "currencyCode": "USD"}}
    refused = (await ask(DEBT, finance, input=more)).refused()
    assert refused == [("MORE_THAN_OWED", ["input", "amount"])]


async def test_ratios_are_by_merchant_account_and_month(
    ask: Ask, till: Till, client: Client, finance: Scope
) -> None:
    await disputed(till, client, "OPEN")
    today = datetime.now(UTC).date()
    (one,) = (
        await ask(RATIOS, finance, **{"from": today.replace(day=1).isoformat(),
                                      "to": today.isoformat()})
    ).only()  # fmt: skip
    assert one == {
        "month": today.replace(day=1).isoformat(), "deposits": 1, "disputes": 1,
        "ratio": "1.000000",
        "merchantAccount": {"id": encode_id("psp_connection", till.connection_id)},
    }  # fmt: skip
    for start, end in (
        (today.isoformat(), "2020-01-01"),
        ("9999-12-31", "9999-12-31"),
        ("0001-01-01", "0001-01-01"),
    ):
        wrong = await ask(RATIOS, finance, **{"from": start, "to": end})
        assert wrong.codes == ["BAD_USER_INPUT"]


async def test_a_settlement_is_imported_once(
    ask: Ask, till: Till, client: Client, finance: Scope
) -> None:
    deposit = await till.deposit(client, 100_00)
    given = {
        "idempotencyKey": key(), "name": "day.csv",
        "merchantAccountId": encode_id("psp_connection", till.connection_id),
        "content": day_file(deposit["ext_id"], "100.00"),
    }  # fmt: skip
    first = (await ask(IMPORT, finance, input=given)).only()
    assert (first["settlement"]["lines"], first["settlement"]["matched"]) == (1, 1)
    other_key = {**given, "idempotencyKey": key()}
    again = (await ask(IMPORT, finance, input=other_key)).only()
    assert again["settlement"]["id"] == first["settlement"]["id"]
    assert await till.balance(till.clearing()) == 0
    broken = {**given, "idempotencyKey": key(), "content": f"{HEADING}\nst_1\n"}
    (refusal,) = (await ask(IMPORT, finance, input=broken)).only()["errors"]
    assert refusal["code"] == "SETTLEMENT_MALFORMED"
    assert refusal["path"] == ["input", "content"]
    assert refusal["message"].startswith("Line 2:")
    large = {**given, "idempotencyKey": key(), "content": "x" * 200_001}
    refused = (await ask(IMPORT, finance, input=large)).refused()
    assert refused == [("INVALID", ["input", "content"])]
    assert len(till.make.rows(settlement, till.brand)) == 1


async def extra(till: Till, ask: Ask, finance: Scope) -> tuple[str, int]:
    """A discrepancy: 70.00 came for a payment that nobody made."""
    given = {
        "idempotencyKey": key(), "name": "day.csv", "content": day_file("pay_unknown", "70.00"),
        "merchantAccountId": encode_id("psp_connection", till.connection_id),
    }  # fmt: skip
    (await ask(IMPORT, finance, input=given)).only()
    (row,) = till.make.rows(discrepancy, till.brand)
    return encode_id("discrepancy", row.id), row.version


async def test_a_discrepancy_is_resolved_with_a_reason(
    ask: Ask, till: Till, finance: Scope
) -> None:
    shown, version = await extra(till, ask, finance)
    given = {
        "idempotencyKey": key(), "discrepancyId": shown, "expectedVersion": version + 1,
        "reason": "known",
    }  # fmt: skip
    stale = (await ask(RESOLVE, finance, input=given)).refused()
    assert stale == [("VERSION_CONFLICT", ["input", "expectedVersion"])]
    given |= {"idempotencyKey": key(), "expectedVersion": version}
    done = (await ask(RESOLVE, finance, input=given)).only()
    assert done["discrepancy"] == {"status": "RESOLVED", "resolution": "known"}
    assert done["correction"] is None
    given |= {"idempotencyKey": key()}
    assert (await ask(RESOLVE, finance, input=given)).refused()[0][0] == "ALREADY_RESOLVED"


async def test_a_booking_waits_for_the_second_person(
    ask: Ask, till: Till, client: Client, finance: Scope, second: Scope
) -> None:
    shown, version = await extra(till, ask, finance)
    booking = {
        "move": "SUSPENSE_TO_WALLET", "amount": {"amount": "70", "currencyCode": "USD"},
        "clientId": encode_id("client", client.id),
    }  # fmt: skip
    given = {
        "idempotencyKey": key(), "discrepancyId": shown, "expectedVersion": version,
        "reason": "it is theirs", "booking": booking,
    }  # fmt: skip
    done = (await ask(RESOLVE, finance, input=given)).only()
    assert done["discrepancy"]["status"] == "OPEN"
    assert done["correction"]["amount"] == {"amount": "70.00"}
    about = {"correctionId": done["correction"]["id"]}
    own = (await ask(APPROVE, finance, input={"idempotencyKey": key(), **about})).refused()
    assert own == [("SECOND_PERSON_NEEDED", [])]
    approved = (await ask(APPROVE, second, input={"idempotencyKey": key(), **about})).only()
    assert approved["correction"]["status"] == "APPROVED"
    assert approved["correction"]["discrepancy"] == {"status": "RESOLVED"}
    assert await till.balance(till.wallet(client)) == 70_00
    nobody = {**given, "idempotencyKey": key(), "booking": {**booking, "clientId": None}}
    assert (await ask(RESOLVE, finance, input=nobody)).refused()[0][0] == "ALREADY_RESOLVED"


async def test_who_proposes_a_booking_may_drop_it_and_no_other(
    ask: Ask, till: Till, client: Client, finance: Scope
) -> None:
    """A brand's administrator may resolve, and so propose, but not correct the ledger."""
    admin = scope_of(till.brand, "brand_admin")
    shown, version = await extra(till, ask, finance)
    booking = {
        "move": "SUSPENSE_TO_WALLET", "amount": {"amount": "70", "currencyCode": "USD"},
        "clientId": encode_id("client", client.id),
    }  # fmt: skip
    given = {
        "discrepancyId": shown, "expectedVersion": version, "reason": "theirs", "booking": booking,
    }  # fmt: skip

    async def propose(who: Scope) -> str:
        done = (await ask(RESOLVE, who, input={**given, "idempotencyKey": key()})).only()
        proposed: str = done["correction"]["id"]
        return proposed

    async def drop(who: Scope, proposed: str) -> Any:
        return await ask(REJECT, who, input={"idempotencyKey": key(), "correctionId": proposed})

    theirs = await propose(finance)
    meanwhile = await ask(RESOLVE, admin, input={**given, "idempotencyKey": key()})
    assert meanwhile.refused() == [("BOOKING_IMPOSSIBLE", ["input", "booking"])]
    auditor = scope_of(till.brand, "auditor")
    for who in (admin, auditor):
        assert (await drop(who, theirs)).codes == ["FORBIDDEN"]
    assert (await drop(finance, theirs)).only()["correction"]["status"] == "REJECTED"
    own = await propose(admin)
    assert (await drop(auditor, own)).codes == ["FORBIDDEN"]
    assert (await drop(admin, own)).only()["correction"]["status"] == "REJECTED"
    listed = {one["id"]: one["status"] for one in (await ask(CORRECTIONS, finance)).only()}
    assert listed == {theirs: "REJECTED", own: "REJECTED"}


async def test_a_transfer_is_corrected_by_two(
    ask: Ask, till: Till, client: Client, finance: Scope, second: Scope
) -> None:
    wrong = await till.move(till.house(), till.wallet(client), 80_00)
    given = {
        "idempotencyKey": key(), "transferId": encode_id("ledger_transfer", wrong),
        "reason": "twice",
    }  # fmt: skip
    proposed = (await ask(PROPOSE, finance, input=given)).only()["correction"]
    assert proposed["transfer"] == {"id": encode_id("ledger_transfer", wrong)}
    dropped = (await ask(PROPOSE, finance, input={**given, "idempotencyKey": key()})).only()
    about = {"correctionId": dropped["correction"]["id"], "idempotencyKey": key()}
    assert (await ask(REJECT, finance, input=about)).only()["correction"]["status"] == "REJECTED"
    about = {"correctionId": proposed["id"], "idempotencyKey": key()}
    done = (await ask(APPROVE, second, input=about)).only()["correction"]
    assert done["posted"] == {"kind": "CORRECTION", "reason": "twice"}
    assert (done["proposedBy"]["id"], done["decidedBy"]["id"]) == tuple(
        encode_id("staff", _id(one)) for one in (finance, second)
    )
    assert await till.balance(till.wallet(client)) == 0
    nothing = encode_id("ledger_transfer", new_uuid())
    unknown = {**given, "idempotencyKey": key(), "transferId": nothing}
    assert (await ask(PROPOSE, finance, input=unknown)).refused()[0][0] == "NOT_FOUND"
    listed = (await ask(CORRECTIONS, finance)).only()
    assert sorted(one["status"] for one in listed) == ["APPROVED", "REJECTED"]


def _id(scope: Scope) -> UUID:
    assert scope.actor.id is not None
    return scope.actor.id


async def test_a_day_is_reported(ask: Ask, till: Till, client: Client, finance: Scope) -> None:
    await till.deposit(client, 100_00)
    today = datetime.now(UTC).date().isoformat()
    found = (await ask(REPORT, finance, day=today)).only()
    assert found["unreconciledPercent"] == "0.00"
    (account,) = found["accounts"]
    assert account == {
        "kind": "PSP_CLEARING", "reference": till.connection_id.hex,
        "opening": {"amount": "0.00"}, "closing": {"amount": "-100.00"}, "openHours": 0,
        "openDiscrepancies": 0,
        "movements": [{"kind": "TEST", "count": 1, "amount": {"amount": "-100.00"}}],
    }  # fmt: skip
    (usd,) = found["currencies"]
    assert (usd["clientWallets"], usd["ledgerTotal"]) == ({"amount": "100.00"}, {"amount": "0.00"})
    for impossible in ("2999-01-01", "9999-12-31", "0001-01-01"):
        wrong = await ask(REPORT, finance, day=impossible)
        assert wrong.codes == ["BAD_USER_INPUT"]


_NEEDS: dict[str, tuple[str, dict[str, Any]]] = {
    "evidence": (EVIDENCE, {"input": {"idempotencyKey": "k", "disputeId": "x", "text": "x"}}),
    "ratios": (RATIOS, {"from": "2026-01-01", "to": "2026-01-02"}),
    "import": (
        IMPORT,
        {"input": {"idempotencyKey": "k", "merchantAccountId": "x", "name": "x", "content": "x"}},
    ),
    "propose": (PROPOSE, {"input": {"idempotencyKey": "k", "transferId": "x", "reason": "x"}}),
    "approve": (APPROVE, {"input": {"idempotencyKey": "k", "correctionId": "x"}}),
    "reject": (REJECT, {"input": {"idempotencyKey": "k", "correctionId": "x"}}),
    "corrections": (CORRECTIONS, {}),
    "report": (REPORT, {"day": "2026-01-01"}),
}


@pytest.mark.parametrize("case", _NEEDS)
async def test_without_its_right_nothing_is_said_or_done(
    ask: Ask, till: Till, client: Client, case: str
) -> None:
    document, variables = _NEEDS[case]
    for scope in (scope_of(till.brand, "sales"), scope_of(till.brand, client=client)):
        answer = await ask(document, scope, **variables)
        assert set(answer.codes) == {"FORBIDDEN"}
        assert answer.statements == 0
