"""Legs on the real wire of the PSP: paid once, whatever is lost, late, failed or returned."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from domain.events.consumers import consume
from domain.kernel.errors import DomainError
from domain.kernel.ids import new_uuid
from domain.kernel.money import Money
from domain.outbound.client import Patience
from domain.payments.adapters.sandbox import SandboxPsp
from domain.payments.ledger.values import LedgerAccountKind
from domain.payments.ports import OutcomeUnknown, PspUnavailable
from domain.payments.psp_values import PaymentRequest
from domain.payments.reconciliation.tables import discrepancy
from domain.payments.values import LegStatus, MethodKind
from domain.payments.withdrawals.carry_leg import Sending, carry_leg, pull_leg
from domain.payments.withdrawals.commands.begin_sending import begin_sending
from domain.payments.withdrawals.commands.cancel_withdrawal import cancel_withdrawal
from domain.payments.withdrawals.commands.change_destination import change_destination
from domain.payments.withdrawals.commands.record_leg import LegNews, record_leg
from domain.payments.withdrawals.commands.take_silent_legs import Silence, take_silent_legs
from domain.payments.withdrawals.jobs import APPROVED, send_legs
from tenants.context import system_scope
from tenants.work import Database
from tests.domain.payments.withdrawals.counter import VAULT, Counter
from tests.psp import RunningPsp, running_psp

WAITS = {"auto": {"payouts": None, "refunds": None}}
SHORT = Patience(call_s=3, connect_s=2, tries=1, pause_s=0.01)


@dataclass
class Desk:
    """The worker's side of a counter, over a PSP that listens."""

    counter: Counter
    running: RunningPsp
    psp: SandboxPsp
    database: Database

    @property
    def sending(self) -> Sending:
        return Sending(self.database, lambda _: self.psp, VAULT)

    async def card_paid(self, amount: str, method: UUID | None = None) -> UUID:
        """A deposit that is paid at the PSP and credited to the client."""
        money = Money(int(amount.replace(".", "")), "USD")
        made = await self.psp.create_payment(
            PaymentRequest(new_uuid().hex, money, MethodKind.CARD, "https://brand.example/back"),
            key=new_uuid().hex,
        )
        await self.running.controls.pay(made.id)
        return await self.counter.deposit(money.amount_minor, method, ext_id=made.id)

    async def profit(self, amount: int) -> None:
        till = self.counter.till
        result = till.house(LedgerAccountKind.TRADING_RESULT)
        await till.move(result, till.wallet(self.counter.client), amount)

    async def mixed(self) -> UUID:
        """An approved withdrawal of 500.00: 300.00 back to the card, 200.00 to the bank."""
        await self.card_paid("300.00")
        await self.profit(30_000)
        return await self.counter.request("500", await self.counter.destination())

    async def send(self, key: UUID) -> None:
        await send_legs(self.sending, self.counter.till.brand.id, key)

    async def news(self, key: UUID) -> None:
        """What the job behind each notice does, twice: notices come again."""
        for leg in self.counter.legs(key) * 2:
            await pull_leg(self.sending, leg.brand_id, leg.id.hex)

    async def settle(self, key: UUID, n: int, status: str) -> None:
        """The PSP decides the n-th leg."""
        leg = self.counter.legs(key)[n]
        if leg.kind == "REFUND":
            await self.running.controls.settle_refund(leg.ext_id, status=status)
        else:
            await self.running.controls.settle_payout(leg.ext_id, status=status)

    def discrepancies(self) -> list[str]:
        return [r.kind for r in self.counter.till.make.rows(discrepancy, self.counter.till.brand)]


@pytest_asyncio.fixture(scope="module")
async def running(endpoints) -> AsyncIterator[RunningPsp]:
    async with running_psp(endpoints, faults=WAITS) as psp:
        yield psp


@pytest_asyncio.fixture
async def desk(counter: Counter, running: RunningPsp, worker_database) -> AsyncIterator[Desk]:
    key = new_uuid().hex
    await running.controls.faults(**WAITS)
    await running.controls.put_merchant(
        f"m{key[-12:]}", api_key=key, notice_url="http://127.0.0.1:9/", notice_secrets=[key],
        currencies=["USD"],
    )  # fmt: skip
    psp = SandboxPsp(running.url, api_key=key, patience=SHORT)
    yield Desk(counter, running, psp, worker_database)
    await psp.aclose()


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
    await desk.running.controls.faults(**WAITS, drop_answer=1, forget_keys=forgets)
    with pytest.raises((OutcomeUnknown, PspUnavailable)):
        await desk.send(key)
    assert desk.counter.row(key).status == "UNKNOWN"
    assert {leg.status for leg in desk.counter.legs(key)} == {"UNKNOWN"}
    assert await desk.counter.money() == (60_000, 50_000, 30_000)
    await desk.running.controls.faults(**WAITS, forget_keys=forgets)
    desk = replace(desk, psp=SandboxPsp(desk.running.url, api_key=_key(desk), patience=SHORT))
    await desk.send(key)
    assert desk.counter.row(key).status == "SENT"
    for n, status in enumerate(("SUCCEEDED", "PAID")):
        await desk.settle(key, n, status)
    await desk.news(key)
    assert desk.counter.row(key).status == "PAID"
    assert await desk.counter.money() == (10_000, 0, -20_000)
    await desk.psp.aclose()


