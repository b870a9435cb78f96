"""Legs on the real wire of the PSP: paid once, whatever is lost, late, failed or returned."""

import asyncio
from dataclasses import replace

import pytest

from domain.events.consumers import consume
from domain.kernel.errors import DomainError
from domain.kernel.ids import new_uuid
from domain.kernel.money import Money
from domain.payments.adapters.sandbox import SandboxPsp
from domain.payments.ledger.values import LedgerAccountKind
from domain.payments.ports import OutcomeUnknown, PspUnavailable
from domain.payments.values import LegStatus
from domain.payments.withdrawals.carry_leg import carry_leg, pull_leg
from domain.payments.withdrawals.commands.begin_sending import begin_sending
from domain.payments.withdrawals.commands.cancel_withdrawal import cancel_withdrawal
from domain.payments.withdrawals.commands.change_destination import change_destination
from domain.payments.withdrawals.commands.record_leg import LegNews
from domain.payments.withdrawals.jobs import APPROVED
from tenants.context import system_scope
from tests.domain.payments.withdrawals.desk import SHORT, Desk


async def test_an_approved_one_is_sent_by_its_event_paid_and_booked_once(desk: Desk):
    key = await desk.mixed()
    await desk.send(key)
    assert desk.counter.row(key).status == "SENT"
    assert await desk.counter.money() == (60_000, 50_000, 30_000)
    await desk.settle(key, 0, "SUCCEEDED")
    await desk.news(key)
    assert desk.counter.row(key).status == "SENT"
    assert await desk.counter.money() == (30_000, 20_000, 0)
    await desk.settle(key, 1, "PAID")
    await desk.news(key)
    assert desk.counter.row(key).status == "PAID"
    assert await desk.counter.money() == (10_000, 0, -20_000)
    deposit = desk.counter.row(desk.counter.legs(key)[0].deposit_id)
    assert (deposit.status, int(deposit.refunded_minor)) == ("REFUNDED", 30_000)
    assert desk.counter.told() == [
        "withdrawal_approved", "withdrawal_sending", "withdrawal_sent", "withdrawal_paid",
    ]  # fmt: skip
    assert desk.discrepancies() == []


async def test_the_event_defers_one_job(desk: Desk, superuser):
    await desk.counter.deposit(50_000)
    key = await desk.counter.request("100")
    brand = desk.counter.till.brand
    await consume(desk.database, brand.id, APPROVED, limit=100)
    found = superuser.execute(
        "select task_name, args -> 'args' ->> 'payment_id' from jobs.procrastinate_jobs"
        " where lock like %s",
        [f"{brand.id.hex}:payments.send%"],
    ).fetchall()
    assert found == [("payments.send_withdrawal", str(key))]


async def test_ten_workers_at_once_pay_once(desk: Desk, superuser):
    """A zombie that comes back, a notice and a round: the PSP sees one payout per leg."""
    key = await desk.mixed()
    await desk.counter.do(system_scope(desk.counter.till.brand.id), lambda w: begin_sending(w, key))
    legs = desk.counter.legs(key)
    await asyncio.gather(
        *(
            carry_leg(desk.sending, leg.brand_id, leg.id, is_fresh=fresh)
            for leg in legs
            for fresh in (True, False, True, False, True)
        )
    )
    for table, n in (("refund", 0), ("payout", 1)):
        made = superuser.execute(
            f"select count(*) from sandbox.psp_{table} where reference = %s", [legs[n].id.hex]
        ).fetchone()
        assert made == (1,)
    for n, status in enumerate(("SUCCEEDED", "PAID")):
        await desk.settle(key, n, status)
    await asyncio.gather(*(desk.news(key) for _ in range(4)))
    assert desk.counter.row(key).status == "PAID"
    assert await desk.counter.money() == (10_000, 0, -20_000)


@pytest.mark.parametrize("forgets", [False, True], ids=["keeps keys", "forgets keys"])
async def test_answered_then_died_is_unknown_then_found(desk: Desk, forgets):
    key = await desk.mixed()
    await desk.fail(drop_answer=1, forget_keys=forgets)
    with pytest.raises((OutcomeUnknown, PspUnavailable)):
        await desk.send(key)
    assert desk.counter.row(key).status == "UNKNOWN"
    assert {leg.status for leg in desk.counter.legs(key)} == {"UNKNOWN"}
    assert await desk.counter.money() == (60_000, 50_000, 30_000)
    await desk.fail(forget_keys=forgets)
    desk = desk.again()
    await desk.send(key)
    assert desk.counter.row(key).status == "SENT"
    for n, status in enumerate(("SUCCEEDED", "PAID")):
        await desk.settle(key, n, status)
    await desk.news(key)
    assert desk.counter.row(key).status == "PAID"
    assert await desk.counter.money() == (10_000, 0, -20_000)


