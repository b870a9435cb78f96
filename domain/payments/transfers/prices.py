"""Ask a platform for the mid price of a conversion. Never inside a work."""

import asyncio
from collections.abc import Sequence

from domain.accounts.ports import Platform, PlatformRefused, PlatformUnavailable
from domain.kernel.errors import Refused
from domain.payments.transfers.rules import price_of
from domain.payments.transfers.values import Hop, Price

PATIENCE_S = 3.0


async def ask_price(platform: Platform, route: Sequence[Hop]) -> Price:
    """The mid price along a route, now. Refusals: PRICE_UNAVAILABLE, PRICE_STALE."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            quotes = await platform.quotes([hop.symbol for hop in route])
            clock = await platform.server_clock()
    except (TimeoutError, PlatformUnavailable, PlatformRefused) as error:
        message = "The platform gives no price at present; try again."
        raise Refused("PRICE_UNAVAILABLE", message) from error
    return price_of(route, {one.symbol: one for one in quotes}, now=clock.now)
