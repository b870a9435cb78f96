"""The market: recordings played tick by tick, generated series, restarts, history."""

import csv
import gzip
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from simulator import recordings
from simulator.history import Anchor
from simulator.market import Market, manual_quote
from simulator.recordings import BadRecording, Series, load
from simulator.symbols import SYMBOLS
from simulator.values import Quote, QuoteSource, Refusal
from tests.simulator.conftest import START

SECOND = timedelta(seconds=1)
HEADER = "timestamp,open,high,low,close\n"


@pytest.fixture(scope="session")
def gbpusd(recorded: Path) -> Series:
    return load(SYMBOLS["GBPUSD"], recorded, seed="unused")


def rows(file: Path) -> dict[str, dict[str, str]]:
    with gzip.open(file, "rt") as lines:
        return {row["timestamp"]: row for row in csv.DictReader(lines)}


def test_a_quote_can_be_looked_up_in_the_recorded_file(gbpusd: Series, recorded: Path) -> None:
    bids = rows(recorded / "gbpusd-m1-bid-2012.csv.gz")
    asks = rows(recorded / "gbpusd-m1-ask-2012.csv.gz")
    market = Market({"GBPUSD": gbpusd}, [Anchor(START, 0, Decimal(60))])
    shown = [*market.start(START), *market.due(START + 30 * SECOND)]
    assert len(shown) == 1 + 4 * 30
    for quote in shown:
        assert quote.source is QuoteSource.RECORDED
        assert quote.recorded_at is not None
        minute = quote.recorded_at.replace(second=0)
        name = {0: "open", 15: "low", 30: "high", 45: "close"}[quote.recorded_at.second]
        key = f"{minute:%Y-%m-%d %H:%M:%S}+00:00"
        assert quote.bid == Decimal(bids[key][name])
        assert quote.ask == max(quote.bid, Decimal(asks[key][name]))
    assert shown[0].recorded_at == datetime(2012, 2, 1, tzinfo=UTC)


def test_the_whole_recording_is_read_once_and_in_order(gbpusd: Series, recorded: Path) -> None:
    bids = rows(recorded / "gbpusd-m1-bid-2012.csv.gz")
    asks = rows(recorded / "gbpusd-m1-ask-2012.csv.gz")
    assert len(gbpusd) == 4 * len(bids.keys() & asks.keys())
    assert all(a < b for a, b in pairwise(gbpusd.recorded))
    assert all(0 < b - a <= recordings.PAUSE_MS_MAX for a, b in pairwise(gbpusd.offsets))
    assert all(bid <= ask for bid, ask in zip(gbpusd.bids, gbpusd.asks, strict=True))


def test_ticks_are_used_where_there_are_no_bars(recorded: Path, tmp_path: Path) -> None:
    name = "usdjpy-ticks-2013-01-01.csv"
    (tmp_path / name).write_bytes((recorded / name).read_bytes())
    series = load(SYMBOLS["USDJPY"], tmp_path, seed="unused")
    assert (len(series), series.source) == (1000, QuoteSource.RECORDED)
    assert series.prices(0) == (Decimal("86.655"), Decimal("86.728"))
    assert series.recorded_at(0) == datetime(2013, 1, 1, 22, 0, 0, 295000, tzinfo=UTC)


def test_a_generated_series_repeats_by_seed_and_loops_without_a_jump() -> None:
    symbol = SYMBOLS["EURUSD"]
    one, two, other = (load(symbol, None, seed=seed) for seed in ("a", "a", "b"))
    assert (one.bids, one.asks) == (two.bids, two.asks)
    assert one.bids != other.bids
    assert one.source is QuoteSource.GENERATED
    assert all(bid < ask for bid, ask in zip(one.bids, one.asks, strict=True))
    steps = [abs(b - a) for a, b in pairwise(one.bids)]
    assert abs(one.bids[0] - one.bids[-1]) <= max(steps)


