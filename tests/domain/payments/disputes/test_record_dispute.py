"""A dispute costs its amount once, holds what the wallet has, and never takes it below zero."""

import asyncio
import itertools
from typing import Any

import pytest

from domain.accounts.tables import platform_request
from domain.accounts.values import AccountKind
from domain.kernel.money import Money
from domain.payments.disputes.commands.record_dispute import record_dispute
from domain.payments.disputes.errors import DepositNotSettled
from domain.payments.disputes.jobs import record
from domain.payments.disputes.queries import chargeback_ratios, find_debt, has_open_dispute
from domain.payments.disputes.tables import dispute
from domain.payments.ledger.tables import ledger_transfer
from domain.payments.psp_values import PspDispute
from domain.payments.reconciliation.tables import discrepancy
from domain.payments.tables import payment, payment_policy
from tenants.context import system_scope
from tenants.tables import event
from tests.domain.payments.till import Till
from tests.factories import Client, Factory


@pytest.fixture
def client(make: Factory, till: Till) -> Client:
    return make.client(till.brand)


async def say(till: Till, stated: PspDispute) -> None:
    await record(till.database, till.brand.id, till.connection_id, stated)


async def state(till: Till, client: Client) -> dict[str, int]:
    """The figures a dispute moves: credits are positive, so a debt is below zero."""
    return {
        "wallet": await till.balance(till.wallet(client)),
        "held": till.held(client),
        "owed": await till.balance(till.owed(client)),
        "clearing": await till.balance(till.clearing()),
        "fees": await till.balance(till.fees()),
    }


def status_of(till: Till) -> tuple[str, str]:
    """Where the only deposit and the only dispute stand."""
    return till.make.rows(payment, till.brand)[0].status, till.make.rows(dispute, till.brand)[
        0
    ].status


def told(till: Till) -> list[str]:
    return [
        row.kind for row in till.make.rows(event, till.brand) if row.kind.startswith("dispute_")
    ]


@pytest.mark.parametrize("spent", [0, 60_00, 100_00], ids=["all there", "part left", "none left"])
async def test_an_opened_dispute_books_all_of_it_and_holds_what_is_there(
    till: Till, client: Client, spent: int
) -> None:
    deposit = await till.deposit(client, 100_00)
    if spent:
        await till.move(till.wallet(client), till.house(), spent)
    await say(till, till.disputed(deposit, "OPEN", version=1))
    assert await state(till, client) == {
        "wallet": 100_00 - spent,
        "held": 100_00 - spent,
        "owed": -100_00,
        "clearing": 15_00,
        "fees": -15_00,
    }
    assert status_of(till) == ("DISPUTED", "OPEN")
    assert told(till) == ["dispute_opened"]
    async with till.database.read(system_scope(till.brand.id)) as work:
        assert await has_open_dispute(work, client.id)
        assert await find_debt(work, client.id, "USD") == Money(0, "USD")


@pytest.mark.parametrize("spent", [0, 60_00, 100_00], ids=["all there", "part left", "none left"])
async def test_a_lost_dispute_takes_the_hold_and_leaves_the_rest_as_debt(
    till: Till, client: Client, spent: int
) -> None:
    deposit = await till.deposit(client, 100_00)
    if spent:
        await till.move(till.wallet(client), till.house(), spent)
    await say(till, till.disputed(deposit, "OPEN", version=1))
    await till.deposit(client, 500_00)
    await say(till, till.disputed(deposit, "LOST", version=2))
    assert await state(till, client) == {
        "wallet": 500_00,
        "held": 0,
        "owed": -spent,
        "clearing": 15_00 - 500_00,
        "fees": -15_00,
    }
    assert till.make.rows(dispute, till.brand)[0].status == "LOST"
    assert told(till) == ["dispute_opened", "dispute_lost"]
    async with till.database.read(system_scope(till.brand.id)) as work:
        assert not await has_open_dispute(work, client.id)
        assert await find_debt(work, client.id, "USD") == Money(spent, "USD")


