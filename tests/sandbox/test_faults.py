"""Every knob does what it says, by its seed, and nothing else."""

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest

from api.demo.sandbox import ControlRefused
from api.embedded import Endpoints
from sandbox.app import SandboxSettings, running
from tests.psp import RunningPsp, running_psp
from tests.sandbox.listener import Listener
from tests.sandbox.merchant import Caller, payment_body, payout_body, registered

BY_HAND = {"payouts": None, "refunds": None}


async def outcomes(caller: Caller, calls: int) -> list[str]:
    """What became of so many payments, by reference `luck-n`."""
    found = []
    for number in range(calls):
        body = payment_body(reference=f"luck-{number}")
        try:
            answer = await caller.call("POST", "/payments", body)
            found.append(str(answer.status_code))
        except httpx.RemoteProtocolError:
            found.append("dropped")
    return found


async def made_of(caller: Caller, number: int) -> int:
    answer = await caller.ok("GET", f"/payments?reference=luck-{number}")
    return len(answer["payments"])


async def test_a_dropped_answer_was_done(caller: Caller, psp: RunningPsp) -> None:
    await psp.controls.faults(drop_answer=1)
    body = payout_body(reference="wd-lost")
    with pytest.raises(httpx.RemoteProtocolError):
        await caller.call("POST", "/payouts", body, key="k")
    await psp.controls.faults(auto=BY_HAND)
    (made,) = (await caller.ok("GET", "/payouts?reference=wd-lost"))["payouts"]
    again = await caller.call("POST", "/payouts", body, key="k")
    assert again.json() == made
    assert again.headers["idempotent-replayed"] == "true"


async def test_a_500_may_have_been_done_or_not(caller: Caller, psp: RunningPsp) -> None:
    await psp.controls.faults(answer_500=1, seed=7)
    assert await outcomes(caller, 40) == ["500"] * 40
    await psp.controls.faults()
    done = Counter([await made_of(caller, number) for number in range(40)])
    assert set(done) == {0, 1}
    assert min(done.values()) >= 10


async def test_a_refusal_on_demand_is_stored(caller: Caller, psp: RunningPsp) -> None:
    await psp.controls.faults(refuse=1)
    body = payment_body(reference="luck-0")
    refused = await caller.call("POST", "/payments", body, key="k")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "PROVIDER_REFUSED")
    await psp.controls.faults()
    again = await caller.call("POST", "/payments", body, key="k")
    assert again.content == refused.content
    assert await made_of(caller, 0) == 0


async def test_luck_repeats_with_its_seed(caller: Caller, psp: RunningPsp) -> None:
    async def luck(seed: int) -> list[str]:
        knobs = {"drop_answer": 0.3, "answer_500": 0.3, "refuse": 0.3, "seed": seed}
        await psp.controls.faults(**knobs, forget_keys=True)
        return await outcomes(caller, 30)

    first = await luck(1)
    assert set(first) == {"201", "409", "500", "dropped"}
    assert await luck(1) == first
    assert await luck(2) != first


async def test_latency_is_waited(caller: Caller, psp: RunningPsp) -> None:
    await psp.controls.faults(latency_ms=[120, 150])
    loop = asyncio.get_running_loop()
    started = loop.time()
    await caller.ok("GET", "/payments?reference=x")
    assert loop.time() - started >= 0.12


@pytest.mark.parametrize(
    ("auto", "made", "becomes"),
    [
        ({"payouts": "PAID"}, "payout", "PAID"),
        ({"payouts": "FAILED"}, "payout", "FAILED"),
        ({"payouts": "RETURNED"}, "payout", "RETURNED"),
        ({"payments": "PAID"}, "payment", "PAID"),
        ({"payments": "FAILED"}, "payment", "FAILED"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_outcomes_come_by_themselves(
    caller: Caller, psp: RunningPsp, auto: dict[str, Any], made: str, becomes: str
) -> None:
    await psp.controls.faults(auto=auto, payout_delay_ms=20)
    item = await (caller.payout() if made == "payout" else caller.payment())
    shown = await caller.until(item, status=becomes)
    assert shown["version"] == 2


async def test_a_working_psp_pays_out_and_refunds_by_itself(
    psp_database: Endpoints, heard: Listener
) -> None:
    async with running_psp(psp_database) as psp, registered(psp, heard.url) as caller:
        payout, paid = await caller.payout(), await caller.paid(psp)
        body = {"reference": "r-1", "amount": "1"}
        refund = await caller.ok("POST", f"/payments/{paid['id']}/refunds", body)
        assert (payout["status"], refund["status"]) == ("PENDING", "PENDING")
        await caller.until(payout, status="PAID")
        await caller.until(refund, status="SUCCEEDED")
        assert (await psp.controls.current_faults())["auto"] == {
            "payouts": "PAID",
            "refunds": "SUCCEEDED",
            "payments": None,
        }


@pytest.mark.parametrize(
    "knobs",
    [
        {"answer_500": 1.5},
        {"drop_answer": -1},
        {"latency_ms": [5, 1]},
        {"latencyms": [1, 5]},
        {"auto": {"payouts": "SUCCEEDED"}},
        {"duplicate_notices": 101},
    ],
    ids=lambda knobs: next(iter(knobs)),
)
async def test_a_wrong_knob_changes_nothing(psp: RunningPsp, knobs: dict[str, Any]) -> None:
    before = await psp.controls.faults(refuse=0.25, seed="kept")
    with pytest.raises(ControlRefused, match="MALFORMED"):
        await psp.controls.faults(**knobs)
    assert await psp.controls.current_faults() == before


async def test_knobs_outlive_the_process(
    psp_database: Endpoints, psp: RunningPsp, heard: Listener
) -> None:
    before = await psp.controls.faults(refuse=0.25, seed="kept")
    settings = SandboxSettings(psp_database.url("sandbox"), "http://127.0.0.1:1")
    async with running(settings) as again:
        assert again.state.psp.faults.knobs.model_dump(mode="json") == before


async def test_controls_are_for_who_carries_the_token(psp: RunningPsp, caller: Caller) -> None:
    for method, path in (("GET", "/control/faults"), ("POST", "/control/clear")):
        answer = await caller.client.request(method, path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHORIZED")


async def test_without_a_token_there_are_no_controls(psp_database: Endpoints) -> None:
    settings = SandboxSettings(psp_database.url("sandbox"), "http://127.0.0.1:1")
    async with running(settings) as app:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://psp") as client:
            answer = await client.get("/control/faults")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "UNKNOWN_PATH")