def test_every_symbol_has_a_market(series: dict[str, Series]) -> None:
    market = Market(series, [Anchor(START, 0, Decimal(1))])
    assert {quote.symbol for quote in market.start(START)} == set(SYMBOLS)


def bars(folder: Path, side: str, text: str) -> None:
    with gzip.open(folder / f"gbpusd-m1-{side}-2012.csv.gz", "wt") as file:
        file.write(HEADER + text)


def test_an_ask_below_its_bid_is_lifted_and_lone_minutes_left_out(tmp_path: Path) -> None:
    bars(tmp_path, "bid", "2012-02-01 00:00:00+00:00,1.5,1.6,1.4,1.5\n"
         "2012-02-01 00:01:00+00:00,1.5,1.6,1.4,1.5\n")  # fmt: skip
    bars(tmp_path, "ask", "2012-02-01 00:00:00+00:00,1.4,1.7,1.5,1.6\n")
    series = load(SYMBOLS["GBPUSD"], tmp_path, seed="unused")
    assert [series.prices(n) for n in range(len(series))] == [
        (Decimal("1.50000"), Decimal("1.50000")),
        (Decimal("1.40000"), Decimal("1.50000")),
        (Decimal("1.60000"), Decimal("1.70000")),
        (Decimal("1.50000"), Decimal("1.60000")),
    ]


@pytest.mark.parametrize(
    ("bid", "ask"),
    [
        ("", ""),
        (
            "2012-02-01 00:01:00+00:00,1,1,1,1\n2012-02-01 00:00:00+00:00,1,1,1,1\n",
            "2012-02-01 00:01:00+00:00,1,1,1,1\n2012-02-01 00:00:00+00:00,1,1,1,1\n",
        ),
        ("2012-02-01 00:01:00+00:00,1,1,1,1\n", None),
    ],
)
def test_a_recording_that_cannot_be_played_is_refused(
    tmp_path: Path, bid: str, ask: str | None
) -> None:
    bars(tmp_path, "bid", bid)
    if ask is not None:
        bars(tmp_path, "ask", ask)
    with pytest.raises(BadRecording):
        load(SYMBOLS["GBPUSD"], tmp_path, seed="unused")


def played(market: Market, *, seconds: int) -> list[Quote]:
    return [
        quote for second in range(1, seconds + 1) for quote in market.due(START + second * SECOND)
    ]


def test_play_is_the_same_however_often_it_is_looked_at(series: dict[str, Series]) -> None:
    once, often = (Market(series, [Anchor(START, 0, Decimal(30))]) for _ in range(2))
    assert once.start(START) == often.start(START)
    every = played(often, seconds=40)
    assert once.due(START + 40 * SECOND) == every
    assert [quote.at for quote in every] == sorted(quote.at for quote in every)
    assert len(every) == len(series) * 40 * 30 // 15


def test_a_restart_finds_the_market_where_it_would_be(series: dict[str, Series]) -> None:
    anchors = [Anchor(START, 0, Decimal(60))]
    running, restarted = Market(series, anchors), Market(series, list(anchors))
    running.start(START)
    newest = {quote.symbol: quote for quote in played(running, seconds=30)}
    found = {quote.symbol: quote for quote in restarted.start(START + 30 * SECOND)}
    assert found == newest


def test_a_market_that_slept_gaps(series: dict[str, Series]) -> None:
    market = Market(series, [Anchor(START, 0, Decimal(3600))])
    market.start(START)
    woken = market.due(START + timedelta(hours=8))
    assert len(woken) == len(series)
    assert market.due(START + timedelta(hours=8)) == []
    next_at = market.next_at()
    assert next_at is not None
    assert next_at > START + timedelta(hours=8)


