"""Live states and quotes on their way from the reader of a platform to the API processes.

They travel conflated by key, as text: only the newest state of a login and the newest price of a
symbol matter. Keys name server and login, never a brand: whoever watches has looked the account
up under row-level security first.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.accounts.trading import AccountState, Quote, QuoteSource
from domain.accounts.values import StateSource
from domain.events.states import StatePublisher

_MONEY = ("balance", "credit", "equity", "margin", "free_margin", "floating")


def state_key(server_id: UUID, login: int) -> str:
    """Where the state of a login travels."""
    return f"state:{server_id.hex}:{login}"


def quote_key(server_id: UUID, symbol: str) -> str:
    """Where the price of a symbol travels."""
    return f"quote:{server_id.hex}:{symbol}"


def publish_states(
    bus: StatePublisher, server_id: UUID, states: Iterable[AccountState], quotes: Iterable[Quote]
) -> None:
    """Publish a burst; never waits and never fails."""
    told: dict[str, Any] = {state_key(server_id, one.login): _state(one) for one in states}
    told.update((quote_key(server_id, one.symbol), _quote(one)) for one in quotes)
    if told:
        bus.publish(told)


def read_state(told: Mapping[str, Any]) -> AccountState:
    """A state as it was published."""
    level = told["margin_level_percent"]
    return AccountState(
        login=told["login"],
        currency=told["currency"],
        digits=told["digits"],
        margin_level_percent=None if level is None else Decimal(level),
        as_of=datetime.fromisoformat(told["as_of"]),
        source=StateSource(told["source"]),
        **{name: Decimal(told[name]) for name in _MONEY},
    )


def read_quote(told: Mapping[str, Any]) -> Quote:
    """A quote as it was published."""
    recorded = told["recorded_at"]
    return Quote(
        symbol=told["symbol"],
        bid=Decimal(told["bid"]),
        ask=Decimal(told["ask"]),
        at=datetime.fromisoformat(told["at"]),
        recorded_at=None if recorded is None else datetime.fromisoformat(recorded),
        source=QuoteSource(told["source"]),
    )


def _state(one: AccountState) -> dict[str, Any]:
    level = one.margin_level_percent
    return {
        "login": one.login,
        "currency": one.currency,
        "digits": one.digits,
        "margin_level_percent": None if level is None else str(level),
        "as_of": one.as_of.isoformat(),
        "source": one.source.value,
        **{name: str(getattr(one, name)) for name in _MONEY},
    }


def _quote(one: Quote) -> dict[str, Any]:
    return {
        "symbol": one.symbol,
        "bid": str(one.bid),
        "ask": str(one.ask),
        "at": one.at.isoformat(),
        "recorded_at": None if one.recorded_at is None else one.recorded_at.isoformat(),
        "source": one.source.value,
    }
