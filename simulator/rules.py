"""The arithmetic of margin trading, pure. Prices and money are `Decimal`, days are dates.

The choices a reader must know, so that every figure can be computed again by hand:
a lot is `contract_size` units; an order and a stop fill at the price of the moment (buy at ask,
sell at bid), so a gap slips; money of another currency is converted at the mid price of the pair
that links the two, else through USD; margin is the notional at the open divided by the smaller of
the account's and the symbol's leverage, each position for itself, hedged or not; profit is rounded
half up to the currency's scale; commission is for the round turn, at the open.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import NamedTuple

from domain.kernel.money import scale_of
from simulator.values import (
    ZERO,
    Account,
    AssetClass,
    Funds,
    Order,
    OrderType,
    Position,
    Quote,
    Reason,
    Refusal,
    Side,
    Symbol,
)

_HUB = "USD"
_WEDNESDAY, _FRIDAY, _SATURDAY = 2, 4, 5


class Leg(NamedTuple):
    """One pair on the way from a currency to another; divided by when `inverse`."""

    pair: str
    inverse: bool


class Valued(NamedTuple):
    """A position with its open profit and swap at the prices of now."""

    position: Position
    floating: Decimal


@lru_cache(maxsize=64)
def money_unit(currency: str) -> Decimal:
    return Decimal(1).scaleb(-scale_of(currency))


def round_money(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(money_unit(currency), ROUND_HALF_UP)


def round_price(price: Decimal, symbol: Symbol) -> Decimal:
    return price.quantize(symbol.point, ROUND_HALF_UP)


def legs(source: str, target: str, pairs: Mapping[str, Symbol]) -> tuple[Leg, ...]:
    """The pairs that turn money of one currency into another: none, one, or two through USD.

    Refusals: NO_RATE.
    """
    if source == target:
        return ()
    direct = _link(source, target, pairs)
    if direct is not None:
        return (direct,)
    first, second = _link(source, _HUB, pairs), _link(_HUB, target, pairs)
    if first is None or second is None:
        raise Refusal("NO_RATE", f"There is no way from {source} to {target}.")
    return (first, second)


def _link(source: str, target: str, pairs: Mapping[str, Symbol]) -> Leg | None:
    if source + target in pairs:
        return Leg(source + target, inverse=False)
    if target + source in pairs:
        return Leg(target + source, inverse=True)
    return None


def rate(way: Sequence[Leg], quotes: Mapping[str, Quote]) -> Decimal:
    """What one unit is worth at the mid prices of now, unrounded. Refusals: NO_PRICE."""
    product = Decimal(1)
    for leg in way:
        mid = price_of(leg.pair, quotes).mid
        product = product / mid if leg.inverse else product * mid
    return product


def price_of(symbol: str, quotes: Mapping[str, Quote]) -> Quote:
    """The current quote. Refusals: NO_PRICE."""
    quote = quotes.get(symbol)
    if quote is None:
        raise Refusal("NO_PRICE", f"{symbol} has no price yet.")
    return quote


def open_price(side: Side, quote: Quote) -> Decimal:
    return quote.ask if side is Side.BUY else quote.bid


def close_price(side: Side, quote: Quote) -> Decimal:
    return quote.bid if side is Side.BUY else quote.ask


def pip(symbol: Symbol) -> Decimal:
    """The unit traders count in: 0.0001, or 0.01 where the quote currency is the yen."""
    return symbol.point * (10 if symbol.asset_class is AssetClass.FX else 1)


def pip_value(symbol: Symbol, quote_to_account: Decimal) -> Decimal:
    """Account money that one lot gains when the price moves by one pip, unrounded."""
    return pip(symbol) * symbol.contract_size * quote_to_account


def notional_per_lot(
    symbol: Symbol, price: Decimal, *, currency: str, quote_to_account: Decimal
) -> Decimal:
    """What one lot is worth in account money; exact where the account holds the base currency."""
    if symbol.base_currency == currency:
        return symbol.contract_size
    return symbol.contract_size * price * quote_to_account


@lru_cache(maxsize=65_536)
def margin(lots: Decimal, notional: Decimal, *, leverage: int, currency: str) -> Decimal:
    """Margin of `lots` whose notional per lot is given, rounded to the currency's scale."""
    return round_money(lots * notional / leverage, currency)


def position_margin(position: Position, account: Account, symbol: Symbol) -> Decimal:
    leverage = min(account.leverage, symbol.leverage_max)
    return margin(position.lots, position.margin_rate, leverage=leverage, currency=account.currency)


def profit_exact(
    position: Position, symbol: Symbol, *, price: Decimal, quote_to_account: Decimal
) -> Decimal:
    """Profit of the whole position at a closing price, with its carry, unrounded."""
    move = price - position.open_price
    signed = move if position.side is Side.BUY else -move
    return signed * position.lots * symbol.contract_size * quote_to_account + position.carry