def test_a_series_starts_again_at_its_end(series: dict[str, Series]) -> None:
    one = series["EURUSD"]
    market = Market({"EURUSD": one}, [Anchor(START, one.duration_ms - 1, Decimal(15))])
    (last,) = market.start(START)
    (first,) = market.due(START + SECOND)
    assert last.recorded_at == one.recorded_at(len(one) - 1)
    assert first.recorded_at == one.recorded_at(0)


def test_the_speed_changes_from_the_place_of_now(series: dict[str, Series]) -> None:
    market = Market(series, [Anchor(START, 0, Decimal(15))])
    market.start(START)
    market.due(START + 10 * SECOND)
    assert market.change_speed(START + 10 * SECOND, Decimal(0)).offset_ms == 150_000
    assert market.is_manual
    assert market.next_at() is None
    assert market.due(START + 99 * SECOND) == []
    stepped = market.step(START + 99 * SECOND, ticks=len(series))
    assert {quote.at for quote in stepped} == {START + 99 * SECOND}
    assert market.anchor.offset_ms == 165_000
    market.change_speed(START + 100 * SECOND, Decimal(15))
    assert len(market.due(START + 101 * SECOND)) == len(series)
    for wrong in (Decimal(-1), Decimal(10_001)):
        with pytest.raises(Refusal) as refused:
            market.change_speed(START, wrong)
        assert refused.value.code == "INVALID_SPEED"
    with pytest.raises(Refusal) as refused:
        market.step(START, ticks=1)
    assert refused.value.code == "NOT_MANUAL"


def test_history_is_what_was_shown(series: dict[str, Series]) -> None:
    market = Market(series, [Anchor(START, 0, Decimal(60))])
    market.start(START)
    shown = [q for q in played(market, seconds=120) if q.symbol == "EURUSD"]
    end = START + timedelta(minutes=2)
    found = market.history("EURUSD", start=START, end=end, interval="M1")
    assert [bar.at for bar in found] == [START, START + timedelta(minutes=1)]
    second = [quote for quote in shown if START + timedelta(minutes=1) <= quote.at < end]
    bar = found[1]
    assert bar.open == second[0].bid
    assert bar.close == second[-1].bid
    assert bar.ask_close == second[-1].ask
    assert bar.high == max(quote.bid for quote in second)
    assert bar.low == min(quote.bid for quote in second)
    assert bar.ticks == len(second) == 4 * 60


def test_history_reaches_before_the_start_and_through_manual_play(
    series: dict[str, Series],
) -> None:
    market = Market(series, [Anchor(START, 0, Decimal(60))])
    market.start(START)
    market.change_speed(START + 60 * SECOND, Decimal(0))
    by_hand = manual_quote("EURUSD", bid=Decimal(2), ask=Decimal(3), at=START + 90 * SECOND)
    market.show(by_hand)
    found = market.history(
        "EURUSD", start=START - 60 * SECOND, end=START + 120 * SECOND, interval="M1"
    )
    assert [bar.ticks for bar in found] == [240, 240, 1]
    assert found[-1].close == 2
    days = market.history("EURUSD", start=START - timedelta(days=3), end=START, interval="D1")
    assert len(days) == 4
    assert sum(bar.ticks for bar in days) == 3 * 24 * 60 * 60 * 60 // 15
    assert {bar.low for bar in days[1:3]} == {Decimal(min(series["EURUSD"].bids)).scaleb(-5)}
    with pytest.raises(Refusal) as refused:
        market.history("EURUSD", start=START - timedelta(days=90), end=START, interval="M1")
    assert refused.value.code == "RANGE_TOO_LARGE"
    with pytest.raises(Refusal) as refused:
        market.history("NONE", start=START, end=START, interval="D1")
    assert refused.value.code == "UNKNOWN_SYMBOL"


def test_a_price_by_hand_must_be_a_price() -> None:
    for bid, ask in (("0", "1"), ("2", "1")):
        with pytest.raises(Refusal):
            manual_quote("EURUSD", bid=Decimal(bid), ask=Decimal(ask), at=START)
