"""What a market showed before: bars, computed from the series and how it was played.

Nothing is stored for it: play is a function of wall time, so the past is looked up in the series.
Before the first anchor it is what the market would have shown. Time in manual mode (speed zero)
has the ticks that were stepped or set by hand, as long as the process remembers them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from simulator.recordings import Series
from simulator.values import Quote, Refusal

BARS_MAX = 5_000
_MS = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Anchor:
    """From `at` on, play runs at `speed` from `offset_ms`."""

    at: datetime
    offset_ms: int
    speed: Decimal

    def offset_at(self, now: datetime) -> int:
        return self.offset_ms + int((now - self.at) / _MS * float(self.speed))

    def at_offset(self, offset_ms: int) -> datetime:
        """When a place of play is reached; only for a market that moves."""
        return self.at + (offset_ms - self.offset_ms) / float(self.speed) * _MS

    def first_index(self, series: Series, at: datetime) -> int:
        """The first tick that is shown at `at` or later."""
        index = series.index_at(self.offset_at(at))
        # Wall times are rounded to microseconds, so the neighbours are tried too.
        while self.at_offset(series.offset_of(index)) >= at:
            index -= 1
        while self.at_offset(series.offset_of(index)) < at:
            index += 1
        return index


@dataclass(frozen=True, slots=True)
class Bar:
    """Bid prices of one interval beginning at `at`, and the ask it closed with."""

    at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    ask_close: Decimal
    ticks: int


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` up to `end`, cut into intervals that begin at multiples of their length."""

    start: datetime
    end: datetime
    interval: timedelta

    def floor(self, at: datetime) -> datetime:
        return at - (at - _EPOCH) % self.interval

    def cuts(self, since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The parts of a stretch of time that lie in one interval each."""
        while since < until:
            following = min(self.floor(since) + self.interval, until)
            yield since, following
            since = following


def bars(
    series: Series, anchors: Sequence[Anchor], by_hand: Iterable[Quote], window: Window
) -> list[Bar]:
    """Bars of a window, oldest first; intervals without a tick have none.

    Refusals: RANGE_TOO_LARGE.
    """
    if (window.end - window.start) / window.interval > BARS_MAX:
        raise Refusal("RANGE_TOO_LARGE", f"Ask for at most {BARS_MAX} bars.")
    pieces = [
        (quote.at, _single(quote, window.floor(quote.at)))
        for quote in by_hand
        if window.start <= quote.at < window.end
    ]
    for anchor, since, until in _stretches(anchors, window.start, window.end):
        first = anchor.first_index(series, since)
        for begin, end in window.cuts(since, until):
            last = anchor.first_index(series, end)
            if first < last:
                pieces.append((begin, _bar(series, window.floor(begin), first, last)))
            first = last
    return _merged(bar for _, bar in sorted(pieces, key=lambda piece: piece[0]))


def _stretches(
    anchors: Sequence[Anchor], start: datetime, end: datetime
) -> Iterator[tuple[Anchor, datetime, datetime]]:
    """The anchors that rule within a time, each with its part of it; manual ones left out."""
    for place, anchor in enumerate(anchors):
        since = start if place == 0 else max(start, anchor.at)
        until = end if place == len(anchors) - 1 else min(end, anchors[place + 1].at)
        if since < until and anchor.speed > 0:
            yield anchor, since, until


def _single(quote: Quote, at: datetime) -> Bar:
    return Bar(at, quote.bid, quote.bid, quote.bid, quote.bid, quote.ask, 1)


def _bar(series: Series, at: datetime, first: int, last: int) -> Bar:
    """The bar of ticks `first` up to, not including, `last`."""
    low, high = series.bid_range(first, last)
    close, ask_close = series.prices(last - 1)
    return Bar(at, series.prices(first)[0], high, low, close, ask_close, last - first)


def _merged(pieces: Iterable[Bar]) -> list[Bar]:
    whole: list[Bar] = []
    for piece in pieces:
        if not whole or whole[-1].at != piece.at:
            whole.append(piece)
            continue
        old = whole[-1]
        whole[-1] = Bar(
            old.at, old.open, max(old.high, piece.high), min(old.low, piece.low),
            piece.close, piece.ask_close, old.ticks + piece.ticks,
        )  # fmt: skip
    return whole
