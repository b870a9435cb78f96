"""Phases of days gone by: taken over with their orders, judged by deals and lows to the tick."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from domain.accounts.commands.record_deals import AccountRow, record_deals
from domain.accounts.tables import trading_account
from domain.accounts.trading import Deal, DealReason
from domain.accounts.values import AccountKind, DealEntry, Side
from domain.challenges.commands.import_challenges import (
    ChallengeRecord,
    PhaseRecord,
    import_challenges,
    import_phases,
)
from domain.challenges.commands.judge_history import Ended, judge_histories
from domain.challenges.history import Judged, Low, judge_history
from domain.challenges.lifecycle import PriceSeen
from domain.challenges.purchase_rules import priced
from domain.challenges.queries import list_sold, list_taxes
from domain.challenges.replaying import judge_again, replay_phases
from domain.challenges.rules import begin
from domain.challenges.snapshot import dump_event, dump_verdict
from domain.challenges.tables import breach, challenge, challenge_order, challenge_phase
from domain.challenges.values import Dealt, FloorBroken, PhasePassed
from domain.kernel.ids import new_uuid
from domain.kernel.money import Money
from domain.payments.commands.import_payments import PaymentRecord, Till, import_payments
from domain.payments.ledger.verify import verify
from domain.payments.values import PaymentKind
from tenants.context import system_scope
from tenants.work import WriteWork
from tests.domain.challenges.firm import RULES, Firm

THEN = datetime(2026, 6, 1, 8, 5, tzinfo=UTC)
START = 100_000
POSITION = {
    "ticket": "7", "symbol": "EURUSD", "side": "BUY", "lots": "5.00", "open_price": "1.08500"
}  # fmt: skip


def low(hours: float, balance: int, equity: int) -> Low:
    at = THEN + timedelta(hours=hours)
    price = PriceSeen("EURUSD", "1.07500", "1.07510", at, at, "RECORDED")
    return Low(at, balance * 100, equity * 100, POSITION, price)


def dealt(n: int, hours: float, entry: DealEntry, balance: int) -> Dealt:
    at = THEN + timedelta(hours=hours)
    return Dealt(n, at, entry, "7", Decimal(5), balance * 100)


def judged(deals: Sequence[Dealt], lows: Sequence[Low], *, hours: float = 72) -> Judged:
    state = begin(RULES, start_minor=START * 100, at=THEN)
    return judge_history(RULES, state, deals, lows, until=THEN + timedelta(hours=hours))


def test_a_floor_is_broken_at_the_low_that_is_below_it_and_not_at_a_later_one() -> None:
    lows = [low(2, START, 96_000), low(3, START, 94_999), low(4, START, 94_000)]
    deals = [dealt(1, 1, DealEntry.IN, START), dealt(2, 5, DealEntry.OUT, 94_500)]
    found = judged(deals, lows)
    (broken,) = [one for _, verdicts in found.kept for one in verdicts]
    assert isinstance(broken, FloorBroken)
    assert (broken.at, broken.equity_minor) == (lows[1].at, 94_999_00)
    assert found.broken_by is lows[1]


def test_without_its_low_the_same_day_breaks_nothing() -> None:
    deals = [dealt(1, 1, DealEntry.IN, START), dealt(2, 5, DealEntry.OUT, START)]
    assert judged(deals, [low(3, START, 94_999)]).broken_by is not None
    found = judged(deals, [low(3, START, 95_000)])
    assert (found.broken_by, found.state.is_over) == (None, False)


def test_a_phase_passes_when_the_last_position_is_closed() -> None:
    deals = [dealt(1, 1, DealEntry.IN, START), dealt(2, 5, DealEntry.OUT, 110_000)]
    found = judged(deals, [low(2, START, 99_000)])
    (passed,) = [one for _, verdicts in found.kept for one in verdicts]
    assert isinstance(passed, PhasePassed)
    assert passed.at == deals[1].at


def test_days_begin_up_to_the_instant_asked_for_and_nothing_is_counted_twice() -> None:
    deals = [dealt(1, 1, DealEntry.IN, START), dealt(2, 5, DealEntry.OUT, 101_000)]
    found = judged(deals, [low(2, START, 99_000)])
    days = [one for _, verdicts in found.kept for one in verdicts]
    assert [type(one).__name__ for one in days] == ["DayBegan"] * 3
    until = THEN + timedelta(hours=72)
    again = judge_history(RULES, found.state, deals, [low(2, START, 99_000)], until=until)
    assert (again.kept, again.state) == ((), found.state)


def test_what_is_kept_of_a_history_replays_the_same() -> None:
    lows = [low(2, START, 97_000), low(27, 101_000, 95_999)]
    deals = [
        dealt(1, 1, DealEntry.IN, START), dealt(2, 5, DealEntry.OUT, 101_000),
        dealt(3, 26, DealEntry.IN, 101_000), dealt(4, 28, DealEntry.OUT, 95_500),
    ]  # fmt: skip
    found = judged(deals, lows)
    assert found.broken_by is lows[1]
    rows = [
        SimpleNamespace(
            n=n, event=dump_event(event), verdicts=[dump_verdict(one) for one in verdicts]
        )
        for n, (event, verdicts) in enumerate(found.kept, 1)
    ]
    state = begin(RULES, start_minor=START * 100, at=THEN)
    done = judge_again(UUID(int=1), RULES, state, rows)
    assert (done.differences, done.verdicts) == ((), 2)


# In the database -------------------------------------------------------------------------------


class Book:
    """Challenges of another firm, taken over here."""

    def __init__(self, firm: Firm) -> None:
        self.firm, self.desk = firm, firm.desk
        self.order_id, self.phase_id, self.payment_id = new_uuid(), new_uuid(), new_uuid()

    async def take_over(self) -> None:
        """The payment, then what it bought, then the account of the first phase."""
        client = self.desk.client

        async def pay(work: WriteWork) -> None:
            till = Till(self.desk.method_id, self.desk.connection_id)
            await import_payments(work, [PaymentRecord(
                self.payment_id, PaymentKind.DEPOSIT, client.id, (await self._price(work)).total,
                till, "pi_old", "•••• 4242", at=THEN, purchase_id=self.order_id,
            )])  # fmt: skip

        async def buy(work: WriteWork) -> None:
            sold = await list_sold(work)
            await import_challenges(work, [ChallengeRecord(
                self.order_id, self.phase_id, client.id, sold["two-step-100k"],
                await self._price(work), self.payment_id, THEN,
            )])  # fmt: skip

        await self.firm.write(pay)
        await self.firm.write(buy)
        await self.begin(self.phase_id, THEN)

    async def _price(self, work: WriteWork) -> Any:
        return priced(Money(500_00, "USD"), await list_taxes(work), "CY")

    async def begin(self, phase_id: UUID, at: datetime) -> Any:
        record = PhaseRecord(phase_id, new_uuid(), at)
        await self.firm.write(lambda work: import_phases(work, [record]))
        return self.firm.phase(phase_id)

    async def deal(self, phase: Any, n: int, hours: float, entry: DealEntry, balance: int) -> None:
        one = Deal(
            deal_id=f"{phase.login}{n}", cursor=str(n), login=phase.login,
            at=THEN + timedelta(hours=hours), symbol="EURUSD", side=Side.BUY, entry=entry,
            lots=Decimal(5), price=Decimal("1.085"), profit=Decimal(0), swap=Decimal(0),
            commission=Decimal(0), amount=Decimal(0), balance_after=Decimal(balance),
            position_id="7", order_id=None, op_id=None, comment="", kind=None,
            reason=DealReason.REQUEST,
        )  # fmt: skip
        row = AccountRow(
            phase.account_id, phase.login, phase.client_id, "", "USD", AccountKind.EVALUATION
        )
        server = self.desk.brand.server_id
        await self.desk.worker.write(
            system_scope(self.desk.brand.id),
            lambda work: record_deals(work, server, {phase.login: row}, [one], {}),
        )

    async def judge(self, lows: dict[int, list[Low]], hours: float) -> list[Ended]:
        until = THEN + timedelta(hours=hours)
        done = await self.desk.worker.write(
            system_scope(self.desk.brand.id),
            lambda work: judge_histories(work, lows, until=until),
        )
        return done.value

    def rows(self, table: Any) -> list[Any]:
        return self.firm.rows(table)

    async def is_clean(self) -> bool:
        return (await verify(self.desk.worker, self.desk.brand.id)).findings == ()


@pytest.fixture
def book(firm: Firm) -> Book:
    return Book(firm)


async def test_a_challenge_is_there_as_it_was_bought_and_the_books_hold(book: Book) -> None:
    await book.take_over()
    (order,), (whole,) = book.rows(challenge_order), book.rows(challenge)
    assert (order.status, order.reference, order.paid_at) == ("PAID", "P-100001", THEN)
    assert (order.net_minor, order.tax_minor, order.payment_id) == (50000, 9500, book.payment_id)
    assert (whole.status, whole.reference, whole.created_at) == ("ACTIVE", "E-100001", THEN)
    phase = book.firm.phase(book.phase_id)
    assert (phase.status, phase.started_at, phase.number) == ("ACTIVE", THEN, 1)
    assert whole.current_phase_id == phase.id
    account = next(one for one in book.rows(trading_account) if one.id == phase.account_id)
    assert (account.kind, account.status, account.created_at) == ("EVALUATION", "ACTIVE", THEN)
    assert book.firm.events()[-3:] == ["order_paid", "challenge_started", "phase_started"]
    assert await book.is_clean()
    # What reacts to the same events when they are new finds all of it done.
    await book.firm.react()
    assert len(book.rows(challenge)) == len(book.rows(challenge_phase)) == 1
    assert await book.is_clean()


async def test_a_breach_has_its_evidence_and_the_account_is_closed_since(book: Book) -> None:
    await book.take_over()
    phase = book.firm.phase(book.phase_id)
    await book.deal(phase, 1, 1, DealEntry.IN, START)
    await book.deal(phase, 2, 3.5, DealEntry.OUT, 94_500)
    broken = low(3, START, 94_400)
    (ended,) = await book.judge({phase.login: [low(2, START, 99_000), broken]}, 12)
    assert (ended.phase_id, ended.login) == (phase.id, phase.login)
    (evidence,) = book.rows(breach)
    assert (evidence.rule, evidence.at, evidence.source) == ("DAILY_LOSS", broken.at, "POLL")
    assert (evidence.equity_minor, evidence.floor_minor) == (94_400_00, 95_000_00)
    assert evidence.positions == [POSITION]
    assert [one["bid"] for one in evidence.prices] == ["1.07500"]
    closed = THEN + timedelta(hours=3.5)
    assert (evidence.verified_at, evidence.disabled_at) == (closed, closed)
    after = book.firm.phase(phase.id)
    assert (after.status, after.closing, after.ended_at) == ("FAILED", "DISABLED", broken.at)
    assert book.rows(challenge)[0].status == "FAILED"
    account = next(one for one in book.rows(trading_account) if one.id == phase.account_id)
    assert account.access == "NO_TRADING"
    (done,) = await replay_phases(book.desk.worker, book.desk.brand.id)
    assert (done.differences, done.verdicts) == ((), 1)
    assert await book.judge({}, 24) == []


async def test_who_passes_waits_for_an_account_and_goes_on(book: Book) -> None:
    await book.take_over()
    phase = book.firm.phase(book.phase_id)
    await book.deal(phase, 1, 1, DealEntry.IN, START)
    await book.deal(phase, 2, 3, DealEntry.OUT, 110_000)
    (ended,) = await book.judge({}, 12)
    assert ended.phase_id == phase.id
    second = next(one for one in book.rows(challenge_phase) if one.number == 2)
    assert (second.status, second.account_id) == ("PENDING_ACCOUNT", None)
    begun = await book.begin(second.id, THEN + timedelta(days=1))
    assert begun.started_at == THEN + timedelta(days=1)
    assert await book.judge({}, 60) == []
    assert book.firm.recorded(second.id)[-1] == ("TimePassed", ["DayBegan"])
    assert not any(one.differences for one in await replay_phases(
        book.desk.worker, book.desk.brand.id))  # fmt: skip
