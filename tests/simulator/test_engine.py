"""The platform over its wire: orders, stops, margin, money, and what it refuses."""

import itertools
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from domain.kernel.clock import FixedClock
from tests.simulator.driver import GROUP, Driver


async def funded(driver: Driver, login: int = 1001, amount: str = "10000.00") -> None:
    await driver.open_account(login)
    await driver.deposit(login, amount)
    await driver.quote("EURUSD", "1.08490", "1.08500")


def money(deal: dict[str, Any]) -> Decimal:
    return sum((Decimal(deal[k]) for k in ("profit", "swap", "commission", "amount")), Decimal(0))


async def test_a_market_order_books_margin_commission_and_spread(driver: Driver) -> None:
    await funded(driver)
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


async def test_profit_in_yen_is_turned_into_dollars_at_the_mid(driver: Driver) -> None:
    await funded(driver)
    await driver.quote("USDJPY", "151.365", "151.375")
    await driver.order(1001, symbol="USDJPY", side="SELL")
    await driver.quote("USDJPY", "151.265", "151.275")
    (position,) = await driver.positions(1001)
    assert position["profit"] == str(
        (Decimal("0.09") * 100_000 / Decimal("151.27")).quantize(Decimal("0.01"))
    )
    assert position["margin"] == "3333.33"


async def test_an_order_beyond_the_free_margin_changes_nothing(driver: Driver) -> None:
    await funded(driver, amount="3633.67")
    # Margin 3616.67 + commission 7.00 + spread 10.00 is one cent more than is there below.
    assert (await driver.order(1001))["deal"] is not None
    await funded(driver, login=1002, amount="3633.66")
    before = await driver.deals()
    body = {"symbol": "EURUSD", "type": "MARKET", "side": "BUY", "lots": "1.00"}
    assert await driver.refused("POST", "/accounts/1002/orders", body) == "NO_MONEY"
    assert await driver.positions(1002) == []
    assert await driver.deals() == before


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"symbol": "NOPE"}, "UNKNOWN_SYMBOL"),
        ({"lots": "0.001"}, "INVALID_VOLUME"),
        ({"lots": 1}, "INVALID_REQUEST"),
        ({"lots": "1e2"}, "INVALID_REQUEST"),
        ({"side": "UP"}, "INVALID_REQUEST"),
        ({"price": "1.1"}, "INVALID_PRICE"),
        ({"type": "LIMIT"}, "INVALID_PRICE"),
        ({"type": "LIMIT", "price": "1.2"}, "INVALID_PRICE"),
        ({"type": "LIMIT", "price": "1.000001"}, "INVALID_PRICE"),
        ({"type": "STOP", "price": "1.2", "sl": "1.3"}, "INVALID_STOPS"),
        ({"sl": "1.2"}, "INVALID_STOPS"),
        ({"unknown": "field"}, "INVALID_REQUEST"),
    ],
)
async def test_orders_that_are_refused(driver: Driver, order: dict[str, Any], code: str) -> None:
    await funded(driver)
    body = {"symbol": "EURUSD", "type": "MARKET", "side": "BUY", "lots": "1.00"} | order
    assert await driver.refused("POST", "/accounts/1001/orders", body) == code
    assert await driver.positions(1001) == []


@pytest.mark.parametrize(
    ("kind", "side", "price", "bid", "filled"),
    [
        ("LIMIT", "BUY", "1.08400", "1.08390", "1.08400"),
        ("LIMIT", "SELL", "1.08600", "1.08610", "1.08610"),
        ("STOP", "BUY", "1.08600", "1.08595", "1.08605"),
        ("STOP", "SELL", "1.08400", "1.08380", "1.08380"),
    ],
)
async def test_pending_orders_fill_at_the_price_that_triggers_them(
    driver: Driver, kind: str, side: str, price: str, bid: str, filled: str
) -> None:
    await funded(driver)
    placed = await driver.order(1001, type=kind, side=side, price=price, lots="0.10")
    assert placed["deal"] is None
    assert await driver.positions(1001) == []
    ask = str(Decimal(bid) + Decimal("0.00010"))
    await driver.quote("EURUSD", bid, ask)
    (position,) = await driver.positions(1001)
    assert position["open_price"] == filled
    deal = (await driver.deals())[-1]
    assert (deal["reason"], deal["order_id"]) == ("PENDING", placed["order"]["order_id"])
    assert (await driver.ok("GET", "/accounts/1001/orders"))["orders"] == []


