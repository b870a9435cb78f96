"""The mid price of a conversion: which symbols make it, and what the platform says of them."""

import asyncio
from collections.abc import Sequence
from typing import Any

from domain.accounts.ports import Platform, PlatformRefused, PlatformUnavailable
from domain.accounts.queries import find_grant, find_server, list_currency_pairs
from domain.kernel.errors import Refused
from domain.payments.transfers.queries import get_wallet, list_currencies
from domain.payments.transfers.rules import (
    CROSS,
    choose_route,
    decide_amount,
    decide_currency,
    price_of,
)
from domain.payments.transfers.values import Hop, Pair, Price, QuoteWish
from tenants.work import ReadWork

PATIENCE_S = 3.0


async def find_route(work: ReadWork, wish: QuoteWish) -> tuple[Any, tuple[Hop, ...]]:
    """The brand's platform server, and the symbols that price the conversion.

    Refusals: NOT_FOUND, INVALID, CURRENCY_MISMATCH, CURRENCY_UNAVAILABLE, PRICE_UNAVAILABLE.
    """
    wallet = await get_wallet(work, wish.wallet_id, named="fromWalletId")
    decide_amount(wish.amount, wallet.currency)
    decide_currency(wish.to_currency, wallet.currency, await list_currencies(work))
    grant = await find_grant(work)
    if grant is None:
        raise Refused("PRICE_UNAVAILABLE", "This brand has no platform that prices currencies.")
    among = sorted({wallet.currency, wish.to_currency, CROSS})
    pairs = await list_currency_pairs(work, grant.server_id, among)
    made = [Pair(one.name, one.base_currency, one.quote_currency) for one in pairs]
    route = choose_route(made, wallet.currency, wish.to_currency)
    return await find_server(work, grant.server_id), route


async def ask_price(platform: Platform, route: Sequence[Hop]) -> Price:
    """The mid price along a route, now; never inside a work.

    Refusals: PRICE_UNAVAILABLE, PRICE_STALE; both `retryable`, since they are of the moment.
    """
    try:
        async with asyncio.timeout(PATIENCE_S):
            quotes = await platform.quotes([hop.symbol for hop in route])
            clock = await platform.server_clock()
    except (TimeoutError, PlatformUnavailable, PlatformRefused) as error:
        message = "The platform gives no price at present; try again."
        raise Refused("PRICE_UNAVAILABLE", message, retryable=True) from error
    return price_of(route, {one.symbol: one for one in quotes}, now=clock.now)
