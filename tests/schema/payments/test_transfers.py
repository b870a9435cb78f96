"""Transfers and conversions as callers see them: on the real simulator, with its worker running."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from domain.accounts.ports import PlatformUnavailable
from domain.kernel.ids import encode_id, new_uuid
from domain.payments.reconciliation.tables import balance_proof
from domain.payments.tables import fx_quote, payment
from schema.root import build
from schema.shared.context import Context
from tests.domain.payments.transfers.conftest import (
    Till,
    app,
    clock,
    driver,
    own_database,
    platform_database,
    series,
    settings,
    till,
)
from tests.factories import rights_of
from tests.schema.people import SECRET, Answer

__all__ = [
    "app", "clock", "driver", "own_database", "platform_database", "series", "settings", "till"
]  # fmt: skip

CREATE = """mutation($input: TransferCreateInput!) { transferCreate(input: $input) {
  transfer { status reasonCode amount { amount currencyCode } rate
    received { amount currencyCode }
    from { __typename ... on Wallet { available { amount } held { amount } } }
    to { __typename ... on Wallet { available { amount } } ... on Account { login } } }
  replayed errors { code path } } }"""
QUOTE = """mutation($input: ConversionQuoteCreateInput!) { conversionQuoteCreate(input: $input) {
  quote { id mid rate spreadBps amount { amount currencyCode } received { amount currencyCode }
    spread { amount currencyCode } }
  replayed errors { code path } } }"""


@dataclass(frozen=True)
class _Connected:
    platform: Any

    def connect(self, _server: Any) -> Any:
        return self.platform


@dataclass(frozen=True)
class _Services:
    platforms: _Connected


@pytest.fixture(scope="session")
def assembled():
    return build(SECRET)


@pytest.fixture
def ask(assembled, till: Till, database, count_statements):
    """`await ask(document, scope, **input)`."""

    async def asking(document: str, scope: Any, **given: Any) -> Answer:
        context = Context(
            scope=scope,
            database=database,
            reading=assembled.reading,
            services=_Services(_Connected(till.platform)),
        )
        with count_statements() as counted:
            result = await assembled.schema.execute(
                document, variable_values=given, context_value=context
            )
        await context.close()
        return Answer(result.data, list(result.errors or []), counted.total)

    return asking


@pytest_asyncio.fixture
async def working(till: Till, monkeypatch) -> AsyncIterator[None]:
    """The worker: requests are carried out and consumers follow, all the time, however long."""
    monkeypatch.setattr("domain.payments.transfers.waiting.PATIENCE_S", 60.0)

    async def go_on() -> None:
        while True:
            await till.settle()
            await asyncio.sleep(0.02)

    task = asyncio.create_task(go_on())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def _asked(till: Till, key: str, amount: str, **ends: Any) -> dict[str, Any]:
    return {"idempotencyKey": key, "amount": {"amount": amount, "currencyCode": "USD"}} | ends


@pytest.mark.usefixtures("working")
async def test_a_client_moves_money_and_sees_it_arrive(till, ask, scope_for):
    wallet = await till.fill("USD", 50_000)
    scope = scope_for(till.brand, client=till.client)
    ends = {
        "from": {"walletId": encode_id("wallet", wallet)},
        "to": {"accountId": encode_id("account", till.account.id)},
    }
    first = (await ask(CREATE, scope, input=_asked(till, "k", "500", **ends))).only()
    assert first["errors"] == []
    assert first["transfer"]["status"] == "DONE"
    assert first["transfer"]["received"] == {"amount": "500.00", "currencyCode": "USD"}
    assert first["transfer"]["from"]["available"] == {"amount": "0.00"}
    assert first["transfer"]["to"] == {"__typename": "Account", "login": f"{till.account.login}"}
    again = (await ask(CREATE, scope, input=_asked(till, "k", "500.00", **ends))).only()
    assert (again["replayed"], again["transfer"]) == (True, first["transfer"])
    assert len(till.payments()) == 1
    other = await ask(CREATE, scope, input=_asked(till, "k", "501", **ends))
    assert other.refused() == [("IDEMPOTENCY_KEY_REUSED", ["input", "idempotencyKey"])]


async def test_without_a_worker_it_is_on_its_way_and_held(till, ask, scope_for, monkeypatch):
    monkeypatch.setattr("domain.payments.transfers.waiting.PATIENCE_S", 0.0)
    wallet = await till.fill("USD", 50_000)
    ends = {
        "from": {"walletId": encode_id("wallet", wallet)},
        "to": {"accountId": encode_id("account", till.account.id)},
    }
    scope = scope_for(till.brand, "finance")
    made = (await ask(CREATE, scope, input=_asked(till, "k", "200", **ends))).only()["transfer"]
    assert (made["status"], made["received"]) == ("SENDING", None)
    assert made["from"] == {
        "__typename": "Wallet", "available": {"amount": "300.00"}, "held": {"amount": "200.00"}
    }  # fmt: skip


async def test_a_conversion_is_quoted_and_done(till, ask, scope_for, driver):
    wallet = await till.fill("EUR", 100_000)
    await driver.quote("EURUSD", "1.08490", "1.08510")
    scope = scope_for(till.brand, client=till.client)
    amount = {"amount": "1000", "currencyCode": "EUR"}
    asked = {
        "idempotencyKey": "q", "fromWalletId": encode_id("wallet", wallet), "toCurrency": "USD",
        "amount": amount,
    }  # fmt: skip
    quote = (await ask(QUOTE, scope, input=asked)).only()["quote"]
    assert (quote["mid"], quote["rate"], quote["spreadBps"]) == ("1.085", "1.07415", 100)
    assert quote["received"] == {"amount": "1074.15", "currencyCode": "USD"}
    assert quote["spread"] == {"amount": "10.85", "currencyCode": "USD"}
    moved = {
        "idempotencyKey": "c", "from": {"walletId": encode_id("wallet", wallet)},
        "to": {"currencyCode": "USD"}, "amount": amount, "quoteId": quote["id"],
    }  # fmt: skip
    made = (await ask(CREATE, scope, input=moved)).only()["transfer"]
    assert (made["status"], made["rate"]) == ("DONE", "1.07415")
    assert made["to"] == {"__typename": "Wallet", "available": {"amount": "1074.15"}}
    used = await ask(CREATE, scope, input=moved | {"idempotencyKey": "d"})
    assert used.refused() == [("QUOTE_USED", ["input", "quoteId"])]
    assert len(till.payments()) == 1


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        pytest.param(
            {"amount": {"amount": "0", "currencyCode": "USD"}},
            ("INVALID", ["input", "amount"]), id="nothing",
        ),
        pytest.param(
            {"amount": {"amount": "1", "currencyCode": "EUR"}},
            ("CURRENCY_MISMATCH", ["input", "amount"]), id="other currency",
        ),
        pytest.param(
            {"amount": {"amount": "1.001", "currencyCode": "USD"}},
            ("INVALID", ["input", "amount", "amount"]), id="too many decimals",
        ),
        pytest.param(
            {"amount": {"amount": "9999", "currencyCode": "USD"}},
            ("INSUFFICIENT_FUNDS", ["input", "amount"]), id="more than there is",
        ),
        pytest.param(
            {"from": {"walletId": "wallet_nonsense"}}, ("NOT_FOUND", ["input", "from"]),
            id="no such wallet",
        ),
        pytest.param(
            {"to": {"currencyCode": "USD"}}, ("INVALID", ["input", "to"]), id="same wallet"
        ),
        pytest.param(
            {"to": {"currencyCode": "EUR"}}, ("QUOTE_REQUIRED", ["input", "quoteId"]),
            id="no quote",
        ),
        pytest.param(
            {"quoteId": "conversion_quote_x"}, ("NOT_FOUND", ["input", "quoteId"]),
            id="no such quote",
        ),
    ],
)  # fmt: skip
async def test_refusals_say_where(till, ask, scope_for, change, refused):
    wallet = await till.fill("USD", 50_000)
    ends = {
        "from": {"walletId": encode_id("wallet", wallet)},
        "to": {"accountId": encode_id("account", till.account.id)},
    }
    scope = scope_for(till.brand, client=till.client)
    answer = await ask(CREATE, scope, input=_asked(till, "k", "1", **ends) | change)
    assert answer.refused() == [refused]
    assert till.make.rows(payment, till.brand) == []


async def test_a_refusal_is_given_again_and_says_so(till, ask, scope_for):
    wallet = await till.fill("USD", 50_000)
    ends = {
        "from": {"walletId": encode_id("wallet", wallet)},
        "to": {"accountId": encode_id("account", till.account.id)},
    }
    scope = scope_for(till.brand, client=till.client)
    answers = [await ask(CREATE, scope, input=_asked(till, "k", "9999", **ends)) for _ in "ab"]
    assert [one.refused() for one in answers] == [[("INSUFFICIENT_FUNDS", ["input", "amount"])]] * 2
    assert [one.only()["replayed"] for one in answers] == [False, True]


async def test_what_is_out_of_reach_looks_absent(till, ask, scope_for):
    """A member of staff who has own clients only, and names another's wallet, account or quote."""
    theirs = await till.fill("USD", 50_000)
    mine = till.make.client(till.brand, owner_id=till.brand.staff["sales"])
    own = await till.fill("USD", 50_000, client=mine)
    rights = rights_of("sales") | {"transfers:create"}
    scope = scope_for(till.brand, "sales", permissions=rights)
    known, unknown = encode_id("wallet", theirs), encode_id("wallet", new_uuid())
    answers = []
    for wallet in (known, unknown):
        for name, source, target in (("from", wallet, own), ("to", own, wallet)):
            shown = [one if isinstance(one, str) else encode_id("wallet", one)
                     for one in (source, target)]  # fmt: skip
            ends = {"from": {"walletId": shown[0]}, "to": {"walletId": shown[1]}}
            answer = await ask(CREATE, scope, input=_asked(till, f"{wallet}{name}", "1", **ends))
            answers.append(answer.refused())
    assert answers == [[("NOT_FOUND", ["input", name])] for name in ("from", "to")] * 2


