"""Series of prices: read from recordings of a real market, or generated from a seed.

A recording is either a pair of minute-bar files (`gbpusd-m1-bid-2012.csv.gz`, `…-ask-…`) or a
tick file (`usdjpy-ticks-2013-01-01.csv`); bars win when both exist. A minute bar is played as
four ticks, always in this order: open at second 0, low at 15, high at 30, close at 45, bid and ask
together; an ask below its bid is lifted to the bid. Minutes that one side lacks are left out. A
pause longer than a minute (night, weekend) is played as one minute.
"""

import csv
import gzip
import math
import random
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from simulator.symbols import WEATHER
from simulator.values import QuoteSource, Symbol

BAR_ORDER = ("open", "low", "high", "close")
TICK_MS = 15_000
PAUSE_MS_MAX = 60_000
_GENERATED_TICKS = 7 * 24 * 60 * 4
_GENERATED_FROM_MS = int(datetime(2026, 1, 5, tzinfo=UTC).timestamp()) * 1000
_TICKS_PER_YEAR = 365 * 24 * 60 * 4

# One tick: recorded time in epoch milliseconds, bid and ask in points.
RawTick = tuple[int, int, int]


class BadRecording(Exception):
    """A recording that can't be read: the file and the reason."""


@dataclass(frozen=True, slots=True)
class Series:
    """Ticks of one symbol in order of play. `offsets` are milliseconds of play since the start;
    prices are points (10^-digits). After `duration_ms` the series starts again."""

    symbol: str
    digits: int
    source: QuoteSource
    offsets: "array[int]"
    recorded: "array[int]"
    bids: "array[int]"
    asks: "array[int]"
    duration_ms: int

    def __len__(self) -> int:
        return len(self.offsets)

    def index_at(self, offset_ms: int) -> int:
        """The running number of the newest tick at a place of play; it goes on through loops."""
        loop, inside = divmod(offset_ms, self.duration_ms)
        return loop * len(self) + bisect_right(self.offsets, inside) - 1

    def offset_of(self, index: int) -> int:
        loop, inside = divmod(index, len(self))
        return loop * self.duration_ms + self.offsets[inside]

    def prices(self, index: int) -> tuple[Decimal, Decimal]:
        """Bid and ask of a tick."""
        inside = index % len(self)
        return (
            Decimal(self.bids[inside]).scaleb(-self.digits),
            Decimal(self.asks[inside]).scaleb(-self.digits),
        )

    def bid_range(self, first: int, last: int) -> tuple[Decimal, Decimal]:
        """Lowest and highest bid of ticks `first` up to, not including, `last`."""
        start, count = first % len(self), min(last - first, len(self))
        found = self.bids[start : start + count] + self.bids[: max(0, start + count - len(self))]
        low, high = min(found), max(found)
        return Decimal(low).scaleb(-self.digits), Decimal(high).scaleb(-self.digits)

    def recorded_at(self, index: int) -> datetime:
        return datetime.fromtimestamp(self.recorded[index % len(self)] / 1000, UTC)


def load(symbol: Symbol, folder: Path | None, *, seed: str) -> Series:
    """The recorded series of a symbol, or the generated one when the folder has none.

    Raises BadRecording when a file is there and can't be read.
    """
    if folder is not None:
        stem = symbol.name.lower()
        bids = sorted(folder.glob(f"{stem}-m1-bid-*.csv.gz"))
        ticks = sorted(folder.glob(f"{stem}-ticks-*.csv"))
        if bids:
            raw = _bars(bids[0], Path(str(bids[0]).replace("-bid-", "-ask-")), symbol.digits)
            return _series(symbol, raw, QuoteSource.RECORDED)
        if ticks:
            return _series(symbol, _ticks(ticks[0], symbol.digits), QuoteSource.RECORDED)
    return _series(symbol, generate(symbol, seed=seed), QuoteSource.GENERATED)


def _series(symbol: Symbol, raw: Iterable[RawTick], source: QuoteSource) -> Series:
    offsets, recorded, bids, asks = array("q"), array("q"), array("q"), array("q")
    play = 0
    for at, bid, ask in raw:
        if recorded:
            pause = at - recorded[-1]
            if pause < 0:
                raise BadRecording(f"{symbol.name}: time runs backwards at row {len(recorded)}")
            play += min(pause, PAUSE_MS_MAX)
        offsets.append(play)
        recorded.append(at)
        bids.append(bid)
        asks.append(max(bid, ask))
    if not offsets:
        raise BadRecording(f"{symbol.name}: the recording is empty")
    return Series(symbol.name, symbol.digits, source, offsets, recorded, bids, asks, play + TICK_MS)


def _bars(bid_file: Path, ask_file: Path, digits: int) -> Iterator[RawTick]:
    asks = {row["timestamp"]: row for row in _rows(ask_file)}
    for bid in _rows(bid_file):
        ask = asks.get(bid["timestamp"])
        if ask is None:
            continue
        start = _epoch_ms(bid["timestamp"])
        for place, name in enumerate(BAR_ORDER):
            yield start + place * TICK_MS, _points(bid[name], digits), _points(ask[name], digits)


def _ticks(file: Path, digits: int) -> Iterator[RawTick]:
    for row in _rows(file):
        yield (
            _epoch_ms(row["timestamp"]),
            _points(row["bid"], digits),
            _points(row["ask"], digits),
        )


def _rows(file: Path) -> Iterator[dict[str, str]]:
    opener = gzip.open if file.suffix == ".gz" else open
    try:
        with opener(file, "rt", encoding="ascii", newline="") as lines:
            yield from csv.DictReader(lines)
    except (OSError, UnicodeDecodeError, EOFError) as error:
        raise BadRecording(f"{file.name}: {error}") from error


def _epoch_ms(text: str) -> int:
    at = datetime.fromisoformat(text)
    return int(at.timestamp()) * 1000 + at.microsecond // 1000


def _points(text: str, digits: int) -> int:
    whole, _, part = text.partition(".")
    if len(part) <= digits and part.isdigit():
        return int(whole + part.ljust(digits, "0"))
    return int(Decimal(text).scaleb(digits).to_integral_value())


def generate(symbol: Symbol, *, seed: str) -> Iterator[RawTick]:
    """A week of a geometric random walk, one tick in 15 seconds, that ends where it began, so
    that the loop has no jump. The same seed gives the same ticks on every machine.

    Floats are allowed here: they make prices up, they do not reckon money.
    """
    weather = WEATHER[symbol.name]
    # Not security: a market that repeats.
    dice = random.Random(f"{seed}:{symbol.name}")  # noqa: S311
    step = weather.volatility / math.sqrt(_TICKS_PER_YEAR)
    walk = [0.0]
    for _ in range(_GENERATED_TICKS):
        walk.append(walk[-1] + dice.gauss(0.0, step))
    drift = walk[-1] / _GENERATED_TICKS
    start = float(weather.start.scaleb(symbol.digits))
    for place in range(_GENERATED_TICKS):
        bid = round(start * math.exp(walk[place] - drift * place))
        spread = max(1, round(weather.spread_points * (1 + abs(dice.gauss(0.0, 0.35)))))
        yield _GENERATED_FROM_MS + place * TICK_MS, bid, bid + spread
