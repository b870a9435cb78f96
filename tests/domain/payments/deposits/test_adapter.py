"""The adapter against the sandbox PSP itself: every call of the wire, and every fault of it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from psycopg import Connection

from domain.kernel.ids import new_uuid
from domain.kernel.money import Money
from domain.outbound.client import Patience
from domain.payments.adapters import sandbox_shapes
from domain.payments.adapters.sandbox import SandboxPsp
from domain.payments.ports import OutcomeUnknown, PspRefused, PspUnavailable
from domain.payments.psp_values import (
    Evidence,
    EvidenceFile,
    PaymentRequest,
    PayoutRequest,
    PayoutTo,
    PspPaymentStatus,
    PspPayoutStatus,
    PspRefundStatus,
)
from domain.payments.values import DisputeStatus, MethodKind
from tests.psp import RunningPsp

BY_HAND = {"payouts": None, "refunds": None}
QUICK = Patience(call_s=2, connect_s=1, tries=3, pause_s=0.01)


def eur(cents: int) -> Money:
    return Money(cents, "EUR")


def request(**changed: Any) -> PaymentRequest:
    values = {
        "reference": new_uuid().hex,
        "amount": eur(10_000),
        "method": MethodKind.CARD,
        "return_url": "https://brand.example/thanks",
        "description": "D-100001",
    }
    return PaymentRequest(**values | changed)


@pytest_asyncio.fixture
async def account(psp: RunningPsp) -> AsyncIterator[SandboxPsp]:
    """A merchant account that hears no notices."""
    key = f"adapter-{new_uuid().hex}"
    await psp.controls.put_merchant(
        key, api_key=key, notice_url="http://127.0.0.1:9/", notice_secrets=["s"],
        currencies=["EUR", "USD", "JPY"],
    )  # fmt: skip
    await psp.controls.faults(auto=BY_HAND)
    made = SandboxPsp(psp.url, api_key=key, patience=QUICK)
    yield made
    await made.aclose()


async def test_a_payment_from_its_request_to_its_refund(account: SandboxPsp, psp: RunningPsp):
    asked = request()
    made = await account.create_payment(asked, key=asked.reference)
    assert (made.status, made.version, made.amount) == (PspPaymentStatus.CREATED, 1, eur(10_000))
    assert (made.reference, made.received, made.refunded) == (asked.reference, None, eur(0))
    assert made.checkout_url.startswith(psp.url)
    assert made.expires_at is not None
    assert made.expires_at > datetime.now(UTC)
    assert await account.find_payment(made.id) == made
    assert await account.find_payment_by_reference(asked.reference) == made
    await psp.controls.pay(made.id, amount="60.00")
    paid = await account.find_payment(made.id)
    assert paid is not None
    assert (paid.status, paid.received) == (PspPaymentStatus.PAID, eur(6_000))
    assert paid.source is not None
    assert "4242" in paid.source.label
    assert paid.fee is not None
    refund = await account.create_refund(
        made.id, amount=eur(1_000), reference="refund-" + asked.reference, key="k" + asked.reference
    )
    assert (refund.status, refund.amount, refund.payment_id) == (
        PspRefundStatus.PENDING, eur(1_000), made.id,
    )  # fmt: skip
    assert await account.find_refund_by_reference(refund.reference) == refund
    await psp.controls.settle_refund(refund.id, status="SUCCEEDED")
    again = await account.find_refund(refund.id)
    assert again is not None
    assert again.status is PspRefundStatus.SUCCEEDED
    last = await account.find_payment(made.id)
    assert last is not None
    assert (last.status, last.refunded) == (PspPaymentStatus.PARTLY_REFUNDED, eur(1_000))


async def test_a_payout_that_comes_back(account: SandboxPsp, psp: RunningPsp):
    to = PayoutTo(MethodKind.BANK, "DE89370400440532013000", "Alma Okafor")
    asked = PayoutRequest(new_uuid().hex, eur(5_000), to)
    made = await account.create_payout(asked, key=asked.reference)
    assert (made.status, made.amount) == (PspPayoutStatus.PENDING, eur(5_000))
    await psp.controls.settle_payout(made.id, status="PAID")
    await psp.controls.settle_payout(made.id, status="RETURNED", failure_code="ACCOUNT_CLOSED")
    found = await account.find_payout_by_reference(asked.reference)
    assert found == await account.find_payout(made.id)
    assert found is not None
    assert (found.status, found.failure_code) == (PspPayoutStatus.RETURNED, "ACCOUNT_CLOSED")


async def test_a_dispute_and_its_evidence(account: SandboxPsp, psp: RunningPsp):
    asked = request()
    made = await account.create_payment(asked, key=asked.reference)
    await psp.controls.pay(made.id)
    opened = await psp.controls.dispute(made.id, amount="40.00")
    found = await account.find_dispute(opened["id"])
    assert found is not None
    assert (found.status, found.amount, found.payment_id) == (
        DisputeStatus.OPEN, eur(4_000), made.id,
    )  # fmt: skip
    paid = await account.find_payment(made.id)
    assert paid is not None
    assert paid.disputes == (found,)
    file = EvidenceFile("receipt.txt", "text/plain", b"signed for")
    evidence = Evidence(new_uuid().hex, "It was delivered.", (file,))
    told = await account.send_evidence(found.id, evidence, key=evidence.reference)
    assert told.status is DisputeStatus.UNDER_REVIEW
    again = await account.send_evidence(found.id, evidence, key=evidence.reference)
    assert again == told


async def test_the_settlement_file_comes_as_it_is(account: SandboxPsp, psp: RunningPsp):
    asked = request()
    made = await account.create_payment(asked, key=asked.reference)
    await psp.controls.pay(made.id)
    today = datetime.now(UTC).date()
    text = await account.settlements(today - timedelta(days=1), today + timedelta(days=1))
    heading, *lines = text.strip().splitlines()
    assert heading.startswith("settlement_id,date,type,psp_id,reference,currency,gross,fee,net")
    assert [line.split(",")[2:4] for line in lines] == [["payment", made.id]]


@pytest.mark.parametrize("currency", ["JPY", "USD"])
async def test_amounts_have_the_currencys_decimals(
    account: SandboxPsp, psp: RunningPsp, currency: str
):
    asked = request(amount=Money(12_345, currency))
    made = await account.create_payment(asked, key=asked.reference)
    assert made.amount == Money(12_345, currency)


async def test_what_is_not_there_is_none(account: SandboxPsp):
    assert await account.find_payment("pay_" + "0" * 32) is None
    assert await account.find_payment_by_reference("nobody's") is None
    assert await account.find_refund("ref_" + "0" * 32) is None
    assert await account.find_payout("po_" + "0" * 32) is None
    assert await account.find_dispute("dp_" + "0" * 32) is None


async def test_refusals_have_the_wires_code(account: SandboxPsp):
    asked = request(amount=Money(100, "GBP"))
    with pytest.raises(PspRefused) as refused:
        await account.create_payment(asked, key=asked.reference)
    assert refused.value.code == "UNSUPPORTED_CURRENCY"
    with pytest.raises(PspRefused) as again:
        await account.create_payment(asked, key=asked.reference)
    assert again.value.code == "UNSUPPORTED_CURRENCY"
    with pytest.raises(PspRefused) as unknown:
        await account.create_refund("pay_no", amount=eur(1), reference="x", key="refund-of-nothing")
    assert unknown.value.code == "UNKNOWN_PAYMENT"


async def test_a_wrong_key_is_no_refusal_of_the_payment(psp: RunningPsp):
    stranger = SandboxPsp(psp.url, api_key="a-key-nobody-has", patience=QUICK)
    with pytest.raises(PspUnavailable, match="not in"):
        await stranger.create_payment(request(), key="k")
    await stranger.aclose()


async def test_the_same_key_is_one_payment(account: SandboxPsp):
    asked = request()
    first = await account.create_payment(asked, key=asked.reference)
    assert await account.create_payment(asked, key=asked.reference) == first
    assert await account.create_payment(asked, key=asked.reference, sent_before=True) == first


async def test_a_reference_that_is_taken_was_taken_by_us(account: SandboxPsp):
    """A PSP that forgot the key still knows the reference."""
    asked = request()
    first = await account.create_payment(asked, key="the-first-key")
    assert await account.create_payment(asked, key="another-key") == first


@pytest.mark.parametrize("forgets", [False, True], ids=["keys-kept", "keys-forgotten"])
async def test_answered_then_died_is_one_payment(
    account: SandboxPsp, psp: RunningPsp, forgets: bool
):
    """The effect is there and the answer is not: it is searched, never made again."""
    await psp.controls.faults(drop_answer=0.5, forget_keys=forgets, auto=BY_HAND, seed="dropped")
    made = []
    for _ in range(12):
        asked = request()
        while True:
            try:
                made.append(await account.create_payment(asked, key=asked.reference))
                break
            except (OutcomeUnknown, PspUnavailable):
                await psp.controls.faults(forget_keys=forgets, auto=BY_HAND, seed="well")
                found = await account.find_payment_by_reference(asked.reference)
                if found is not None:
                    made.append(found)
                    break
    assert len({one.id for one in made}) == 12


async def test_a_refund_whose_answers_die_is_made_once(
    account: SandboxPsp, psp: RunningPsp, superuser: Connection[Any]
):
    """Nothing at this PSP refuses a second refund of a reference: only the search prevents it."""
    asked = request()
    made = await account.create_payment(asked, key=asked.reference)
    await psp.controls.pay(made.id)
    for n in range(8):
        await psp.controls.faults(drop_answer=0.6, forget_keys=True, auto=BY_HAND, seed=n)
        reference = f"{asked.reference}-{n}"
        for _ in range(20):
            try:
                await account.create_refund(
                    made.id, amount=eur(100), reference=reference, key=reference, sent_before=True
                )
                break
            except (OutcomeUnknown, PspUnavailable):
                continue
    await psp.controls.faults(auto=BY_HAND)
    rows = superuser.execute(
        "select reference, count(*) from sandbox.psp_refund where payment_id = %s group by 1",
        [made.id],
    ).fetchall()
    assert sorted(rows) == [(f"{asked.reference}-{n}", 1) for n in range(8)]


@pytest.mark.parametrize(
    "knobs",
    [
        pytest.param({"drop_answer": 1.0}, id="every-answer-lost"),
        pytest.param({"answer_500": 1.0}, id="every-answer-500"),
    ],
)
async def test_what_can_not_be_proven_is_unknown(
    account: SandboxPsp, psp: RunningPsp, knobs: dict[str, Any]
):
    await psp.controls.faults(auto=BY_HAND, **knobs)
    asked = request()
    with pytest.raises(OutcomeUnknown) as unknown:
        await account.create_payment(asked, key=asked.reference)
    assert unknown.value.key == asked.reference
    await psp.controls.faults(auto=BY_HAND)


@pytest_asyncio.fixture
async def refused_reads(psp: RunningPsp) -> AsyncIterator[None]:
    """Every GET is answered 4xx until the test is over."""
    await psp.controls.faults(refuse_reads=1, auto=BY_HAND)
    yield
    await psp.controls.faults(auto=BY_HAND)


@pytest.mark.usefixtures("account", "refused_reads")
async def test_a_read_that_is_refused_was_not_answered(account: SandboxPsp):
    """Neither "there is none" nor "it was refused": nobody has looked."""
    today = datetime.now(UTC).date()
    for n in range(5):
        for read in (
            account.find_payment(f"pay_{n}"),
            account.find_refund(f"ref_{n}"),
            account.find_payout(f"po_{n}"),
            account.find_dispute(f"dp_{n}"),
            account.find_payment_by_reference(f"ours-{n}"),
            account.find_refund_by_reference(f"ours-{n}"),
            account.find_payout_by_reference(f"ours-{n}"),
            account.settlements(today, today),
        ):
            with pytest.raises(PspUnavailable, match="to a question"):
                await read


@pytest.mark.usefixtures("account", "refused_reads")
async def test_a_write_that_can_not_be_searched_is_unknown(
    account: SandboxPsp, superuser: Connection[Any]
):
    to = PayoutTo(MethodKind.BANK, "DE89370400440532013000", "Alma Okafor")
    asked = PayoutRequest(new_uuid().hex, eur(5_000), to)
    with pytest.raises(OutcomeUnknown):
        await account.create_payout(asked, key=asked.reference, sent_before=True)
    sent = superuser.execute(
        "select count(*) from sandbox.psp_payout where reference = %s", [asked.reference]
    ).fetchone()
    assert sent == (0,)


async def test_money_out_that_is_refused_the_second_time_is_unknown(account: SandboxPsp):
    """The try before may be done, and be what it is refused for; money in would be credited."""
    to = PayoutTo(MethodKind.BANK, "no IBAN", "Alma Okafor")
    asked = PayoutRequest(new_uuid().hex, eur(5_000), to)
    with pytest.raises(OutcomeUnknown) as unknown:
        await account.create_payout(asked, key=asked.reference, sent_before=True)
    assert unknown.value.refused is not None
    assert unknown.value.refused.code == "INVALID_DESTINATION"
    with pytest.raises(PspRefused) as refused:
        await account.create_payout(asked, key=asked.reference)
    assert refused.value.code == "INVALID_DESTINATION"
    wrong = request(amount=Money(100, "GBP"))
    with pytest.raises(PspRefused):
        await account.create_payment(wrong, key=wrong.reference, sent_before=True)


async def test_a_psp_that_takes_too_long_is_unknown(psp: RunningPsp, account: SandboxPsp):
    await psp.controls.faults(latency_ms=[1500, 1600], auto=BY_HAND)
    hasty = SandboxPsp(
        psp.url, api_key="hasty-key-of-nobody", patience=Patience(call_s=0.2, tries=2, pause_s=0.01)
    )
    with pytest.raises(OutcomeUnknown):
        await hasty.create_payment(request(), key="k")
    with pytest.raises(PspUnavailable):
        await hasty.find_payment("pay_1")
    await hasty.aclose()
    await psp.controls.faults(auto=BY_HAND)


async def test_nobody_there_is_unavailable_and_nothing_was_sent():
    alone = SandboxPsp("http://127.0.0.1:9", api_key="k", patience=QUICK)
    with pytest.raises(PspUnavailable):
        await alone.create_payment(request(), key="k")
    with pytest.raises(OutcomeUnknown):
        await alone.create_payment(request(), key="k", sent_before=True)
    await alone.aclose()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(httpx.Response(200, text="<html>"), PspUnavailable, id="no-json"),
        pytest.param(httpx.Response(200, json=["x"]), PspUnavailable, id="a-list"),
        pytest.param(httpx.Response(200, json={"id": "pay_1"}), PspUnavailable, id="half"),
        pytest.param(httpx.Response(409, text="no"), PspUnavailable, id="a-refusal-without-words"),
        pytest.param(httpx.Response(429, json={"error": {"code": "SLOW", "message": "down"}}),
                     PspUnavailable, id="too-many"),
        pytest.param(httpx.Response(408, json={"error": {"code": "SLOW", "message": "late"}}),
                     PspUnavailable, id="timed-out"),
        pytest.param(httpx.Response(400, json={"error": {"code": "MALFORMED", "message": "x"}}),
                     PspRefused, id="malformed"),
        pytest.param(httpx.Response(404, json={"error": {"code": "NO_ROUTE", "message": "x"}}),
                     PspRefused, id="not-found-by-a-gateway"),
    ],
)  # fmt: skip
async def test_answers_that_are_not_of_the_wire(
    answer: httpx.Response, error: type[Exception], monkeypatch: pytest.MonkeyPatch
):
    account = SandboxPsp("http://127.0.0.1:9", api_key="k", patience=QUICK)

    async def answered(*_: Any, **__: Any) -> httpx.Response:
        return answer

    monkeypatch.setattr(account._out, "once", answered)
    for read in (account.find_payment("pay_1"), account.find_payment_by_reference("ours")):
        with pytest.raises(PspUnavailable):
            await read
    unproven = OutcomeUnknown if answer.is_success else error
    with pytest.raises(unproven):
        await account.create_payment(request(), key="k")
    await account.aclose()


@pytest.mark.parametrize("amount", ["0.00", "-5.00"])
def test_a_dispute_about_nothing_proves_nothing(amount: str):
    """It can't be booked: a posting moves something."""
    told = {
        "id": "dp_1", "payment_id": "pay_1", "reference": "r", "status": "OPEN", "version": 1,
        "amount": "5.00", "currency": "EUR", "fee_amount": "0.00", "reason": "fraudulent",
        "evidence_due_at": "2026-01-05T12:00:00+00:00",
    }  # fmt: skip
    assert sandbox_shapes.dispute(told).amount == Money(500, "EUR")
    with pytest.raises(PspUnavailable, match="published shape"):
        sandbox_shapes.dispute({**told, "amount": amount})
    with pytest.raises(PspUnavailable, match="published shape"):
        sandbox_shapes.dispute({**told, "fee_amount": "-1.00"})