@pytest.mark.parametrize(
    ("currency", "code"),
    [
        pytest.param("EUR", ("INVALID", ["input", "toCurrency"]), id="same currency"),
        pytest.param("JPY", ("CURRENCY_UNAVAILABLE", ["input", "toCurrency"]), id="not offered"),
    ],
)
async def test_conversions_that_are_not_priced(till, ask, scope_for, currency, code):
    wallet = await till.fill("EUR", 100_000)
    asked = {
        "idempotencyKey": "q", "fromWalletId": encode_id("wallet", wallet),
        "toCurrency": currency, "amount": {"amount": "1", "currencyCode": "EUR"},
    }  # fmt: skip
    answer = await ask(QUOTE, scope_for(till.brand, client=till.client), input=asked)
    assert answer.refused() == [code]
    assert till.make.rows(fx_quote, till.brand) == []


class _Silent:
    """A platform that doesn't answer."""

    async def quotes(self, _symbols: Any) -> Any:
        raise PlatformUnavailable


def _priced(till: Till, wallet: Any, **change: Any) -> dict[str, Any]:
    amount = {"amount": "1000", "currencyCode": "EUR"}
    return {
        "idempotencyKey": "q", "fromWalletId": encode_id("wallet", wallet), "toCurrency": "USD",
        "amount": amount,
    } | change  # fmt: skip