async def test_a_won_dispute_leaves_the_fee_and_nothing_else(till: Till, client: Client) -> None:
    deposit = await till.deposit(client, 100_00)
    before = await state(till, client)
    await say(till, till.disputed(deposit, "OPEN", version=1))
    await say(till, till.disputed(deposit, "UNDER_REVIEW", version=2))
    await say(till, till.disputed(deposit, "WON", version=3))
    assert await state(till, client) == before | {"clearing": -100_00 + 15_00, "fees": -15_00}
    assert status_of(till) == ("SETTLED", "WON")
    assert told(till) == ["dispute_opened", "dispute_under_review", "dispute_won"]


@pytest.mark.parametrize("outcome", ["LOST", "WON"])
async def test_a_dispute_first_seen_closed_books_its_opening_too(
    till: Till, client: Client, outcome: str
) -> None:
    deposit = await till.deposit(client, 100_00)
    await say(till, till.disputed(deposit, outcome, version=3))
    lost = outcome == "LOST"
    assert await state(till, client) == {
        "wallet": 0 if lost else 100_00,
        "held": 0,
        "owed": 0,
        "clearing": 15_00 if lost else -85_00,
        "fees": -15_00,
    }
    assert status_of(till) == ("CHARGED_BACK" if lost else "SETTLED", outcome)
    assert told(till) == ["dispute_opened", f"dispute_{outcome.lower()}"]


_END = {"LOST": (0, 15_00), "WON": (100_00, -85_00)}
_ORDERS = [
    (outcome, order) for outcome in ("LOST", "WON") for order in itertools.permutations((1, 2, 3))
]


@pytest.mark.parametrize(("outcome", "order"), _ORDERS, ids=lambda value: str(value))
async def test_notices_in_any_order_and_number_have_one_effect(
    till: Till, client: Client, outcome: str, order: tuple[int, ...]
) -> None:
    deposit = await till.deposit(client, 100_00)
    says = {1: "OPEN", 2: "UNDER_REVIEW", 3: outcome}
    for version in (*order, *order):
        await say(till, till.disputed(deposit, says[version], version=version))
    wallet, clearing = _END[outcome]
    assert await state(till, client) == {
        "wallet": wallet, "held": 0, "owed": 0, "clearing": clearing, "fees": -15_00
    }  # fmt: skip
    assert told(till)[0] == "dispute_opened"
    assert told(till)[-1] == f"dispute_{outcome.lower()}"
    assert len(told(till)) == len(set(told(till)))


async def test_racing_notices_book_once(till: Till, client: Client) -> None:
    deposit = await till.deposit(client, 100_00)
    stated = till.disputed(deposit, "OPEN", version=1)
    await asyncio.gather(*(say(till, stated) for _ in range(6)))
    assert (await state(till, client))["owed"] == -100_00
    assert len(till.make.rows(dispute, till.brand)) == 1


async def test_a_wallet_emptied_by_a_racing_withdrawal_is_looked_at_again(
    till: Till, client: Client
) -> None:
    deposits = [await till.deposit(client, 100_00) for _ in range(4)]

    async def spend() -> None:
        for _ in range(20):
            await till.move(till.wallet(client), till.house(), 5_00)

    opened = (say(till, till.disputed(one, "OPEN", version=1)) for one in deposits)
    done = await asyncio.gather(spend(), *opened, return_exceptions=True)
    assert not [one for one in done[1:] if isinstance(one, Exception)]
    after = await state(till, client)
    assert after["owed"] == -400_00
    assert 0 <= after["held"] <= after["wallet"]


async def test_a_loss_that_is_won_after_all_gives_back_what_it_took(
    till: Till, client: Client
) -> None:
    deposit = await till.deposit(client, 100_00)
    await till.move(till.wallet(client), till.house(), 40_00)
    await say(till, till.disputed(deposit, "OPEN", version=1))
    await say(till, till.disputed(deposit, "LOST", version=2))
    await till.deposit(client, 40_00)
    await till.move(till.wallet(client), till.owed(client), 40_00)
    await say(till, till.disputed(deposit, "OPEN", version=3))
    assert (await state(till, client))["owed"] == 0
    await say(till, till.disputed(deposit, "WON", version=4))
    assert await state(till, client) == {
        "wallet": 100_00, "held": 0, "owed": 0, "clearing": -125_00, "fees": -15_00
    }  # fmt: skip
    assert told(till) == ["dispute_opened", "dispute_lost", "dispute_opened", "dispute_won"]