def funds(account: Account, valued: Iterable[Valued], margin_total: Decimal) -> Funds:
    floating = sum((item.floating for item in valued), ZERO)
    return Funds(account.balance, account.credit, floating, margin_total)


def swap_part(position: Position, lots: Decimal, currency: str) -> Decimal:
    """The swap that leaves with `lots` of a position; the rest keeps the remainder."""
    if lots == position.lots:
        return position.swap
    return (position.swap * lots / position.lots).quantize(money_unit(currency), ROUND_DOWN)


def swap_nights(asset_class: AssetClass, day: date) -> int:
    """Nights charged at the end of `day`. Currencies and metals settle in two days and charge
    Wednesday three times, an index charges Friday three times, a coin each day once."""
    if asset_class is AssetClass.CRYPTO:
        return 1
    if day.weekday() >= _SATURDAY:
        return 0
    triple = _FRIDAY if asset_class is AssetClass.INDEX else _WEDNESDAY
    return 3 if day.weekday() == triple else 1


def swap_charge(
    position: Position, symbol: Symbol, *, nights: int, quote_to_account: Decimal, currency: str
) -> Decimal:
    points = symbol.swap_long if position.side is Side.BUY else symbol.swap_short
    exact = points * symbol.point * symbol.contract_size * position.lots * nights
    return round_money(exact * quote_to_account, currency)


def commission(lots: Decimal, per_lot: Decimal, currency: str) -> Decimal:
    """What an opening deal costs: zero or negative."""
    return -round_money(lots * per_lot, currency)


def check_lots(symbol: Symbol, lots: Decimal) -> None:
    """Refusals: INVALID_VOLUME outside of minimum and maximum or off the step."""
    if not symbol.lots_min <= lots <= symbol.lots_max or lots % symbol.lots_step:
        raise Refusal(
            "INVALID_VOLUME",
            f"{symbol.name} trades from {symbol.lots_min} to {symbol.lots_max} lots "
            f"in steps of {symbol.lots_step}.",
        )


def check_part(symbol: Symbol, *, lots: Decimal, of: Decimal) -> None:
    """A partial close must be on the step and leave nothing or a tradable rest.

    Refusals: INVALID_VOLUME.
    """
    rest = of - lots
    if lots <= 0 or rest < 0 or lots % symbol.lots_step or 0 < rest < symbol.lots_min:
        raise Refusal("INVALID_VOLUME", f"{lots} of {of} lots can't be closed.")


def check_pending(order: Order, quote: Quote) -> None:
    """A limit lies on the better side of the market, a stop on the worse.

    Refusals: INVALID_PRICE.
    """
    assert order.price is not None
    market = open_price(order.side, quote)
    is_below = order.price < market
    wants_below = (order.type is OrderType.LIMIT) == (order.side is Side.BUY)
    if order.price == market or order.price <= 0 or is_below is not wants_below:
        raise Refusal("INVALID_PRICE", f"A {order.side} {order.type} can't stand at {order.price}.")


def check_stops(side: Side, price: Decimal, *, sl: Decimal | None, tp: Decimal | None) -> None:
    """Stop loss on the losing side of `price`, take profit on the winning side.

    Refusals: INVALID_STOPS.
    """
    low, high = (sl, tp) if side is Side.BUY else (tp, sl)
    if (low is not None and not 0 < low < price) or (high is not None and high <= price):
        raise Refusal("INVALID_STOPS", f"Stop loss and take profit must lie around {price}.")


def is_triggered(order: Order, quote: Quote) -> bool:
    """Whether a pending order fills at this quote."""
    assert order.price is not None
    market = open_price(order.side, quote)
    if (order.type is OrderType.LIMIT) == (order.side is Side.BUY):
        return market <= order.price
    return market >= order.price


def exit_reason(position: Position, quote: Quote) -> Reason | None:
    """Whether a quote takes a position out. A gap through both is the stop loss."""
    price = close_price(position.side, quote)
    sign = 1 if position.side is Side.BUY else -1
    if position.sl is not None and (price - position.sl) * sign <= 0:
        return Reason.STOP_LOSS
    if position.tp is not None and (price - position.tp) * sign >= 0:
        return Reason.TAKE_PROFIT
    return None


def must_stop_out(state: Funds, stop_out_level: Decimal) -> bool:
    """Whether the margin level has fallen to the group's stop-out level."""
    return state.level is not None and state.level <= stop_out_level


def stop_out_choice(valued: Sequence[Valued]) -> Position:
    """The position to close first: the largest loss, the older of two equal ones."""
    return min(valued, key=lambda item: (item.floating, item.position.position_id)).position


def withdrawable(state: Funds) -> Decimal:
    """Money that may leave: never credit, never what carries a position."""
    return max(ZERO, min(state.balance, state.free_margin - state.credit))
