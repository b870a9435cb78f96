"""Refunds, payouts, disputes and the settlement that adds them up."""

import asyncio
import base64
import csv
import io
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from api.demo.sandbox import ControlRefused
from domain.kernel.clock import FixedClock
from tests.psp import RunningPsp
from tests.sandbox.conftest import START
from tests.sandbox.listener import Listener
from tests.sandbox.merchant import Caller, payout_body, registered


async def test_refunds_add_up_to_the_payment_and_no_further(
    caller: Caller, psp: RunningPsp
) -> None:
    paid = await caller.paid(psp)
    path = f"/payments/{paid['id']}/refunds"
    part = await caller.ok("POST", path, {"reference": "r-1", "amount": "30"})
    assert part == {
        "id": part["id"], "payment_id": paid["id"], "reference": "r-1", "status": "PENDING",
        "version": 1, "amount": "30.00", "currency": "USD", "failure_code": None,
        "created_at": part["created_at"], "updated_at": part["updated_at"],
    }  # fmt: skip
    assert await caller.ok("GET", "/refunds?reference=r-1") == {"refunds": [part]}
    too_high = {"reference": "r-2", "amount": "70.01"}
    assert await caller.refused("POST", path, too_high) == "AMOUNT_TOO_HIGH"
    done = await psp.controls.settle_refund(part["id"], status="SUCCEEDED")
    assert (done["status"], done["version"]) == ("SUCCEEDED", 2)
    shown = await caller.see(paid)
    assert (shown["status"], shown["refunded_amount"]) == ("PARTLY_REFUNDED", "30.00")
    failed = await caller.ok("POST", path, {"reference": "r-3", "amount": "70"})
    failed = await psp.controls.settle_refund(failed["id"], status="FAILED")
    assert failed["failure_code"] == "REFUND_DECLINED"
    rest = await caller.ok("POST", path, {"reference": "r-4", "amount": "70"})
    await psp.controls.settle_refund(rest["id"], status="SUCCEEDED")
    shown = await caller.see(paid)
    assert (shown["status"], shown["refunded_amount"]) == ("REFUNDED", "100.00")
    last = {"reference": "r-5", "amount": "0.01"}
    assert await caller.refused("POST", path, last) == "NOT_REFUNDABLE"
    with pytest.raises(ControlRefused, match="ALREADY_SETTLED"):
        await psp.controls.settle_refund(rest["id"], status="SUCCEEDED")
    back = await psp.controls.settle_refund(rest["id"], status="FAILED")
    assert (back["status"], back["version"]) == ("FAILED", 3)
    shown = await caller.see(paid)
    assert (shown["status"], shown["refunded_amount"]) == ("PARTLY_REFUNDED", "30.00")
    again = await caller.ok("POST", path, {"reference": "r-5", "amount": "70"})
    assert again["status"] == "PENDING"


async def test_racing_refunds_never_give_back_too_much(caller: Caller, psp: RunningPsp) -> None:
    paid = await caller.paid(psp)
    path = f"/payments/{paid['id']}/refunds"
    bodies = [{"reference": f"race-{n}", "amount": "30.00"} for n in range(8)]
    answers = await asyncio.gather(*(caller.call("POST", path, body) for body in bodies))
    assert Counter(answer.status_code for answer in answers) == {201: 3, 409: 5}


async def test_a_refund_of_something_unpaid_unknown_or_old_is_refused(
    caller: Caller, psp: RunningPsp, clock: FixedClock, heard: Listener
) -> None:
    made, body = await caller.payment(), {"reference": "r-1", "amount": "1"}
    path = f"/payments/{made['id']}/refunds"
    assert await caller.refused("POST", path, body) == "NOT_REFUNDABLE"
    assert await caller.refused("POST", "/payments/pay_x/refunds", body) == "UNKNOWN_PAYMENT"
    await psp.controls.pay(made["id"])
    async with registered(psp, heard.url, name="boreal", api_key="sk_of_another_one") as other:
        assert await other.refused("POST", path, body) == "UNKNOWN_PAYMENT"
    clock.move_to(START + timedelta(days=180, seconds=1))
    assert await caller.refused("POST", path, body) == "REFUND_WINDOW_CLOSED"
    clock.move_to(START)
    assert await caller.refused("POST", path, {**body, "amount": "0"}) == "INVALID_AMOUNT"
    await caller.ok("POST", path, body)
    assert await caller.refused("POST", path, body) == "DUPLICATE_REFERENCE"


async def test_the_psp_may_give_money_back_by_itself(caller: Caller, psp: RunningPsp) -> None:
    paid = await caller.paid(psp)
    made = await psp.controls.refund(paid["id"], amount="12.34")
    assert (made["status"], made["reference"]) == ("SUCCEEDED", made["id"])
    assert await caller.see(made) == made
    assert (await caller.see(paid))["refunded_amount"] == "12.34"


