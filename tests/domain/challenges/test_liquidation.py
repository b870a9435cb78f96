"""Closing the account of a phase that is over, on the real wire of the simulator."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest_asyncio
from sqlalchemy import update

from domain.accounts.adapters.bridge import BridgePlatform
from domain.accounts.commands.place_order import place_order
from domain.accounts.reader import StreamReader
from domain.accounts.rules import OrderWish
from domain.accounts.tables import trading_account
from domain.accounts.values import AccountAccess, OrderType, Side
from domain.challenges.breaker import suspicion_of
from domain.challenges.commands.resume_liquidation import resume_liquidation
from domain.challenges.commands.trip_breaker import trip
from domain.challenges.engine import Engine
from domain.challenges.jobs import STUCK_AFTER, resume
from domain.challenges.lifecycle import Breaker
from domain.challenges.tables import challenge_phase, liquidation_breaker
from domain.events.states import States
from tests.domain.challenges.firm import RULES, Firm
from tests.domain.payments.deposits.desk import Desk
from tests.simulator.driver import Driver
from tests.simulator.test_reader import until

LOTS = Decimal(20)


class Floor:
    """A firm whose phases are traded on a simulator that the worker reads."""

    def __init__(self, firm: Firm, driver: Driver, engine: Engine) -> None:
        self.firm, self.driver, self.engine = firm, driver, engine

    async def started(self) -> Any:
        """A phase whose account the platform opened, watched by the engine."""
        await self.firm.buy(self.firm.desk.make.client(self.firm.desk.brand))
        await self.firm.work()
        await self.firm.react()
        phase = sorted(self.firm.rows(challenge_phase), key=lambda row: row.id)[-1]
        assert (phase.status, phase.start_minor) == ("ACTIVE", 100_000_00)
        await self.engine.round()
        assert phase.id in self.engine.watched
        return phase

    async def buys(self, phase: Any, side: Side = Side.BUY) -> None:
        """Opens 20 lots, as the client's order would, and waits until it is recorded."""
        wish = OrderWish("EURUSD", OrderType.MARKET, side, LOTS)
        await self.firm.write(lambda work: place_order(work, phase.account_id, wish))
        await self.firm.work()
        await until(lambda: "Dealt" in [kind for kind, _ in self.firm.recorded(phase.id)])

    def account(self, phase: Any) -> Any:
        rows = self.firm.rows(trading_account)
        return next(row for row in rows if row.id == phase.account_id)

    async def until_status(self, phase: Any, status: str) -> None:
        await until(lambda: self.firm.phase(phase.id).status == status)


@pytest_asyncio.fixture
async def floor(desk: Desk, platform: BridgePlatform, driver: Driver) -> AsyncIterator[Floor]:
    firm = await Firm(desk, platform).open(RULES, RULES)
    await driver.quote("EURUSD", "1.08500", "1.08502")
    engine = firm.engine()
    server = SimpleNamespace(id=desk.brand.server_id, name="simulator")
    reader = StreamReader(server, platform, desk.worker, States(), sinks=(engine,))
    tasks = [asyncio.create_task(one()) for one in (reader.run, engine.run)]
    yield Floor(firm, driver, engine)
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_broken_floor_closes_verifies_and_disables_that_account_alone(
    floor: Floor, platform: BridgePlatform
) -> None:
    loser, winner = await floor.started(), await floor.started()
    await floor.buys(loser)
    await floor.buys(winner, Side.SELL)
    await floor.driver.quote("EURUSD", "1.08251", "1.08253")  # 20 lots, 25.1 pips: -5,020
    await floor.until_status(loser, "LIQUIDATING")
    (breach,) = floor.firm.breaches()
    assert (breach.phase_id, breach.rule, breach.source) == (loser.id, "DAILY_LOSS", "STREAM")
    assert breach.equity_minor < breach.floor_minor == 95_000_00
    assert [one["bid"] for one in breach.prices] == ["1.08251"]
    assert [one["source"] for one in breach.prices] == ["MANUAL"]
    assert "challenges.close" in await floor.firm.work()
    done = floor.firm.phase(loser.id)
    assert (done.status, done.closing) == ("FAILED", "DISABLED")
    assert await platform.positions(loser.login) == []
    assert (await platform.account(loser.login)).access is AccountAccess.NO_TRADING
    assert floor.account(loser).access == "NO_TRADING"
    (breach,) = floor.firm.breaches()
    assert None not in (breach.verified_at, breach.disabled_at)
    assert breach.suspicion is None
    other = floor.firm.phase(winner.id)
    assert (other.status, other.closing) == ("ACTIVE", None)
    assert len(await platform.positions(winner.login)) == 1
    assert floor.account(winner).access == "FULL"
    told = floor.firm.events()
    assert [one for one in told if one.startswith(("phase_b", "positions", "account_"))] == [
        "phase_breached", "positions_closed", "account_disabled",
    ]  # fmt: skip
    await floor.firm.work()
    assert floor.firm.events() == told, "what is done is not done again"


