"""Posting: zero in each currency, floors, each key once, holds resolved once, nothing half-done."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError

from domain.kernel.errors import DomainError
from domain.kernel.ids import new_uuid
from domain.kernel.money import Money
from domain.payments.ledger.accounts import ledger_accounts
from domain.payments.ledger.post import post
from domain.payments.ledger.values import (
    AccountKey,
    LedgerAccountKind,
    Leg,
    Posted,
    Transfer,
    TransferState,
)
from tenants.context import system_scope
from tenants.work import Database, WriteWork
from tests.factories import Brand

BANK = AccountKey.of(LedgerAccountKind.BANK, "USD")


def moved(source: UUID, target: UUID, amount: int, *, key: str, **more: object) -> Transfer:
    """`amount` cents from one account to another."""
    legs = (Leg(source, Money(-amount, "USD")), Leg(target, Money(amount, "USD")))
    return Transfer(key, "TEST", legs, **more)  # type: ignore[arg-type] # fields of a Transfer


class Books:
    """A brand's bank and wallets, and what is in them."""

    def __init__(self, database: Database, brand: Brand) -> None:
        self.database, self.brand = database, brand

    async def open(self, clients: int) -> tuple[UUID, list[UUID]]:
        keys = [AccountKey.wallet(new_uuid(), "USD") for _ in range(clients)]

        async def command(work: WriteWork) -> dict[AccountKey, UUID]:
            return await ledger_accounts(work, [BANK, *keys])

        found = (await self.database.write(system_scope(self.brand.id), command)).value
        return found[BANK], [found[key] for key in keys]

    async def post(self, *transfers: Transfer) -> list[Posted]:
        async def command(work: WriteWork) -> list[Posted]:
            return await post(work, transfers)

        return (await self.database.write(system_scope(self.brand.id), command)).value


@pytest.fixture
def books(database: Database, brand: Brand) -> Books:
    return Books(database, brand)


async def test_a_transfer_moves_money_once_however_often_it_is_posted(books, superuser):
    bank, (wallet,) = await books.open(1)
    first = await books.post(moved(bank, wallet, 500, key="deposit:1"))
    again = await books.post(moved(bank, wallet, 500, key="deposit:1"))
    assert [one.replayed for one in (*first, *again)] == [False, True]
    assert first[0].id == again[0].id
    row = superuser.execute(
        "select posted, pending_out from ledger_account where id = %s", [wallet]
    ).fetchone()
    assert row == (500, 0)


async def test_twenty_racing_twins_make_one_transfer(books, superuser):
    bank, (wallet,) = await books.open(1)
    done = await asyncio.gather(
        *(books.post(moved(bank, wallet, 500, key="twin")) for _ in range(20))
    )
    assert len({one[0].id for one in done}) == 1
    assert sum(not one[0].replayed for one in done) == 1
    count = superuser.execute(
        "select count(*) from ledger_transfer where brand_id = %s", [books.brand.id]
    ).fetchone()
    assert count == (1,)


async def test_a_wallet_never_goes_below_zero(books):
    bank, (wallet,) = await books.open(1)
    await books.post(moved(bank, wallet, 500, key="in"))
    with pytest.raises(DomainError, match="not enough") as refused:
        await books.post(moved(wallet, bank, 501, key="out"))
    assert refused.value.code == "INSUFFICIENT_FUNDS"
    await books.post(moved(wallet, bank, 500, key="out"))


async def test_a_hold_is_resolved_once_and_never_beyond_itself(books, superuser):
    bank, (wallet,) = await books.open(1)
    await books.post(moved(bank, wallet, 500, key="in"))
    hold = (await books.post(moved(wallet, bank, 300, key="h", state=TransferState.PENDING)))[0].id
    with pytest.raises(DomainError):
        await books.post(moved(wallet, bank, 201, key="out"))
    with pytest.raises(DBAPIError):
        await books.post(moved(wallet, bank, 301, key="p", resolves=hold))
    await books.post(moved(wallet, bank, 200, key="p", resolves=hold))
    with pytest.raises(DomainError) as refused:
        await books.post(Transfer("v", "TEST", state=TransferState.VOID, resolves=hold))
    assert refused.value.code == "HOLD_RESOLVED"
    row = superuser.execute(
        "select posted, pending_out from ledger_account where id = %s", [wallet]
    ).fetchone()
    assert row == (300, 0)


async def test_an_expired_hold_is_released_and_not_posted(books, database, brand):
    bank, (wallet,) = await books.open(1)
    await books.post(moved(bank, wallet, 500, key="in"))

    async def held(work: WriteWork) -> UUID:
        soon = work.now() - timedelta(seconds=1)
        transfer = moved(wallet, bank, 300, key="h", state=TransferState.PENDING, expires_at=soon)
        return (await post(work, [transfer]))[0].id

    hold = (await database.write(system_scope(brand.id), held)).value
    with pytest.raises(DomainError) as refused:
        await books.post(moved(wallet, bank, 300, key="p", resolves=hold))
    assert refused.value.code == "HOLD_EXPIRED"
    await books.post(Transfer("e", "TEST", state=TransferState.EXPIRED, resolves=hold))
    await books.post(moved(wallet, bank, 500, key="all"))
