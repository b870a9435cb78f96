"""Disputes and settlements over a PSP that listens: notices in, files fetched, clearing at zero."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from domain.payments.deposits.commands.cancel_deposit import cancel_deposit
from domain.payments.deposits.jobs import Polls
from domain.payments.disputes import jobs as disputes
from domain.payments.disputes.errors import DepositNotSettled
from domain.payments.disputes.tables import dispute
from domain.payments.psp_values import NoticeKind
from domain.payments.reconciliation.commands.import_settlement import import_settlement
from domain.payments.reconciliation.rounds import pull_settlements
from domain.payments.reconciliation.tables import settlement
from domain.payments.tables import payment
from tenants.context import system_scope
from tenants.tables import brand_state
from tests.domain.payments.deposits.conftest import desk, door, live, psp, queue
from tests.domain.payments.deposits.desk import Desk
from tests.psp import RunningPsp

__all__ = ["desk", "door", "live", "psp", "queue"]
PLAIN, DISPUTING = "4242424242424242", "4000000000000259"


def tomorrow(desk: Desk) -> None:
    """Let the brand's clock be a day ahead, so that today's settlement is complete."""
    ahead = int(timedelta(days=1).total_seconds() * 1_000)
    desk.make.run(
        desk.brand,
        update(brand_state)
        .where(brand_state.c.brand_id == desk.brand.id)
        .values(clock_offset_ms=ahead),
    )


async def paid(live: Desk, psp: RunningPsp, instrument: str) -> str:
    one = await live.create()
    await live.work()
    psp_id: str = live.payment(one).ext_id
    await psp.controls.pay(psp_id, instrument=instrument)
    return psp_id


def stands(live: Desk) -> list[str]:
    return [row.status for row in live.make.rows(dispute, live.brand)]


def settled(live: Desk) -> list[Any]:
    return [row for row in live.make.rows(payment, live.brand) if row.status == "SETTLED"]


def refunded(live: Desk) -> int:
    return sum(int(row.taken_back_minor) for row in live.make.rows(payment, live.brand))


async def reached(live: Desk, condition: Callable[[], bool]) -> None:
    """Work until it is so. A dispute may be told before its deposit: that job is tried again."""
    waiting: list[tuple[str, Mapping[str, Any]]] = []
    for _ in range(400):
        await live.consume()
        due, waiting = [*waiting, *live.queued()], []
        for name, args in due:
            try:
                await live.handle(name, args)
            except DepositNotSettled:
                waiting.append((name, args))
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never came to that")


async def pull(live: Desk) -> int:
    return await pull_settlements(live.worker, live.connected, live.brand.id)


@pytest.mark.parametrize("outcome", ["WON", "LOST"])
async def test_a_day_at_the_psp_is_booked_and_clears_to_zero(
    live: Desk, psp: RunningPsp, outcome: str
) -> None:
    live.handlers[NoticeKind.DISPUTE] = disputes.handle_notice
    plain = await paid(live, psp, PLAIN)
    await paid(live, psp, DISPUTING)
    await reached(live, lambda: stands(live) == ["OPEN"] and len(settled(live)) == 1)
    (row,) = live.make.rows(dispute, live.brand)
    assert row.held_minor == 100_00
    assert await live.books() == {
        "CLIENT_WALLET EUR": 200_00,
        "CHARGEBACK_RECEIVABLE EUR": -100_00,
        "PSP_CLEARING EUR": -200_00 + 100_00 + 15_00,
        "PSP_FEES EUR": -15_00,
    }
    await psp.controls.close_dispute(row.ext_id, outcome=outcome)
    await psp.controls.refund(plain, amount="30.00")
    await reached(live, lambda: stands(live) == [outcome] and refunded(live) == 30_00)
    tomorrow(live)
    assert await pull(live) == 1
    books = await live.books()
    fees = books["PSP_FEES EUR"]
    kept = 170_00 if outcome == "WON" else 70_00
    assert "PSP_CLEARING EUR" not in books
    assert books == {
        "CLIENT_WALLET EUR": kept,
        "PSP_FEES EUR": fees,
        "BANK EUR": -kept - fees,
    }
    assert live.discrepancies() == []
    assert await pull(live) == 0
    assert [one.differing for one in live.make.rows(settlement, live.brand)] == [0]


async def test_what_was_paid_of_a_deposit_given_up_unheard_is_credited_once_it_is_settled(
    live: Desk, psp: RunningPsp
) -> None:
    """Nobody asks about a deposit that the client called off, and the notice of its money is lost:
    the settlement names it, staff are told, and the next round asks."""
    one = await live.create()
    await live.work()
    scope = system_scope(live.brand.id)
    await live.database.write(scope, lambda work: cancel_deposit(work, one))
    await psp.controls.faults(delay_notices_ms=[600_000, 600_000])
    await psp.controls.pay(live.payment(one).ext_id, instrument=PLAIN)
    live.age(one, timedelta(days=1))
    assert await live.poll() == 0
    tomorrow(live)
    assert await pull(live) == 1
    assert live.discrepancies() == [("OUTCOME_UNKNOWN", "OPEN", 100_00, None, "EUR")]
    assert await live.poll() == 1
    assert await live.poll() == 0, "not again at once"
    await live.work()
    assert live.discrepancies() == [
        ("LATE", "OPEN", None, 100_00, "EUR"),
        ("OUTCOME_UNKNOWN", "RESOLVED", 100_00, None, "EUR"),
    ]
    books = await live.books()
    assert (books["CLIENT_WALLET EUR"], "PSP_CLEARING EUR" in books) == (100_00, False)
    live.polls = Polls()
    assert await live.poll() == 0


async def test_a_deposit_given_up_that_its_psp_has_no_money_for_stays_told(
    live: Desk, psp: RunningPsp
) -> None:
    one = await live.create()
    await live.work()
    scope = system_scope(live.brand.id)
    await live.database.write(scope, lambda work: cancel_deposit(work, one))
    day = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    content = (
        "settlement_id,date,type,psp_id,reference,currency,gross,fee,net\r\n"
        f"st_1,{day},payment,{live.payment(one).ext_id},{one.hex},EUR,100.00,0.00,100.00\r\n"
    )
    await live.database.write(
        scope,
        lambda work: import_settlement(work, live.connection_id, name="x", content=content),
    )
    live.age(one, timedelta(days=1))
    assert await live.poll() == 1
    await live.work()
    assert live.discrepancies() == [("OUTCOME_UNKNOWN", "OPEN", 100_00, None, "EUR")]
    assert live.payment(one).status == "CANCELLED"