async def test_while_the_breaker_holds_nothing_is_closed_and_new_trades_are_stopped(
    floor: Floor, platform: BridgePlatform
) -> None:
    phase = await floor.started()
    await floor.buys(phase)
    await floor.firm.write(lambda work: trip(work, "Prices look odd."))
    await floor.driver.quote("EURUSD", "1.08200", "1.08202")
    await floor.until_status(phase, "LIQUIDATING")
    await floor.firm.work()
    held = floor.firm.phase(phase.id)
    assert (held.status, held.closing) == ("LIQUIDATING", "HELD")
    assert len(await platform.positions(phase.login)) == 1
    assert (await platform.account(phase.login)).access is AccountAccess.CLOSE_ONLY
    await floor.firm.write(lambda work: resume_liquidation(work, reason="They are right."))
    await floor.firm.work()
    assert floor.firm.phase(phase.id).closing == "DISABLED"
    assert await platform.positions(phase.login) == []


async def test_what_was_held_as_staff_let_go_is_closed_by_a_round(
    floor: Floor, platform: BridgePlatform
) -> None:
    firm, phase = floor.firm, await floor.started()
    await floor.buys(phase)
    await firm.write(lambda work: trip(work, "Prices look odd."))
    await floor.driver.quote("EURUSD", "1.08200", "1.08202")
    await floor.until_status(phase, "LIQUIDATING")
    await firm.work()
    long_ago = update(challenge_phase).where(challenge_phase.c.id == phase.id)
    firm.desk.make.run(
        firm.desk.brand, long_ago.values(updated_at=challenge_phase.c.updated_at - STUCK_AFTER * 2)
    )
    assert await resume(firm.desk.worker, firm.desk.brand.id) == 0, "the breaker holds it"
    # Let go, and told of before the hold of this one was written.
    let_go = update(liquidation_breaker).where(liquidation_breaker.c.brand_id == firm.desk.brand.id)
    firm.desk.make.run(firm.desk.brand, let_go.values(halted_at=None))
    assert await resume(firm.desk.worker, firm.desk.brand.id) == 1
    await firm.work()
    assert firm.phase(phase.id).closing == "DISABLED"
    assert await platform.positions(phase.login) == []


async def test_a_price_that_is_gone_a_moment_later_trips_the_breaker(
    floor: Floor, platform: BridgePlatform
) -> None:
    phase = await floor.started()
    await floor.buys(phase)
    await floor.driver.quote("EURUSD", "1.06800", "1.06802")
    await floor.until_status(phase, "LIQUIDATING")
    await floor.driver.quote("EURUSD", "1.08500", "1.08502")
    await floor.firm.work()
    (breach,) = floor.firm.breaches()
    assert breach.suspicion == "EURUSD was 1.06801 and is 1.08501"
    (halt,) = floor.firm.rows(liquidation_breaker)
    assert halt.reason == breach.suspicion
    assert floor.firm.phase(phase.id).closing == "HELD"
    assert "liquidation_halted" in floor.firm.events()


def test_prices_are_compared_by_symbol() -> None:
    first = [{"symbol": "EURUSD", "bid": "1.0000", "ask": "1.0002"}]
    near = [{"symbol": "EURUSD", "bid": "1.0098", "ask": "1.0100"}]
    far = [{"symbol": "EURUSD", "bid": "1.0102", "ask": "1.0104"}]
    other = [{"symbol": "USDJPY", "bid": "150", "ask": "151"}]
    limits = Breaker(price_gap_bps=100)
    assert suspicion_of(first, near, limits) is None
    assert suspicion_of(first, far, limits) == "EURUSD was 1.0001 and is 1.0103"
    assert suspicion_of(first, other, limits) is None
    assert suspicion_of([{**first[0], "bid": "0", "ask": "0"}], far, limits) is None
