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


def _symbol(
    name: str,
    description: str,
    asset_class: AssetClass,
    *,
    currencies: tuple[str, str],
    contract: str,
    digits: int,
    lots: tuple[str, str, str],
    swaps: tuple[str, str],
    leverage_max: int,
) -> Symbol:
    return Symbol(
        name, description, asset_class, *currencies, Decimal(contract), digits,
        Decimal(lots[0]), Decimal(lots[1]), Decimal(lots[2]),
        Decimal(swaps[0]), Decimal(swaps[1]), leverage_max,
    )  # fmt: skip


_FX_LOTS = ("0.01", "100", "0.01")

SYMBOLS: dict[str, Symbol] = {
    symbol.name: symbol
    for symbol in (
        _symbol("EURUSD", "Euro / US dollar", AssetClass.FX, currencies=("EUR", "USD"),
                contract="100000", digits=5, lots=_FX_LOTS, swaps=("-7.2", "2.4"),
                leverage_max=500),
        _symbol("GBPUSD", "Pound sterling / US dollar", AssetClass.FX, currencies=("GBP", "USD"),
                contract="100000", digits=5, lots=_FX_LOTS, swaps=("-4.1", "-1.3"),
                leverage_max=500),
        _symbol("USDJPY", "US dollar / Japanese yen", AssetClass.FX, currencies=("USD", "JPY"),
                contract="100000", digits=3, lots=_FX_LOTS, swaps=("9.8", "-21.5"),
                leverage_max=500),
        _symbol("EURGBP", "Euro / Pound sterling", AssetClass.FX, currencies=("EUR", "GBP"),
                contract="100000", digits=5, lots=_FX_LOTS, swaps=("-5.6", "1.1"),
                leverage_max=500),
        _symbol("XAUUSD", "Gold, troy ounce / US dollar", AssetClass.METAL,
                currencies=("XAU", "USD"), contract="100", digits=2, lots=("0.01", "50", "0.01"),
                swaps=("-38.0", "21.0"), leverage_max=200),
        _symbol("US500", "Index of 500 large US shares", AssetClass.INDEX,
                currencies=("US500", "USD"), contract="10", digits=1, lots=("0.1", "250", "0.1"),
                swaps=("-11.0", "3.0"), leverage_max=100),
        _symbol("BTCUSD", "Bitcoin / US dollar", AssetClass.CRYPTO, currencies=("BTC", "USD"),
                contract="1", digits=2, lots=("0.01", "10", "0.01"), swaps=("-2600", "-900"),
                leverage_max=20),
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
