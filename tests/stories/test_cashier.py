"""What a client's money does, from the first deposit to the last dispute, seen from outside.

Told against a whole installation; at the end the books are asked whether everything adds up.
"""

import asyncio
import os
import subprocess
import sys
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from api.settings import Settings
from tests.api.embedded import ROOT
from tests.stories.cashier import Payer
from tests.stories.conftest import Installation

OPEN = """mutation { accountOpen(input: {idempotencyKey: "live", kind: LIVE, currencyCode: "EUR",
  leverage: 30}) { account { id status } errors { code message } } }"""
TRANSFER = """mutation($input: TransferCreateInput!) { transferCreate(input: $input) {
  transfer { id status received { amount } } errors { code message } } }"""
QUOTE = """mutation($input: ConversionQuoteCreateInput!) { conversionQuoteCreate(input: $input) {
  quote { id rate received { amount } } errors { code message } } }"""
PLACE = """mutation($account: ID!) { orderPlace(input: {idempotencyKey: "buy", accountId: $account,
  symbol: "EURUSD", side: BUY, lots: "0.05"}) { order { status reasonCode } errors { code } } }"""
CLOSE = """mutation($key: String!, $position: ID!) { positionClose(input: {idempotencyKey: $key,
  positionId: $position}) { account { id } errors { code message } } }"""
ACCOUNT = """query($id: ID!) { node(id: $id) { ... on Account { state { balance { amount } }
  positions { id } deals { nodes { entry profit { amount } commission { amount }
  swap { amount } } } } } }"""
WITHDRAW = """mutation($input: WithdrawalCreateInput!) { withdrawalCreate(input: $input) {
  withdrawal { id version status legs { kind label amount { amount } } }
  errors { code message } } }"""
APPROVE = """mutation($key: String!, $id: ID!, $version: Int!) { withdrawalApprove(input: {
  idempotencyKey: $key, withdrawalId: $id, expectedVersion: $version,
  reason: "The papers are in order."}) {
  withdrawal { id version status } errors { code message } } }"""
DESTINATION = """mutation($method: ID!, $name: String!) { payoutDestinationCreate(input: {
  idempotencyKey: "iban", methodId: $method, account: "DE89370400440532013000", holderName: $name})
  { destination { id label } errors { code message } } }"""
DISPUTES = """{ disputes { nodes { id status held { amount } amount { amount }
  deposit { id status } } } }"""


async def transferred(payer: Payer, key: str, source: Any, target: Any, amount: str) -> Any:
    """A transfer in euros, once it is done."""
    wanted = {
        "idempotencyKey": key,
        "from": source,
        "to": target,
        "amount": {"amount": amount, "currencyCode": "EUR"},
    }
    made = (await payer.ask(TRANSFER, input=wanted))["transfer"]
    return await payer.until(made["id"], "DONE")


async def balance_until(payer: Payer, account: str, balance: Decimal) -> None:
    """Wait for the platform's own word: it comes over its stream."""
    async with asyncio.timeout(60):
        while True:
            state = (await payer.ask(ACCOUNT, id=account))["state"]
            if state and Decimal(state["balance"]["amount"]) == balance:
                return
            await asyncio.sleep(0.05)


async def traded(payer: Payer, account: str) -> Decimal:
    """Buy and sell once; what that made or cost, commission and swap included."""
    placed = await payer.ask(PLACE, account=account)
    assert placed["order"]["status"] == "FILLED", placed
    async with asyncio.timeout(60):
        while not (held := (await payer.ask(ACCOUNT, id=account))["positions"]):  # noqa: ASYNC110 - only looking tells
            await asyncio.sleep(0.05)
        await payer.ask(CLOSE, key="sell", position=held[0]["id"])
        while True:
            deals = (await payer.ask(ACCOUNT, id=account))["deals"]["nodes"]
            if any(deal["entry"] == "OUT" for deal in deals):
                break
            await asyncio.sleep(0.05)
    parts = ("profit", "commission", "swap")
    moved = [deal for deal in deals if deal["entry"] in ("IN", "OUT")]
    return sum((Decimal(deal[part]["amount"]) for deal in moved for part in parts), Decimal(0))


async def books(installation: Installation, sql: str, *values: Any) -> Any:
    """Ask the database itself, past everything that could be wrong with us."""
    settings = Settings(backdesk_home=installation.home)
    url = settings.endpoints().url("superuser")
    async with await psycopg.AsyncConnection.connect(url) as connection:
        return await (await connection.execute(sql, values)).fetchall()  # type: ignore[arg-type] # a query of ours


async def clearing(installation: Installation, kind: str, client: str) -> Decimal:
    """What transfers of one client left on clearing accounts of a kind, in euros."""
    rows = await books(
        installation,
        "select coalesce(sum(p.amount), 0) from ledger_posting p"
        " join ledger_account a on a.brand_id = p.brand_id and a.id = p.account_id"
        " where a.kind = %s and a.asset = 'EUR' and exists ("
        "  select 1 from ledger_posting q where q.brand_id = p.brand_id"
        "  and q.transfer_id = p.transfer_id and q.client_id = %s)",
        kind,
        client,
    )
    return Decimal(rows[0][0]) / 100


async def client_key(payer: Payer) -> str:
    found = (await payer.ask("{ viewer { client { id } } }"))["client"]["id"]
    return str(found).removeprefix("client_")


