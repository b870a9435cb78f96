"""Identities through the API: what a client sees, what staff decide, and what each is refused."""

from typing import Any
from uuid import UUID

import pytest

from domain.accounts.consumers import WISHES
from domain.compliance.risk.values import Flag
from domain.compliance.screening.values import Disposition
from domain.events.consumers import consume
from domain.kernel.ids import encode_id
from tenants.context import Scope
from tenants.tables import event
from tests.domain.compliance.identity.desk import Desk
from tests.factories import scope_of
from tests.sanctions import hit, put
from tests.schema.people import Ask

KYC = """{ viewer { client { kyc { status tier decidedAt changesAt
  missing { code title how maxAgeDays } limits { currencyCode deposits { amount }
  remaining { amount } } actions { name allowed reasonCode } } } } }"""
SUBMIT = """mutation($input: KycCaseSubmitInput!) { kycCaseSubmit(input: $input) {
  case { id reference status requirement next { ... on RedirectStep { url } } }
  errors { code path } } }"""
UPLOAD = """mutation($input: FileUploadCreateInput!) { fileUploadCreate(input: $input) {
  document { id kind status size } upload { url method validSeconds } errors { code path } } }"""
DECIDE = """mutation($input: KycCaseDecideInput!) { kycCaseDecide(input: $input) {
  case { status version proposals { status outcome } } needsSecondPerson errors { code path } } }"""
REVIEW = """mutation($input: KycCaseReviewInput!) { kycCaseReview(input: $input) {
  case { status message } errors { code path } } }"""
QUEUE = """{ kycQueue { nodes { reference actions { name allowed reasonCode } } } }"""
CASES = """query($filter: KycCaseFilter) { kycCases(filter: $filter) { nodes { reference status
  labels flags decisions { source outcome } client { kyc { tier risk { points level
  parts { name points } } } } } } }"""
OPEN = """mutation($when: Boolean!) { accountOpen(input: {idempotencyKey: "live", kind: LIVE,
  currencyCode: "USD", leverage: 20, whenVerified: $when}) { account { id }
  waitsForVerification errors { code path } } }"""


def own(desk: Desk) -> Scope:
    return scope_of(desk.brand, client=desk.client)


def reasons(kyc: Any) -> dict[str, str | None]:
    return {one["name"]: one["reasonCode"] for one in kyc["actions"]}


async def test_a_client_sees_what_is_asked_and_what_it_may_do(desk: Desk, ask: Ask):
    found = (await ask(KYC, own(desk))).only()["client"]["kyc"]
    assert (found["status"], found["tier"], found["decidedAt"]) == ("NOT_STARTED", 0, None)
    assert found["missing"] == [
        {"code": "IDENTITY", "title": "Identity", "how": "VENDOR", "maxAgeDays": None}
    ]
    assert found["limits"] == [
        {"currencyCode": "EUR", "deposits": {"amount": "0.00"}, "remaining": {"amount": "0.00"}}
    ]
    assert reasons(found) == {
        "depositCreate": "KYC_TIER_LIMIT", "withdrawalCreate": "KYC_REQUIRED",
        "accountOpen": "KYC_REQUIRED", "kycCaseSubmit": None,
    }  # fmt: skip


async def test_a_client_whose_money_is_held_is_not_told_that_it_may_move_it(desk: Desk, ask: Ask):
    await desk.verified()
    found = hit(desk.make, desk.brand, desk.client)
    told = reasons((await ask(KYC, own(desk))).only()["client"]["kyc"])
    assert (told["depositCreate"], told["withdrawalCreate"]) == ("CLIENT_RESTRICTED",) * 2
    assert (told["accountOpen"], told["kycCaseSubmit"]) == (None, None)
    put(desk.make, desk.brand, found, Disposition.FALSE_POSITIVE)
    told = reasons((await ask(KYC, own(desk))).only()["client"]["kyc"])
    assert set(told.values()) == {None}


async def test_a_verified_client_may_do_more(desk: Desk, ask: Ask):
    await desk.verified()
    found = (await ask(KYC, own(desk))).only()["client"]["kyc"]
    assert (found["status"], found["tier"]) == ("APPROVED", 1)
    assert [one["code"] for one in found["missing"]] == ["ADDRESS"]
    assert [one["remaining"]["amount"] for one in found["limits"]] == ["2000.00", "2200.00"]
    assert set(reasons(found).values()) == {None}
    assert found["changesAt"] is not None