async def test_a_pending_order_without_money_is_dropped(driver: Driver) -> None:
    await funded(driver, amount="100.00")
    await driver.order(1001, type="LIMIT", price="1.08000")
    await driver.quote("EURUSD", "1.07990", "1.08000")
    assert (await driver.ok("GET", "/accounts/1001/orders"))["orders"] == []
    assert await driver.positions(1001) == []


@pytest.mark.parametrize(
    ("side", "stops", "bid", "reason", "price"),
    [
        ("BUY", {"sl": "1.08000"}, "1.07950", "STOP_LOSS", "1.07950"),
        ("BUY", {"tp": "1.09000"}, "1.09020", "TAKE_PROFIT", "1.09020"),
        ("SELL", {"sl": "1.09000"}, "1.08995", "STOP_LOSS", "1.09005"),
        ("SELL", {"tp": "1.08000"}, "1.07980", "TAKE_PROFIT", "1.07990"),
    ],
)
async def test_stops_take_positions_out_and_gaps_slip(
    driver: Driver, side: str, stops: dict[str, str], bid: str, reason: str, price: str
) -> None:
    await funded(driver)
    await driver.order(1001, side=side, lots="0.10", **stops)
    await driver.quote("EURUSD", bid, str(Decimal(bid) + Decimal("0.00010")))
    assert await driver.positions(1001) == []
    deal = (await driver.deals())[-1]
    assert (deal["entry"], deal["reason"], deal["price"]) == ("OUT", reason, price)


async def test_stop_out_closes_the_largest_loss_first_and_no_more(driver: Driver) -> None:
    await funded(driver, amount="8000.00")
    await driver.quote("GBPUSD", "1.27000", "1.27010")
    await driver.order(1001, lots="1.00")
    gbp = await driver.order(1001, symbol="GBPUSD", lots="0.50")
    assert (await driver.state(1001))["margin"] == "5733.50"
    await driver.quote("EURUSD", "1.03500", "1.03510")  # −5,000 on a balance of 7,989.50
    closed = (await driver.deals())[4:]
    assert closed == []
    await driver.quote("EURUSD", "1.03300", "1.03310")
    closed = (await driver.deals())[3:]
    assert [(deal["symbol"], deal["reason"]) for deal in closed] == [("EURUSD", "STOP_OUT")]
    (left,) = await driver.positions(1001)
    assert left["position_id"] == gbp["position_id"]
    state = await driver.state(1001)
    assert Decimal(state["margin_level_percent"]) > 50


async def test_a_gap_may_leave_a_negative_balance_that_can_be_lifted_to_zero(
    driver: Driver,
) -> None:
    await funded(driver, amount="4000.00")
    await driver.order(1001)
    await driver.quote("EURUSD", "1.04000", "1.04010")
    assert await driver.positions(1001) == []
    state = await driver.state(1001)
    assert state["balance"] == state["equity"] == "-507.00"
    path = "/accounts/1001/balance-operations"
    lift = {"kind": "NEGATIVE_BALANCE", "amount": "507.01"}
    assert await driver.refused("POST", path, lift) == "INVALID_AMOUNT"
    await driver.ok("POST", path, lift | {"amount": "507.00"})
    assert (await driver.state(1001))["balance"] == "0.00"


