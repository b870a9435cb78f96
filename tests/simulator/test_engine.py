"""The platform over its wire: orders, stops, margin, money, and what it refuses."""

from tests.simulator.driver import Driver


async def test_a_market_order_books_margin_commission_and_spread(driver: Driver) -> None:
    await driver.open_account(1001)
    await driver.deposit(1001, "10000.00")
    await driver.quote("EURUSD", "1.08490", "1.08500")

    placed = await driver.order(1001)

    assert placed["deal"]["price"] == "1.08500"
    assert placed["deal"]["commission"] == "-7.00"
    state = await driver.state(1001)
    assert state["balance"] == "9993.00"
    assert state["floating"] == "-10.00"
    assert state["equity"] == "9983.00"
    assert state["margin"] == "3616.67"
    assert state["free_margin"] == "6366.33"
    assert state["margin_level_percent"] == "276.03"
