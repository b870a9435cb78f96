"""The sink behind the stream: the very tick, one account alone, days without ticks, restarts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from domain.accounts.commands.record_deals import AccountRow, record_deals
from domain.accounts.tables import account_state, position
from domain.accounts.trading import BalanceKind, Deal, DealReason
from domain.accounts.values import AccountKind, DealEntry, Side
from domain.challenges.engine import RESET_GRACE, Engine
from domain.challenges.lifecycle import Breaker
from domain.challenges.snapshot import load_state
from domain.challenges.tables import challenge, challenge_phase, liquidation_breaker
from domain.challenges.values import (
    DailyLoss,
    DayCount,
    MaxLoss,
    MaxLossKind,
    MinDays,
    RuleSet,
    Severity,
)
from tenants.context import system_scope
from tests.domain.challenges.firm import RULES, Firm, quote, tick
from tests.domain.challenges.steps import amount, percent
from tests.domain.payments.deposits.desk import Desk


async def watching(firm: Firm, **more: Any) -> Engine:
    made = firm.engine(**more)
    await made.round()
    return made


async def see(engine: Engine, firm: Firm, *states: Any, quotes: Any = (), dealt: Any = ()) -> None:
    await engine.observe(firm.desk.brand.server_id, states, quotes, dealt=frozenset(dealt))


async def test_a_breach_is_of_its_very_tick_and_of_its_account_alone(firm: Firm) -> None:
    one = await firm.trade()
    other = await firm.trade(firm.desk.make.client(firm.desk.brand))
    engine = await watching(firm)
    ticks = [
        tick(one, 100_000, 95_100, after=1),
        tick(other, 100_000, 95_001, after=1),
        tick(one, 100_000, 94_999, after=2),
        tick(one, 100_000, 99_000, after=3),  # in the same batch, and too late
        tick(other, 100_000, 95_000, after=3),  # equal is not below
    ]
    await see(engine, firm, *ticks)
    broken, whole = firm.phase(one.id), firm.phase(other.id)
    assert (broken.status, broken.closing) == ("LIQUIDATING", "WAITING")
    assert (whole.status, whole.closing) == ("ACTIVE", None)
    (breach,) = firm.breaches()
    assert (breach.phase_id, breach.rule, breach.zone) == (one.id, "DAILY_LOSS", "Europe/Prague")
    assert (breach.floor_minor, breach.equity_minor) == (95_000_00, 94_999_00)
    assert (breach.seen_at, breach.at) == (ticks[2].as_of, ticks[2].as_of)
    assert breach.source == "STREAM"
    assert firm.recorded(one.id) == [("EquitySampled", []), ("EquitySampled", ["FloorBroken"])]
    assert firm.recorded(other.id) == []
    assert engine.watched & {one.id, other.id} == {other.id}


async def test_evidence_holds_what_was_open_and_the_prices_of_that_tick(firm: Firm) -> None:
    phase = await firm.trade()
    firm.desk.make.insert(
        position, firm.desk.brand, id=phase.id, account_id=phase.account_id,
        client_id=phase.client_id, ib_path="", ext_id="77", symbol="EURUSD", side="BUY",
        lots=Decimal(10), open_price=Decimal("1.0850"), price=Decimal("1.0850"), currency="USD",
        swap_minor=0, floating_minor=0, opened_at=phase.started_at, as_of=phase.started_at,
    )  # fmt: skip
    engine = await watching(firm)
    at = phase.started_at + timedelta(seconds=1)
    quotes = [quote("EURUSD", "1.0790", "1.0791", at), quote("USDJPY", "151.1", "151.2", at)]
    await see(engine, firm, tick(phase, 100_000, 94_000), quotes=quotes)
    (breach,) = firm.breaches()
    assert breach.prices == [
        {"symbol": "EURUSD", "bid": "1.0790", "ask": "1.0791", "source": "RECORDED",
         "at": at.isoformat(), "recorded_at": at.isoformat()},
    ]  # fmt: skip
    assert breach.positions == [
        {"ticket": "77", "symbol": "EURUSD", "side": "BUY", "lots": "10", "open_price": "1.085"},
    ]


async def test_a_phase_that_nobody_knew_of_is_judged_from_its_first_tick(firm: Firm) -> None:
    """It broke its floor and recovered within the second in which the engine had not met it."""
    engine = await watching(firm)
    phase = await firm.trade()
    other = await firm.trade(firm.desk.make.client(firm.desk.brand))
    firm.desk.make.insert(
        position, firm.desk.brand, id=phase.id, account_id=phase.account_id,
        client_id=phase.client_id, ib_path="", ext_id="77", symbol="EURUSD", side="BUY",
        lots=Decimal(10), open_price=Decimal("1.0850"), price=Decimal("1.0850"), currency="USD",
        swap_minor=0, floating_minor=0, opened_at=phase.started_at, as_of=phase.started_at,
    )  # fmt: skip
    at = phase.started_at
    before = [tick(other, 100_000, 10, after=-1), tick(phase, 100_000, 96_000, after=0.2)]
    await see(engine, firm, *before, quotes=[quote("EURUSD", "1.08", "1.0801", at)])
    broken = tick(phase, 100_000, 94_999, after=0.3)
    await see(engine, firm, broken, quotes=[quote("EURUSD", "1.0750", "1.0751", broken.as_of)])
    back = tick(phase, 100_000, 99_000, after=0.6)
    await see(engine, firm, back, quotes=[quote("EURUSD", "1.0840", "1.0841", back.as_of)])
    assert firm.breaches() == [], "nobody knew of it"
    await engine.round()
    (breach,) = firm.breaches()
    assert (breach.phase_id, breach.seen_at, breach.equity_minor) == (
        phase.id, broken.as_of, 94_999_00,
    )  # fmt: skip
    assert [(one["symbol"], one["bid"]) for one in breach.prices] == [("EURUSD", "1.0750")]
    assert firm.phase(phase.id).status == "LIQUIDATING"
    assert firm.recorded(phase.id)[-1] == ("EquitySampled", ["FloorBroken"])
    assert firm.recorded(other.id) == [], "what was before the phase is not of it"
    assert firm.phase(other.id).status == "ACTIVE"
    assert engine.watched & {phase.id, other.id} == {other.id}


async def test_days_begin_without_ticks_and_the_floor_moves(firm: Firm) -> None:
    phase = await firm.trade()
    now = datetime.now(UTC)
    times = [now]
    engine = await watching(firm, clock=lambda: times[0])
    await see(engine, firm, tick(phase, 104_000, 103_000))
    reset = load_state(phase.state).next_reset_at
    times[0] = reset + RESET_GRACE - timedelta(milliseconds=1)
    await engine.round()
    assert firm.recorded(phase.id) == []
    times[0] = reset + RESET_GRACE
    await engine.round()
    assert firm.recorded(phase.id) == [("EquitySampled", []), ("TimePassed", ["DayBegan"])]
    state = load_state(firm.phase(phase.id).state)
    assert state.floor_daily_minor == 99_000_00
    assert state.next_reset_at > reset
    assert "day_began" in firm.events()


async def test_a_soft_floor_pauses_until_the_next_day(desk: Desk) -> None:
    soft = replace(RULES, daily_loss=DailyLoss(percent("3"), severity=Severity.SOFT))
    firm = await Firm(desk).open(soft)
    phase = await firm.trade()
    times = [datetime.now(UTC)]
    engine = await watching(firm, clock=lambda: times[0])
    await see(engine, firm, tick(phase, 100_000, 96_900), tick(phase, 96_900, after=2))
    assert firm.phase(phase.id).status == "PAUSED"
    assert firm.events().count("phase_paused") == 1
    times[0] = load_state(phase.state).next_reset_at + RESET_GRACE
    await engine.round()
    assert firm.phase(phase.id).status == "ACTIVE"
    assert firm.events()[-2:] == ["day_began", "phase_resumed"]


async def test_a_restart_goes_on_from_what_is_recorded(firm: Firm) -> None:
    phase = await firm.trade()
    engine = await watching(firm)
    await see(engine, firm, tick(phase, 100_000, 97_000))
    again = await watching(firm)
    assert phase.id in again.watched
    await see(again, firm, tick(phase, 100_000, 94_000, after=9))
    assert firm.phase(phase.id).status == "LIQUIDATING"


async def test_a_restart_knows_the_newest_figures_that_were_kept(firm: Firm) -> None:
    """A day may begin while nobody listens: by the figures of then, not by those of the start."""
    phase = await firm.trade()
    firm.desk.make.insert(
        account_state,
        firm.desk.brand, account_id=phase.account_id, client_id=phase.client_id, ib_path="",
        balance_minor=104_000_00, equity_minor=104_500_00, credit_minor=500_00, margin_minor=0,
        free_margin_minor=0, floating_minor=0, currency="USD", source="STREAM",
        as_of=phase.started_at + timedelta(seconds=5),
    )  # fmt: skip
    later = load_state(phase.state).next_reset_at + timedelta(hours=1)
    await watching(firm, clock=lambda: later)
    assert firm.recorded(phase.id) == [("EquitySampled", []), ("TimePassed", ["DayBegan"])]
    assert load_state(firm.phase(phase.id).state).floor_daily_minor == 99_000_00


async def test_a_phase_somebody_else_moved_is_read_again_and_not_overwritten(firm: Firm) -> None:
    phase = await firm.trade()
    slow, quick = await watching(firm), await watching(firm)
    await see(quick, firm, tick(phase, 100_000, 94_000))
    await see(slow, firm, tick(phase, 100_000, 89_000, after=2))
    assert len(firm.breaches()) == 1
    assert phase.id not in slow.watched


def deal(phase: Any, n: int, entry: DealEntry, *, balance: int, **more: Any) -> Deal:
    values: dict[str, Any] = {
        "deal_id": f"{phase.login}{n}", "cursor": str(n), "login": phase.login,
        "at": phase.started_at + timedelta(seconds=n), "entry": entry,
        "reason": DealReason.REQUEST, "symbol": "EURUSD", "side": Side.BUY, "lots": Decimal(1),
        "price": Decimal("1.1"), "position_id": "7", "order_id": None, "profit": Decimal(0),
        "swap": Decimal(0), "commission": Decimal(0), "amount": Decimal(0),
        "balance_after": Decimal(balance), "op_id": None, "kind": None, "comment": "",
    }  # fmt: skip
    return Deal(**values | more)


async def dealt(firm: Firm, phase: Any, *deals: Deal) -> None:
    """What the reader of the stream records."""
    row = AccountRow(
        phase.account_id, phase.login, phase.client_id, "", "USD", AccountKind.EVALUATION
    )
    server = firm.desk.brand.server_id
    await firm.desk.worker.write(
        system_scope(firm.desk.brand.id),
        lambda work: record_deals(work, server, {phase.login: row}, deals, {}),
    )


async def test_a_target_is_reached_after_days_with_nothing_open_and_goes_on(desk: Desk) -> None:
    rules = replace(RULES, min_days=MinDays(1, DayCount.OPENED_TRADE))
    firm = await Firm(desk).open(rules, rules)
    phase = await firm.trade()
    engine = await watching(firm)
    await see(engine, firm, tick(phase, 110_000))
    assert firm.phase(phase.id).status == "ACTIVE", "no day counts yet"
    await dealt(firm, phase, deal(phase, 2, DealEntry.IN, balance=110_000))
    await see(engine, firm, tick(phase, 110_000, after=3), dealt=[phase.login])
    assert firm.phase(phase.id).status == "ACTIVE", "a position is open"
    closed = deal(phase, 4, DealEntry.OUT, balance=111_000, profit=Decimal(1_000))
    await dealt(firm, phase, closed)
    await see(engine, firm, tick(phase, 111_000, after=5), dealt=[phase.login])
    assert firm.phase(phase.id).status == "PASSED"
    second = next(row for row in firm.rows(challenge_phase) if row.number == 2)
    assert (second.status, second.start_minor) == ("PENDING_ACCOUNT", 100_000_00)
    assert second.account_id not in (None, phase.account_id)
    second = await firm.begin(second)
    await engine.round()
    await dealt(firm, second, deal(second, 1, DealEntry.IN, balance=110_000))
    await dealt(firm, second, deal(second, 2, DealEntry.OUT, balance=110_000))
    await see(engine, firm, tick(second, 110_000, after=3), dealt=[second.login])
    assert firm.phase(second.id).status == "PASSED"
    assert [row.status for row in firm.rows(challenge)] == ["REVIEW"]
    assert firm.events()[-2:] == ["phase_passed", "review_began"]


async def test_money_put_in_is_no_profit_and_taken_out_is_no_loss(firm: Firm) -> None:
    phase = await firm.trade()
    engine = await watching(firm)
    first = deal(
        phase, 1, DealEntry.BALANCE, balance=100_000, amount=Decimal(100_000),
        kind=BalanceKind.DEPOSIT,
    )  # fmt: skip
    out = deal(
        phase, 2, DealEntry.BALANCE, balance=92_000, amount=Decimal(-8_000),
        kind=BalanceKind.WITHDRAWAL,
    )  # fmt: skip
    credit = deal(phase, 3, DealEntry.CREDIT, balance=92_000, amount=Decimal(50))
    await dealt(firm, phase, first, out, credit)
    await see(engine, firm, tick(phase, 92_000, after=4), dealt=[phase.login])
    assert firm.phase(phase.id).status == "ACTIVE"
    kinds = [kind for kind, _ in firm.recorded(phase.id)]
    assert kinds == ["EquitySampled", "CashMoved"], "the first money is the beginning"
    assert load_state(firm.phase(phase.id).state).floor_daily_minor == 87_000_00


async def test_deals_are_found_in_the_log_when_no_tick_tells_of_them(firm: Firm) -> None:
    phase = await firm.trade()
    engine = await watching(firm)
    await dealt(firm, phase, deal(phase, 2, DealEntry.IN, balance=100_000))
    await engine.round()
    await engine.round()
    assert [kind for kind, _ in firm.recorded(phase.id)] == ["EquitySampled", "Dealt"]
    assert load_state(firm.phase(phase.id).state).open_lots == (("7", Decimal(1)),)
    again = await watching(firm)
    await again.round()
    assert len(firm.recorded(phase.id)) == 2, "each deal counts once"


async def test_the_peak_of_a_trailing_floor_is_recorded_with_its_tick(desk: Desk) -> None:
    trails = MaxLoss(MaxLossKind.TRAIL_INTRADAY_EQUITY, amount(2_000))
    firm = await Firm(desk).open(RuleSet(profit_target=percent("10"), max_loss=trails))
    phase = await firm.trade()
    engine = await watching(firm)
    peak = tick(phase, 100_000, 101_800, after=2)
    await see(engine, firm, tick(phase, 100_000, 101_000), peak, tick(phase, 100_000, after=3))
    assert firm.recorded(phase.id) == []
    await engine.round()
    assert firm.recorded(phase.id) == [("EquitySampled", [])]
    state = load_state(firm.phase(phase.id).state)
    assert (state.peak_minor, state.floor_total_minor) == (101_800_00, 99_800_00)
    await see(engine, firm, tick(phase, 100_000, 99_799, after=4))
    (breach,) = firm.breaches()
    assert (breach.rule, breach.peak_minor, breach.floor_minor) == (
        "MAX_LOSS", 101_800_00, 99_800_00,
    )  # fmt: skip


async def test_many_breaches_at_once_trip_the_breaker_of_the_brand(firm: Firm) -> None:
    phases = [await firm.trade(firm.desk.make.client(firm.desk.brand)) for _ in range(3)]
    engine = await watching(firm, breaker=Breaker(breaches_max=2))
    await see(engine, firm, *(tick(one, 100_000, 90_000) for one in phases[:2]))
    assert firm.rows(liquidation_breaker) == []
    await see(engine, firm, tick(phases[2], 100_000, 90_000))
    (halt,) = firm.rows(liquidation_breaker)
    assert (halt.halted_at is None, halt.reason) == (False, "3 breaches within 60 seconds")
    assert firm.events()[-1] == "liquidation_halted"
