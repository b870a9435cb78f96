"""The market: where each series stands now, what is due, and what it showed before.

Play is a pure function of wall time: `offset = anchor.offset + (now - anchor.at) × speed`. The
anchor is stored, so that a restart finds the market where it would be, as a real one goes on while
a platform is down. A speed of zero is the manual mode: time stands and `step` plays tick by tick.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from heapq import heapify, heapreplace

import numpy as np
from numpy.typing import NDArray

from simulator.history import Anchor, Bar, Window, bars
from simulator.recordings import Series
from simulator.values import Quote, QuoteSource, Refusal

FACTOR_MAX = 10
INTERVALS = {
    "M1": timedelta(minutes=1),
    "M5": timedelta(minutes=5),
    "M15": timedelta(minutes=15),
    "H1": timedelta(hours=1),
    "D1": timedelta(days=1),
}
SPEED_MAX = Decimal(10_000)
_DUE_MAX = 2_000
_MANUAL_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Path:
    """The ticks of a symbol in a stretch of time, as one anchor plays them; prices in points."""

    series: Series
    anchor: Anchor
    first: int
    bids: NDArray[np.int64]
    asks: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.bids)

    def quote(self, number: int) -> Quote:
        """The `number`th tick, counted from 0."""
        index = self.first + number
        bid, ask = self.series.prices(index)
        at = self.anchor.at_offset(self.series.offset_of(index))
        recorded = self.series.recorded_at(index)
        return Quote(self.series.symbol, bid, ask, at, recorded, self.series.source)


class Market:
    """Plays all series. `due` and `step` hand every tick out once, in order of time."""

    def __init__(self, series: Mapping[str, Series], anchors: list[Anchor]) -> None:
        self.series = dict(series)
        self.anchors = anchors
        self._shown: deque[Quote] = deque(maxlen=_MANUAL_KEPT)
        self._offset = anchors[-1].offset_ms
        self._queue: list[tuple[int, str, int]] = []

    @property
    def anchor(self) -> Anchor:
        return self.anchors[-1]

    @property
    def is_manual(self) -> bool:
        return self.anchor.speed == 0

    def start(self, now: datetime) -> list[Quote]:
        """Takes position at `now` and tells the newest quote of each symbol."""
        self._offset = self.anchor.offset_at(now)
        self._queue = []
        newest = []
        for name, series in self.series.items():
            index = series.index_at(self._offset)
            newest.append(self._quote(series, index, self._wall(series.offset_of(index), now)))
            self._queue.append((series.offset_of(index + 1), name, index + 1))
        heapify(self._queue)
        return newest

    def at(self, when: datetime) -> list[Quote]:
        """What each symbol showed at an instant, or would have, before there was a market. Prices
        that were set by hand are not among them."""
        offset = self._ruling(when).offset_at(when)
        return [
            self._quote(series, series.index_at(offset), when) for series in self.series.values()
        ]

    def path(self, symbol: str, start: datetime, end: datetime) -> Path:
        """Every tick that a symbol showed, or would have, behind `start` up to `end`; none of
        those after a change of speed between the two."""
        series, anchor = self.series[symbol], self._ruling(start)
        later = [one.at for one in self.anchors if start < one.at < end and one is not anchor]
        end = min([end, *later])
        first = series.index_at(anchor.offset_at(start)) + 1
        last = series.index_at(anchor.offset_at(end))
        places = np.arange(first, last + 1) % len(series)
        return Path(
            series, anchor, first,
            np.frombuffer(series.bids, np.int64)[places],
            np.frombuffer(series.asks, np.int64)[places],
        )  # fmt: skip

    def _ruling(self, when: datetime) -> Anchor:
        """The anchor by which the market is played at an instant; before the first, the first."""
        ruling = [anchor for anchor in self.anchors if anchor.at <= when]
        return ruling[-1] if ruling else self.anchors[0]

    def due(self, now: datetime) -> list[Quote]:
        """All ticks up to `now`, oldest first. When too many have piled up (the machine slept)
        only the newest of each symbol: the market gapped."""
        if self.is_manual:
            return []
        target = self.anchor.offset_at(now)
        quotes: list[Quote] = []
        while self._queue[0][0] <= target:
            if len(quotes) == _DUE_MAX:
                return self.start(now)
            quotes.append(self._play(now))
        self._offset = max(self._offset, target)
        return quotes

    def next_at(self) -> datetime | None:
        """When the next tick is due; None in manual mode."""
        return None if self.is_manual else self.anchor.at_offset(self._queue[0][0])

    def step(self, now: datetime, *, ticks: int) -> list[Quote]:
        """Manual mode: plays the next `ticks` ticks of the whole market and moves the anchor.
        Ticks of one moment come in order of symbols; a restart shows a begun moment whole.

        Refusals: NOT_MANUAL.
        """
        if not self.is_manual:
            raise Refusal("NOT_MANUAL", "Set the speed to 0 to step the market.")
        quotes = [self._play(now) for _ in range(ticks)]
        self.anchors[-1] = Anchor(self.anchor.at, self._offset, Decimal(0))
        self._shown.extend(quotes)
        return quotes

    def show(self, quote: Quote) -> None:
        """Keeps a quote set by hand for the history of manual mode."""
        self._shown.append(quote)

    def change_speed(self, now: datetime, speed: Decimal) -> Anchor:
        """Goes on from the place of now at another speed. Refusals: INVALID_SPEED."""
        if not 0 <= speed <= SPEED_MAX:
            raise Refusal("INVALID_SPEED", f"The speed is 0 (manual) to {SPEED_MAX}.")
        offset = self._offset if self.is_manual else self.anchor.offset_at(now)
        self.anchors.append(Anchor(now, offset, speed))
        return self.anchor

    def _play(self, now: datetime) -> Quote:
        offset, name, index = self._queue[0]
        series = self.series[name]
        heapreplace(self._queue, (series.offset_of(index + 1), name, index + 1))
        self._offset = max(self._offset, offset)
        return self._quote(series, index, self._wall(offset, now))

    def _wall(self, offset: int, now: datetime) -> datetime:
        return now if self.is_manual else self.anchor.at_offset(offset)

    @staticmethod
    def _quote(series: Series, index: int, at: datetime) -> Quote:
        bid, ask = series.prices(index)
        return Quote(series.symbol, bid, ask, at, series.recorded_at(index), series.source)

    def history(self, symbol: str, *, start: datetime, end: datetime, interval: str) -> list[Bar]:
        """Bars of what the market showed from `start` up to `end`; see `simulator.history`.

        Refusals: UNKNOWN_SYMBOL, RANGE_TOO_LARGE.
        """
        series = self.series.get(symbol)
        if series is None:
            raise Refusal("UNKNOWN_SYMBOL", f"There is no {symbol}.")
        by_hand = [quote for quote in list(self._shown) if quote.symbol == symbol]
        window = Window(start, end, INTERVALS[interval])
        return bars(series, list(self.anchors), by_hand, window)


def manual_quote(symbol: str, *, bid: Decimal, ask: Decimal, at: datetime) -> Quote:
    """A price set by hand. Refusals: INVALID_PRICE when the ask is below the bid."""
    if not 0 < bid <= ask:
        raise Refusal("INVALID_PRICE", "A bid is above zero and an ask not below it.")
    return Quote(symbol, bid, ask, at, None, QuoteSource.MANUAL)


def check_manual(quote: Quote, digits: int, last: Quote | None) -> None:
    """Whether a price set by hand could follow the last one.

    Refusals: INVALID_PRICE for more decimals than the symbol has, and for a side that is more than
    ten times the last price or less than a tenth of it.
    """
    sides = quote.bid, quote.ask
    if any(side != round(side, digits) for side in sides):
        raise Refusal("INVALID_PRICE", f"{quote.symbol} has {digits} decimals.")
    if last is None:
        return
    if quote.bid * FACTOR_MAX < last.bid or quote.ask > last.ask * FACTOR_MAX:
        message = f"It is more than {FACTOR_MAX} times away from {last.bid} and {last.ask}."
        raise Refusal("INVALID_PRICE", message)
