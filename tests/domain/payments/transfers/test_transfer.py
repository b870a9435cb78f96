"""Money between wallets and accounts on the real simulator: once, held meanwhile, never lost."""

import asyncio
from decimal import Decimal as D

import pytest

from domain.accounts.tables import platform_request
from domain.accounts.trading import BalanceKind, OrderRequest
from domain.accounts.values import OrderType, Side
from domain.compliance.screening.values import Disposition
from domain.events.consumers import rewind
from domain.kernel.errors import DomainError
from domain.payments.ledger.tables import ledger_transfer
from domain.payments.tables import payment_step
from domain.payments.transfers.consumers import CONSUMERS
from tests.sanctions import hit, put

LOST = {"kind": "STATUS", "match": "/operations/", "status": 503}


async def test_deposit_500_win_300_take_800_back_and_clearing_is_zero(till, driver):
    wallet = await till.fill("USD", 50_000)
    await till.transfer(wallet, till.account.id, "500")
    assert await till.available() == 0
    await till.settle()
    assert await till.booked() == {"bank": -50_000, "trading": 50_000}
    await driver.quote("EURUSD", "1.10000", "1.10000")
    order = OrderRequest("o1", "EURUSD", OrderType.MARKET, Side.BUY, D("0.10"))
    await till.platform.place_order(till.account.login, order)
    await driver.quote("EURUSD", "1.13000", "1.13000")
    await till.platform.close_all(till.account.login, reason="test", op_id="close")
    await till.record()
    await till.consume()
    assert await till.booked() == {"bank": -50_000, "trading": 80_000, "result": -30_000}
    await till.transfer(till.account.id, wallet, "800")
    assert await till.available() == 0
    await till.settle()
    assert await till.booked() == {"bank": -50_000, "wallet": 80_000, "result": -30_000}
    assert [row.status for row in till.payments()] == ["DONE", "DONE"]
    assert till.kinds("PAYMENT") == ["transfer_sending", "transfer_done"] * 2
    (state,) = await till.platform.account_states([till.account.login])
    assert state.balance == 0


async def test_whatever_is_replayed_changes_nothing(till):
    wallet = await till.fill("USD", 50_000)
    await till.transfer(wallet, till.account.id, "500")
    await till.settle()
    told, booked = till.make.rows(ledger_transfer, till.brand), await till.booked()
    events = till.kinds("PAYMENT")
    for consumer in CONSUMERS:
        await rewind(till.database, till.brand.id, consumer)
    till.cursor = ""
    await till.settle()
    assert till.make.rows(ledger_transfer, till.brand) == told
    assert await till.booked() == booked
    assert till.kinds("PAYMENT") == events
    assert len(till.make.rows(payment_step, till.brand)) == 2


async def test_jobs_that_race_as_zombies_do_move_money_once(till, driver):
    wallet = await till.fill("USD", 50_000)
    await till.transfer(wallet, till.account.id, "500")
    await asyncio.gather(till.carry(), till.carry(), till.carry())
    await till.settle()
    assert [deal["amount"] for deal in await driver.deals()] == ["500.00"]
    assert await till.booked() == {"bank": -50_000, "trading": 50_000}
    assert till.kinds("ACCOUNT") == ["balance_requested", "balance_moved", "balance_changed"]


async def test_held_money_moves_nowhere(till):
    """Not onto an account either, where it could be traded with: nothing is asked of the
    platform."""
    wallet = await till.fill("USD", 50_000)
    found = hit(till.make, till.brand, till.client)
    booked = await till.booked()
    with pytest.raises(DomainError) as refusal:
        await till.transfer(wallet, till.account.id, "500")
    assert refusal.value.code == "CLIENT_RESTRICTED"
    assert (till.payments(), till.kinds("PAYMENT"), await till.booked()) == ([], [], booked)
    assert till.make.rows(platform_request, till.brand)[1:] == []
    put(till.make, till.brand, found, Disposition.FALSE_POSITIVE)
    await till.transfer(wallet, till.account.id, "500")
    await till.settle()
    assert await till.booked() == {"bank": -50_000, "trading": 50_000}