async def test_a_fee_that_changes_is_booked_by_its_difference(till: Till, client: Client) -> None:
    deposit = await till.deposit(client, 100_00)
    free, dear = Money(0, "USD"), Money(25_00, "USD")
    await say(till, till.disputed(deposit, "OPEN", version=1, fee=free))
    assert await till.balance(till.fees()) == 0
    await say(till, till.disputed(deposit, "OPEN", version=2, fee=dear))
    await say(till, till.disputed(deposit, "LOST", version=3))
    assert await till.balance(till.fees()) == -15_00


async def test_another_amount_later_is_a_discrepancy_and_moves_nothing(
    till: Till, client: Client
) -> None:
    deposit = await till.deposit(client, 100_00)
    await say(till, till.disputed(deposit, "OPEN", version=1))
    before = await state(till, client)
    more = till.disputed(deposit, "OPEN", version=2, amount=Money(120_00, "USD"))
    await say(till, more)
    assert await state(till, client) == before
    (found,) = till.make.rows(discrepancy, till.brand)
    assert (found.kind, found.expected_minor, found.actual_minor) == (
        "AMOUNT_DIFFERS", 100_00, 120_00,
    )  # fmt: skip


async def test_a_dispute_of_an_unknown_payment_is_a_discrepancy(till: Till, client: Client) -> None:
    deposit = await till.deposit(client, 100_00)
    foreign = till.disputed(deposit, "OPEN", version=1, payment_id="pay_unknown")
    await say(till, foreign)
    await say(till, foreign)
    (found,) = till.make.rows(discrepancy, till.brand)
    assert found.kind == "UNKNOWN_PAYMENT"
    assert till.make.rows(dispute, till.brand) == []


async def test_a_deposit_that_is_not_settled_here_is_asked_for_first(
    till: Till, client: Client
) -> None:
    deposit = till.payment(client, 100_00, status="PENDING", credited_minor=None, settled_at=None)
    stated = till.disputed(deposit, "OPEN", version=1)
    with pytest.raises(DepositNotSettled):
        await till.database.write(
            system_scope(till.brand.id),
            lambda work: record_dispute(work, till.connection_id, stated),
        )
    assert till.make.rows(dispute, till.brand) == []
    assert till.make.rows(ledger_transfer, till.brand) == []


async def test_a_partly_refunded_deposit_goes_back_to_what_it_was(
    till: Till, client: Client
) -> None:
    deposit = await till.deposit(client, 100_00, refunded_minor=30_00, status="PARTLY_REFUNDED")
    part = {"amount": Money(70_00, "USD")}
    await say(till, till.disputed(deposit, "LOST", version=1, **part))
    assert status_of(till)[0] == "CHARGED_BACK"
    await say(till, till.disputed(deposit, "WON", version=2, **part))
    assert status_of(till)[0] == "PARTLY_REFUNDED"


# Restriction ----------------------------------------------------------------------------------


def asked(till: Till) -> list[str]:
    """What was asked of the platform, in order."""
    rows = till.make.rows(platform_request, till.brand)
    return [row.arguments["access"] for row in sorted(rows, key=lambda row: row.created_at)]


async def test_live_accounts_may_only_close_until_the_dispute_is_won(
    till: Till, client: Client
) -> None:
    live = till.make.account(till.brand, client, kind=AccountKind.LIVE)
    till.make.account(till.brand, client)
    deposit = await till.deposit(client, 100_00)
    await say(till, till.disputed(deposit, "OPEN", version=1))
    assert asked(till) == ["CLOSE_ONLY"]
    assert till.make.rows(platform_request, till.brand)[0].account_id == live.id
    await say(till, till.disputed(deposit, "WON", version=2))
    assert asked(till) == ["CLOSE_ONLY", "FULL"]


async def test_a_lost_dispute_leaves_the_accounts_restricted(till: Till, client: Client) -> None:
    till.make.account(till.brand, client, kind=AccountKind.LIVE)
    deposit = await till.deposit(client, 100_00)
    await say(till, till.disputed(deposit, "OPEN", version=1))
    await say(till, till.disputed(deposit, "LOST", version=2))
    assert asked(till) == ["CLOSE_ONLY"]


