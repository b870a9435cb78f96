"""A past told to the simulator: deals of days gone by, at the prices of those days, once."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from starlette.applications import Starlette

from simulator.values import Quote
from tests.simulator.conftest import START
from tests.simulator.driver import GROUP, Driver

DAY = START - timedelta(days=30)
LOTS = Decimal("0.50")


def prices_at(app: Starlette, hours: float) -> Quote:
    shown = app.state.engine.market.at(DAY + timedelta(hours=hours))
    found: Quote = next(one for one in shown if one.symbol == "EURUSD")
    return found


def stamp(hours: float) -> str:
    return (DAY + timedelta(hours=hours)).isoformat()


def past(**changed: Any) -> dict[str, Any]:
    return {
        "accounts": [
            {"at": stamp(0), "login": 2001, "group": GROUP, "leverage": 30, "currency": "USD",
             "client_ref": "ref-2001"}
        ],
        "transfers": [{"at": stamp(1), "login": 2001, "amount": "5000.00", "op_id": "in-1"}],
        "trades": [
            {"at": stamp(2), "closed_at": stamp(9), "login": 2001, "symbol": "EURUSD",
             "side": "BUY", "lots": str(LOTS)}
        ],
    } | changed  # fmt: skip


async def test_a_past_trade_makes_what_the_prices_of_then_made_it(
    app: Starlette, driver: Driver
) -> None:
    await driver.ok("POST", "/controls/market/speed", {"speed": "15"})
    app.state.engine.market.anchors.pop(0)  # as when the market has moved from the first day on
    assert await driver.ok("POST", "/controls/past", past()) == {"deals": 3, "refused": 0}
    money, opened, closed = await driver.deals()
    assert [one["entry"] for one in (money, opened, closed)] == ["BALANCE", "IN", "OUT"]
    assert [one["deal_id"] for one in (money, opened, closed)] == ["1", "2", "3"]
    assert (money["amount"], money["op_id"]) == ("5000.00", "in-1")
    bought, sold = prices_at(app, 2), prices_at(app, 9)
    assert (bought.bid, bought.ask) != (sold.bid, sold.ask)
    assert (opened["price"], closed["price"]) == (str(bought.ask), str(sold.bid))
    profit = ((sold.bid - bought.ask) * LOTS * 100_000).quantize(Decimal("0.01"))
    assert Decimal(closed["profit"]) == profit
    assert [one["at"][:19] for one in (money, opened, closed)] == [
        stamp(1)[:19], stamp(2)[:19], stamp(9)[:19]
    ]  # fmt: skip
    state = await driver.state(2001)
    assert Decimal(state["balance"]) == 5000 + profit + Decimal(opened["commission"])


async def test_told_again_under_its_id_nothing_is_doubled(driver: Driver) -> None:
    first = await driver.ok("POST", "/controls/past", past(), op="day-1")
    again = await driver.ok("POST", "/controls/past", past(), op="day-1")
    assert first == again
    assert len(await driver.deals()) == 3


async def test_what_would_have_been_refused_is_left_out_and_counted(driver: Driver) -> None:
    poor = past(transfers=[])
    assert await driver.ok("POST", "/controls/past", poor) == {"deals": 0, "refused": 1}
    stranger = past(accounts=[], trades=[], transfers=[
        {"at": stamp(1), "login": 9999, "amount": "10.00", "op_id": "in-9"}
    ])  # fmt: skip
    assert await driver.ok("POST", "/controls/past", stranger) == {"deals": 0, "refused": 1}
    assert await driver.positions(2001) == []
