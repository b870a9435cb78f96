"""A day's report explains each clearing account, and says how old what is left is."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from domain.payments.ledger.values import AccountKey
from domain.payments.ledger.values import LedgerAccountKind as K
from domain.payments.reconciliation.queries import Report, ageing, reconcile_day
from domain.payments.reconciliation.rounds import check_ageing
from domain.payments.reconciliation.tables import discrepancy
from domain.payments.tables import payment_policy
from tenants.context import system_scope
from tests.domain.payments.till import Till
from tests.factories import Client, Factory


@pytest.fixture
def client(make: Factory, till: Till) -> Client:
    return make.client(till.brand)


async def report(till: Till, *, hours: int = 24) -> Report:
    now = datetime.now(UTC)
    async with till.database.read(system_scope(till.brand.id)) as work:
        return await reconcile_day(work, now.date(), now=now, clearing_hours=hours)


async def test_a_day_opens_moves_and_closes(till: Till, client: Client) -> None:
    await till.deposit(client, 100_00)
    await till.deposit(client, 40_00)
    await till.move(till.house(), till.clearing(), 90_00)
    found = await report(till)
    (account,) = found.accounts
    assert (account.kind, account.reference) == (K.PSP_CLEARING, till.connection_id.hex)
    assert (account.opening_minor, account.closing_minor) == (0, -50_00)
    assert [(one.kind, one.count, one.amount_minor) for one in account.movements] == [
        ("TEST", 3, -50_00)
    ]
    (usd,) = found.currencies
    assert (usd.wallets_minor, usd.trading_minor, usd.ledger_minor) == (140_00, 0, 0)
    assert (usd.moved_minor, usd.unreconciled_minor) == (230_00, 0)
    assert found.unreconciled_percent == Decimal("0.00")


async def test_the_day_before_is_what_it_was(till: Till, client: Client) -> None:
    await till.deposit(client, 100_00)
    now = datetime.now(UTC)
    async with till.database.read(system_scope(till.brand.id)) as work:
        day = now.date() - timedelta(days=1)
        found = await reconcile_day(work, day, now=now, clearing_hours=24)
    assert [(one.opening_minor, one.closing_minor) for one in found.accounts] == [(0, 0)]
    assert found.unreconciled_percent == Decimal("0.00")


async def test_what_is_too_old_or_in_suspense_is_not_reconciled(till: Till, client: Client) -> None:
    await till.deposit(client, 100_00)
    await till.move(AccountKey.of(K.SUSPENSE, "USD"), till.house(), 5_00)
    found = await report(till, hours=0)
    (usd,) = found.currencies
    assert (usd.suspense_minor, usd.unreconciled_minor) == (-5_00, 105_00)
    assert found.unreconciled_percent == Decimal("100.00")


async def test_ageing_explains_the_oldest_first(till: Till, client: Client) -> None:
    for amount in (100_00, 40_00, 30_00):
        await till.deposit(client, amount)
    await till.move(till.house(), till.clearing(), 120_00)
    async with till.database.read(system_scope(till.brand.id)) as work:
        (one,) = await ageing(work, datetime.now(UTC) + timedelta(seconds=1))
    assert one.balance_minor == -50_00
    assert [part.amount_minor for part in one.parts] == [-30_00, -20_00]
    assert one.since == one.parts[-1].at < one.parts[0].at


async def test_many_small_postings_are_explained_by_the_page(till: Till, client: Client) -> None:
    await till.deposit(client, 1_00)
    for _ in range(3):
        await till.move(till.clearing(), till.wallet(client), 2_00)
    await till.move(till.house(), till.clearing(), 1_00)
    async with till.database.read(system_scope(till.brand.id)) as work:
        (one,) = await ageing(work, datetime.now(UTC) + timedelta(seconds=1))
    assert [part.amount_minor for part in one.parts] == [-2_00, -2_00, -2_00]


async def test_an_account_that_ages_is_told_once_and_resolved_by_itself(
    till: Till, client: Client
) -> None:
    till.make.insert(
        payment_policy, till.brand, cooling_off_hours=24, fx_spread_bps=100, fx_quote_seconds=15,
        withdrawal_days=30, clearing_hours=0, dispute_closes_trading=True,
    )  # fmt: skip
    await till.deposit(client, 100_00)
    assert await check_ageing(till.database, till.brand.id) == 1
    assert await check_ageing(till.database, till.brand.id) == 0
    (row,) = till.make.rows(discrepancy, till.brand)
    assert (row.kind, row.status, row.actual_minor) == ("CLEARING_AGED", "OPEN", -100_00)
    assert row.connection_id == till.connection_id
    await till.move(till.house(), till.clearing(), 100_00)
    assert await check_ageing(till.database, till.brand.id) == 0
    (row,) = till.make.rows(discrepancy, till.brand)
    assert (row.status, row.resolved_by) == ("RESOLVED", None)


async def test_a_young_account_is_not_told(till: Till, client: Client) -> None:
    await till.deposit(client, 100_00)
    assert await check_ageing(till.database, till.brand.id) == 0
    assert till.make.rows(discrepancy, till.brand) == []