async def test_deposit_trade_and_withdraw_leaves_clearing_at_zero(
    installation: Installation,
) -> None:
    payer = await Payer.join(installation, "Clara Clearing")
    await payer.pay_in("500.00", key="in")
    account = (await payer.ask(OPEN))["account"]["id"]
    wallet = (await payer.wallet("EUR"))["id"]
    await transferred(payer, "to", {"walletId": wallet}, {"accountId": account}, "500.00")
    await balance_until(payer, account, Decimal(500))
    result = await traded(payer, account)
    left = Decimal(500) + result
    await balance_until(payer, account, left)
    await transferred(payer, "back", {"accountId": account}, {"walletId": wallet}, f"{left:.2f}")
    await balance_until(payer, account, Decimal(0))
    await payer.wallet_until("EUR", left)
    key = await client_key(payer)
    async with asyncio.timeout(60):
        while await clearing(installation, "PLATFORM_CLEARING", key) != 0:  # noqa: ASYNC110 - another process books
            await asyncio.sleep(0.05)
    assert await clearing(installation, "CLIENT_TRADING", key) == 0
    assert await clearing(installation, "TRADING_RESULT", key) == -result
    back = min(left, Decimal(500))
    made = await payer.ask(
        WITHDRAW,
        input={
            "idempotencyKey": "out",
            "walletId": wallet,
            "amount": {"amount": f"{back:.2f}", "currencyCode": "EUR"},
        },
    )
    paid = await payer.until(made["withdrawal"]["id"], "PAID")
    assert [leg["kind"] for leg in paid["legs"]] == ["REFUND"]
    assert await clearing(installation, "PSP_CLEARING", key) == back - Decimal(500)
    await payer.wallet_until("EUR", left - back)


async def test_euros_are_converted_and_withdrawn_by_two_people(installation: Installation) -> None:
    payer = await Payer.join(installation, "Konrad Convert")
    # So much takes a proof of address as well.
    await payer.prove_address()
    await payer.pay_in("9000.00", key="in")
    wallet = (await payer.wallet("EUR"))["id"]
    amount = {"amount": "1000.00", "currencyCode": "EUR"}
    quote = (
        await payer.ask(
            QUOTE,
            input={"idempotencyKey": "q", "fromWalletId": wallet, "toCurrency": "USD",
                   "amount": amount},
        )
    )["quote"]  # fmt: skip
    done = (
        await payer.ask(
            TRANSFER,
            input={"idempotencyKey": "fx", "from": {"walletId": wallet},
                   "to": {"currencyCode": "USD"}, "amount": amount, "quoteId": quote["id"]},
        )
    )["transfer"]  # fmt: skip
    assert done["status"] == "DONE"
    assert done["received"] == quote["received"]
    dollars = await payer.wallet("USD")
    assert dollars["available"]["amount"] == quote["received"]["amount"]
    made = await payer.ask(
        WITHDRAW,
        input={"idempotencyKey": "out", "walletId": wallet,
               "amount": {"amount": "8000.00", "currencyCode": "EUR"}},
    )  # fmt: skip
    withdrawal = made["withdrawal"]
    assert withdrawal["status"] == "REQUESTED"
    held = await payer.wallet("EUR")
    assert (held["available"]["amount"], held["held"]["amount"]) == ("0.00", "8000.00")
    first = (
        await payer.as_staff(
            "brand_admin", APPROVE, key="first", id=withdrawal["id"], version=withdrawal["version"]
        )
    )["withdrawal"]
    assert first["status"] == "REQUESTED"
    with pytest.raises(AssertionError, match=r"FOUR_EYES|LEVEL"):
        await payer.as_staff(
            "brand_admin", APPROVE, key="again", id=first["id"], version=first["version"]
        )
    second = (
        await payer.as_staff(
            "finance", APPROVE, key="second", id=first["id"], version=first["version"]
        )
    )["withdrawal"]
    assert second["status"] != "REQUESTED"
    paid = await payer.until(withdrawal["id"], "PAID")
    assert [(leg["kind"], leg["amount"]["amount"]) for leg in paid["legs"]] == [
        ("REFUND", "8000.00")
    ]


async def test_a_dispute_lost_after_the_money_left_is_a_debt_and_no_overdraft(
    installation: Installation,
) -> None:
    payer = await Payer.join(installation, "Dora Dispute")
    deposit = await payer.pay_in("500.00", key="in")
    account = (await payer.ask(OPEN))["account"]["id"]
    wallet = (await payer.wallet("EUR"))["id"]
    await transferred(payer, "to", {"walletId": wallet}, {"accountId": account}, "450.00")
    async with payer.controls() as controls:
        psp_id = await psp_id_of(installation, deposit["id"])
        opened = await controls.dispute(psp_id)
        await payer.until(deposit["id"], "DISPUTED")
        held = await payer.wallet("EUR")
        assert (held["available"]["amount"], held["held"]["amount"]) == ("0.00", "50.00")
        await controls.close_dispute(opened["id"], outcome="LOST")
    await payer.until(deposit["id"], "CHARGED_BACK")
    empty = await payer.wallet("EUR")
    assert (empty["available"]["amount"], empty["held"]["amount"]) == ("0.00", "0.00")
    key = await client_key(payer)
    assert await clearing(installation, "CHARGEBACK_RECEIVABLE", key) == Decimal(-450)
    told = (await payer.as_staff("finance", DISPUTES))["nodes"]
    assert [one["status"] for one in told if one["deposit"]["id"] == deposit["id"]] == ["LOST"]


async def psp_id_of(installation: Installation, payment: str) -> str:
    rows = await books(
        installation, "select ext_id from payment where id = %s", payment.removeprefix("payment_")
    )
    found: str = rows[0][0]
    return found


def test_the_books_add_up_afterwards(installation: Installation) -> None:
    verified = subprocess.run(
        [sys.executable, "-m", "api.cli", "ledger", "verify"],
        cwd=ROOT,
        env={**os.environ, "BACKDESK_HOME": str(installation.home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert verified.returncode == 0, verified.stdout + verified.stderr
