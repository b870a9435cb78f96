"""Write down what a currency was worth in another, for commissions paid in it."""

from sqlalchemy.dialects.postgresql import insert

from domain.ibs.commissions.tables import ib_fx_rate
from domain.payments.transfers.values import Price
from tenants.work import WriteWork


async def record_rate(work: WriteWork, base: str, quote: str, price: Price) -> None:
    """The rate holds from this work's instant, since nobody could take it before it was known."""
    row = {
        "brand_id": work.scope.brand_id,
        "base": base,
        "quote": quote,
        "at": work.now(),
        "rate": price.mid,
        "source": price.source,
    }
    await work.rows(insert(ib_fx_rate).values(row).on_conflict_do_nothing())
