"""The arithmetic of margin trading, by hand-made examples and by properties."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import rules
from simulator.rules import Leg, Valued
from simulator.symbols import SYMBOLS
from simulator.values import (
    Access,
    Account,
    AssetClass,
    Funds,
    Order,
    OrderType,
    Position,
    Quote,
    QuoteSource,
    Reason,
    Refusal,
    Side,
)

AT = datetime(2026, 3, 4, 12, tzinfo=UTC)
EURUSD, USDJPY, XAUUSD = SYMBOLS["EURUSD"], SYMBOLS["USDJPY"], SYMBOLS["XAUUSD"]
POINTS = st.integers(50_000, 200_000).map(lambda points: D(points).scaleb(-5))
LOTS = st.integers(1, 500).map(lambda lots: D(lots).scaleb(-2))


def quote(symbol: str, bid: str, ask: str) -> Quote:
    return Quote(symbol, D(bid), D(ask), AT, None, QuoteSource.MANUAL)


def account(**changes: object) -> Account:
    made = Account(1, "g", 30, "USD", "r", Access.FULL, D(10_000), D(0), AT, False, "h", "h")
    return replace(made, **changes)  # type: ignore[arg-type] # fields by name


def position(**changes: object) -> Position:
    made = Position(
        1, 1, "EURUSD", Side.BUY, D(1), D("1.08500"), D(108_500), None, None, D(0), D(0), AT
    )
    return replace(made, **changes)  # type: ignore[arg-type] # fields by name


def order(kind: OrderType, side: Side, price: str) -> Order:
    return Order(1, 1, "c", "EURUSD", kind, side, D(1), D(price), None, None, AT)


def test_margin_of_one_lot_eurusd_at_30_to_1() -> None:
    notional = rules.notional_per_lot(EURUSD, D("1.0850"), currency="USD", quote_to_account=D(1))
    assert rules.margin(D(1), notional, leverage=30, currency="USD") == D("3616.67")


def test_margin_in_the_base_currency_needs_no_price() -> None:
    notional = rules.notional_per_lot(
        USDJPY, D("151.37"), currency="USD", quote_to_account=1 / D("151.37")
    )
    assert notional == D(100_000)
    assert rules.margin(D(1), notional, leverage=30, currency="USD") == D("3333.33")


def test_margin_takes_the_smaller_leverage() -> None:
    held = position(symbol="BTCUSD", lots=D(1), margin_rate=D(64_000))
    assert rules.position_margin(held, account(leverage=500), SYMBOLS["BTCUSD"]) == D("3200.00")
    assert rules.position_margin(held, account(leverage=10), SYMBOLS["BTCUSD"]) == D("6400.00")


def test_pip_values() -> None:
    assert rules.pip_value(EURUSD, D(1)) == D(10)
    usd = rules.pip_value(USDJPY, 1 / D("151.37"))
    assert rules.round_money(usd, "USD") == D("6.61")
    assert rules.pip(XAUUSD) == D("0.01")


def test_ways_between_currencies() -> None:
    assert rules.legs("USD", "USD", SYMBOLS) == ()
    assert rules.legs("EUR", "USD", SYMBOLS) == (Leg("EURUSD", False),)
    assert rules.legs("USD", "EUR", SYMBOLS) == (Leg("EURUSD", True),)
    assert rules.legs("JPY", "EUR", SYMBOLS) == (Leg("USDJPY", True), Leg("EURUSD", True))
    for pair in (("NOK", "EUR"), ("EUR", "NOK")):
        with pytest.raises(Refusal) as refused:
            rules.legs(*pair, SYMBOLS)
        assert refused.value.code == "NO_RATE"


def test_a_rate_multiplies_and_divides_by_mid_prices() -> None:
    quotes = {
        "USDJPY": quote("USDJPY", "149.99", "150.01"),
        "EURUSD": quote("EURUSD", "1.19", "1.21"),
    }
    assert rules.rate((), quotes) == 1
    assert rules.rate(rules.legs("EUR", "JPY", SYMBOLS), quotes) == D(180)
    assert rules.rate(rules.legs("JPY", "USD", SYMBOLS), quotes) == 1 / D(150)
    with pytest.raises(Refusal) as refused:
        rules.price_of("XAUUSD", quotes)
    assert refused.value.code == "NO_PRICE"


def test_prices_to_open_and_to_close() -> None:
    shown = quote("EURUSD", "1.1", "1.2")
    assert (rules.open_price(Side.BUY, shown), rules.close_price(Side.BUY, shown)) == (
        D("1.2"),
        D("1.1"),
    )
    assert (rules.open_price(Side.SELL, shown), rules.close_price(Side.SELL, shown)) == (
        D("1.1"),
        D("1.2"),
    )
    assert rules.round_price(D("1.085005"), EURUSD) == D("1.08501")


def test_profit_of_either_side() -> None:
    long, short = position(), position(side=Side.SELL, carry=D("0.004"))
    price = {"price": D("1.08600"), "quote_to_account": D(1)}
    assert rules.profit_exact(long, EURUSD, **price) == D(100)
    assert rules.profit_exact(short, EURUSD, **price) == D("-99.996")


def test_money_rounds_half_up_to_the_scale_of_its_currency() -> None:
    assert rules.round_money(D("1.005"), "USD") == D("1.01")
    assert rules.round_money(D("-1.005"), "USD") == D("-1.01")
    assert rules.round_money(D("1.5"), "JPY") == D("2")
    assert rules.commission(D("0.01"), D("7.00"), "USD") == D("-0.07")


def test_swap_nights() -> None:
    monday, wednesday, friday = date(2026, 3, 2), date(2026, 3, 4), date(2026, 3, 6)
    saturday, sunday = date(2026, 3, 7), date(2026, 3, 8)
    week = (monday, wednesday, friday, saturday, sunday)
    assert [rules.swap_nights(AssetClass.FX, day) for day in week] == [1, 3, 1, 0, 0]
    assert [rules.swap_nights(AssetClass.METAL, day) for day in week] == [1, 3, 1, 0, 0]
    assert [rules.swap_nights(AssetClass.INDEX, day) for day in week] == [1, 1, 3, 0, 0]
    assert [rules.swap_nights(AssetClass.CRYPTO, day) for day in week] == [1, 1, 1, 1, 1]


def test_swap_is_points_per_lot_and_night() -> None:
    args = {"nights": 3, "quote_to_account": D(1), "currency": "USD"}
    assert rules.swap_charge(position(lots=D(2)), EURUSD, **args) == D("-43.20")
    assert rules.swap_charge(position(side=Side.SELL), EURUSD, **args) == D("7.20")


@pytest.mark.parametrize("lots", ["0.00", "0.001", "100.01", "0.015", "-1"])
def test_volumes_off_the_limits_are_refused(lots: str) -> None:
    with pytest.raises(Refusal) as refused:
        rules.check_lots(EURUSD, D(lots))
    assert refused.value.code == "INVALID_VOLUME"


def test_volumes_within_the_limits_are_taken() -> None:
    rules.check_lots(EURUSD, D("0.01"))
    rules.check_lots(EURUSD, D(100))


@pytest.mark.parametrize("part", ["0", "-0.1", "1.01", "0.005", "0.95"])
def test_parts_that_leave_no_tradable_rest_are_refused(part: str) -> None:
    symbol = replace(EURUSD, lots_min=D("0.1"))
    with pytest.raises(Refusal) as refused:
        rules.check_part(symbol, lots=D(part), of=D(1))
    assert refused.value.code == "INVALID_VOLUME"


def test_parts_may_be_the_whole() -> None:
    rules.check_part(EURUSD, lots=D(1), of=D(1))
    rules.check_part(EURUSD, lots=D("0.99"), of=D(1))


LIMIT_OR_STOP = [
    (OrderType.LIMIT, Side.BUY, "1.0", True),
    (OrderType.LIMIT, Side.BUY, "1.3", False),
    (OrderType.LIMIT, Side.SELL, "1.3", True),
    (OrderType.LIMIT, Side.SELL, "1.0", False),
    (OrderType.STOP, Side.BUY, "1.3", True),
    (OrderType.STOP, Side.BUY, "1.0", False),
    (OrderType.STOP, Side.SELL, "1.0", True),
    (OrderType.STOP, Side.SELL, "1.3", False),
    (OrderType.LIMIT, Side.BUY, "1.2", False),
    (OrderType.LIMIT, Side.BUY, "-1", False),
]


@pytest.mark.parametrize(("kind", "side", "price", "is_right"), LIMIT_OR_STOP)
def test_pending_orders_stand_on_their_side_of_the_market(
    kind: OrderType, side: Side, price: str, is_right: bool
) -> None:
    pending = order(kind, side, price)
    shown = quote("EURUSD", "1.1", "1.2")
    if is_right:
        rules.check_pending(pending, shown)
        assert not rules.is_triggered(pending, shown)
        return
    with pytest.raises(Refusal) as refused:
        rules.check_pending(pending, shown)
    assert refused.value.code == "INVALID_PRICE"
    assert rules.is_triggered(pending, shown) or D(price) < 0


@pytest.mark.parametrize(
    ("side", "sl", "tp", "is_right"),
    [
        (Side.BUY, None, None, True),
        (Side.BUY, "1.0", "1.2", True),
        (Side.BUY, "1.1", None, False),
        (Side.BUY, None, "1.1", False),
        (Side.BUY, "0", None, False),
        (Side.SELL, "1.2", "1.0", True),
        (Side.SELL, "1.0", None, False),
        (Side.SELL, None, "1.2", False),
    ],
)
def test_stops_lie_around_the_price(
    side: Side, sl: str | None, tp: str | None, is_right: bool
) -> None:
    stops = {"sl": sl and D(sl), "tp": tp and D(tp)}
    if is_right:
        rules.check_stops(side, D("1.1"), **stops)  # type: ignore[arg-type] # None or a number
        return
    with pytest.raises(Refusal) as refused:
        rules.check_stops(side, D("1.1"), **stops)  # type: ignore[arg-type] # None or a number
    assert refused.value.code == "INVALID_STOPS"


def test_what_takes_a_position_out() -> None:
    shown = quote("EURUSD", "1.1", "1.2")
    assert rules.exit_reason(position(), shown) is None
    assert rules.exit_reason(position(sl=D("1.1")), shown) is Reason.STOP_LOSS
    assert rules.exit_reason(position(sl=D("1.0"), tp=D("1.1")), shown) is Reason.TAKE_PROFIT
    assert rules.exit_reason(position(sl=D("1.0"), tp=D("1.3")), shown) is None
    assert rules.exit_reason(position(side=Side.SELL, sl=D("1.2")), shown) is Reason.STOP_LOSS
    assert rules.exit_reason(position(side=Side.SELL, tp=D("1.2")), shown) is Reason.TAKE_PROFIT
    assert rules.exit_reason(position(sl=D("1.1"), tp=D("1.1")), shown) is Reason.STOP_LOSS


def test_stop_out_takes_the_largest_loss_and_the_older_of_equals() -> None:
    held = [
        Valued(position(position_id=3), D(-5)),
        Valued(position(position_id=2), D(-5)),
        Valued(position(position_id=1), D(7)),
    ]
    assert rules.stop_out_choice(held).position_id == 2


def test_margin_level_and_stop_out() -> None:
    state = Funds(D(1000), D(0), D(-500), D(1000))
    assert (state.level, state.free_margin) == (D(50), D(-500))
    assert rules.must_stop_out(state, D(50))
    assert not rules.must_stop_out(state, D("49.99"))
    assert not rules.must_stop_out(Funds(D(-10), D(0), D(0), D(0)), D(50))


def test_credit_is_never_withdrawable() -> None:
    assert rules.withdrawable(Funds(D(100), D(50), D(0), D(0))) == 100
    assert rules.withdrawable(Funds(D(100), D(50), D(0), D(120))) == 0
    assert rules.withdrawable(Funds(D(100), D(50), D(-30), D(20))) == 50
    assert rules.withdrawable(Funds(D(-10), D(50), D(0), D(0))) == 0


@given(st.lists(st.tuples(POINTS, POINTS, LOTS, st.sampled_from(Side)), max_size=6), POINTS)
def test_equity_is_balance_credit_and_open_profit(
    trades: list[tuple[D, D, D, Side]], credit: D
) -> None:
    owner = account(credit=credit)
    held = [
        Valued(
            position(position_id=number, open_price=opened, lots=lots, side=side),
            rules.round_money(
                rules.profit_exact(
                    position(open_price=opened, lots=lots, side=side),
                    EURUSD,
                    price=now,
                    quote_to_account=D(1),
                ),
                "USD",
            ),
        )
        for number, (opened, now, lots, side) in enumerate(trades)
    ]
    margins = [rules.position_margin(item.position, owner, EURUSD) for item in held]
    state = rules.funds(owner, held, sum(margins, D(0)))
    assert state.equity == owner.balance + credit + sum(item.floating for item in held)
    assert all(amount >= 0 for amount in margins)
    assert state.free_margin == state.equity - sum(margins)


@given(st.lists(LOTS, min_size=1, max_size=8), POINTS, st.integers(-9_999, 9_999))
def test_parts_of_profit_and_swap_sum_to_the_whole(
    parts: list[D], price: D, swap_cents: int
) -> None:
    rate = D(1) / D("1.37")
    total = sum(parts, D(0))
    whole = position(lots=total, swap=D(swap_cents).scaleb(-2))
    at = {"price": price, "quote_to_account": rate}
    rest, profits, swaps = whole, D(0), D(0)
    for lots in parts:
        exact = rules.profit_exact(replace(rest, lots=lots), EURUSD, **at)
        rounded = rules.round_money(exact, "USD")
        swap = rules.swap_part(rest, lots, "USD")
        profits, swaps = profits + rounded, swaps + swap
        rest = replace(rest, lots=rest.lots - lots, swap=rest.swap - swap, carry=exact - rounded)
    assert rest.lots == 0
    assert swaps == whole.swap
    assert abs(rest.carry) <= D("0.005")
    # The carry makes it exact; one division more or less may differ at the 26th digit.
    assert abs(profits - rules.profit_exact(whole, EURUSD, **at)) <= D("0.0050000001")


@given(st.lists(st.integers(-10_000, 5_000), min_size=1, max_size=8), st.integers(1, 100))
def test_a_stop_out_ends_as_soon_as_the_level_is_above(losses: list[int], level: int) -> None:
    """Closing the largest loss first keeps equity and frees margin, so the level only rises."""
    held = [Valued(position(position_id=n), D(loss)) for n, loss in enumerate(losses)]
    owner, each = account(balance=D(3_000)), D(500)
    closed = 0
    while True:
        state = rules.funds(owner, held, each * len(held))
        if not rules.must_stop_out(state, D(level)):
            break
        victim = rules.stop_out_choice(held)
        gone = next(item for item in held if item.position is victim)
        assert gone.floating == min(item.floating for item in held)
        owner = replace(owner, balance=owner.balance + gone.floating)
        held.remove(gone)
        closed += 1
        after = rules.funds(owner, held, each * len(held))
        assert after.equity == state.equity
    assert state.level is None or state.level > level
    if closed and held:
        before = rules.funds(owner, held, each * (len(held) + 1))
        assert before.level is not None
        assert before.level <= level