async def test_swap_is_charged_each_night_and_three_times_on_wednesday(
    driver: Driver, clock: FixedClock
) -> None:
    await funded(driver)
    await driver.order(1001, lots="1.00")
    await driver.ok("POST", "/controls/rollover", {"day": "2026-03-04"})
    (position,) = await driver.positions(1001)
    assert position["swap"] == "-21.60"
    body = {"day": "2026-03-04"}
    assert await driver.refused("POST", "/controls/rollover", body) == "INVALID_REQUEST"
    deal = await driver.ok(
        "POST", f"/accounts/1001/positions/{position['position_id']}/close", {"lots": "0.30"}
    )
    assert deal["swap"] == "-6.48"
    results = await driver.ok("POST", "/accounts/1001/close-all", {"reason": "end"})
    assert results["results"][0]["deal"]["swap"] == "-15.12"


async def test_a_swap_free_group_pays_none(driver: Driver) -> None:
    await driver.ensure_group("alpha-islamic-USD", swap_free=True)
    await driver.open_account(1001, group="alpha-islamic-USD")
    await driver.deposit(1001, "10000.00")
    await driver.quote("EURUSD", "1.08490", "1.08500")
    await driver.order(1001)
    await driver.ok("POST", "/controls/rollover", {"day": "2026-03-04"})
    assert (await driver.positions(1001))[0]["swap"] == "0"


async def test_access_limits_what_the_client_may_do(driver: Driver) -> None:
    await funded(driver)
    position = await driver.order(1001, lots="0.20")
    pending = await driver.order(1001, type="LIMIT", price="1.08000", lots="0.10")
    order = {"symbol": "EURUSD", "type": "MARKET", "side": "BUY", "lots": "0.10"}
    close = f"/accounts/1001/positions/{position['position_id']}/close"
    await driver.ok("PATCH", "/accounts/1001", {"access": "CLOSE_ONLY"})
    assert await driver.refused("POST", "/accounts/1001/orders", order) == "CLOSE_ONLY"
    await driver.ok("POST", close, {"lots": "0.10"})
    await driver.ok("PATCH", "/accounts/1001", {"access": "NO_TRADING"})
    assert await driver.refused("POST", "/accounts/1001/orders", order) == "TRADING_DISABLED"
    assert await driver.refused("POST", close, {}) == "TRADING_DISABLED"
    cancel = f"/accounts/1001/orders/{pending['order']['order_id']}"
    assert await driver.refused("DELETE", cancel) == "TRADING_DISABLED"
    closed = await driver.ok("POST", "/accounts/1001/close-all", {"reason": "compliance"})
    assert [result["deal"]["comment"] for result in closed["results"]] == ["compliance"]
    assert (await driver.ok("GET", "/accounts/1001/orders"))["orders"] == []


async def test_no_login_refuses_the_right_password(driver: Driver) -> None:
    await driver.open_account(1001)
    path, body = "/accounts/1001/password-checks", {"password": "correct horse"}
    assert await driver.ok("POST", path, body) == {"accepted": True}
    assert await driver.ok("POST", path, body | {"investor": True}) == {"accepted": False}
    await driver.ok("PATCH", "/accounts/1001", {"access": "NO_LOGIN"})
    assert await driver.ok("POST", path, body) == {"accepted": False}


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/accounts/1001", {"leverage": 501}, "INVALID_LEVERAGE"),
        ("/accounts/1001", {"group": "none"}, "UNKNOWN_GROUP"),
        ("/accounts/1001", {"group": "alpha-live-EUR"}, "GROUP_CURRENCY_MISMATCH"),
        ("/accounts/999", {"leverage": 1}, "UNKNOWN_LOGIN"),
        ("/accounts/1001", {"leverage": "lots"}, "INVALID_REQUEST"),
        ("/accounts/1001/orders/77", {"price": "1.0"}, "UNKNOWN_ORDER"),
        ("/accounts/1001/positions/77", {}, "UNKNOWN_POSITION"),
    ],
)
async def test_changes_that_are_refused(
    driver: Driver, path: str, body: dict[str, Any], code: str
) -> None:
    await driver.ensure_group("alpha-live-EUR", currency="EUR")
    await driver.open_account(1001)
    assert await driver.refused("PATCH", path, body) == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"currency": "NOK"}, "UNSUPPORTED_CURRENCY"),
        ({"leverage_max": 0}, "INVALID_GROUP"),
        ({"name": GROUP, "currency": "EUR"}, "GROUP_CURRENCY_MISMATCH"),
    ],
)
async def test_groups_that_are_refused(driver: Driver, changes: dict[str, Any], code: str) -> None:
    known = (await driver.ok("GET", "/groups"))["groups"]
    body = {"groups": [known[0] | {"name": "new"} | changes]}
    assert await driver.refused("PUT", "/groups", body) == code
    assert (await driver.ok("GET", "/groups"))["groups"] == known