@pytest.mark.parametrize("outcome", ["PAID", "FAILED", "RETURNED"])
async def test_a_payout_is_settled_once(caller: Caller, psp: RunningPsp, outcome: str) -> None:
    made = await caller.payout(reference="wd-a")
    assert (made["status"], made["fee_amount"], made["version"]) == ("PENDING", "0.40", 1)
    assert made["destination"] == payout_body()["destination"]
    done = await psp.controls.settle_payout(made["id"], status=outcome)
    assert (done["status"], done["version"]) == (outcome, 2)
    codes = {"PAID": None, "FAILED": "PAYOUT_REJECTED", "RETURNED": "ACCOUNT_CLOSED"}
    assert done["failure_code"] == codes[outcome]
    assert await caller.ok("GET", "/payouts?reference=wd-a") == {"payouts": [done]}
    with pytest.raises(ControlRefused, match="ALREADY_SETTLED"):
        await psp.controls.settle_payout(made["id"], status="PAID")
    if outcome == "PAID":
        back = await psp.controls.settle_payout(made["id"], status="RETURNED")
        assert (back["status"], back["version"]) == ("RETURNED", 3)


async def test_a_payout_may_fail_after_it_was_paid(caller: Caller, psp: RunningPsp) -> None:
    made = await caller.payout(reference="wd-f")
    await psp.controls.settle_payout(made["id"], status="PAID")
    failed = await psp.controls.settle_payout(made["id"], status="FAILED")
    assert (failed["status"], failed["version"]) == ("FAILED", 3)
    for status in ("PAID", "RETURNED", "FAILED"):
        with pytest.raises(ControlRefused, match="ALREADY_SETTLED"):
            await psp.controls.settle_payout(made["id"], status=status)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"destination": {"kind": "bank", "account": "DE00", "holder_name": "A"}},
         "INVALID_DESTINATION"),
        ({"currency": "GBP"}, "UNSUPPORTED_CURRENCY"),
        ({"amount": "0.001"}, "INVALID_AMOUNT"),
        ({"destination": {"kind": "bank", "account": "DE00"}}, "MALFORMED"),
    ],
    ids=["destination", "currency", "amount", "holder"],
)  # fmt: skip
async def test_a_wrong_payout_leaves_nothing(
    caller: Caller, changes: dict[str, Any], code: str
) -> None:
    body = payout_body(reference="wd-wrong") | changes
    assert await caller.refused("POST", "/payouts", body) == code
    assert await caller.ok("GET", "/payouts?reference=wd-wrong") == {"payouts": []}


async def test_a_dispute_takes_the_money_until_it_is_won(caller: Caller, psp: RunningPsp) -> None:
    paid = await caller.paid(psp)
    made = await psp.controls.dispute(paid["id"], reason="product_not_received")
    assert (made["status"], made["amount"], made["fee_amount"]) == ("OPEN", "100.00", "15.00")
    assert (made["reference"], made["reason"]) == (paid["reference"], "product_not_received")
    shown = await caller.see(paid)
    assert (shown["status"], shown["version"], shown["disputes"]) == ("PAID", 3, [made])
    refund = {"reference": "r-1", "amount": "0.01"}
    path = f"/payments/{paid['id']}/refunds"
    assert await caller.refused("POST", path, refund) == "AMOUNT_TOO_HIGH"
    with pytest.raises(ControlRefused, match="NOT_DISPUTABLE"):
        await psp.controls.dispute(paid["id"])
    won = await psp.controls.close_dispute(made["id"], outcome="WON")
    assert (won["status"], won["version"]) == ("WON", 2)
    assert await caller.see(won) == won
    assert (await caller.see(paid))["version"] == 4
    await caller.ok("POST", path, refund)
    with pytest.raises(ControlRefused, match="ALREADY_CLOSED"):
        await psp.controls.close_dispute(made["id"], outcome="LOST")


async def test_a_dispute_of_more_than_is_left_is_refused(caller: Caller, psp: RunningPsp) -> None:
    paid = await caller.paid(psp)
    await psp.controls.refund(paid["id"], amount="40")
    with pytest.raises(ControlRefused, match=r"AMOUNT_TOO_HIGH: 60\.00 is left"):
        await psp.controls.dispute(paid["id"], amount="60.01")
    made = await psp.controls.dispute(paid["id"], amount="25")
    assert made["amount"] == "25.00"
    assert (await psp.controls.dispute(paid["id"]))["amount"] == "35.00"