async def test_a_leg_that_fails_gives_its_part_back(desk: Desk):
    key = await desk.mixed()
    await desk.send(key)
    await desk.settle(key, 0, "SUCCEEDED")
    await desk.settle(key, 1, "FAILED")
    await desk.news(key)
    row = desk.counter.row(key)
    assert (row.status, row.reason_code) == ("PARTLY_PAID", "PAYOUT_REJECTED")
    assert await desk.counter.money() == (30_000, 0, 0)


async def test_all_failed_is_failed_and_costs_nothing(desk: Desk):
    desk.counter.terms(desk.counter.card, fixed=500)
    key = await desk.mixed()
    assert await desk.counter.money() == (60_000, 50_500, 30_000)
    await desk.send(key)
    await desk.settle(key, 0, "FAILED")
    await desk.settle(key, 1, "FAILED")
    await desk.news(key)
    assert desk.counter.row(key).status == "FAILED"
    assert await desk.counter.money() == (60_000, 0, 30_000)
    assert desk.counter.open_holds() == []


async def test_what_was_paid_and_comes_back_is_in_the_wallet_again(desk: Desk):
    desk.counter.terms(desk.counter.card, fixed=500)
    key = await desk.mixed()
    await desk.send(key)
    await desk.settle(key, 0, "SUCCEEDED")
    await desk.settle(key, 1, "PAID")
    await desk.news(key)
    assert await desk.counter.money() == (9_500, 0, -20_000)
    await desk.settle(key, 1, "RETURNED")
    await desk.news(key)
    assert desk.counter.row(key).status == "PARTLY_PAID"
    assert await desk.counter.money() == (29_500, 0, 0)
    fees = desk.counter.till.house(LedgerAccountKind.FEE_REVENUE)
    assert await desk.counter.till.balance(fees) == 500


async def test_returned_before_paid_was_seen_books_both(desk: Desk):
    await desk.profit(30_000)
    key = await desk.counter.request("200", await desk.counter.destination())
    await desk.send(key)
    await desk.settle(key, 0, "PAID")
    await desk.settle(key, 0, "RETURNED")
    await desk.news(key)
    assert desk.counter.row(key).status == "RETURNED"
    assert await desk.counter.money() == (30_000, 0, 0)


async def test_a_refund_that_failed_is_sent_elsewhere_after_approval(desk: Desk):
    key = await desk.mixed()
    await desk.send(key)
    await desk.settle(key, 0, "FAILED")
    await desk.settle(key, 1, "PAID")
    await desk.news(key)
    bank, version = desk.counter.row(key).destination_id, desk.counter.row(key).version
    staff = desk.counter.as_staff()
    await desk.counter.do(
        staff, lambda w: change_destination(w, key, bank, "Card closed", version=version)
    )
    assert desk.counter.shown_legs(key) == [
        ("REFUND", 30_000, "RELEASED"),
        ("PAYOUT", 20_000, "PAID"),
        ("PAYOUT", 30_000, "HELD"),
    ]
    assert desk.counter.row(key).status == "REQUESTED"
    with pytest.raises(DomainError) as refused:
        await desk.counter.approve(key, staff)
    assert refused.value.code == "FOUR_EYES"
    await desk.counter.approve(key)
    await desk.send(key)
    await desk.settle(key, 2, "PAID")
    await desk.news(key)
    assert desk.counter.row(key).status == "PAID"
    assert await desk.counter.money() == (10_000, 0, -20_000)


async def test_a_part_that_is_sent_again_may_be_given_up(desk: Desk):
    """Then the withdrawal stays what it was, and only what was held again is free."""
    key = await desk.mixed()
    await desk.send(key)
    await desk.settle(key, 0, "FAILED")
    await desk.settle(key, 1, "PAID")
    await desk.news(key)
    bank, version = desk.counter.row(key).destination_id, desk.counter.row(key).version
    await desk.counter.do(
        desk.counter.as_staff(),
        lambda w: change_destination(w, key, bank, "Card closed", version=version),
    )
    await desk.counter.do(desk.counter.as_client(), lambda w: cancel_withdrawal(w, key))
    row = desk.counter.row(key)
    assert (row.status, row.reason_code) == ("PARTLY_PAID", "CANCELLED")
    assert await desk.counter.money() == (40_000, 0, 10_000)
    assert desk.counter.open_holds() == []


async def test_a_refusal_of_the_psp_is_an_answer(desk: Desk):
    await desk.counter.deposit(30_000, ext_id=f"pay_{new_uuid().hex}")
    key = await desk.counter.request("100")
    await desk.send(key)
    row = desk.counter.row(key)
    assert (row.status, row.reason_code) == ("FAILED", "UNKNOWN_PAYMENT")
    assert await desk.counter.money() == (30_000, 0, 30_000)


