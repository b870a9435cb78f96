"""Balances and statements at past instants are those of replaying the postings one by one."""

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from sqlalchemy import insert

from domain.kernel.ids import new_uuid
from domain.kernel.money import Money
from domain.payments.ledger import queries
from domain.payments.ledger.queries import StatementLine, balances, statement_lines
from domain.payments.ledger.tables import ledger_snapshot
from tenants.context import system_scope
from tests.domain.payments.ledger.books import Books, moved

MOVES = 120


class Played:
    """What lies in the ledger, read past every policy, and replayed in Python."""

    def __init__(self, superuser, books: Books, accounts: list[UUID]) -> None:
        self.accounts = accounts
        self.rows = superuser.execute(
            "select recorded_at, account_id, amount from ledger_posting where brand_id = %s"
            " order by recorded_at, transfer_id, n",
            [books.brand.id],
        ).fetchall()

    def at(self, instant: datetime) -> dict[UUID, Money]:
        sums = dict.fromkeys(self.accounts, 0)
        for recorded_at, account_id, amount in self.rows:
            if recorded_at < instant:
                sums[account_id] += int(amount)
        return {key: Money(value, "USD") for key, value in sums.items()}

    def instants(self) -> list[datetime]:
        """Before everything, at each posting, just after each, and after everything."""
        at = sorted({row[0] for row in self.rows})
        after = [one + timedelta(microseconds=1) for one in at]
        return [at[0] - timedelta(days=1), *at, *after, datetime.now(UTC) + timedelta(days=1)]


@pytest.fixture
async def played(books, superuser) -> Played:
    """A hundred and more random movements between a house account and three wallets."""
    chance = random.Random(7)
    bank, wallets = await books.open(3)
    for wallet in wallets:
        await books.post(moved(bank, wallet, 10_000, key=f"in:{wallet}"))
    for n in range(MOVES):
        source, target = chance.sample([bank, *wallets], 2)
        await books.post(moved(source, target, chance.randint(1, 50), key=f"move:{n}"))
    return Played(superuser, books, [bank, *wallets])


async def test_a_balance_is_that_of_the_replay_at_every_instant(books, played):
    async with books.database.read(system_scope(books.brand.id)) as work:
        for instant in played.instants():
            assert await balances(work, played.accounts, at=instant) == played.at(instant), instant
        assert await balances(work, played.accounts) == played.at(datetime.now(UTC))


async def test_snapshots_change_no_balance(books, played, make):
    """Snapshots lie between any two postings; balances before, at and after them are the same."""
    bank = played.accounts[0]
    for instant in played.instants()[:-1:20]:
        posted = played.at(instant)[bank].amount_minor
        row = {"account_id": bank, "at": instant, "posted": posted}
        make.run(books.brand, insert(ledger_snapshot).values(brand_id=books.brand.id, **row))
    async with books.database.read(system_scope(books.brand.id)) as work:
        for instant in played.instants():
            assert await balances(work, played.accounts, at=instant) == played.at(instant), instant
        assert await balances(work, played.accounts) == played.at(datetime.now(UTC))


@pytest.mark.parametrize("page", [1, 7, 1_000])
async def test_a_statement_goes_from_balance_to_balance(books, played, monkeypatch, page):
    monkeypatch.setattr(queries, "_PAGE", page)
    instants = played.instants()
    start, end = instants[len(instants) // 4], instants[len(instants) // 3]
    async with books.database.read(system_scope(books.brand.id)) as work:
        for account in played.accounts:
            found = await statement_lines(work, account, start, end)
            lines: list[StatementLine] = [line async for line in found.lines]
            wanted = [r for r in played.rows if r[1] == account and start <= r[0] < end]
            assert [(line.at, line.amount.amount_minor) for line in lines] == [
                (at, int(amount)) for at, _, amount in wanted
            ]
            steps = [found.opening, *(line.balance for line in lines)]
            for (before, after), line in zip(pairwise(steps), lines, strict=True):
                assert before + line.amount == after
            assert steps[-1] == found.closing == played.at(end)[account]


async def test_an_account_nobody_may_see_has_no_statement(books, brand_b, database):
    _, (wallet,) = await books.open(1)
    now = datetime.now(UTC)
    for scope in (system_scope(brand_b.id), system_scope(books.brand.id)):
        wanted = wallet if scope.brand_id == brand_b.id else new_uuid()
        async with database.read(scope) as work:
            assert await statement_lines(work, wanted, now - timedelta(days=1), now) is None


@pytest.mark.parametrize("at_once", [1, 2], ids=["one alone", "two together"])
async def test_what_is_posted_before_a_snapshot_by_a_clock_set_back_is_in_the_balance(
    books, superuser, at_once
):
    bank, (wallet,) = await books.open(1)
    await books.post(moved(bank, wallet, 500, key="in"))
    ahead = datetime.now(UTC) + timedelta(hours=1)
    superuser.execute(
        "insert into ledger_snapshot values (%s, %s, %s, -500)", [books.brand.id, bank, ahead]
    )
    await books.post(*(moved(bank, wallet, 100, key=f"{n}") for n in range(at_once)))
    await books.post(moved(wallet, bank, 1, key="out"))
    left = 499 + 100 * at_once
    async with books.database.read(books.scope) as work:
        assert await balances(work, [bank, wallet]) == {
            bank: Money(-left, "USD"), wallet: Money(left, "USD"),
        }  # fmt: skip
