"""Quote a conversion: a price that holds for some seconds, for one use."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import insert, update

from domain.accounts.rules import decide_client_may_act
from domain.clients.standing import find_standing
from domain.kernel.errors import NotFound
from domain.payments.queries import find_policy
from domain.payments.tables import fx_quote
from domain.payments.transfers.queries import get_wallet, list_currencies
from domain.payments.transfers.rules import convert, decide_amount, decide_currency
from domain.payments.transfers.values import Price, QuoteWish
from tenants.work import WriteWork


async def make_quote(work: WriteWork, wish: QuoteWish, price: Price) -> dict[str, str]:
    """Keep both totals of a conversion at the price that was asked for before; the `quote` id.

    Refusals: NOT_FOUND, CLIENT_RESTRICTED, EMAIL_NOT_VERIFIED, INVALID, AMOUNT_TOO_LOW,
    AMOUNT_TOO_HIGH, CURRENCY_MISMATCH, CURRENCY_UNAVAILABLE.
    """
    wallet = await get_wallet(work, wish.wallet_id, named="fromWalletId")
    standing = await find_standing(work, wallet.client_id)
    if standing is None:
        raise NotFound(path=("input", "fromWalletId"))
    decide_client_may_act(standing.status)
    decide_amount(wish.amount, wallet.currency)
    decide_currency(wish.to_currency, wallet.currency, await list_currencies(work))
    policy = await find_policy(work)
    made = convert(wish.amount, wish.to_currency, mid=price.mid, spread_bps=policy.fx_spread_bps)
    quote_id = work.new_id()
    await work.rows(
        insert(fx_quote).values(
            brand_id=work.scope.brand_id,
            id=quote_id,
            client_id=wallet.client_id,
            ib_path=standing.ib_path,
            from_currency=wallet.currency,
            to_currency=wish.to_currency,
            from_minor=made.from_minor,
            to_minor=made.to_minor,
            spread_minor=made.spread_minor,
            mid=price.mid,
            rate=made.rate,
            spread_bps=policy.fx_spread_bps,
            source=price.source,
            priced_at=price.at,
            created_at=work.now(),
            expires_at=work.now() + timedelta(seconds=policy.fx_quote_seconds),
        )
    )
    return {"quote": str(quote_id)}


async def use_quote(work: WriteWork, quote_id: UUID, payment_id: UUID) -> None:
    """Say which payment a quote, which the work has locked, was used for."""
    await work.rows(
        update(fx_quote)
        .where(fx_quote.c.brand_id == work.scope.brand_id, fx_quote.c.id == quote_id)
        .values(used_by=payment_id)
    )
