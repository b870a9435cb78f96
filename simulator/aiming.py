"""Trades of the past that end where they were meant to, and how deep they went on the way.

The market of then is known, so the side is the one on which equity first gets there. On the way it
never leaves the other way for longer than that, since the other side would have been there first.
What is told of the way are the lows: a level that equity fell below was first fallen below at one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, Decimal

import numpy as np
from numpy.typing import NDArray

from simulator.market import Market, Path
from simulator.symbols import SYMBOLS
from simulator.values import Quote, Side

Points = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PastAim:
    """A position opened at `at` and closed at the first tick at which the account's equity has
    risen, or fallen, to `equity`, at the latest at `closed_at`. Left out where it is there."""

    at: datetime
    closed_at: datetime
    login: int
    symbol: str
    lots: Decimal
    equity: Decimal
    rises: bool

    def is_there(self, equity: Decimal) -> bool:
        """Whether there is nothing left to be done."""
        return equity >= self.equity if self.rises else equity <= self.equity


@dataclass(frozen=True, slots=True)
class Low:
    """A tick at which equity was lower than at any since the position was opened."""

    login: int
    position_id: int
    quote: Quote
    balance: Decimal
    equity: Decimal


@dataclass(frozen=True, slots=True)
class Course:
    """The side that leads there, when it is there (None: not in time), and the lows until then:
    ticks, and what the position had made at each."""

    side: Side
    ends_at: datetime | None
    lows: Sequence[tuple[Quote, Decimal]]


def plot(market: Market, aim: PastAim, opened: Quote, distance: Decimal) -> Course:
    """How the trade goes that must make `distance` (a loss is below zero) from here on.

    Money of the account is what the symbol is quoted in.
    """
    symbol = SYMBOLS[aim.symbol]
    worth = symbol.point * symbol.contract_size * aim.lots
    path = market.path(aim.symbol, aim.at, aim.closed_at)
    need = int((abs(distance) / worth).to_integral_value(ROUND_CEILING))
    made = {side: _made(path, side, opened, symbol.digits) for side in Side}
    reached = {side: _first(one if aim.rises else -one, need) for side, one in made.items()}
    side = min(Side, key=lambda one: reached[one])
    stop = min(reached[side] + 1, len(path))
    at_once = -int((opened.ask - opened.bid).scaleb(symbol.digits))
    lows = [(path.quote(n), int(made[side][n]) * worth) for n in _lows(made[side][:stop], at_once)]
    ends_at = path.quote(reached[side]).at if reached[side] < len(path) else None
    return Course(side, ends_at, lows)


def _made(path: Path, side: Side, opened: Quote, digits: int) -> Points:
    """Points made at each tick."""
    if side is Side.BUY:
        return path.bids - int(opened.ask.scaleb(digits))
    return int(opened.bid.scaleb(digits)) - path.asks


def _first(made: Points, need: int) -> int:
    """The first tick with so many points; their number when there is none."""
    there = np.flatnonzero(made >= need)
    return int(there[0]) if len(there) else len(made)


def _lows(made: Points, at_once: int) -> list[int]:
    before = np.minimum.accumulate(np.concatenate([[at_once], made]))[:-1]
    return [int(n) for n in np.flatnonzero(made < before)]
