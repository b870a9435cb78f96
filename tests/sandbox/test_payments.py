"""Payments over the wire: every way they go, with exact figures, and what is refused."""

from datetime import timedelta
from typing import Any

import pytest

from api.demo.sandbox import ControlRefused
from domain.kernel.clock import FixedClock
from tests.psp import RunningPsp
from tests.sandbox.conftest import START
from tests.sandbox.listener import Listener
from tests.sandbox.merchant import Caller, payment_body, registered


async def test_a_payment_waits_for_its_payer(caller: Caller, psp: RunningPsp) -> None:
    made = await caller.payment(reference="dep-a", description="Deposit to wallet")
    assert made == {
        "id": made["id"],
        "reference": "dep-a",
        "status": "CREATED",
        "version": 1,
        "method": "card",
        "amount": "100.00",
        "currency": "USD",
        "received_amount": None,
        "received_currency": None,
        "refunded_amount": "0.00",
        "fee_amount": None,
        "source": None,
        "failure_code": None,
        "checkout_url": f"{psp.url}/checkout/{made['id']}",
        "created_at": "2026-03-04T12:00:00.000000Z",
        "updated_at": "2026-03-04T12:00:00.000000Z",
        "expires_at": "2026-03-04T13:00:00.000000Z",
        "disputes": [],
    }
    assert await caller.see(made) == made
    assert await caller.ok("GET", "/payments?reference=dep-a") == {"payments": [made]}
    assert await caller.ok("GET", "/payments?reference=dep-b") == {"payments": []}


async def test_a_paid_payment_says_what_came_and_from_where(
    caller: Caller, psp: RunningPsp
) -> None:
    paid = await caller.paid(psp)
    assert (paid["status"], paid["version"]) == ("PAID", 2)
    assert (paid["received_amount"], paid["received_currency"]) == ("100.00", "USD")
    assert paid["fee_amount"] == "2.90"
    assert paid["source"]["label"] == "visa •••• 4242"
    again = await caller.paid(psp)
    assert again["source"]["id"] == paid["source"]["id"]
    other = await caller.payment()
    other = await psp.controls.pay(other["id"], instrument="4000000000000259")
    assert other["source"]["id"] != paid["source"]["id"]


@pytest.mark.parametrize(
    ("changes", "amount", "fee"),
    [
        ({"currency": "JPY", "amount": "101"}, "101", "3"),
        ({"currency": "BTC", "amount": "0.1", "method": "bank"}, "0.10000000", "0.00050000"),
        ({"currency": "EUR", "amount": "7", "method": "ewallet"}, "7.00", "0.14"),
    ],
    ids=["yen", "bitcoin", "euro"],
)
async def test_amounts_have_the_decimals_of_their_currency(
    caller: Caller, psp: RunningPsp, changes: dict[str, str], amount: str, fee: str
) -> None:
    paid = await caller.paid(psp, **changes)
    assert (paid["amount"], paid["received_amount"], paid["fee_amount"]) == (amount, amount, fee)


async def test_less_more_and_another_currency_are_told_as_they_came(
    caller: Caller, psp: RunningPsp
) -> None:
    made = await caller.payment(method="bank")
    part = await psp.controls.pay(made["id"], amount="60.00")
    assert (part["status"], part["received_amount"], part["version"]) == ("PAID", "60.00", 2)
    more = await psp.controls.pay(made["id"], amount="55.5")
    assert (more["received_amount"], more["fee_amount"], more["version"]) == ("115.50", "0.58", 3)
    foreign = await caller.payment()
    foreign = await psp.controls.pay(foreign["id"], amount="9000", currency="JPY")
    assert (foreign["received_amount"], foreign["received_currency"]) == ("9000", "JPY")
    assert (foreign["amount"], foreign["currency"]) == ("100.00", "USD")


async def test_a_payment_expires_and_may_still_be_paid(
    caller: Caller, psp: RunningPsp, clock: FixedClock
) -> None:
    made = await caller.payment()
    clock.move_to(START + timedelta(hours=1, seconds=1))
    expired = await caller.until(made, status="EXPIRED")
    assert expired["version"] == 2
    late = await psp.controls.pay(made["id"])
    assert (late["status"], late["version"], late["received_amount"]) == ("PAID", 3, "100.00")


async def test_failed_is_final(caller: Caller, psp: RunningPsp) -> None:
    made = await caller.payment()
    await psp.controls.authorise(made["id"])
    failed = await psp.controls.fail(made["id"], code="INSUFFICIENT_FUNDS")
    assert (failed["status"], failed["failure_code"]) == ("FAILED", "INSUFFICIENT_FUNDS")
    for refused in (psp.controls.pay, psp.controls.fail, psp.controls.expire):
        with pytest.raises(ControlRefused, match="FAILED"):
            await refused(made["id"])
    assert await caller.see(made) == failed


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"currency": "GBP"}, "UNSUPPORTED_CURRENCY"),
        ({"amount": "0"}, "INVALID_AMOUNT"),
        ({"amount": "-1.00"}, "INVALID_AMOUNT"),
        ({"amount": "1e3"}, "INVALID_AMOUNT"),
        ({"amount": "1.001"}, "INVALID_AMOUNT"),
        ({"amount": "1.5", "currency": "JPY"}, "INVALID_AMOUNT"),
        ({"amount": 100}, "MALFORMED"),
        ({"method": "cash"}, "MALFORMED"),
        ({"return_url": "javascript:alert(1)"}, "MALFORMED"),
        ({"reference": ""}, "MALFORMED"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(map(str, value.values())),
)
async def test_what_is_wrong_is_refused_and_leaves_nothing(
    caller: Caller, changes: dict[str, Any], code: str
) -> None:
    body = payment_body(reference="dep-wrong") | changes
    assert await caller.refused("POST", "/payments", body) == code
    assert await caller.ok("GET", "/payments?reference=dep-wrong") == {"payments": []}


async def test_a_reference_is_used_once_by_a_merchant(
    caller: Caller, psp: RunningPsp, heard: Listener
) -> None:
    made = await caller.payment(reference="dep-once")
    body = payment_body(reference="dep-once")
    assert await caller.refused("POST", "/payments", body) == "DUPLICATE_REFERENCE"
    assert await caller.ok("GET", "/payments?reference=dep-once") == {"payments": [made]}
    async with registered(psp, heard.url, name="boreal", api_key="sk_of_another_one") as other:
        theirs = await other.payment(reference="dep-once")
        assert theirs["id"] != made["id"]
        assert await other.refused("GET", f"/payments/{made['id']}") == "UNKNOWN_PAYMENT"


async def test_unknown_fields_are_ignored(caller: Caller) -> None:
    made = await caller.payment(colour="blue")
    assert "colour" not in made


@pytest.mark.parametrize("key", ["-", "sk_nobody", "control-token-of-the-tests"])
async def test_a_key_is_asked_for(caller: Caller, key: str) -> None:
    caller.client.headers["authorization"] = f"Bearer {key}"
    assert await caller.refused("POST", "/payments", payment_body()) == "UNAUTHORIZED"
    assert await caller.refused("GET", "/payments?reference=x") == "UNAUTHORIZED"