@pytest.mark.parametrize(
    ("kind", "amount", "code"),
    [
        ("DEPOSIT", "-1.00", "INVALID_AMOUNT"),
        ("DEPOSIT", "0", "INVALID_AMOUNT"),
        ("DEPOSIT", "0.001", "INVALID_AMOUNT"),
        ("WITHDRAWAL", "1.00", "INVALID_AMOUNT"),
        ("WITHDRAWAL", "-6366.34", "NO_MONEY"),
        ("CREDIT", "-0.01", "NO_MONEY"),
        ("NEGATIVE_BALANCE", "1.00", "INVALID_AMOUNT"),
    ],
)
async def test_money_that_is_refused(driver: Driver, kind: str, amount: str, code: str) -> None:
    await funded(driver)
    await driver.order(1001)
    before = await driver.deals()
    body = {"kind": kind, "amount": amount}
    assert await driver.refused("POST", "/accounts/1001/balance-operations", body) == code
    assert await driver.deals() == before


async def test_everything_withdrawable_can_be_withdrawn(driver: Driver) -> None:
    await funded(driver)
    await driver.order(1001)
    body = {"kind": "WITHDRAWAL", "amount": "-6366.33"}
    await driver.ok("POST", "/accounts/1001/balance-operations", body)
    assert (await driver.state(1001))["free_margin"] == "0.00"


async def test_an_operation_id_is_applied_once_and_its_answer_kept(driver: Driver) -> None:
    await driver.open_account(1001)
    path, body = "/accounts/1001/balance-operations", {"kind": "DEPOSIT", "amount": "5.00"}
    first = await driver.ok("POST", path, body, op="x:1")
    assert await driver.ok("POST", path, body, op="x:1") == first
    assert len(await driver.deals()) == 1
    stored = await driver.ok("GET", "/operations/x:1")
    assert (stored["status"], stored["answer"]) == (200, first)
    other = await driver.call("POST", path, body | {"amount": "6.00"}, op="x:1")
    assert other.json()["error"]["code"] == "OP_ID_REUSED"
    missing = await driver.client.post(f"/v1{path}", json=body)
    assert missing.status_code == 400
    assert await driver.refused("GET", "/operations/none") == "UNKNOWN_OPERATION"


async def test_a_refusal_is_kept_too(driver: Driver) -> None:
    """Or a repeat could do later what we have already reported as refused."""
    await driver.open_account(1001)
    path, body = "/accounts/1001/balance-operations", {"kind": "WITHDRAWAL", "amount": "-5.00"}
    first = await driver.call("POST", path, body, op="w")
    await driver.deposit(1001, "10.00")
    again = await driver.call("POST", path, body, op="w")
    assert (
        (first.status_code, first.json())
        == (again.status_code, again.json())
        == (
            409,
            {"error": {"code": "NO_MONEY", "message": "The withdrawable amount is smaller."}},
        )
    )
    assert (await driver.state(1001))["balance"] == "10.00"


async def test_leverage_moves_margin_at_once_and_may_stop_out(driver: Driver) -> None:
    await funded(driver)
    await driver.order(1001)
    await driver.ok("PATCH", "/accounts/1001", {"leverage": 100})
    assert (await driver.state(1001))["margin"] == "1085.00"
    await driver.ok("PATCH", "/accounts/1001", {"leverage": 5})
    assert await driver.positions(1001) == []