async def test_a_quote_is_given_again_while_the_platform_is_silent(till, ask, scope_for, driver):
    """The stored answer needs no price; nor does the refusal of other input under its key."""
    wallet = await till.fill("EUR", 100_000)
    await driver.quote("EURUSD", "1.08490", "1.08510")
    scope = scope_for(till.brand, client=till.client)
    first = (await ask(QUOTE, scope, input=_priced(till, wallet))).only()
    till.platform = _Silent()
    again = (await ask(QUOTE, scope, input=_priced(till, wallet))).only()
    assert (again["replayed"], again["errors"]) == (True, [])
    assert again["quote"] == first["quote"]
    other = await ask(QUOTE, scope, input=_priced(till, wallet, toCurrency="GBP"))
    assert other.refused() == [("IDEMPOTENCY_KEY_REUSED", ["input", "idempotencyKey"])]
    assert len(till.make.rows(fx_quote, till.brand)) == 1


async def test_a_silent_platform_takes_no_key(till, ask, scope_for, driver):
    wallet = await till.fill("EUR", 100_000)
    await driver.quote("EURUSD", "1.08490", "1.08510")
    scope = scope_for(till.brand, client=till.client)
    speaking, till.platform = till.platform, _Silent()
    silent = await ask(QUOTE, scope, input=_priced(till, wallet))
    assert silent.refused() == [("PRICE_UNAVAILABLE", [])]
    till.platform = speaking
    answer = (await ask(QUOTE, scope, input=_priced(till, wallet))).only()
    assert (answer["errors"], answer["replayed"]) == ([], False)


