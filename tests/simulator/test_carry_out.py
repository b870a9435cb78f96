"""Requests carried out on the real wire: once when the answer is lost, and really applied."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from datetime import timedelta
from decimal import Decimal as D
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from starlette.applications import Starlette

from domain.accounts.adapters.bridge import BridgePlatform
from domain.accounts.carry_out import MARKET_ORDER_LIVES, carry_out
from domain.accounts.commands.change_access import change_access
from domain.accounts.commands.change_order import change_order
from domain.accounts.commands.change_passwords import change_passwords
from domain.accounts.commands.change_position import change_position
from domain.accounts.commands.open_account import open_account
from domain.accounts.commands.place_order import place_order
from domain.accounts.commands.record_deals import AccountRow, replace_positions
from domain.accounts.ports import OutcomeUnknown
from domain.accounts.rules import OpenWish, OrderWish
from domain.accounts.tables import platform_request, position, trade_order, trading_account
from domain.accounts.trading import Group, Interval, Passwords
from domain.accounts.values import AccountAccess, AccountKind, OrderType, Side
from domain.kernel.clock import FixedClock
from domain.outbound.client import Patience
from tenants.context import system_scope
from tenants.secrets import Vault
from tenants.tables import event
from tenants.work import Database
from tests.factories import Brand, Factory
from tests.simulator.conftest import served
from tests.simulator.driver import Driver

VAULT = Vault(bytes(range(32)))
BUY = OrderWish("EURUSD", OrderType.MARKET, Side.BUY, D("0.10"))
FAR = OrderWish("EURUSD", OrderType.LIMIT, Side.BUY, D("0.10"), price=D("0.5"))


class Desk:
    """An open account on the simulator, driven by commands and the job that carries them out."""

    def __init__(
        self, make: Factory, brand: Brand, database: Database, platform: BridgePlatform
    ) -> None:
        self.make, self.brand, self.database, self.platform = make, brand, database, platform
        self.scope = system_scope(brand.id)
        self.account, self.login = UUID(int=0), 0

    async def open(self) -> None:
        wish = OpenWish(AccountKind.DEMO, "USD", leverage=100)
        client = self.make.client(self.brand)
        opened = await self.do(lambda w: open_account(w, client.id, wish))
        self.account = UUID(opened["account"])
        self.login = self.row(trading_account).login

    async def ask(self, command: Callable[[Any], Awaitable[dict[str, str]]]) -> dict[str, str]:
        return (await self.database.write(self.scope, command)).value

    async def carry(self, asked: dict[str, str]) -> None:
        key = UUID(asked["request"])
        await carry_out(self.database, lambda _: self.platform, self.brand.id, key, vault=VAULT)

    async def do(self, command: Callable[[Any], Awaitable[dict[str, str]]]) -> dict[str, str]:
        asked = await self.ask(command)
        await self.carry(asked)
        return asked

    def row(self, table: Any) -> Any:
        """The brand's newest row of a table."""
        return self.make.rows(table, self.brand)[-1]

    async def see_positions(self) -> UUID:
        """What the reader of the stream does; the id of the one position."""
        held = await self.platform.positions(self.login)
        one = self.row(trading_account)
        known = AccountRow(one.id, one.login, one.client_id, one.ib_path, "USD", AccountKind.LIVE)
        await self.database.write(self.scope, lambda w: replace_positions(w, [(known, held)]))
        key: UUID = self.row(position).id
        return key


@pytest_asyncio.fixture
async def desk(
    app: Starlette, driver: Driver, make: Factory, brand: Brand, worker_database: Database
) -> AsyncIterator[Desk]:
    make.symbol("EURUSD")
    async with served(app) as socket:
        # A dropped answer costs a test this long; a busy machine needs it for the rest.
        patience = Patience(call_s=3.0, tries=1, pause_s=0.01)
        async with aclosing(BridgePlatform(f"unix://{socket}", patience=patience)) as platform:
            await platform.ensure_groups(
                [Group("demo", "USD", 500, D(0), D(100), D(50), swap_free=False)]
            )
            made = Desk(make, brand, worker_database, platform)
            await made.open()
            yield made


async def test_an_order_whose_answer_is_lost_is_applied_once_and_ends_filled(
    desk: Desk, driver: Driver
) -> None:
    asked = await desk.ask(lambda w: place_order(w, desk.account, BUY))
    await driver.ok("POST", "/controls/faults", {"kind": "DROP", "match": "/orders"})
    lost = {"kind": "STATUS", "match": "/operations/", "status": 503}
    await driver.ok("POST", "/controls/faults", lost)
    with pytest.raises(OutcomeUnknown):
        await desk.carry(asked)
    assert desk.row(trade_order).status == "UNKNOWN"
    assert desk.row(platform_request).status == "UNKNOWN"
    await desk.carry(asked)
    await desk.carry(asked)
    order = desk.row(trade_order)
    assert (order.status, order.filled_price > 0) == ("FILLED", True)
    assert desk.row(platform_request).status == "DONE"
    assert len(await desk.platform.positions(desk.login)) == 1
    assert [deal["entry"] for deal in await driver.deals()] == ["BALANCE", "IN"]
    kinds = [row.kind for row in desk.make.rows(event, desk.brand)]
    assert kinds == ["open_requested", "opened", "order_requested", "order_filled"]