@pytest.mark.parametrize("forgets", [False, True], ids=["keeps keys", "forgets keys"])
async def test_a_search_that_is_refused_fails_nothing(desk: Desk, forgets):
    """It was sent, the answer died, and then the PSP refuses to be asked: nothing is given free."""
    key = await desk.mixed()
    await desk.fail(drop_answer=1, forget_keys=forgets)
    with pytest.raises((OutcomeUnknown, PspUnavailable)):
        await desk.send(key)
    await desk.fail(refuse_reads=1, forget_keys=forgets)
    asked = desk.again()
    for n in range(6):
        with pytest.raises((OutcomeUnknown, PspUnavailable)):
            await asked.send(key)
        leg = desk.counter.legs(key)[n % 2]
        with pytest.raises((OutcomeUnknown, PspUnavailable)):
            await pull_leg(asked.sending, leg.brand_id, leg.id.hex)
    assert desk.counter.row(key).status == "UNKNOWN"
    assert await desk.counter.money() == (60_000, 50_000, 30_000)
    await desk.fail(forget_keys=forgets)
    await asked.send(key)
    for n, status in enumerate(("SUCCEEDED", "PAID")):
        await desk.settle(key, n, status)
    await desk.fail(refuse_reads=1)
    for leg in desk.counter.legs(key):
        with pytest.raises(PspUnavailable):
            await pull_leg(asked.sending, leg.brand_id, leg.id.hex)
    await desk.fail()
    await asked.news(key)
    assert desk.counter.row(key).status == "PAID"
    assert await desk.counter.money() == (10_000, 0, -20_000)


async def test_nothing_is_lost_while_the_psp_is_away(desk: Desk):
    key = await desk.mixed()
    gone = replace(desk, psp=SandboxPsp("http://127.0.0.1:9", api_key="x" * 16, patience=SHORT))
    with pytest.raises(PspUnavailable):
        await gone.send(key)
    await gone.psp.aclose()
    assert {leg.status for leg in desk.counter.legs(key)} <= {"SENDING", "UNKNOWN"}
    await desk.send(key)
    assert desk.counter.row(key).status == "SENT"


async def test_the_psp_pays_less_and_the_rest_is_free(desk: Desk):
    key = await desk.mixed()
    await desk.send(key)
    leg = desk.counter.legs(key)[1]
    news = LegNews(LegStatus.PAID, leg.ext_id, 9, Money(15_000, "USD"))
    for _ in range(2):
        await desk.record(leg.id, news)
    await desk.settle(key, 0, "SUCCEEDED")
    await desk.news(key)
    assert desk.counter.row(key).status == "PARTLY_PAID"
    assert await desk.counter.money() == (15_000, 0, -15_000)
    assert desk.discrepancies() == ["AMOUNT_DIFFERS"]


async def test_paid_after_all_is_for_staff_and_moves_nothing(desk: Desk):
    key = await desk.mixed()
    await desk.send(key)
    leg = desk.counter.legs(key)[1]
    await desk.record(leg.id, LegNews(LegStatus.FAILED, leg.ext_id, 2, reason_code="X"))
    before = await desk.counter.money()
    for _ in range(2):
        await desk.record(leg.id, LegNews(LegStatus.PAID, leg.ext_id, 3))
    assert await desk.counter.money() == before
    assert desk.discrepancies() == ["LATE"]


async def test_late_news_says_nothing(desk: Desk):
    key = await desk.mixed()
    await desk.send(key)
    await desk.settle(key, 1, "PAID")
    await desk.news(key)
    leg = desk.counter.legs(key)[1]
    for stale in (LegStatus.SENT, LegStatus.UNKNOWN, LegStatus.PAID):
        assert await desk.record(leg.id, LegNews(stale, leg.ext_id, 1)) is False
    assert desk.counter.legs(key)[1].status == "PAID"


async def test_a_cancelled_one_is_not_sent(desk: Desk):
    key = await desk.mixed()
    results = await asyncio.gather(
        desk.send(key),
        desk.counter.do(desk.counter.as_client(), lambda w: cancel_withdrawal(w, key)),
        return_exceptions=True,
    )
    status = desk.counter.row(key).status
    if status == "CANCELLED":
        assert results == [None, {"withdrawal": str(key)}]
        assert await desk.counter.money() == (60_000, 0, 30_000)
    else:
        assert status == "SENT"
        assert isinstance(results[1], DomainError)
        assert results[1].code == "WITHDRAWAL_NOT_WAITING"


async def test_a_reference_that_is_none_of_ours(desk: Desk):
    brand = desk.counter.till.brand
    for reference in ("ref_123", new_uuid().hex, ""):
        assert await pull_leg(desk.sending, brand.id, reference) is None
