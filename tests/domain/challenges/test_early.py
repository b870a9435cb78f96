"""Ticks of accounts without a phase: for some seconds, so many, in their order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from domain.accounts.trading import AccountState
from domain.accounts.values import StateSource
from domain.challenges.early import KEPT_FOR, EarlyTicks
from domain.challenges.lifecycle import PriceSeen

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
WHOLE = Decimal(100_000)
STATE = AccountState(
    login=7, balance=WHOLE, credit=Decimal(0), equity=WHOLE, margin=Decimal(0), free_margin=WHOLE,
    floating=Decimal(0), margin_level_percent=None, currency="USD", digits=2, as_of=NOW,
    source=StateSource.STREAM,
)  # fmt: skip


def state(login: int, equity: int = 100_000) -> AccountState:
    return replace(STATE, login=login, equity=Decimal(equity))


def price(bid: str) -> PriceSeen:
    return PriceSeen("EURUSD", bid, bid, NOW, None, "RECORDED")


def test_an_account_is_told_again_in_order_with_the_prices_of_then() -> None:
    early, prices = EarlyTicks(), {"EURUSD": price("1.1")}
    early.keep([state(7, 1), state(8), state(7, 2)], {8}, prices, now=NOW)
    prices["EURUSD"] = price("1.2")
    early.keep([state(7, 3)], {8}, prices, now=NOW)
    told = [(one.equity, seen["EURUSD"].bid) for one, seen in early.of(7)]
    assert told == [(1, "1.1"), (2, "1.1"), (3, "1.2")]
    assert early.of(8) == []
    assert len(early) == 3


def test_what_is_old_is_forgotten() -> None:
    early = EarlyTicks()
    early.keep([state(7)], (), {}, now=NOW)
    early.keep([], (), {}, now=NOW + KEPT_FOR - timedelta(microseconds=1))
    assert len(early) == 1
    early.keep([], (), {}, now=NOW + KEPT_FOR)
    assert (len(early), early.of(7)) == (0, [])


def test_of_too_many_the_newest_are_kept() -> None:
    early = EarlyTicks(states_max=3)
    for equity in (1, 2, 3):
        early.keep([state(7, equity), state(8)], (), {}, now=NOW)
    assert [one.equity for one, _ in early.of(7)] == [3]
    early.keep([state(9)] * 5, (), {}, now=NOW)
    assert len(early) == 0, "more than may be kept are none"
