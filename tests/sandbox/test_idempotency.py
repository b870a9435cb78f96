"""A key is applied once: again, racing, with something else, with a refusal."""

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest

from tests.psp import RunningPsp
from tests.sandbox.listener import Listener
from tests.sandbox.merchant import Caller, payment_body, payout_body, registered

LONGEST = "k" * 128


@pytest.mark.parametrize("key", ["k", LONGEST], ids=["short", "longest"])
async def test_the_same_again_is_answered_with_the_same_bytes(caller: Caller, key: str) -> None:
    body = payout_body(reference="wd-same")
    first = await caller.call("POST", "/payouts", body, key=key)
    assert first.status_code == 201
    assert "idempotent-replayed" not in first.headers
    for _ in range(3):
        again = await caller.call("POST", "/payouts", body, key=key)
        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers["idempotent-replayed"] == "true"
    assert len((await caller.ok("GET", "/payouts?reference=wd-same"))["payouts"]) == 1


async def test_the_order_of_fields_is_no_difference(caller: Caller) -> None:
    body = payment_body()
    first = await caller.ok("POST", "/payments", body, key="k")
    turned = dict(reversed(body.items()))
    assert await caller.ok("POST", "/payments", turned, key="k") == first


async def test_a_refusal_is_stored_with_its_key(caller: Caller, psp: RunningPsp) -> None:
    made = await caller.payment()
    path, body = f"/payments/{made['id']}/refunds", {"reference": "r-1", "amount": "1"}
    first = await caller.call("POST", path, body, key="k")
    assert (first.status_code, first.json()["error"]["code"]) == (409, "NOT_REFUNDABLE")
    await psp.controls.pay(made["id"])
    again = await caller.call("POST", path, body, key="k")
    assert (again.status_code, again.content) == (409, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert await caller.ok("GET", "/refunds?reference=r-1") == {"refunds": []}
    assert (await caller.call("POST", path, body, key="k2")).status_code == 201


@pytest.mark.parametrize(
    ("path", "change"),
    [("/payments", {"amount": "100.01"}), ("/payouts", {})],
    ids=["other body", "other call"],
)
async def test_a_key_for_something_else_is_refused(
    caller: Caller, path: str, change: dict[str, Any]
) -> None:
    await caller.ok("POST", "/payments", payment_body(reference="dep-1"), key="k")
    body = {**payment_body(), **payout_body(reference="dep-1"), **change}
    answer = await caller.call("POST", path, body, key="k")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "IDEMPOTENCY_ERROR")
    assert await caller.ok("GET", "/payouts?reference=dep-1") == {"payouts": []}


async def test_twenty_racing_callers_get_one_effect(caller: Caller) -> None:
    body = payout_body(reference="wd-race")
    calls = (caller.call("POST", "/payouts", body, key="race") for _ in range(20))
    answers = await asyncio.gather(*calls)
    assert {answer.content for answer in answers} == {answers[0].content}
    assert {answer.status_code for answer in answers} == {201}
    replayed = Counter("idempotent-replayed" in answer.headers for answer in answers)
    assert replayed == {True: 19, False: 1}
    assert len((await caller.ok("GET", "/payouts?reference=wd-race"))["payouts"]) == 1


async def test_twenty_racing_bodies_leave_one_effect(caller: Caller) -> None:
    bodies = [payout_body(reference=f"wd-{n}", amount=str(n + 1)) for n in range(20)]
    calls = (caller.call("POST", "/payouts", body, key="race") for body in bodies)
    answers = await asyncio.gather(*calls)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 19}
    made = [await caller.ok("GET", f"/payouts?reference={b['reference']}") for b in bodies]
    assert sum(len(one["payouts"]) for one in made) == 1


async def test_a_key_is_a_merchants_own(caller: Caller, psp: RunningPsp, heard: Listener) -> None:
    body = payment_body()
    first = await caller.ok("POST", "/payments", body, key="k")
    async with registered(psp, heard.url, name="boreal", api_key="sk_of_another_one") as other:
        theirs = await other.ok("POST", "/payments", body, key="k")
    assert theirs["id"] != first["id"]


@pytest.mark.parametrize("key", [None, "k" * 129], ids=["none", "too long"])
async def test_a_key_is_required(caller: Caller, key: str | None) -> None:
    headers = {} if key is None else {"Idempotency-Key": key}
    body = payment_body(reference="dep-keyless")
    answer: httpx.Response = await caller.client.post("/v1/payments", json=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "MALFORMED")
    assert await caller.ok("GET", "/payments?reference=dep-keyless") == {"payments": []}


async def test_what_is_malformed_is_not_stored(caller: Caller) -> None:
    bad = await caller.call("POST", "/payments", {"reference": "dep-1"}, key="k")
    assert bad.status_code == 400
    assert (await caller.call("POST", "/payments", payment_body(), key="k")).status_code == 201


async def test_keys_are_forgotten_on_demand(caller: Caller, psp: RunningPsp) -> None:
    """The planted bug: a retried payout is paid twice, and both can be found."""
    await psp.controls.faults(forget_keys=True)
    body = payout_body(reference="wd-twice")
    first = await caller.ok("POST", "/payouts", body, key="k")
    second = await caller.ok("POST", "/payouts", body, key="k")
    found = await caller.ok("GET", "/payouts?reference=wd-twice")
    assert {one["id"] for one in found["payouts"]} == {first["id"], second["id"]}
    assert first["id"] != second["id"]
