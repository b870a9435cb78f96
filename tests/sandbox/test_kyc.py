"""The sandbox KYC vendor: its published contract is what is served, and what it promises."""

import hashlib
import hmac
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from pydantic import BaseModel
from starlette.routing import Route

from sandbox.kyc import controls, verify, wire
from sandbox.kyc.faults import Knobs
from tests.api.embedded import ROOT
from tests.openapi import Contract
from tests.psp import CONTROL_TOKEN, RunningPsp
from tests.sandbox.listener import Listener

KYC = Contract("kyc.openapi.yaml")
KEY, SECRET = "key-of-the-kyc-tests", "secret-of-the-kyc-tests"
BODIES: dict[str, type[BaseModel]] = {
    "ApplicantRequest": wire.ApplicantBody,
    "AccountRequest": controls.AccountBody,
    "PersonRequest": controls.PersonBody,
    "VerdictRequest": controls.VerdictBody,
    "Faults": Knobs,
}
ASKED = {"reference": "case-1", "level": "basic", "return_url": "https://portal.example/back"}


@pytest_asyncio.fixture
async def vendor(psp: RunningPsp, heard: Listener) -> AsyncIterator[httpx.AsyncClient]:
    """Speaks the wire as an account does."""
    await psp.kyc.put_account("main", api_key=KEY, notice_url=heard.url, notice_secret=SECRET)
    await psp.kyc.faults(review_delay_ms=0)
    headers = {"Authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(base_url=psp.url, headers=headers, trust_env=False) as client:
        yield client


async def answered(
    client: httpx.AsyncClient, method: str, path: str, status: int, body: Any = None
) -> Any:
    """An answer as it is published."""
    got = await client.request(method, path, json=body)
    assert got.status_code == status, (path, got.text)
    KYC.check_answer(method, path.split("?")[0], status, got.json())
    return got.json()


def test_every_route_is_published_and_every_published_route_is_served() -> None:
    served: set[tuple[str, str]] = set()
    for route in (*wire.ROUTES, *verify.ROUTES, *controls.ROUTES):
        assert isinstance(route, Route)
        served |= {(method, route.path) for method in route.methods or () if method != "HEAD"}
    assert served == KYC.operations()


@pytest.mark.parametrize("name", BODIES)
def test_bodies_are_published_as_they_are_checked(name: str) -> None:
    checked, published = BODIES[name].model_json_schema(), KYC.schema(name)
    assert set(published["properties"]) == set(checked["properties"])
    assert set(published.get("required", ())) == set(checked.get("required", ()))


def test_refusals_that_are_raised_are_published() -> None:
    text = "\n".join(file.read_text() for file in (ROOT / "sandbox" / "kyc").glob("*.py"))
    raised = set(re.findall(r'Refusal\(\s*"([A-Z_]+)"', text))
    assert {code for code in raised if code not in str(KYC.document)} == set()


async def test_answers_are_published(vendor: httpx.AsyncClient, psp: RunningPsp) -> None:
    made = await answered(vendor, "POST", "/kyc/v1/applicants", 201, ASKED)
    assert await answered(vendor, "POST", "/kyc/v1/applicants", 200, ASKED) == made
    other = {**ASKED, "level": "enhanced"}
    await answered(vendor, "POST", "/kyc/v1/applicants", 409, other)
    await answered(vendor, "POST", "/kyc/v1/applicants", 400, {"reference": "x"})
    found = await answered(vendor, "GET", "/kyc/v1/applicants?reference=case-1", 200)
    assert found == {"applicants": [made]}
    assert await answered(vendor, "GET", f"/kyc/v1/applicants/{made['id']}", 200) == made
    await answered(vendor, "GET", "/kyc/v1/applicants/app_x", 404)
    await answered(vendor, "GET", "/kyc/v1/applicants", 400)
    headers = {"Authorization": f"Bearer {CONTROL_TOKEN}"}
    async with httpx.AsyncClient(base_url=psp.url, headers=headers, trust_env=False) as control:
        path = f"/control/kyc/applicants/{made['id']}"
        await answered(control, "POST", f"{path}/decide", 200, {"answer": "GREEN"})
        await answered(control, "POST", f"{path}/decide", 409, {"answer": "RED"})
        await answered(control, "POST", f"{path}/decide", 400, {"answers": "RED"})
        await answered(control, "POST", f"{path}/submit", 409, {"person": "approve"})
        missing = "/control/kyc/applicants/app_x"
        await answered(control, "POST", f"{missing}/submit", 404, {"person": "approve"})
        await answered(control, "GET", "/control/kyc/faults", 200)
        await answered(control, "PUT", "/control/kyc/faults", 200, {"answer_500": 1})
        account = {"api_key": KEY, "notice_url": "http://127.0.0.1:9", "notice_secret": SECRET}
        await answered(control, "PUT", "/control/kyc/accounts/second", 409, account)
        await answered(control, "POST", "/control/kyc/clear", 200)
    await answered(vendor, "GET", f"/kyc/v1/applicants/{made['id']}", 500)


async def test_nobody_else_sees_an_applicant(vendor: httpx.AsyncClient, psp: RunningPsp) -> None:
    made = await answered(vendor, "POST", "/kyc/v1/applicants", 201, ASKED)
    key = "key-of-another-account"
    await psp.kyc.put_account(
        "other", api_key=key, notice_url="http://127.0.0.1:9", notice_secret=SECRET
    )
    for headers, status in (({"Authorization": f"Bearer {key}"}, 404), ({}, 401)):
        async with httpx.AsyncClient(base_url=psp.url, headers=headers, trust_env=False) as other:
            path = f"/kyc/v1/applicants/{made['id']}"
            told = await answered(other, "GET", path, status)
            assert ASKED["reference"] not in str(told)
            if status == 404:
                nobody = await answered(other, "GET", "/kyc/v1/applicants/app_x", status)
                assert nobody["error"]["code"] == told["error"]["code"], "as if there were none"
            listed = f"/kyc/v1/applicants?reference={ASKED['reference']}"
            found = await other.get(listed)
            assert made["id"] not in found.text


async def test_controls_take_their_token(psp: RunningPsp) -> None:
    async with httpx.AsyncClient(base_url=psp.url, trust_env=False) as nobody:
        assert (await nobody.get("/control/kyc/faults")).status_code == 401


async def test_each_change_is_told_signed_over_its_bytes(
    vendor: httpx.AsyncClient, psp: RunningPsp, heard: Listener
) -> None:
    made = await answered(vendor, "POST", "/kyc/v1/applicants", 201, ASKED)
    assert made["review_status"] == "init"
    await psp.kyc.decide(made["id"], "RED", reject_type="FINAL", labels=["FORGERY"])
    (one,) = await heard.count(1)
    body, headers = one.body, one.headers
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert headers["x-payload-digest"] == digest
    assert headers["x-payload-digest-alg"] == "HMAC_SHA256_HEX"
    notice = one.told
    KYC.check(KYC.schema("Notice"), notice, "notice")
    assert notice["reviewResult"] == {
        "reviewAnswer": "RED", "reviewRejectType": "FINAL", "rejectLabels": ["FORGERY"],
    }  # fmt: skip
    assert (notice["applicantId"], notice["version"]) == (made["id"], 2)


async def test_who_is_looked_at_without_end_waits_for_a_decision_by_hand(
    vendor: httpx.AsyncClient, psp: RunningPsp, heard: Listener
) -> None:
    """Two are handed in together: by the time the second is decided, the first is not."""
    slow = await answered(vendor, "POST", "/kyc/v1/applicants", 201, ASKED)
    quick = {**ASKED, "reference": "f" * 32}
    quick = await answered(vendor, "POST", "/kyc/v1/applicants", 201, quick)
    await psp.kyc.submit(slow["id"], "slow")
    await psp.kyc.submit(quick["id"], "approve")
    told = [one.told for one in await heard.count(3)]
    decided = [one["applicantId"] for one in told if "reviewResult" in one]
    assert decided == [quick["id"]]
    found = await answered(vendor, "GET", f"/kyc/v1/applicants/{slow['id']}", 200)
    assert found["review_status"] == "pending"
    await psp.kyc.decide(slow["id"], "GREEN")
    found = await answered(vendor, "GET", f"/kyc/v1/applicants/{slow['id']}", 200)
    assert found["review_status"] == "completed"