async def test_where_nothing_is_asked_everything_is_open(make, brand, ask: Ask):
    client = make.client(brand)
    found = (await ask(KYC, scope_of(brand, client=client))).only()["client"]["kyc"]
    assert (found["tier"], found["missing"], found["limits"]) == (0, [], None)
    assert reasons(found) == {
        "depositCreate": None, "withdrawalCreate": None, "accountOpen": None,
        "kycCaseSubmit": "KYC_ALREADY_APPROVED",
    }  # fmt: skip


async def test_a_page_of_clients_takes_no_statement_more_for_each(desk: Desk, ask: Ask):
    document = "{ clients { nodes { kyc { tier limits { remaining { amount } } } } } }"
    staff = scope_of(desk.brand, "compliance")
    one = await ask(document, staff)
    for _ in range(4):
        desk.make.client(desk.brand)
    five = await ask(document, staff)
    assert len(five.only()["nodes"]) == 5
    assert five.statements == one.statements == 3


async def test_a_client_begins_and_goes_on(desk: Desk, ask: Ask):
    wanted = {"requirement": "IDENTITY", "returnUrl": f"https://{desk.brand.host}/back"}
    made = (await ask(SUBMIT, own(desk), input=wanted)).only()["case"]
    assert (made["status"], made["next"]) == ("DRAFT", None)
    key = UUID(hex=made["id"].removeprefix("kyc_case_"))
    await desk.says(key, "AWAITING_DOCS")
    again = (await ask(SUBMIT, own(desk), input=wanted)).only()["case"]
    assert again["id"] == made["id"]
    assert again["next"] == {"url": "http://kyc.example/verify"}


@pytest.mark.parametrize(
    ("wanted", "refusal"),
    [
        ({"requirement": "SHOE_SIZE"}, ("REQUIREMENT_UNKNOWN", ["input", "requirement"])),
        ({"returnUrl": "https://evil.example/"}, ("INVALID", ["input", "returnUrl"])),
        ({"requirement": "ADDRESS"}, ("DOCUMENT_INVALID", ["input", "documentIds"])),
        ({"documentIds": ["client_1"]}, ("NOT_FOUND", ["input", "documentIds"])),
    ],
)
async def test_what_can_not_be_begun(desk: Desk, ask: Ask, wanted, refusal):
    whole = {"requirement": "IDENTITY", "returnUrl": f"https://{desk.brand.host}/"} | wanted
    assert (await ask(SUBMIT, own(desk), input=whole)).refused() == [refusal]


async def test_another_client_is_nobody(desk: Desk, ask: Ask):
    other = desk.make.client(desk.brand)
    wanted = {
        "requirement": "IDENTITY", "clientId": encode_id("client", other.id),
        "returnUrl": f"https://{desk.brand.host}/",
    }  # fmt: skip
    answer = await ask(SUBMIT, own(desk), input=wanted)
    assert answer.refused() == [("NOT_FOUND", ["input", "clientId"])]


async def test_an_upload_is_announced(desk: Desk, ask: Ask):
    wanted = {"kind": "UTILITY_BILL", "name": "bill.pdf", "mediaType": "application/pdf",
              "size": 12, "issuedOn": "2026-01-02"}  # fmt: skip
    made = (await ask(UPLOAD, own(desk), input=wanted)).only()
    assert made["document"]["status"] == "EXPECTED"
    assert made["upload"]["url"].startswith("http://cashier.example/files/")
    assert (made["upload"]["method"], made["upload"]["validSeconds"]) == ("PUT", 600)


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"mediaType": "text/html"}, "mediaType"),
        ({"size": 0}, "size"),
        ({"size": 10 * 1024 * 1024 + 1}, "size"),
        ({"name": " "}, "name"),
        ({"issuedOn": "2999-01-01"}, "issuedOn"),
        ({"expiresOn": "2001-01-01"}, "expiresOn"),
    ],
)
async def test_what_is_no_document_is_not_expected(desk: Desk, ask: Ask, wanted, field):
    whole = {"kind": "OTHER", "name": "a", "mediaType": "image/png", "size": 9} | wanted
    answer = await ask(UPLOAD, own(desk), input=whole)
    assert answer.refused() == [("INVALID", ["input", field])]