async def test_an_account_that_was_restricted_before_stays_so(till: Till, client: Client) -> None:
    till.make.account(till.brand, client, kind=AccountKind.LIVE, access="NO_TRADING")
    deposit = await till.deposit(client, 100_00)
    await say(till, till.disputed(deposit, "OPEN", version=1))
    await say(till, till.disputed(deposit, "WON", version=2))
    assert asked(till) == []


async def test_the_last_open_dispute_lifts_the_restriction(till: Till, client: Client) -> None:
    till.make.account(till.brand, client, kind=AccountKind.LIVE)
    one, two = await till.deposit(client, 100_00), await till.deposit(client, 100_00)
    await say(till, till.disputed(one, "OPEN", version=1))
    till.make.run(till.brand, _closed_only())
    await say(till, till.disputed(two, "OPEN", version=1))
    await say(till, till.disputed(one, "WON", version=2))
    assert asked(till) == ["CLOSE_ONLY"]
    await say(till, till.disputed(two, "WON", version=2))
    assert asked(till) == ["CLOSE_ONLY", "FULL"]


def _closed_only() -> Any:
    from sqlalchemy import update

    from domain.accounts.tables import trading_account

    return (
        update(trading_account)
        .where(trading_account.c.kind == AccountKind.LIVE)
        .values(access="CLOSE_ONLY")
    )


async def test_a_brand_can_leave_trading_alone(till: Till, client: Client) -> None:
    till.make.account(till.brand, client, kind=AccountKind.LIVE)
    till.make.insert(
        payment_policy, till.brand, cooling_off_hours=24, fx_spread_bps=100, fx_quote_seconds=15,
        withdrawal_days=30, clearing_hours=24, dispute_closes_trading=False,
    )  # fmt: skip
    deposit = await till.deposit(client, 100_00)
    await say(till, till.disputed(deposit, "OPEN", version=1))
    assert asked(till) == []


async def test_the_ratio_counts_disputes_over_deposits_by_connection_and_month(
    till: Till, client: Client
) -> None:
    deposits = [await till.deposit(client, 100_00) for _ in range(4)]
    await say(till, till.disputed(deposits[0], "LOST", version=1))
    settled = deposits[0]["settled_at"]
    start = settled.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    async with till.database.read(system_scope(till.brand.id)) as work:
        (found,) = await chargeback_ratios(work, start, settled.replace(year=settled.year + 1))
        none = await chargeback_ratios(work, start.replace(year=2000), start)
    assert (found.payments, found.disputes, str(found.ratio)) == (4, 1, "0.250000")
    assert (found.connection_id, found.month) == (till.connection_id, start.date())
    assert none == []


async def test_a_dispute_of_more_than_is_left_of_the_deposit_is_told(
    till: Till, client: Client
) -> None:
    """What was refunded before is paid twice unless somebody says so."""
    deposit = await till.deposit(client, 100_00, refunded_minor=40_00)
    await say(till, till.disputed(deposit, "OPEN", version=1))
    await say(till, till.disputed(deposit, "OPEN", version=1))
    (row,) = till.make.rows(discrepancy, till.brand)
    assert (row.kind, int(row.expected_minor), int(row.actual_minor), row.payment_id) == (
        "AMOUNT_DIFFERS", 60_00, 100_00, deposit["id"],
    )  # fmt: skip
    assert (await state(till, client))["clearing"] == 15_00


async def test_a_dispute_in_another_currency_is_told(till: Till, client: Client) -> None:
    deposit = await till.deposit(client, 100_00)
    other = {"amount": Money(90_00, "EUR"), "fee": Money(0, "EUR")}
    await say(till, till.disputed(deposit, "OPEN", version=1, **other))
    (row,) = till.make.rows(discrepancy, till.brand)
    assert (row.kind, row.currency, row.expected_minor, int(row.actual_minor)) == (
        "CURRENCY_DIFFERS", "EUR", None, 90_00,
    )  # fmt: skip