async def test_a_quote_that_can_not_be_is_stored_as_refused(till, ask, scope_for):
    wallet = await till.fill("EUR", 100_000)
    scope = scope_for(till.brand, client=till.client)
    asked = _priced(till, wallet, toCurrency="JPY")
    answers = [await ask(QUOTE, scope, input=asked) for _ in "ab"]
    refused = [("CURRENCY_UNAVAILABLE", ["input", "toCurrency"])]
    assert [one.refused() for one in answers] == [refused] * 2
    assert [one.only()["replayed"] for one in answers] == [False, True]


async def test_input_that_can_not_be_read_takes_no_key(till, ask, scope_for, driver):
    wallet = await till.fill("EUR", 100_000)
    await driver.quote("EURUSD", "1.08490", "1.08510")
    scope = scope_for(till.brand, client=till.client)
    odd = {"amount": "10.001", "currencyCode": "EUR"}
    for _ in "ab":
        answer = await ask(QUOTE, scope, input=_priced(till, wallet, amount=odd))
        assert answer.refused() == [("INVALID", ["input", "amount", "amount"])]
        assert answer.only()["replayed"] is False
    assert (await ask(QUOTE, scope, input=_priced(till, wallet))).only()["errors"] == []


@pytest.mark.parametrize("key", ["", "k" * 201])
async def test_an_impossible_key_says_where_it_stands(till, ask, scope_for, key):
    wallet = await till.fill("EUR", 100_000)
    scope = scope_for(till.brand, client=till.client)
    answer = await ask(QUOTE, scope, input=_priced(till, wallet, idempotencyKey=key))
    assert answer.refused() == [("INVALID", ["input", "idempotencyKey"])]


async def test_staff_see_the_proofs_of_a_day(till, ask, scope_for):
    day = datetime.now(UTC).date()
    for account, told in ((till.account, 1_000), (till.make.account(till.brand, till.client), 900)):
        till.make.insert(
            balance_proof, till.brand, day=day, account_id=account.id, currency="USD",
            ledger_minor=1_000, platform_minor=told, attempts=3, proved_at=datetime.now(UTC),
        )  # fmt: skip
    document = """query($day: Date!, $only: Boolean!) {
      balanceProofs(day: $day, onlyDiffering: $only) {
        isEqual attempts ledger { amount } platform { amount } account { login } } }"""
    finance = scope_for(till.brand, "finance")
    whole = await ask(document, finance, day=f"{day}", only=False)
    assert [one["isEqual"] for one in whole.only()] == [False, True]
    some = (await ask(document, finance, day=f"{day}", only=True)).only()
    assert [one["platform"]["amount"] for one in some] == ["9.00"]
    for scope in (scope_for(till.brand, client=till.client), scope_for(till.brand, "support")):
        assert (await ask(document, scope, day=f"{day}", only=False)).codes == ["FORBIDDEN"]