async def test_passwords_are_set_and_nobody_knew_the_first_ones(desk: Desk) -> None:
    new = Passwords("Main-Passw0rd", "Look-Passw0rd")
    assert not await desk.platform.check_password(desk.login, new.main, investor=False)
    await desk.do(lambda w: change_passwords(w, VAULT, desk.account, new))
    for password, investor, fits in (
        (new.main, False, True),
        (new.investor, True, True),
        (new.main, True, False),
        (new.investor, False, False),
    ):
        found = await desk.platform.check_password(desk.login, password, investor=investor)
        assert found is fits
    assert desk.row(platform_request).arguments == {}


async def test_levels_are_moved_on_the_platform(desk: Desk) -> None:
    placed = await desk.do(lambda w: place_order(w, desk.account, FAR))
    order = UUID(placed["order"])
    await desk.do(lambda w: change_order(w, order, {"price": D("0.6"), "stop_loss": D("0.55")}))
    (held,) = await desk.platform.orders(desk.login)
    assert (held.price, held.sl, held.tp) == (D("0.6"), D("0.55"), None)
    row = desk.row(trade_order)
    assert (row.price, row.stop_loss, row.take_profit) == (D("0.6"), D("0.55"), None)
    await desk.do(lambda w: place_order(w, desk.account, BUY))
    key = await desk.see_positions()
    await desk.do(lambda w: change_position(w, key, {"take_profit": D("9.5")}))
    (open_now,) = await desk.platform.positions(desk.login)
    assert (open_now.sl, open_now.tp) == (None, D("9.5"))
    assert desk.row(position).take_profit == D("9.5")
    await desk.do(lambda w: change_position(w, key, {"stop_loss": D("9")}))
    assert desk.row(platform_request).reason_code == "INVALID_STOPS"
    assert desk.row(position).stop_loss is None


async def test_an_account_with_something_open_is_not_locked(desk: Desk) -> None:
    """Not even when the position is not known here yet: the platform is asked."""

    async def lock() -> None:
        await desk.do(lambda w: change_access(
            w, desk.account, AccountAccess.NO_TRADING, reason="x", expected_version=None
        ))  # fmt: skip

    await desk.do(lambda w: place_order(w, desk.account, BUY))
    await lock()
    assert desk.row(platform_request).reason_code == "POSITIONS_OPEN"
    assert (await desk.platform.account(desk.login)).access is AccountAccess.FULL
    assert desk.row(trading_account).access == "FULL"
    await desk.platform.close_all(desk.login, reason="test", op_id="close")
    await lock()
    assert (await desk.platform.account(desk.login)).access is AccountAccess.NO_TRADING
    assert desk.row(trading_account).access == "NO_TRADING"


async def test_a_market_order_that_comes_too_late_is_not_filled(
    desk: Desk, clock: FixedClock
) -> None:
    asked = await desk.ask(lambda w: place_order(w, desk.account, BUY))
    clock.move_to(desk.row(trade_order).created_at + MARKET_ORDER_LIVES)
    await desk.carry(asked)
    order = desk.row(trade_order)
    assert (order.status, order.reason_code) == ("REJECTED", "ORDER_EXPIRED")
    assert await desk.platform.positions(desk.login) == []
    clock.move_to(order.created_at - timedelta(seconds=1))
    await desk.do(lambda w: place_order(w, desk.account, BUY))
    assert desk.row(trade_order).status == "FILLED"


async def test_positions_of_many_are_one_call(desk: Desk, driver: Driver) -> None:
    await desk.do(lambda w: place_order(w, desk.account, BUY))
    held = await desk.platform.positions_of([desk.login, 5, 6])
    assert held == {desk.login: await desk.platform.positions(desk.login), 5: [], 6: []}
    assert len(held[desk.login]) == 1
    shown = await driver.ok("POST", "/positions", {"logins": [desk.login, 5]})
    assert [one["login"] for one in shown["positions"]] == [desk.login]


async def test_prices_of_the_past_come_over_the_wire(
    desk: Desk, driver: Driver, clock: FixedClock
) -> None:
    await driver.step(3)
    end = clock.now() + timedelta(minutes=1)
    bars = await desk.platform.price_history(
        "EURUSD", start=end - timedelta(hours=1), end=end, interval=Interval.M1
    )
    assert bars
    assert all(bar.low <= bar.open <= bar.high < bar.high + bar.ask_close for bar in bars)
