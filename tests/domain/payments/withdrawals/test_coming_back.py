"""Money that was paid and is back: in the wallet once, and the deposit knows it."""

from typing import Any

import pytest
from sqlalchemy import update

from domain.kernel.money import Money
from domain.payments.tables import payment
from domain.payments.values import LegStatus
from domain.payments.withdrawals.commands.begin_sending import begin_sending
from domain.payments.withdrawals.commands.record_leg import LegNews
from tests.domain.payments.withdrawals.desk import Desk

PULL = "payments.pull_deposit_again"


async def _paid(desk: Desk) -> Any:
    """300.00 back to the card and 200.00 to the bank, both paid."""
    key = await desk.mixed()
    await desk.send(key)
    await desk.settle(key, 0, "SUCCEEDED")
    await desk.settle(key, 1, "PAID")
    await desk.news(key)
    assert await desk.counter.money() == (10_000, 0, -20_000)
    return key


async def test_a_payout_that_fails_after_it_was_paid_came_back(desk: Desk):
    key = await _paid(desk)
    await desk.settle(key, 1, "FAILED")
    await desk.news(key)
    row, leg = desk.counter.row(key), desk.counter.legs(key)[1]
    assert (leg.status, leg.reason_code, int(leg.paid_minor)) == (
        "RETURNED", "PAYOUT_REJECTED", 20_000,
    )  # fmt: skip
    assert (row.status, row.reason_code) == ("PARTLY_PAID", "PAYOUT_REJECTED")
    assert await desk.counter.money() == (30_000, 0, 0)
    assert desk.counter.told()[-2:] == ["withdrawal_paid", "withdrawal_partly_paid"]
    assert desk.counter.open_holds() == []
    assert desk.discrepancies() == []


async def test_a_refund_that_fails_after_it_succeeded_came_back(desk: Desk, superuser):
    """The deposit can be given back once more, and its PSP is asked what it says."""
    key = await _paid(desk)
    deposit = desk.counter.legs(key)[0].deposit_id
    assert desk.counter.row(deposit).status == "REFUNDED"
    assert (PULL, str(deposit)) not in desk.jobs(superuser)
    await desk.settle(key, 0, "FAILED")
    await desk.news(key)
    assert desk.counter.legs(key)[0].status == "RETURNED"
    assert await desk.counter.money() == (40_000, 0, 10_000)
    found = desk.counter.row(deposit)
    assert (found.status, int(found.refunded_minor)) == ("SETTLED", 0)
    assert desk.jobs(superuser).count((PULL, str(deposit))) == 1
    await desk.settle(key, 1, "FAILED")
    await desk.news(key)
    assert desk.counter.row(key).status == "RETURNED"
    assert await desk.counter.money() == (60_000, 0, 30_000)


@pytest.mark.parametrize(
    ("said", "left"), [(30_000, 0), (0, 0), (40_000, 10_000)],
    ids=["not-told-yet", "told-before", "the-psp-gave-back-more"],
)  # fmt: skip
async def test_what_came_back_is_counted_once(desk: Desk, said: int, left: int):
    """Whatever the PSP's state of the deposit said before the leg did."""
    deposit = await desk.counter.deposit(50_000)
    key = await desk.counter.request("300")
    leg = desk.counter.legs(key)[0]
    await desk.do(lambda work: begin_sending(work, key))
    await desk.record(leg.id, LegNews(LegStatus.PAID, "ref_1", 2))
    desk.counter.till.make.run(
        desk.counter.till.brand,
        update(payment).where(payment.c.id == deposit).values(refunded_minor=said),
    )
    await desk.record(leg.id, LegNews(LegStatus.FAILED, "ref_1", 3))
    assert int(desk.counter.row(deposit).refunded_minor) == left


async def test_an_older_answer_takes_nothing_back(desk: Desk):
    """The PSP said FAILED, then PAID, and the first answer was slower."""
    key = await _paid(desk)
    leg = desk.counter.legs(key)[1]
    assert leg.ext_version == 2
    before = await desk.counter.money()
    assert await desk.record(leg.id, LegNews(LegStatus.FAILED, leg.ext_id, 1)) is False
    assert desk.counter.legs(key)[1].status == "PAID"
    assert await desk.counter.money() == before
    assert desk.discrepancies() == []


async def test_paid_again_after_it_came_back_is_for_staff(desk: Desk):
    key = await _paid(desk)
    leg = desk.counter.legs(key)[1]
    await desk.record(leg.id, LegNews(LegStatus.RETURNED, leg.ext_id, 3))
    before = await desk.counter.money()
    stale = LegNews(LegStatus.PAID, leg.ext_id, 2)
    assert await desk.record(leg.id, stale) is False
    assert desk.discrepancies() == []
    for _ in range(2):
        assert await desk.record(leg.id, LegNews(LegStatus.PAID, leg.ext_id, 4)) is False
    assert await desk.counter.money() == before
    assert desk.discrepancies() == ["LATE"]


@pytest.mark.parametrize(
    ("status", "paid"),
    [(LegStatus.FAILED, None), (LegStatus.PAID, Money(20_000, "USD"))],
    ids=["failed", "short"],
)
async def test_a_refund_that_was_not_paid_in_full_has_its_deposit_pulled(
    desk: Desk, superuser, status: LegStatus, paid: Money | None
):
    """What the PSP had given back by itself meanwhile looked like our refund."""
    key = await desk.mixed()
    await desk.send(key)
    refund, payout = desk.counter.legs(key)
    await desk.record(refund.id, LegNews(status, refund.ext_id, 2, paid))
    assert desk.jobs(superuser).count((PULL, str(refund.deposit_id))) == 1
    await desk.record(payout.id, LegNews(LegStatus.FAILED, payout.ext_id, 2))
    assert [name for name, _ in desk.jobs(superuser)].count(PULL) == 1
