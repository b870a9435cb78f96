"""The current quotes, and what positions and accounts are worth at them."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache

from simulator import rules
from simulator.book import Draft
from simulator.rules import Leg, Valued
from simulator.symbols import SYMBOLS
from simulator.values import ZERO, Account, Funds, Position, Quote, Refusal, Symbol


@lru_cache(maxsize=256)
def way(source: str, target: str) -> tuple[Leg, ...]:
    """The pairs between two currencies, found once. Refusals: NO_RATE."""
    return rules.legs(source, target, SYMBOLS)


def find_symbol(name: str) -> Symbol:
    """Refusals: UNKNOWN_SYMBOL."""
    symbol = SYMBOLS.get(name)
    if symbol is None:
        raise Refusal("UNKNOWN_SYMBOL", f"There is no {name}.")
    return symbol


class Prices:
    """The newest quote of each symbol and valuations at them."""

    def __init__(self) -> None:
        self.quotes: dict[str, Quote] = {}
        # Rates at the quotes of now, found once per change of price, not once per position.
        self._rates: dict[tuple[str, str], Decimal] = {}

    def show(self, quote: Quote) -> None:
        """Takes a new price; everything is valued at it from here on."""
        self.quotes[quote.symbol] = quote
        self._rates.clear()

    def quote(self, symbol: str) -> Quote:
        """Refusals: NO_PRICE."""
        return rules.price_of(symbol, self.quotes)

    def rate(self, source: str, target: str) -> Decimal:
        """What one unit of a currency is worth in another. Refusals: NO_RATE, NO_PRICE."""
        known = self._rates.get((source, target))
        if known is None:
            known = self._rates[source, target] = rules.rate(way(source, target), self.quotes)
        return known

    def value(self, position: Position, currency: str) -> Valued:
        """Open profit at the price of now, rounded, plus swap: what a close would book."""
        symbol = SYMBOLS[position.symbol]
        exact = rules.profit_exact(
            position,
            symbol,
            price=rules.close_price(position.side, self.quote(position.symbol)),
            quote_to_account=self.rate(symbol.quote_currency, currency),
        )
        return Valued(position, rules.round_money(exact, currency) + position.swap)

    def values(self, positions: Iterable[Position], currency: str) -> list[Valued]:
        return [self.value(position, currency) for position in positions]

    def funds(self, account: Account, valued: Sequence[Valued]) -> Funds:
        """The account's money with these positions open."""
        margins = (
            rules.position_margin(item.position, account, SYMBOLS[item.position.symbol])
            for item in valued
        )
        return rules.funds(account, valued, sum(margins, ZERO))

    def funds_of(self, draft: Draft, login: int) -> Funds:
        account = draft.account(login)
        return self.funds(account, self.values(draft.positions_of(login), account.currency))


@lru_cache(maxsize=1024)
def _depends_on(symbol: str, currency: str) -> frozenset[str]:
    return frozenset({symbol, *(leg.pair for leg in way(SYMBOLS[symbol].quote_currency, currency))})


def symbols_moved_by(name: str, currencies: Iterable[str]) -> Mapping[str, frozenset[str]]:
    """For each account currency, the symbols whose positions are worth more or less when the
    price of `name` moves."""
    return {
        currency: frozenset(s for s in SYMBOLS if name in _depends_on(s, currency))
        for currency in currencies
    }