async def test_days_that_passed_are_charged_once(driver: Driver, clock: FixedClock) -> None:
    await funded(driver)
    await driver.order(1001)
    engine = driver.client._transport.app.state.engine  # type: ignore[attr-defined] # in process
    clock.move_to(datetime(2026, 3, 7, 0, 0, 1, tzinfo=UTC))
    await engine.roll_over()
    await engine.roll_over()
    (position,) = await driver.positions(1001)
    assert position["swap"] == "-36.00"  # Wednesday three times, Thursday, Friday


LOGINS = itertools.count(5_000)
STEP = st.one_of(
    st.tuples(st.just("order"), st.sampled_from(["BUY", "SELL"]), st.integers(1, 60)),
    st.tuples(st.just("close"), st.integers(0, 5), st.integers(1, 60)),
    st.tuples(st.just("price"), st.integers(100_000, 117_000), st.integers(0, 30)),
    st.tuples(st.just("money"), st.integers(-200_000, 200_000), st.just(0)),
    st.tuples(st.just("credit"), st.integers(-20_000, 20_000), st.just(0)),
)


@profile(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(STEP, max_size=10))
async def test_the_books_agree_after_any_story(
    driver: Driver, story: list[tuple[str, Any, int]]
) -> None:
    """Balance is the sum of deals, equity adds credit and open profit, margin is never negative,
    no account is left at its stop-out level, and closing all books exactly the open profit."""
    login = next(LOGINS)
    await driver.open_account(login)
    await driver.deposit(login, "3000.00")
    await driver.quote("EURUSD", "1.08490", "1.08500")
    for step in story:
        await _act(driver, login, step)
        await _check(driver, login)
    before = await driver.state(login)
    await driver.ok("POST", f"/accounts/{login}/close-all", {"reason": "end"})
    after = await driver.state(login)
    assert after["equity"] == before["equity"]
    assert (after["margin"], after["floating"]) == ("0.00", "0.00")
    await _check(driver, login)


async def _act(driver: Driver, login: int, step: tuple[str, Any, int]) -> None:
    match step:
        case ("order", side, lots):
            order = {"symbol": "EURUSD", "type": "MARKET", "side": side, "lots": f"0.{lots:02}"}
            await driver.call("POST", f"/accounts/{login}/orders", order)
        case ("close", place, lots):
            held = await driver.positions(login)
            if held:
                chosen = held[place % len(held)]["position_id"]
                part = {"lots": f"0.{lots:02}"}
                path = f"/accounts/{login}/positions/{chosen}/close"
                await driver.call("POST", path, part)
        case ("price", points, spread):
            bid, ask = Decimal(points).scaleb(-5), Decimal(points + spread).scaleb(-5)
            await driver.quote("EURUSD", str(bid), str(ask))
        case (kind, cents, _):
            name = "CREDIT" if kind == "credit" else "DEPOSIT" if cents > 0 else "WITHDRAWAL"
            body = {"kind": name, "amount": str(Decimal(cents).scaleb(-2))}
            await driver.call("POST", f"/accounts/{login}/balance-operations", body)


async def _check(driver: Driver, login: int) -> None:
    state = {
        name: Decimal(value)
        for name, value in (await driver.state(login)).items()
        if name in ("balance", "credit", "equity", "margin", "floating", "free_margin")
    }
    deals = [
        deal
        for deal in (await driver.ok("GET", "/deals?after=&limit=1000"))["deals"]
        if deal["login"] == login
    ]
    credit = [deal for deal in deals if deal["entry"] == "CREDIT"]
    balance = [deal for deal in deals if deal["entry"] != "CREDIT"]
    held = await driver.positions(login)
    assert state["balance"] == sum(map(money, balance))
    assert state["credit"] == sum(map(money, credit))
    assert state["floating"] == sum(Decimal(p["profit"]) + Decimal(p["swap"]) for p in held)
    assert state["equity"] == state["balance"] + state["credit"] + state["floating"]
    assert state["margin"] == sum(Decimal(p["margin"]) for p in held) >= 0
    assert not held or state["equity"] / state["margin"] > Decimal("0.5")
    assert deals[-1]["balance_after"] == str(state["balance"])
