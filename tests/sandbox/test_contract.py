"""The published contract is what is served, both ways. Every answer that the other tests of this
folder get over `Caller` is checked against it too, and so are those of the controls here."""

import re
from typing import Any

import httpx
import pytest
from pydantic import BaseModel
from starlette.routing import Route

from sandbox.psp import bodies, checkout, controls, reads, writes
from sandbox.psp.faults import Knobs
from tests.api.embedded import ROOT
from tests.psp import CONTROL_TOKEN, RunningPsp
from tests.sandbox.contract import PSP
from tests.sandbox.listener import SECRET
from tests.sandbox.merchant import Caller

BODIES: dict[str, type[BaseModel]] = {
    "PaymentRequest": bodies.PaymentBody,
    "RefundRequest": bodies.RefundBody,
    "PayoutRequest": bodies.PayoutBody,
    "Destination": bodies.DestinationBody,
    "EvidenceRequest": bodies.EvidenceBody,
    "File": bodies.FileBody,
    "MerchantRequest": bodies.MerchantBody,
    "PayRequest": bodies.PayBody,
    "FailRequest": bodies.FailBody,
    "GiveBackRequest": bodies.GiveBackBody,
    "DisputeRequest": bodies.DisputeBody,
    "CloseRequest": bodies.CloseBody,
    "PayoutSettleRequest": bodies.PayoutSettleBody,
    "RefundSettleRequest": bodies.RefundSettleBody,
    "Faults": Knobs,
}


def test_every_route_is_published_and_every_published_route_is_served() -> None:
    served: set[tuple[str, str]] = set()
    for route in (*reads.ROUTES, *writes.ROUTES, *checkout.ROUTES, *controls.ROUTES):
        assert isinstance(route, Route)
        served |= {(method, route.path) for method in route.methods or () if method != "HEAD"}
    assert served == PSP.operations()


@pytest.mark.parametrize("name", BODIES)
def test_bodies_are_published_as_they_are_checked(name: str) -> None:
    checked, published = BODIES[name].model_json_schema(), PSP.schema(name)
    assert set(published["properties"]) == set(checked["properties"])
    assert set(published.get("required", ())) == set(checked.get("required", ()))
    for field, shape in published["properties"].items():
        for limit in ("maxLength", "minLength", "maxItems", "minItems", "maximum", "minimum"):
            if limit in shape:
                assert checked["properties"][field].get(limit) == shape[limit], (field, limit)


def test_every_body_of_a_call_is_compared() -> None:
    assert PSP.bodies() <= BODIES.keys()


def test_what_is_answered_is_required() -> None:
    """Readers may rely on every property of an answer."""
    for name in ("Payment", "Refund", "Payout", "Dispute", "Merchant", "Notice", "Source"):
        shape = PSP.schema(name)
        assert set(shape["required"]) == set(shape["properties"]), name


async def test_answers_of_the_controls_are_published(caller: Caller, psp: RunningPsp) -> None:
    paid, dispute = await caller.payment(), ""
    merchant = {
        "api_key": "sk_of_a_second_one_x",
        "notice_url": "http://127.0.0.1:1/",
        "notice_secrets": [SECRET],
        "currencies": ["USD"],
    }
    taken = {**merchant, "api_key": "sk_sandbox_of_the_tests"}
    steps: list[tuple[str, str, int, Any]] = [
        ("PUT", "/merchants/boreal", 200, merchant),
        ("PUT", "/merchants/boreal", 409, taken),
        ("PUT", "/merchants/boreal", 400, {**merchant, "notice_secrets": []}),
        ("POST", f"/payments/{paid['id']}/authorise", 200, None),
        ("POST", f"/payments/{paid['id']}/pay", 200, {"amount": "50"}),
        ("POST", f"/payments/{paid['id']}/pay", 409, None),
        ("POST", f"/payments/{paid['id']}/pay", 400, {"amounts": "50"}),
        ("POST", f"/payments/{paid['id']}/pay", 409, {"amount": "1", "instrument": "4111"}),
        ("POST", f"/payments/{paid['id']}/expire", 409, None),
        ("POST", f"/payments/{paid['id']}/fail", 409, None),
        ("POST", f"/payments/{paid['id']}/refund", 200, {"amount": "10"}),
        ("POST", f"/payments/{paid['id']}/dispute", 200, None),
        ("POST", "/payments/pay_x/dispute", 404, None),
        ("POST", "/disputes/dp_x/close", 404, {"outcome": "WON"}),
        ("POST", "/payouts/po_x/settle", 404, {"status": "PAID"}),
        ("POST", "/refunds/ref_x/settle", 404, {"status": "FAILED"}),
        ("GET", "/faults", 200, None),
        ("PUT", "/faults", 200, {"seed": 1}),
        ("POST", "/clear", 200, None),
    ]
    headers = {"Authorization": f"Bearer {CONTROL_TOKEN}"}
    async with httpx.AsyncClient(base_url=psp.url, headers=headers) as client:
        for method, path, status, body in steps:
            answer = await client.request(method, f"/control{path}", json=body)
            assert answer.status_code == status, (path, answer.text)
            PSP.check_answer(method, f"/control{path}", status, answer.json())
            if path.endswith("/dispute") and status == 200:
                dispute = answer.json()["id"]
        path = f"/control/disputes/{dispute}/close"
        answer = await client.post(path, json={"outcome": "LOST"})
        PSP.check_answer("POST", path, answer.status_code, answer.json())
        for number in range(2):
            path = f"/control/payouts/{(await caller.payout())['id']}/settle"
            answer = await client.post(path, json={"status": ("PAID", "FAILED")[number]})
            PSP.check_answer("POST", path, answer.status_code, answer.json())


def test_refusals_that_are_raised_are_published() -> None:
    """A merchant must be able to know every code that it may hear."""
    text = "\n".join(file.read_text() for file in (ROOT / "sandbox" / "psp").glob("*.py"))
    raised = set(re.findall(r'Refusal\(\s*"([A-Z_]+)"', text))
    described = str(PSP.document)
    never_told = {"UNKNOWN_ACTION"}  # the page shows it to a payer
    assert {code for code in raised if code not in described} == never_told
