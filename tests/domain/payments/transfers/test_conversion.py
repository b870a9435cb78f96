"""Conversions by quote: both totals kept, used once and in time, priced by the platform."""

import asyncio
from datetime import timedelta
from decimal import Decimal as D
from uuid import UUID

import pytest

from domain.kernel.errors import DomainError
from domain.kernel.money import Money
from domain.payments.ledger.tables import ledger_posting
from domain.payments.tables import fx_quote
from domain.payments.transfers.commands.make_quote import make_quote
from domain.payments.transfers.prices import ask_price, find_route
from domain.payments.transfers.values import QuoteWish


async def quote(till, wallet: UUID, amount: str = "1000", to: str = "USD", currency: str = "EUR"):
    """A quote as the API makes it: route, price, then the command; its id."""
    wish = QuoteWish(wallet, to, Money(int(D(amount) * 100), currency))
    async with till.database.read(till.scope) as work:
        _, route = await find_route(work, wish)
    price = await ask_price(till.platform, route)
    done = await till.database.write(till.scope, lambda work: make_quote(work, wish, price))
    return UUID(done.value["quote"])


async def test_the_worked_conversion_1000_eur_is_1074_15_usd(till, driver):
    wallet = await till.fill("EUR", 100_000)
    await driver.quote("EURUSD", "1.08490", "1.08510")
    key = await quote(till, wallet)
    (row,) = till.make.rows(fx_quote, till.brand)
    assert (row.mid, row.rate, row.spread_bps) == (D("1.085"), D("1.07415"), 100)
    assert (row.from_minor, row.to_minor, row.spread_minor) == (100_000, 107_415, 1_085)
    assert row.expires_at - row.created_at == timedelta(seconds=15)
    done = await till.transfer(wallet, "USD", "1000", "EUR", quote_id=key)
    assert await till.booked() == {"wallet": 107_415, "pool": -108_500, "revenue": 1_085}
    assert await till.available("EUR") == 0
    (payment,) = till.payments()
    assert (payment.status, payment.received_minor, payment.received_currency) == (
        "DONE", 107_415, "USD"
    )  # fmt: skip
    assert till.make.rows(fx_quote, till.brand)[0].used_by == done
    assert till.kinds("PAYMENT") == ["transfer_done"]
    sums: dict[str, int] = {}
    for row in till.make.rows(ledger_posting, till.brand):
        sums[row.asset] = sums.get(row.asset, 0) + int(row.amount)
    assert sums == {"EUR": 0, "USD": 0}


async def test_money_is_converted_on_its_way_onto_an_account(till, driver):
    wallet = await till.fill("EUR", 100_000)
    await driver.quote("EURUSD", "1.08490", "1.08510")
    key = await quote(till, wallet)
    await till.transfer(wallet, till.account.id, "1000", "EUR", quote_id=key)
    assert await till.available("EUR") == 0
    assert await till.booked() == {}
    await till.settle()
    assert await till.booked() == {"trading": 107_415, "pool": -108_500, "revenue": 1_085}
    (row,) = till.payments()
    assert (row.status, row.received_minor) == ("DONE", 107_415)


async def test_prices_go_upside_down_too(till, driver):
    wallet = await till.fill("USD", 10_000)
    await driver.quote("EURUSD", "1.25000", "1.25000")
    await quote(till, wallet, "100", "EUR", "USD")
    (row,) = till.make.rows(fx_quote, till.brand)
    assert (row.mid, row.source, row.to_minor) == (D("0.8"), "1/EURUSD", 7_920)


async def test_a_quote_is_used_once_however_many_try(till):
    wallet = await till.fill("EUR", 1_000_000)
    key = await quote(till, wallet)

    async def one() -> str:
        try:
            await till.transfer(wallet, "USD", "1000", "EUR", quote_id=key)
        except DomainError as refused:
            return refused.code
        return "DONE"

    told = await asyncio.gather(*(one() for _ in range(6)))
    assert sorted(told) == ["DONE"] + ["QUOTE_USED"] * 5
    assert await till.available("EUR") == 900_000


@pytest.mark.parametrize(
    ("amount", "change", "code"),
    [
        pytest.param("999.99", "", "QUOTE_MISMATCH", id="other amount"),
        pytest.param("1000", "expires_at = created_at", "QUOTE_EXPIRED", id="late"),
    ],
)
async def test_a_quote_that_does_not_fit_leaves_the_wallet_alone(
    till, superuser, amount: str, change: str, code: str
):
    wallet = await till.fill("EUR", 100_000)
    key = await quote(till, wallet)
    if change:
        superuser.execute(f"update fx_quote set {change} where id = %s", [key])
        superuser.commit()
    with pytest.raises(DomainError) as refused:
        await till.transfer(wallet, "USD", amount, "EUR", quote_id=key)
    assert refused.value.code == code
    assert (till.payments(), await till.available("EUR")) == ([], 100_000)
    assert till.make.rows(fx_quote, till.brand)[0].used_by is None


async def test_a_quote_of_another_client_does_not_exist(till, database, scope_for):
    stranger = till.make.client(till.brand)
    theirs = await till.fill("EUR", 100_000, client=stranger)
    mine = await till.fill("EUR", 100_000)
    key = await quote(till, theirs)
    scope = scope_for(till.brand, client=till.client)
    with pytest.raises(DomainError) as refused:
        await till.transfer(
            mine, "USD", "1000", "EUR", quote_id=key, scope=scope, database=database
        )
    assert refused.value.code == "NOT_FOUND"
    with pytest.raises(DomainError) as mixed:
        await till.transfer(mine, "USD", "1000", "EUR", quote_id=key)
    assert mixed.value.code == "QUOTE_MISMATCH"


async def test_old_and_missing_prices_are_refused(till, clock, driver):
    wallet = await till.fill("EUR", 100_000)
    await driver.quote("EURUSD", "1.08490", "1.08510")
    clock.move_to(clock.now() + timedelta(seconds=61))
    with pytest.raises(DomainError) as stale:
        await quote(till, wallet)
    assert stale.value.code == "PRICE_STALE"
    await till.platform.aclose()
    with pytest.raises(DomainError) as gone:
        await quote(till, wallet, to="JPY")
    assert gone.value.code == "CURRENCY_UNAVAILABLE"
    assert till.make.rows(fx_quote, till.brand) == []
