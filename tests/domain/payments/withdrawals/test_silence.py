"""Nothing is stuck: what nobody took up or speaks of is looked after, and staff are told."""

from typing import Any
from uuid import UUID

import pytest

from domain.payments.ports import OutcomeUnknown, PspUnavailable
from domain.payments.reconciliation.tables import discrepancy
from domain.payments.values import LegStatus
from domain.payments.withdrawals.carry_leg import pull_leg
from domain.payments.withdrawals.commands import take_silent_legs as silent
from domain.payments.withdrawals.commands.begin_sending import begin_sending
from domain.payments.withdrawals.commands.record_leg import LegNews
from domain.payments.withdrawals.commands.take_silent_legs import take_silent_legs
from domain.payments.withdrawals.jobs import poll_legs
from tests.domain.payments.withdrawals.desk import Desk

ASK, SEND = "payments.ask_leg", "payments.send_withdrawal"


async def _taken(desk: Desk) -> list[Any]:
    return [leg.id for leg in await desk.do(take_silent_legs)]


async def _lost(desk: Desk) -> UUID:
    """A withdrawal of two legs that were sent and not answered."""
    key = await desk.mixed()
    await desk.fail(drop_answer=1)
    with pytest.raises((OutcomeUnknown, PspUnavailable)):
        await desk.send(key)
    await desk.fail()
    return key


async def test_silent_legs_are_due_after_a_minute_and_then_ever_more_seldom(desk: Desk):
    key = await _lost(desk)
    legs = [leg.id for leg in desk.counter.legs(key)]
    assert await _taken(desk) == []
    desk.wake(minutes=1)
    assert sorted(await _taken(desk)) == sorted(legs)
    assert await _taken(desk) == []
    desk.wake(minutes=8)
    assert len(await _taken(desk)) == 2
    desk.wake(minutes=2)
    assert await _taken(desk) == []
    desk.wake(hours=24)
    assert len(await _taken(desk)) == 2
    desk.wake(minutes=61)
    assert len(await _taken(desk)) == 2


async def test_being_looked_after_is_no_change_of_a_leg(desk: Desk):
    key = await _lost(desk)
    desk.wake(minutes=1)
    before = [leg.updated_at for leg in desk.counter.legs(key)]
    assert len(await _taken(desk)) == 2
    assert [leg.updated_at for leg in desk.counter.legs(key)] == before


async def test_staff_are_told_when_nobody_knows_and_that_somebody_does(desk: Desk):
    key = await _lost(desk)
    desk.wake(minutes=9)
    await _taken(desk)
    assert desk.discrepancies() == []
    desk.wake(minutes=10)
    await _taken(desk)
    assert desk.discrepancies() == ["OUTCOME_UNKNOWN"] * 2
    await desk.again().send(key)
    assert desk.counter.row(key).status == "SENT"
    rows = desk.counter.till.make.rows(discrepancy, desk.counter.till.brand)
    assert [row.status for row in rows] == ["RESOLVED"] * 2


async def test_a_sent_leg_that_its_psp_forgot_is_for_staff(desk: Desk, superuser):
    """It is not sent again, nothing is given free, and an answer settles it."""
    key = await desk.mixed()
    await desk.send(key)
    leg = desk.counter.legs(key)[1]
    superuser.execute("update sandbox.psp_payout set reference = 'x' where id = %s", [leg.ext_id])
    before = await desk.counter.money()
    for _ in range(2):
        assert await pull_leg(desk.sending, leg.brand_id, leg.id.hex) is False
    assert desk.counter.legs(key)[1].status == "SENT"
    assert await desk.counter.money() == before
    assert desk.discrepancies() == ["OUTCOME_UNKNOWN"]
    superuser.execute(
        "update sandbox.psp_payout set reference = %s where id = %s", [leg.id.hex, leg.ext_id]
    )
    await desk.settle(key, 1, "PAID")
    await desk.news(key)
    (row,) = desk.counter.till.make.rows(discrepancy, desk.counter.till.brand)
    assert row.status == "RESOLVED"


async def test_an_approved_one_that_nobody_took_up_is_sent(desk: Desk, superuser):
    await desk.card_paid("300.00")
    key = await desk.counter.request("100")
    brand = desk.counter.till.brand.id
    assert desk.counter.row(key).status == "APPROVED"
    assert await poll_legs(desk.database, brand) == 0
    desk.wake(minutes=1)
    assert await poll_legs(desk.database, brand) == 1
    assert await poll_legs(desk.database, brand) == 0
    assert desk.jobs(superuser) == [(SEND, str(key))]
    await desk.send(key)
    desk.wake(minutes=1)
    assert await poll_legs(desk.database, brand) == 1
    assert desk.jobs(superuser) == [(ASK, str(desk.counter.legs(key)[0].id)), (SEND, str(key))]
    assert desk.discrepancies() == []


async def test_one_that_waits_for_approval_is_left_alone(desk: Desk):
    await desk.card_paid("5000.00")
    key = await desk.counter.request("4000")
    assert desk.counter.row(key).status == "REQUESTED"
    desk.wake(days=3)
    assert await _taken(desk) == []
    await desk.counter.approve(key)
    assert desk.counter.row(key).status == "APPROVED"
    assert await _taken(desk) == []
    desk.wake(minutes=1)
    assert await _taken(desk) == [desk.counter.legs(key)[0].id]


async def test_many_that_nobody_answers_for_hold_no_other_up(desk: Desk, monkeypatch):
    monkeypatch.setattr(silent, "_AT_ONCE", 2)
    await desk.profit(30_000)
    destination = await desk.counter.destination()
    keys = [await desk.counter.request("20", destination) for _ in range(5)]
    for key in keys:
        await desk.do(lambda work, key=key: begin_sending(work, key))
    desk.wake(minutes=20)
    rounds = [await _taken(desk) for _ in range(4)]
    assert [len(one) for one in rounds] == [2, 2, 1, 0]
    assert {leg for one in rounds for leg in one} == {desk.counter.legs(key)[0].id for key in keys}


@pytest.mark.parametrize("hours", [1, 25], ids=["young", "a-day-old"])
async def test_a_refusal_after_an_open_try_is_believed_a_day_later(desk: Desk, hours: int):
    """The first try may be why it is refused, until the PSP would surely know of it."""
    await desk.counter.deposit(30_000, ext_id="pay_unknown")
    key = await desk.counter.request("100")
    await desk.do(lambda work: begin_sending(work, key))
    desk.wake(hours=hours)
    if hours == 1:
        for _ in range(2):
            with pytest.raises(OutcomeUnknown):
                await desk.send(key)
        assert desk.counter.row(key).status == "UNKNOWN"
        assert await desk.counter.money() == (30_000, 10_000, 30_000)
    else:
        await desk.send(key)
        row = desk.counter.row(key)
        assert (row.status, row.reason_code) == ("FAILED", "UNKNOWN_PAYMENT")
        assert await desk.counter.money() == (30_000, 0, 30_000)


async def test_what_has_ended_is_not_looked_after(desk: Desk):
    key = await desk.mixed()
    await desk.send(key)
    for n, status in enumerate((LegStatus.FAILED, LegStatus.PAID)):
        await desk.record(desk.counter.legs(key)[n].id, LegNews(status, None, 2))
    assert [leg.ask_at for leg in desk.counter.legs(key)] == [None, None]
    desk.wake(days=2)
    assert await _taken(desk) == []
