"""A client proves who it is, a compliance officer looks, and what was refused works. Seen from
outside: an official client, the vendor's own wire, its signed notices, and two people."""

import asyncio
from typing import Any

from gql import gql

from tests.stories.cashier import DECIDE, DEPOSIT, KYC, REVIEW, Payer
from tests.stories.conftest import Installation
from tests.stories.telling import http, items, socket
from tests.stories.test_cashier import books

ROUNDS = 20
OPEN_LATER = """mutation { accountOpen(input: {idempotencyKey: "later", kind: LIVE,
  currencyCode: "EUR", leverage: 30, whenVerified: true}) { account { id } waitsForVerification
  errors { code message } } }"""
ACCOUNTS = """{ viewer { client { accounts(filter: {kind: {eq: LIVE}}) { nodes { id status
  leverage } } } } }"""
QUEUE = """{ kycQueue { nodes { id version requirement client { id } flags labels
  actions { name allowed reasonCode } } } }"""
CASE = """query($id: ID!) { node(id: $id) { ... on KycCase { id version status
  decisions { source outcome recordedAt noticedAt } } } }"""
FOLLOW = """subscription { complianceEvents { __typename
  ... on ComplianceEvent { kind requirement status tier } } }"""


async def refused(payer: Payer, role: str, document: str, wanted: Any) -> list[str]:
    """The codes of a refusal, asked as a member of the brand's staff."""
    token = payer.installation.brand("aurora")["tokens"][role]
    async with http(payer.installation, token) as session:
        request = gql(document)
        request.variable_values = {"input": wanted}
        (payload,) = (await session.execute(request)).values()
    return [one["code"] for one in payload["errors"]]


async def deposit_refused(payer: Payer, key: str, amount: str) -> list[str]:
    wanted = {
        "idempotencyKey": key,
        "amount": {"amount": amount, "currencyCode": "EUR"},
        "methodId": await payer.method("CARD"),
        "returnUrl": "https://aurora.localhost/paid",
    }
    request = gql(DEPOSIT)
    request.variable_values = {"input": wanted}
    async with http(payer.installation, payer.token) as session:
        (payload,) = (await session.execute(request)).values()
    return [one["code"] for one in payload["errors"]]


async def two_decide(payer: Payer, case: Any, decision: str) -> Any:
    """The officer proposes; the officer alone can't confirm; another member of staff does."""
    wanted = {
        "caseId": case["id"], "expectedVersion": case["version"], "decision": decision,
        "reason": "Compared with the register.", "clientMessage": "Thank you for your patience.",
    }  # fmt: skip
    proposed = await payer.as_staff("compliance", DECIDE, input=wanted)
    assert proposed["needsSecondPerson"] is True
    assert proposed["case"]["status"] == case["status"]
    review = {
        "caseId": case["id"], "expectedVersion": proposed["case"]["version"], "confirm": True,
        "reason": "Seen and agreed.",
    }  # fmt: skip
    assert await refused(payer, "compliance", REVIEW, review) == ["FOUR_EYES"]
    return (await payer.as_staff("brand_admin", REVIEW, input=review))["case"]


async def test_what_was_refused_works_once_the_client_is_verified(
    installation: Installation,
) -> None:
    payer = await Payer.join(installation, "Ida Identity", verified=False)
    assert await deposit_refused(payer, "too soon", "500.00") == ["KYC_TIER_LIMIT"]
    waiting = await payer.ask(OPEN_LATER)
    assert (waiting["account"], waiting["waitsForVerification"]) == (None, True)

    heard: list[Any] = []

    async def listen() -> None:
        async with socket(installation, payer.token) as session:
            async for item in items(session, FOLLOW):
                if item["__typename"] == "ComplianceEvent":
                    heard.append(item)
                if item["__typename"] == "ComplianceEvent" and item["kind"] == "TIER_CHANGED":
                    return

    listening = asyncio.create_task(listen())
    kyc = await payer.prove()
    assert kyc["tier"] == 1
    async with asyncio.timeout(30):
        await listening
        # The next step began by itself.
        while True:
            found = (await payer.ask(ACCOUNTS))["client"]["accounts"]["nodes"]
            if [one["status"] for one in found] == ["ACTIVE"]:
                break
            await asyncio.sleep(0.05)
    assert heard[-1] == {
        "__typename": "ComplianceEvent", "kind": "TIER_CHANGED", "requirement": None,
        "status": None, "tier": 1,
    }  # fmt: skip
    await payer.pay_in("500.00", key="in time")
    assert await deposit_refused(payer, "too much", "1500.01") == ["KYC_TIER_LIMIT"]


async def test_who_is_politically_exposed_takes_four_eyes(installation: Installation) -> None:
    payer = await Payer.join(installation, "Petra Prominent", verified=False)
    held = await payer.prove("pep", status="ON_HOLD")
    assert (held["tier"], held["cases"][0]["message"]) == (0, None)
    client = (await payer.ask(KYC))["client"]["id"]
    queue = (await payer.as_staff("compliance", QUEUE))["nodes"]
    (case,) = [one for one in queue if one["client"]["id"] == client]
    assert (case["flags"], case["labels"]) == (["PEP"], ["PEP"])
    seen = {"id": case["id"], "version": case["version"], "status": "ON_HOLD"}
    assert (await two_decide(payer, seen, "APPROVED"))["status"] == "APPROVED"
    assert (await payer.kyc_until("APPROVED"))["tier"] == 1


async def test_a_final_rejection_is_taken_back_by_two(installation: Installation) -> None:
    payer = await Payer.join(installation, "Fiona Final", verified=False)
    found = await payer.prove("forged", status="REJECTED_FINAL")
    (case,) = found["cases"]
    assert case["message"] == "We could not verify you."
    shown = await payer.as_staff("compliance", CASE, id=case["id"])
    assert (await two_decide(payer, shown, "APPROVED"))["status"] == "APPROVED"
    assert (await payer.kyc_until("APPROVED"))["tier"] == 1


async def test_decisions_come_within_the_promise(installation: Installation) -> None:
    """Twenty clients one after the other: each is decided, and our share of it is measured from
    the notice's arrival to the decision's record, which the files of the cases hold."""
    for n in range(ROUNDS):
        payer = await Payer.join(installation, f"Quick {chr(65 + n)} Client", verified=False)
        await payer.prove()
    rows = await books(
        installation,
        "select extract(epoch from d.recorded_at - d.noticed_at)::float8,"
        " extract(epoch from d.recorded_at - c.created_at)::float8"
        " from kyc_decision d join kyc_case c on c.brand_id = d.brand_id and c.id = d.case_id"
        " join client k on k.brand_id = c.brand_id and k.id = c.client_id"
        " where k.name like 'Quick%%' and d.outcome = 'APPROVED' and d.noticed_at is not null",
    )
    assert len(rows) == ROUNDS, "every one was decided, once, after a notice"
    ours, whole = (sorted(float(row[n]) for row in rows) for n in (0, 1))
    at = ROUNDS * 95 // 100 - 1
    print(f"submit to decision p95 {whole[at]:.3f} s, of it ours p95 {ours[at]:.3f} s")