async def test_a_lost_answer_keeps_the_hold_until_it_is_found(till, driver):
    wallet = await till.fill("USD", 50_000)
    await till.transfer(wallet, till.account.id, "500")
    await driver.ok("POST", "/controls/faults", {"kind": "DROP", "match": "/balance-operations"})
    await driver.ok("POST", "/controls/faults", LOST)
    await till.lose()
    await till.consume()
    assert [row.status for row in till.payments()] == ["UNKNOWN"]
    assert (await till.booked(), await till.available()) == ({"bank": -50_000, "wallet": 50_000}, 0)
    await till.settle()
    assert [row.status for row in till.payments()] == ["DONE"]
    assert await till.booked() == {"bank": -50_000, "trading": 50_000}
    assert till.kinds("PAYMENT") == ["transfer_sending", "transfer_unknown", "transfer_done"]
    assert len(await driver.deals()) == 1


async def test_a_refusal_gives_the_money_back(till, superuser):
    """The account is unknown to the platform: its login was changed under us."""
    wallet = await till.fill("USD", 50_000)
    superuser.execute(
        "update trading_account set login = login + 1 where id = %s", [till.account.id]
    )
    superuser.commit()
    await till.transfer(wallet, till.account.id, "500")
    await till.carry()
    await till.consume()
    (row,) = till.payments()
    assert (row.status, row.reason_code, row.received_minor) == ("FAILED", "UNKNOWN_LOGIN", None)
    assert (await till.booked(), await till.available()) == (
        {"bank": -50_000, "wallet": 50_000}, 50_000
    )  # fmt: skip
    assert till.kinds("PAYMENT") == ["transfer_sending", "transfer_failed"]


async def test_what_the_platform_does_not_give_is_not_credited(till):
    """Nothing is known of its money here, so that only the platform can refuse."""
    wallet = await till.fill("USD", 100)
    await till.transfer(till.account.id, wallet, "5")
    await till.carry()
    await till.consume()
    (row,) = till.payments()
    assert (row.status, row.reason_code, row.hold_id) == ("FAILED", "NO_MONEY", None)
    assert await till.booked() == {"bank": -100, "wallet": 100}


async def test_what_came_since_the_state_was_known_can_be_taken_back_at_once(till):
    """The state of an account is kept every second: what a client sees arrive counts before."""
    wallet = await till.fill("USD", 50_000)
    await till.transfer(wallet, till.account.id, "200")
    await till.settle()
    await till.transfer(wallet, till.account.id, "100")
    await till.carry()
    await till.consume()
    await till.transfer(till.account.id, wallet, "250")
    await till.settle()
    assert await till.booked() == {"bank": -50_000, "wallet": 45_000, "trading": 5_000}


async def test_what_was_won_since_the_state_was_known_can_be_taken_off(till, superuser):
    wallet = await till.fill("USD", 50_000)
    await till.transfer(wallet, till.account.id, "200")
    await till.settle()
    superuser.execute(
        "update account_state set balance_minor = 1, free_margin_minor = 1,"
        " as_of = (select max(at) from deal d where d.account_id = account_state.account_id)"
        " where account_id = %s",
        [till.account.id],
    )
    await till.transfer(till.account.id, wallet, "150")
    await till.settle()
    assert await till.booked() == {"bank": -50_000, "wallet": 45_000, "trading": 5_000}


async def test_more_than_is_withdrawable_is_refused_at_once(till):
    wallet = await till.fill("USD", 100)
    till.make.state(till.account, balance_minor=499, free_margin_minor=499)
    with pytest.raises(DomainError) as refused:
        await till.transfer(till.account.id, wallet, "5")
    assert refused.value.code == "INSUFFICIENT_FUNDS"
    _nothing_is_left(till)