def _key(desk: Desk) -> str:
    token: str = desk.psp._out._client.headers["Authorization"]
    return token.removeprefix("Bearer ")


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
    await desk.running.controls.faults(**WAITS, drop_answer=1, forget_keys=forgets)
    with pytest.raises((OutcomeUnknown, PspUnavailable)):
        await desk.send(key)
    await desk.running.controls.faults(**WAITS, refuse_reads=1, forget_keys=forgets)
    asked = replace(desk, psp=SandboxPsp(desk.running.url, api_key=_key(desk), patience=SHORT))
    for n in range(6):
        with pytest.raises((OutcomeUnknown, PspUnavailable)):
            await asked.send(key)
        leg = desk.counter.legs(key)[n % 2]
        with pytest.raises((OutcomeUnknown, PspUnavailable)):
            await pull_leg(asked.sending, leg.brand_id, leg.id.hex)
    assert desk.counter.row(key).status == "UNKNOWN"
    assert await desk.counter.money() == (60_000, 50_000, 30_000)
    await desk.running.controls.faults(**WAITS, forget_keys=forgets)
    await asked.send(key)
    for n, status in enumerate(("SUCCEEDED", "PAID")):
        await desk.settle(key, n, status)
    await desk.running.controls.faults(**WAITS, refuse_reads=1)
    for leg in desk.counter.legs(key):
        with pytest.raises(PspUnavailable):
            await pull_leg(asked.sending, leg.brand_id, leg.id.hex)
    await desk.running.controls.faults(**WAITS)
    await asked.news(key)
    await asked.psp.aclose()
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
        await _record(desk, leg.id, news)
    await desk.settle(key, 0, "SUCCEEDED")
    await desk.news(key)
    assert desk.counter.row(key).status == "PARTLY_PAID"
    assert await desk.counter.money() == (15_000, 0, -15_000)
    assert desk.discrepancies() == ["AMOUNT_DIFFERS"]


async def test_paid_after_all_is_for_staff_and_moves_nothing(desk: Desk):
    key = await desk.mixed()
    await desk.send(key)
    leg = desk.counter.legs(key)[1]
    await _record(desk, leg.id, LegNews(LegStatus.FAILED, leg.ext_id, 2, reason_code="X"))
    before = await desk.counter.money()
    for _ in range(2):
        await _record(desk, leg.id, LegNews(LegStatus.PAID, leg.ext_id, 3))
    assert await desk.counter.money() == before
    assert desk.discrepancies() == ["LATE"]


async def test_late_news_says_nothing(desk: Desk):
    key = await desk.mixed()
    await desk.send(key)
    await desk.settle(key, 1, "PAID")
    await desk.news(key)
    leg = desk.counter.legs(key)[1]
    for stale in (LegStatus.SENT, LegStatus.UNKNOWN, LegStatus.PAID):
        assert await _record(desk, leg.id, LegNews(stale, leg.ext_id, 1)) is False
    assert desk.counter.legs(key)[1].status == "PAID"


async def test_silent_legs_are_asked_about_and_staff_told_when_nobody_knows(desk: Desk):
    key = await desk.mixed()
    await desk.running.controls.faults(**WAITS, drop_answer=1)
    with pytest.raises((OutcomeUnknown, PspUnavailable)):
        await desk.send(key)
    assert await _do(desk, lambda w: take_silent_legs(w, Silence())) == []
    at_once = Silence(ask_after=timedelta(0), tell_after=timedelta(hours=1))
    assert len(await _do(desk, lambda w: take_silent_legs(w, at_once))) == 2
    assert desk.discrepancies() == []
    told = Silence(ask_after=timedelta(0), tell_after=timedelta(0))
    for _ in range(2):
        await _do(desk, lambda w: take_silent_legs(w, told))
    assert desk.discrepancies() == ["OUTCOME_UNKNOWN"] * 2


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


async def _record(desk: Desk, leg_id: UUID, news: LegNews) -> bool:
    return await _do(desk, lambda w: record_leg(w, leg_id, news))


async def _do(desk: Desk, command: Callable[[Any], Awaitable[Any]]) -> Any:
    return (await desk.database.write(system_scope(desk.counter.till.brand.id), command)).value
