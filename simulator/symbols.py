"""The instruments of the simulator, and how a generated market of each would look."""

from dataclasses import dataclass
from decimal import Decimal

from simulator.values import AssetClass, Symbol

CURRENCIES = ("USD", "EUR", "GBP", "JPY")


@dataclass(frozen=True, slots=True)
class Weather:
    """How a generated series moves: first price, spread in points, volatility per year."""

    start: Decimal
    spread_points: int
    volatility: float


D = Decimal
_FX = AssetClass.FX
_FX_LOTS = (D("0.01"), D(100), D("0.01"))
_METAL_LOTS = (D("0.01"), D(50), D("0.01"))

SYMBOLS: dict[str, Symbol] = {
    symbol.name: symbol
    for symbol in (
        Symbol("EURUSD", "Euro / US dollar", _FX, "EUR", "USD", D(100000), 5,
               *_FX_LOTS, D("-7.2"), D("2.4"), 500),
        Symbol("GBPUSD", "Pound sterling / US dollar", _FX, "GBP", "USD", D(100000), 5,
               *_FX_LOTS, D("-4.1"), D("-1.3"), 500),
        Symbol("USDJPY", "US dollar / Japanese yen", _FX, "USD", "JPY", D(100000), 3,
               *_FX_LOTS, D("9.8"), D("-21.5"), 500),
        Symbol("EURGBP", "Euro / Pound sterling", _FX, "EUR", "GBP", D(100000), 5,
               *_FX_LOTS, D("-5.6"), D("1.1"), 500),
        Symbol("XAUUSD", "Gold, troy ounce / US dollar", AssetClass.METAL, "XAU", "USD", D(100), 2,
               *_METAL_LOTS, D(-38), D(21), 200),
        Symbol("US500", "Index of 500 large US shares", AssetClass.INDEX, "US500", "USD", D(10), 1,
               D("0.1"), D(250), D("0.1"), D(-11), D(3), 100),
        Symbol("BTCUSD", "Bitcoin / US dollar", AssetClass.CRYPTO, "BTC", "USD", D(1), 2,
               D("0.01"), D(10), D("0.01"), D(-2600), D(-900), 20),
    )
}  # fmt: skip

WEATHER: dict[str, Weather] = {
    "EURUSD": Weather(Decimal("1.08500"), 8, 0.075),
    "GBPUSD": Weather(Decimal("1.27000"), 11, 0.085),
    "USDJPY": Weather(Decimal("151.370"), 9, 0.095),
    "EURGBP": Weather(Decimal("0.85430"), 10, 0.055),
    "XAUUSD": Weather(Decimal("2350.00"), 18, 0.16),
    "US500": Weather(Decimal("5600.0"), 5, 0.15),
    "BTCUSD": Weather(Decimal("64000.00"), 1500, 0.55),
}