@pytest.mark.parametrize(
    ("amount", "client", "account", "code"),
    [
        pytest.param("500.01", {}, {}, "INSUFFICIENT_FUNDS", id="more than there is"),
        pytest.param("0", {}, {}, "INVALID", id="nothing"),
        pytest.param("1", {"status": "RESTRICTED"}, {}, "CLIENT_RESTRICTED", id="restricted"),
        pytest.param("1", {"status": "REGISTERED"}, {}, "EMAIL_NOT_VERIFIED", id="unverified"),
        pytest.param("1", {}, {"kind": "DEMO"}, "ACCOUNT_NOT_LIVE", id="demo"),
        pytest.param("1", {}, {"access": "NO_LOGIN"}, "ACCOUNT_LOCKED", id="locked"),
        pytest.param("1", {}, {"currency": "EUR"}, "QUOTE_REQUIRED", id="other currency"),
    ],
)
async def test_a_refused_transfer_leaves_nothing_behind(
    till, superuser, amount: str, client: dict[str, str], account: dict[str, str], code: str
):
    wallet = await till.fill("USD", 50_000)
    for table, key, columns in (
        ("client", till.client.id, client), ("trading_account", till.account.id, account)
    ):  # fmt: skip
        for name, value in columns.items():
            superuser.execute(f"update {table} set {name} = %s where id = %s", [value, key])
    superuser.commit()
    with pytest.raises(DomainError) as refused:
        await till.transfer(wallet, till.account.id, amount)
    assert refused.value.code == code
    _nothing_is_left(till)
    assert await till.available() == 50_000


def _nothing_is_left(till) -> None:
    assert till.payments() == []
    assert till.make.rows(platform_request, till.brand) == []
    assert till.kinds("PAYMENT") == till.kinds("ACCOUNT") == []
    assert [row.kind for row in till.make.rows(ledger_transfer, till.brand)] == ["TEST"]


async def test_clients_reach_their_own_money_only(till, database, scope_for):
    mine = await till.fill("USD", 50_000)
    stranger = till.make.client(till.brand)
    theirs = await till.fill("USD", 50_000, client=stranger)
    as_client = {"scope": scope_for(till.brand, client=till.client), "database": database}
    for source, target in ((theirs, till.account.id), (till.account.id, theirs), (mine, theirs)):
        with pytest.raises(DomainError) as refused:
            await till.transfer(source, target, "1", **as_client)
        assert refused.value.code == "NOT_FOUND"
    done = await till.transfer(mine, till.account.id, "1", **as_client)
    assert [row.id for row in till.payments()] == [done]
    with pytest.raises(DomainError) as refused:
        await till.transfer(theirs, till.account.id, "1")
    assert refused.value.code == "INVALID"


async def test_racing_transfers_never_take_more_than_there_is(till):
    wallet = await till.fill("USD", 50_000)

    async def one() -> bool:
        try:
            await till.transfer(wallet, till.account.id, "100")
        except DomainError as refused:
            return refused.code != "INSUFFICIENT_FUNDS"
        return True

    assert sum(await asyncio.gather(*(one() for _ in range(12)))) == 5
    await till.settle()
    assert await till.booked() == {"bank": -50_000, "trading": 50_000}


async def test_the_wallet_of_a_currency_is_opened_when_money_comes(till):
    await till.platform.balance_op(
        till.account.login, kind=BalanceKind.DEPOSIT, amount=D(5), comment="", op_id="x"
    )
    await till.transfer(till.account.id, "USD", "5")
    await till.settle()
    assert await till.available() == 500
    # The money that a dealer put there by hand has no other half: the clearing shows it.
    assert await till.booked() == {"wallet": 500, "clearing": -500}


async def test_a_transfer_costs_so_many_statements(till, database, scope_for, count_statements):
    wallet = await till.fill("USD", 50_000)
    scope = scope_for(till.brand, client=till.client)
    with count_statements() as counted:
        await till.transfer(wallet, till.account.id, "1", scope=scope, database=database)
    assert counted.total == 13, str(counted)
