"""What only a platform can say: exchange rates, and that it took a deal back."""

from decimal import Decimal as D
from typing import Any
from uuid import UUID

from sqlalchemy import update

from domain.accounts.commands.record_deals import AccountRow, record_deals
from domain.accounts.ports import Platform, PlatformUnavailable
from domain.accounts.tables import deal as deal_table
from domain.accounts.tables import trading_account
from domain.accounts.trading import BalanceKind, OrderRequest
from domain.accounts.values import AccountKind, DealEntry, OrderType, Side
from domain.clients.tables import client as client_table
from domain.events.consumers import consume
from domain.ibs.commissions.consumers import ACCRUALS
from domain.ibs.commissions.replay import replay
from domain.ibs.commissions.rounds import record_rates
from domain.ibs.commissions.tables import ib_accrual, ib_fx_rate
from domain.ibs.tables import ib as ib_table
from domain.kernel.ids import new_uuid
from domain.payments.ledger.verify import verify
from tenants.work import WriteWork
from tests.domain.ibs.commissions.desk import Desk
from tests.domain.ibs.commissions.plans import terms
from tests.domain.payments.transfers.conftest import Till
from tests.factories import Brand, Factory
from tests.simulator.driver import Driver


async def test_rates_are_written_down_as_the_platform_shows_them(
    till: Till, driver: Driver, make: Factory, brand: Brand
) -> None:
    desk = Desk(make, brand, till.database, levels=2)
    desk.plans(terms("5"), terms("8"))
    assert await record_rates(till.database, lambda _: till.platform, brand.id) == 0
    own = update(ib_table).where(ib_table.c.brand_id == brand.id)
    make.run(brand, own.where(ib_table.c.level == 1).values(currency="EUR"))
    make.run(brand, own.where(ib_table.c.level == 2).values(currency="JPY"))
    await driver.quote("EURUSD", "1.24999", "1.25001")
    await driver.quote("USDJPY", "150.000", "150.020")
    assert await record_rates(till.database, lambda _: till.platform, brand.id) == 2
    rows = {row.quote: row for row in make.rows(ib_fx_rate, brand)}
    assert {key: (row.base, row.rate, row.source) for key, row in rows.items()} == {
        "EUR": ("USD", D("0.8"), "1/EURUSD"),
        "JPY": ("USD", D("150.01"), "USDJPY"),
    }


async def test_a_platform_that_is_away_is_asked_again(
    till: Till, driver: Driver, make: Factory, brand: Brand
) -> None:
    desk = Desk(make, brand, till.database, levels=1)
    desk.plans(terms("5"))
    make.run(brand, update(ib_table).where(ib_table.c.brand_id == brand.id).values(currency="EUR"))

    def away(_server: UUID) -> Platform:
        raise PlatformUnavailable()

    assert await record_rates(till.database, away, brand.id) == 0
    await driver.quote("EURUSD", "1.24999", "1.25001")
    assert await record_rates(till.database, lambda _: till.platform, brand.id) == 1


async def test_a_deal_that_the_platform_takes_back_takes_its_commission_back(
    till: Till, driver: Driver, make: Factory, brand: Brand
) -> None:
    desk = Desk(make, brand, till.database, levels=1)
    desk.plans(terms("5"))
    _introduce(make, brand, till, desk)
    login = till.account.login
    await till.platform.balance_op(
        login, kind=BalanceKind.DEPOSIT, amount=D(10_000), comment="", op_id="fill"
    )
    await driver.quote("EURUSD", "1.10000", "1.10000")
    order = OrderRequest(new_uuid().hex, "EURUSD", OrderType.MARKET, Side.BUY, D("0.4"))
    placed = await till.platform.place_order(login, order)
    await driver.quote("EURUSD", "1.11000", "1.11000")
    assert placed.position_id is not None
    closed = await till.platform.close_position(login, placed.position_id, op_id="close")
    await _record(till, desk)
    assert [int(row.amount_minor) for row in make.rows(ib_accrual, brand)] == [200]
    taken = await driver.ok("POST", f"/controls/deals/{closed.deal_id}/cancel")
    assert (taken["entry"], taken["reverses_id"], taken["profit"]) == (
        "CANCEL", closed.deal_id, f"-{closed.profit}",
    )  # fmt: skip
    assert await driver.refused("POST", f"/controls/deals/{closed.deal_id}/cancel") == (
        "INVALID_REQUEST"
    )
    await _record(till, desk)
    (kept,) = [row for row in make.rows(deal_table, brand) if row.entry == DealEntry.CANCEL]
    assert (kept.reverses_ext_id, kept.closed_lots) == (closed.deal_id, 0)
    assert int(kept.profit_minor) == -40_000
    assert sorted(int(row.amount_minor) for row in make.rows(ib_accrual, brand)) == [-200, 200]
    assert (await replay(till.database, brand.id)).is_equal
    await till.consume()
    assert (await verify(till.database, brand.id)).findings == ()


def _introduce(make: Factory, brand: Brand, till: Till, desk: Desk) -> None:
    """The till's client came by the ib."""
    (ib,) = desk.line
    for table in (client_table, trading_account):
        key = table.c.id if table is client_table else table.c.client_id
        values: dict[str, Any] = {"ib_path": ib.path}
        if table is client_table:
            values["ib_id"] = ib.id
        make.run(
            brand,
            update(table).where(table.c.brand_id == brand.id, key == till.client.id).values(values),
        )


async def _record(till: Till, desk: Desk) -> None:
    """The stream's deals since the last, and what follows from them."""
    (ib,) = desk.line
    deals, till.cursor = await till.platform.deals_since(till.cursor)
    known = {till.account.login: AccountRow(
        till.account.id, till.account.login, till.client.id, ib.path, "USD", AccountKind.LIVE
    )}  # fmt: skip

    async def command(work: WriteWork) -> None:
        await record_deals(work, till.brand.server_id, known, deals, {})

    await till.database.write(till.scope, command)
    done = await consume(till.database, till.brand.id, ACCRUALS, limit=500)
    assert done is not None
    assert not done.more