async def test_one_person_proposes_and_another_confirms(desk: Desk, ask: Ask):
    case_id = await desk.submit()
    await desk.says(case_id, "APPROVED", flags=frozenset({Flag.PEP}), labels=("PEP",))
    officer, admin = scope_of(desk.brand, "compliance"), scope_of(desk.brand, "brand_admin")
    listed = (await ask(CASES, officer, filter={"status": {"eq": "ON_HOLD"}})).only()["nodes"]
    assert [(one["labels"], one["flags"]) for one in listed] == [(["PEP"], ["PEP"])]
    assert listed[0]["decisions"] == [{"source": "VENDOR", "outcome": "APPROVED"}]
    assert listed[0]["client"]["kyc"]["risk"] == {
        "points": 45, "level": "MEDIUM",
        "parts": [{"name": "country", "points": 5}, {"name": "not_face_to_face", "points": 5},
                  {"name": "pep", "points": 30}, {"name": "product", "points": 5}],
    }  # fmt: skip
    decision: dict[str, Any] = {
        "caseId": encode_id("kyc_case", case_id), "expectedVersion": desk.case(case_id).version,
        "decision": "APPROVED", "reason": "A mayor; wealth is explained.",
        "clientMessage": "Welcome.",
    }  # fmt: skip
    made = (await ask(DECIDE, officer, input=decision)).only()
    assert made["needsSecondPerson"] is True
    assert made["case"]["proposals"] == [{"status": "OPEN", "outcome": "APPROVED"}]
    assert (await ask(QUEUE, officer)).only()["nodes"] == []
    waiting = (await ask(QUEUE, admin)).only()["nodes"]
    assert reasons(waiting[0]) == {"kycCaseDecide": "KYC_PROPOSAL_WAITS", "kycCaseReview": None}
    review = {
        "caseId": decision["caseId"], "expectedVersion": made["case"]["version"],
        "confirm": True, "reason": "Agreed.",
    }  # fmt: skip
    assert (await ask(REVIEW, officer, input=review)).refused() == [("FOUR_EYES", [])]
    stale = review | {"expectedVersion": 1}
    assert (await ask(REVIEW, admin, input=stale)).refused() == [
        ("VERSION_CONFLICT", ["input", "expectedVersion"])
    ]
    done = (await ask(REVIEW, admin, input=review)).only()["case"]
    assert done == {"status": "APPROVED", "message": "Welcome."}
    assert (await ask(REVIEW, admin, input=review)).refused() == [
        ("VERSION_CONFLICT", ["input", "expectedVersion"])
    ]


async def test_what_was_found_is_not_for_the_client(desk: Desk, ask: Ask):
    case_id = await desk.submit()
    await desk.says(case_id, "APPROVED", flags=frozenset({Flag.SANCTIONS}), labels=("SANCTIONS",))
    answer = await ask("{ viewer { client { kyc { cases { flags } } } } }", own(desk))
    assert answer.codes == ["FORBIDDEN"]
    answer = await ask("{ viewer { client { kyc { risk { points } } } } }", own(desk))
    assert answer.codes == ["FORBIDDEN"]
    seen = await ask("{ viewer { client { kyc { cases { status message } } } } }", own(desk))
    assert seen.only()["client"]["kyc"]["cases"] == [{"status": "ON_HOLD", "message": None}]


async def test_a_live_account_is_refused_until_the_client_is_verified(desk: Desk, ask: Ask):
    refused = await ask(OPEN, own(desk), when=False)
    assert refused.refused() == [("KYC_REQUIRED", [])]


async def test_a_verified_identity_starts_the_next_step_by_itself(desk: Desk, ask: Ask):
    made = (await ask(OPEN, own(desk), when=True)).only()
    assert (made["account"], made["waitsForVerification"]) == (None, True)
    await desk.verified()
    await consume(desk.worker, desk.brand.id, WISHES, limit=100)
    rows = desk.make.rows(event, desk.brand)
    assert [row.kind for row in rows if row.topic == "ACCOUNT"] == [
        "open_waiting", "open_requested",
    ]  # fmt: skip
