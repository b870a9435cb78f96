"""While a deposit is disputed nothing more is sent, and what is unknown is searched."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import update

from domain.kernel.ids import new_uuid
from domain.payments.disputes.tables import dispute
from domain.payments.ports import OutcomeUnknown, PspUnavailable
from domain.payments.tables import payment
from domain.payments.values import DisputeStatus, PaymentStatus
from domain.payments.withdrawals.commands.begin_sending import begin_sending
from domain.payments.withdrawals.jobs import poll_legs
from tests.domain.payments.withdrawals.desk import Desk


def _dispute(desk: Desk, deposit: UUID) -> None:
    """The row of an open dispute alone: what opening one does to withdrawals is its own story."""
    till, row = desk.counter.till, desk.counter.row(deposit)
    till.make.insert(
        dispute, till.brand, id=new_uuid(), payment_id=deposit, client_id=row.client_id,
        ib_path="", connection_id=row.connection_id, reference=row.reference, version=1,
        ext_id=f"dp_{deposit.hex}", ext_version=1, status=DisputeStatus.OPEN,
        reason_code="fraudulent", currency=row.currency, amount_minor=row.amount_minor, fee_minor=0,
        held_minor=0, opened_at=datetime.now(UTC),
    )  # fmt: skip
    _put(desk, deposit, PaymentStatus.DISPUTED)


def _close(desk: Desk, deposit: UUID, status: PaymentStatus) -> None:
    till = desk.counter.till
    till.make.run(
        till.brand,
        update(dispute).where(dispute.c.payment_id == deposit).values(closed_at=datetime.now(UTC)),
    )
    _put(desk, deposit, status)


def _put(desk: Desk, deposit: UUID, status: PaymentStatus) -> None:
    till = desk.counter.till
    till.make.run(till.brand, update(payment).where(payment.c.id == deposit).values(status=status))


def _made(superuser, desk: Desk, key: UUID) -> int:
    """How many refunds and payouts the PSP has of a withdrawal."""
    (count,) = superuser.execute(
        "select (select count(*) from sandbox.psp_refund where reference = any(%(all)s))"
        " + (select count(*) from sandbox.psp_payout where reference = any(%(all)s))",
        {"all": [leg.id.hex for leg in desk.counter.legs(key)]},
    ).fetchone()
    return int(count)


async def test_an_approved_one_waits_until_the_dispute_is_over(desk: Desk, superuser):
    key = await desk.mixed()
    deposit = desk.counter.legs(key)[0].deposit_id
    _dispute(desk, deposit)
    for _ in range(2):
        await desk.send(key)
    assert desk.counter.row(key).status == "APPROVED"
    assert [status for *_, status in desk.counter.shown_legs(key)] == ["HELD", "HELD"]
    assert _made(superuser, desk, key) == 0
    assert await desk.counter.money() == (60_000, 50_000, 30_000)
    _close(desk, deposit, PaymentStatus.SETTLED)
    desk.wake(minutes=1)
    assert await poll_legs(desk.database, desk.counter.till.brand.id) == 2
    await desk.send(key)
    assert desk.counter.row(key).status == "SENT"
    assert _made(superuser, desk, key) == 2


async def test_one_of_another_client_is_sent(desk: Desk, superuser):
    other = await desk.card_paid("10.00")
    key = await desk.mixed()
    make, brand = desk.counter.till.make, desk.counter.till.brand
    stranger = make.client(brand)
    _dispute(desk, other)
    make.run(brand, update(dispute).values(client_id=stranger.id))
    await desk.send(key)
    assert _made(superuser, desk, key) == 2


@pytest.mark.parametrize("status", [PaymentStatus.DISPUTED, PaymentStatus.CHARGED_BACK])
async def test_an_unknown_one_is_searched_and_not_sent_again(
    desk: Desk, superuser, status: PaymentStatus
):
    """It was never at the PSP: it waits, and after a day it has failed and its money is free."""
    key = await desk.mixed()
    deposit = desk.counter.legs(key)[0].deposit_id
    await desk.do(lambda work: begin_sending(work, key))
    _dispute(desk, deposit)
    if status is PaymentStatus.CHARGED_BACK:
        _close(desk, deposit, status)
    await desk.send(key)
    refund, payout = desk.counter.legs(key)
    # The loser's other legs go on; only the deposit that was taken back is never paid back.
    is_over = status is PaymentStatus.CHARGED_BACK
    assert (refund.status, payout.status) == ("SENDING", "SENT" if is_over else "SENDING")
    assert _made(superuser, desk, key) == int(is_over)
    assert await desk.counter.money() == (60_000, 50_000, 30_000)
    desk.wake(hours=25)
    await desk.send(key)
    refund = desk.counter.legs(key)[0]
    assert (refund.status, refund.reason_code) == ("FAILED", "DISPUTED")
    assert _made(superuser, desk, key) == int(is_over)
    assert (await desk.counter.money())[1] == (20_000 if is_over else 0)


async def test_what_is_at_the_psp_is_found_all_the_same(desk: Desk, superuser):
    key = await desk.mixed()
    await desk.fail(drop_answer=1)
    with pytest.raises((OutcomeUnknown, PspUnavailable)):
        await desk.send(key)
    await desk.fail()
    _dispute(desk, desk.counter.legs(key)[0].deposit_id)
    await desk.again().send(key)
    assert desk.counter.row(key).status == "SENT"
    assert _made(superuser, desk, key) == 2
    await desk.settle(key, 0, "SUCCEEDED")
    await desk.settle(key, 1, "PAID")
    await desk.news(key)
    assert desk.counter.row(key).status == "PAID"
    deposit = desk.counter.row(desk.counter.legs(key)[0].deposit_id)
    assert (deposit.status, int(deposit.refunded_minor)) == ("DISPUTED", 30_000)