async def test_evidence_is_kept_and_closed_when_it_is_decided(
    caller: Caller, psp: RunningPsp, clock: FixedClock
) -> None:
    paid = await caller.paid(psp)
    made = await psp.controls.dispute(paid["id"])
    path = f"/disputes/{made['id']}/evidence"
    file = {"name": "chat.pdf", "media_type": "application/pdf", "base64": "SGVsbG8="}
    body = {"reference": "e-1", "text": "The client played.", "files": [file]}
    taken = await caller.ok("POST", path, body)
    assert (taken["status"], taken["version"]) == ("UNDER_REVIEW", 2)
    await caller.ok("POST", path, {"reference": "e-2", "text": "More."})
    async with psp.psp.store.begin() as connection:
        rows = await connection.fetch("select text, files from sandbox.psp_evidence order by id")
    assert [(row["text"], row["files"]) for row in rows] == [
        ("The client played.", [file]),
        ("More.", []),
    ]
    assert base64.b64decode(rows[0]["files"][0]["base64"]) == b"Hello"
    bad = {**body, "files": [{**file, "base64": "…"}]}
    assert await caller.refused("POST", path, bad) == "MALFORMED"
    await psp.controls.close_dispute(made["id"], outcome="LOST")
    assert await caller.refused("POST", path, body) == "EVIDENCE_CLOSED"
    unknown = "/disputes/dp_x/evidence"
    assert await caller.refused("POST", unknown, body) == "UNKNOWN_DISPUTE"


async def test_who_says_nothing_loses(caller: Caller, psp: RunningPsp, clock: FixedClock) -> None:
    silent = await psp.controls.dispute((await caller.paid(psp))["id"])
    spoken = await psp.controls.dispute((await caller.paid(psp))["id"])
    path = f"/disputes/{spoken['id']}/evidence"
    await caller.ok("POST", path, {"reference": "e-1", "text": "We object."})
    clock.move_to(START + timedelta(days=7, seconds=1))
    await caller.until(silent, status="LOST")
    assert (await caller.see(spoken))["status"] == "UNDER_REVIEW"


async def everything(caller: Caller, psp: RunningPsp) -> list[tuple[str, str, str, str]]:
    """Every movement there is; what they are, with gross, fee and net by hand."""
    card = await caller.payment()
    await psp.controls.pay(card["id"], amount="60")
    await psp.controls.pay(card["id"], amount="40")
    await psp.controls.refund(card["id"], amount="30")
    won = await psp.controls.dispute(card["id"], amount="50")
    await psp.controls.close_dispute(won["id"], outcome="WON")
    lost = await psp.controls.dispute(card["id"], amount="20")
    await psp.controls.close_dispute(lost["id"], outcome="LOST")
    failed = await caller.payment()
    await psp.controls.fail(failed["id"])
    payout = await caller.payout(currency="USD", amount="80")
    await psp.controls.settle_payout(payout["id"], status="PAID")
    await psp.controls.settle_payout(payout["id"], status="RETURNED")
    late = await caller.payout(currency="USD", amount="70", reference="wd-late")
    await psp.controls.settle_payout(late["id"], status="PAID")
    await psp.controls.settle_payout(late["id"], status="FAILED")
    rejected = await caller.payout(currency="USD")
    await psp.controls.settle_payout(rejected["id"], status="FAILED")
    return [
        ("payment", "60.00", "1.74", "58.26"),
        ("payment", "40.00", "1.16", "38.84"),
        ("refund", "-30.00", "0.00", "-30.00"),
        ("dispute", "-50.00", "0.00", "-50.00"),
        ("dispute_fee", "-15.00", "0.00", "-15.00"),
        ("dispute_reversal", "50.00", "0.00", "50.00"),
        ("dispute", "-20.00", "0.00", "-20.00"),
        ("dispute_fee", "-15.00", "0.00", "-15.00"),
        ("payout", "-80.00", "0.40", "-80.40"),
        ("payout_return", "80.00", "0.00", "80.00"),
        ("payout", "-70.00", "0.35", "-70.35"),
        ("payout_return", "70.00", "0.00", "70.00"),
    ]


async def test_the_settlement_is_every_movement_once(
    caller: Caller, psp: RunningPsp, clock: FixedClock
) -> None:
    expected = await everything(caller, psp)
    clock.move_to(START + timedelta(days=1))
    tomorrow = await caller.paid(psp, currency="JPY", amount="500")
    rows = await settlement(caller, "2026-03-04", "2026-03-04")
    found = [(row["type"], row["gross"], row["fee"], row["net"]) for row in rows]
    assert sorted(found) == sorted(expected)  # the clock stands, so all are of one instant
    assert {(r["settlement_id"], r["date"], r["currency"]) for r in rows} == {
        ("st_20260304_USD", "2026-03-04", "USD")
    }
    assert len({row["line_id"] for row in rows}) == len(rows)
    # 100 in, 30 back, 20 lost, 80 and 70 out and back; fees 2.90 + 30 + 0.40 + 0.35.
    assert sum(Decimal(row["net"]) for row in rows) == Decimal("100") - 30 - 20 - Decimal("33.65")
    both = await settlement(caller, "2026-03-04", "2026-03-05")
    assert both[:-1] == rows
    assert (both[-1]["psp_id"], both[-1]["reference"], both[-1]["net"]) == (
        tomorrow["id"],
        tomorrow["reference"],
        "485",
    )
    assert await settlement(caller, "2026-03-06", "2026-03-09") == []
    assert await caller.refused("GET", "/settlements?from=2026-03-04") == "MALFORMED"


async def settlement(caller: Caller, start: str, end: str) -> list[dict[str, str]]:
    answer = await caller.call("GET", f"/settlements?from={start}&to={end}")
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.text)))
