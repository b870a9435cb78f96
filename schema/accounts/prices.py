"""Prices as they were, asked of the platform itself: nothing of them is kept here."""

import asyncio
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Protocol

import strawberry
from strawberry import enum_value

from domain.accounts import trading
from domain.accounts.ports import Platform, PlatformRefused, PlatformUnavailable
from domain.accounts.queries import find_server, find_symbol
from domain.kernel.errors import Invalid
from domain.kernel.ids import decode_id_of
from domain.reads import select
from schema.shared.bind import Info, field
from schema.shared.enums import shows
from schema.shared.permission import public
from schema.shared.span import checked_span

BARS_MAX = 500
PATIENCE_S = 5.0
_SEEN = select("server_id")


class Connecting(Protocol):
    """Adapters by server row, opened at first use."""

    def connect(self, server: Any) -> Platform: ...


class PlatformServices(Protocol):
    """What price history needs of the application's services."""

    @property
    def platforms(self) -> Connecting: ...


@shows(trading.Interval, "The stretch of time of a price bar.")
class PriceInterval(Enum):
    M1 = enum_value("M1", description="One minute.")
    M5 = enum_value("M5", description="Five minutes.")
    M15 = enum_value("M15", description="A quarter of an hour.")
    H1 = enum_value("H1", description="One hour.")
    D1 = enum_value("D1", description="One day.")


_LENGTH = {
    PriceInterval.M1: timedelta(minutes=1),
    PriceInterval.M5: timedelta(minutes=5),
    PriceInterval.M15: timedelta(minutes=15),
    PriceInterval.H1: timedelta(hours=1),
    PriceInterval.D1: timedelta(days=1),
}


@strawberry.type(description="Bid prices within one interval.", directives=public())
class PriceBar:
    at: datetime = strawberry.field(description="When the interval began.")
    open: Decimal = strawberry.field(description="The first price.")
    high: Decimal = strawberry.field(description="The highest price.")
    low: Decimal = strawberry.field(description="The lowest price.")
    close: Decimal = strawberry.field(description="The last price.")
    ask_close: Decimal = strawberry.field(description="The last price to buy at.")


_AccountId = Annotated[strawberry.ID, strawberry.argument(description="The account to trade on.")]
_Symbol = Annotated[str, strawberry.argument(description="Name of a symbol, see `symbols`.")]
_Interval = Annotated[PriceInterval, strawberry.argument(description="How long each bar is.")]
_From = Annotated[datetime, strawberry.argument(name="from", description="Beginning, included.")]
_To = Annotated[
    datetime | None, strawberry.argument(name="to", description="End; now when absent.")
]


@strawberry.type
class PriceQueries:
    @field(
        "Prices as they were, oldest first, at most 500 bars; stretches without a price have no "
        "bar. Empty when you may not see the account. Asked of the platform, so that it fails "
        "with UNAVAILABLE while that does not answer.",
        needs="quotes:read",
        cost=100,
    )
    async def price_history(
        self,
        info: Info,
        *,
        account_id: _AccountId,
        symbol: _Symbol,
        interval: _Interval,
        start: _From,
        end: _To = None,
    ) -> list[PriceBar]:
        now = info.context.now()
        until = end or now
        checked_span(start, until, now)
        if until - start > BARS_MAX * _LENGTH[interval]:
            message = f"Ask for at most {BARS_MAX} bars."
            raise Invalid("BAD_USER_INPUT", message, path=("interval",))
        server = await _server_of(info, account_id, symbol)
        if server is None:
            return []
        services: PlatformServices = info.context.services
        platform = services.platforms.connect(server)
        wanted = trading.Interval[interval.name]
        try:
            async with asyncio.timeout(PATIENCE_S):
                bars = await platform.price_history(symbol, start=start, end=until, interval=wanted)
        except TimeoutError as error:
            raise PlatformUnavailable from error
        except PlatformRefused as refused:
            raise Invalid("BAD_USER_INPUT", f"The platform refused: {refused.code}.") from refused
        return [_shown(bar) for bar in bars]


async def _server_of(info: Info, account_id: strawberry.ID, symbol: str) -> Any:
    """The server of a visible account that trades the symbol; the snapshot is given back, since
    nothing is held while another machine is asked. Refusals: BAD_USER_INPUT."""
    key, context = decode_id_of("account", account_id), info.context
    found = key and await context.load("account", key, _SEEN)
    if not found:
        return None
    if await find_symbol(context.work, found.server_id, symbol) is None:
        raise Invalid("BAD_USER_INPUT", "The account has no such symbol.", path=("symbol",))
    server = await find_server(context.work, found.server_id)
    await context.refresh()
    return server


def _shown(bar: trading.PriceBar) -> PriceBar:
    return PriceBar(
        at=bar.at,
        open=bar.open,
        high=bar.high,
        low=bar.low,
        close=bar.close,
        ask_close=bar.ask_close,
    )
