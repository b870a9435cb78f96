"""A burst keeps every state beside the prices it was made of."""

from datetime import UTC, datetime
from decimal import Decimal

from domain.accounts.burst import Burst, Tick
from domain.accounts.trading import AccountState, Quote, QuoteSource
from domain.accounts.values import StateSource

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


def quote(symbol: str, bid: str) -> Quote:
    return Quote(symbol, Decimal(bid), Decimal(bid), AT, AT, QuoteSource.RECORDED)


def state(login: int, equity: int) -> AccountState:
    zero, own = Decimal(0), Decimal(equity)
    return AccountState(
        login=login,
        balance=own,
        credit=zero,
        equity=own,
        margin=zero,
        free_margin=own,
        floating=zero,
        margin_level_percent=None,
        currency="USD",
        digits=2,
        as_of=AT,
        source=StateSource.STREAM,
    )


def test_a_state_lies_beside_the_prices_before_it_not_beside_later_ones() -> None:
    burst = Burst()
    first, second = quote("EURUSD", "1.1"), quote("EURUSD", "1.2")
    other = quote("USDJPY", "150")
    early, late = state(1, 100), state(1, 50)
    for item in (first, other, early, state(2, 70), second, late):
        burst.add(item)
    assert burst.ticks == [
        Tick({"EURUSD": first, "USDJPY": other}, [early, state(2, 70)]),
        Tick({"EURUSD": second}, [late]),
    ]
    assert burst.quotes == {"EURUSD": second, "USDJPY": other}
    assert burst.states == {1: late, 2: state(2, 70)}


def test_prices_or_states_alone_are_a_tick_too() -> None:
    prices, states = Burst(), Burst()
    prices.add(quote("EURUSD", "1.1"))
    states.add(state(1, 100))
    assert prices.ticks == [Tick({"EURUSD": quote("EURUSD", "1.1")}, [])]
    assert states.ticks == [Tick({}, [state(1, 100)])]
    assert not Burst().ticks
