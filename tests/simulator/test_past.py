"""A past told to the simulator: deals of days gone by, at the prices of those days, once."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from starlette.applications import Starlette

from simulator.values import Quote, Side
from tests.simulator.conftest import START
from tests.simulator.driver import GROUP, Driver

DAY = START - timedelta(days=30)
LOTS = Decimal("0.50")
NOTHING = {"deals": 0, "refused": 1, "lows": []}


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
    assert await driver.ok("POST", "/controls/past", past()) == {
        "deals": 3, "refused": 0, "lows": []
    }  # fmt: skip
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
    assert await driver.ok("POST", "/controls/past", poor) == NOTHING
    stranger = past(accounts=[], trades=[], transfers=[
        {"at": stamp(1), "login": 9999, "amount": "10.00", "op_id": "in-9"}
    ])  # fmt: skip
    assert await driver.ok("POST", "/controls/past", stranger) == NOTHING
    assert await driver.positions(2001) == []


def aimed(equity: str, *, hours: float = 20, lots: str = "0.50", **changed: Any) -> dict[str, Any]:
    """An account with 5,000 whose trade must bring it to so much."""
    aim = {
        "at": stamp(2), "closed_at": stamp(hours), "login": 2001, "symbol": "EURUSD",
        "lots": lots, "equity": equity, "rises": Decimal(equity) > 5000,
    }  # fmt: skip
    return past(trades=[], aims=[aim | changed])


async def moving(app: Starlette, driver: Driver) -> None:
    await driver.ok("POST", "/controls/market/speed", {"speed": "15"})
    app.state.engine.market.anchors.pop(0)


@pytest.mark.parametrize("wanted", ["5050.00", "4950.00"])
async def test_an_aim_ends_at_the_first_tick_that_is_there(
    app: Starlette, driver: Driver, wanted: str
) -> None:
    await moving(app, driver)
    told = await driver.ok("POST", "/controls/past", aimed(wanted))
    assert (told["deals"], told["refused"]) == (3, 0)
    _, opened, closed = await driver.deals()
    side, rises = Side(opened["side"]), Decimal(wanted) > 5000
    begins = DAY + timedelta(hours=2)
    path = app.state.engine.market.path("EURUSD", begins, begins + timedelta(hours=18))
    start = Decimal(5000) + Decimal(opened["commission"])
    sign = 1 if side is Side.BUY else -1
    equities = []
    for n in range(len(path)):
        quote = path.quote(n)
        out = quote.bid if side is Side.BUY else quote.ask
        equities.append(start + sign * (out - Decimal(opened["price"])) * LOTS * 100_000)
    first = next(
        n for n, one in enumerate(equities)
        if (one >= Decimal(wanted) if rises else one <= Decimal(wanted))
    )  # fmt: skip
    assert Decimal(closed["balance_after"]) == equities[first]
    at = path.quote(first).at + timedelta(milliseconds=200)
    assert closed["at"][:23] == at.isoformat()[:23]
    # The lows: each lower than all before, and no tick until then lower than the last of them.
    lows = [Decimal(one["equity"]) for one in told["lows"]]
    assert lows
    assert lows == sorted(set(lows), reverse=True)
    assert lows[-1] == min(equities[: first + 1])
    assert {one["login"] for one in told["lows"]} == {2001}
    assert Decimal(told["lows"][-1]["balance"]) == start


async def test_an_aim_out_of_reach_ends_with_its_time(app: Starlette, driver: Driver) -> None:
    await moving(app, driver)
    told = await driver.ok("POST", "/controls/past", aimed("90000.00", hours=3))
    assert (told["deals"], told["refused"]) == (3, 0)
    _, _, closed = await driver.deals()
    assert closed["at"][:19] == stamp(3)[:19]


async def test_an_aim_that_is_reached_before_opens_nothing(app: Starlette, driver: Driver) -> None:
    await moving(app, driver)
    there = aimed("4990.00", rises=True)
    assert await driver.ok("POST", "/controls/past", there) == {
        "deals": 1, "refused": 0, "lows": []
    }  # fmt: skip
    assert await driver.positions(2001) == []


async def test_an_aim_in_foreign_money_is_left_out(app: Starlette, driver: Driver) -> None:
    await moving(app, driver)
    foreign = aimed("5050.00", symbol="USDJPY")
    told = await driver.ok("POST", "/controls/past", foreign)
    assert (told["deals"], told["refused"]) == (1, 1)
