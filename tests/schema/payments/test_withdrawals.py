"""Withdrawals over the API: shown before, asked once per key, decided by version."""

from typing import Any
from uuid import UUID

import pytest

from domain.kernel.ids import decode_id_of, encode_id
from tests import sanctions
from tests.domain.payments.till import Till
from tests.domain.payments.withdrawals.counter import ALL, IBAN, Counter
from tests.factories import scope_of
from tests.schema.people import Ask

SEEN = frozenset({"payments:read", "approvals:list", "destinations:read", "clients:all"})
PREVIEW = """query($wallet: ID!, $amount: MoneyInput!, $destination: ID) {
  withdrawalPreview(walletId: $wallet, amount: $amount, destinationId: $destination) {
    parts { kind label amount { amount } } fee { amount } approvals allowed reasonCode } }"""
CREATE = """mutation($input: WithdrawalCreateInput!) { withdrawalCreate(input: $input) {
  withdrawal { id version status fee { amount } legs { kind status amount { amount } label } }
  replayed errors { code path } } }"""
APPROVE = """mutation($input: WithdrawalApproveInput!) { withdrawalApprove(input: $input) {
  withdrawal { status version } replayed errors { code path } } }"""
REJECT = """mutation($input: WithdrawalRejectInput!) { withdrawalReject(input: $input) {
  withdrawal { status } replayed errors { code path } } }"""
CANCEL = """mutation($input: WithdrawalCancelInput!) { withdrawalCancel(input: $input) {
  withdrawal { status } replayed errors { code path } } }"""
REDIRECT = """mutation($input: WithdrawalDestinationChangeInput!) {
  withdrawalDestinationChange(input: $input) {
    withdrawal { status legs { kind status } approvals { round level status } }
    replayed errors { code path } } }"""
ADD = """mutation($input: PayoutDestinationCreateInput!) {
  payoutDestinationCreate(input: $input) {
    destination { id label status usableFrom } replayed errors { code path } } }"""
REMOVE = """mutation($input: PayoutDestinationRemoveInput!) {
  payoutDestinationRemove(input: $input) { destination { status } errors { code path } } }"""


@pytest.fixture
def counter(till: Till) -> Counter:
    return Counter(till).open()


def money(amount: str) -> dict[str, str]:
    return {"amount": amount, "currencyCode": "USD"}


def wallet(counter: Counter) -> str:
    return encode_id("wallet", counter.wallet_id())


async def create(ask: Ask, counter: Counter, amount: str, **more: Any) -> Any:
    asked = {"idempotencyKey": "one", "walletId": wallet(counter), "amount": money(amount)}
    return (await ask(CREATE, scope_of(counter.till.brand, client=counter.client),
                      input=asked | more))  # fmt: skip


def decode(shown: str) -> UUID:
    key = decode_id_of("payment", shown)
    assert key is not None
    return key


def staff(counter: Counter) -> Any:
    return counter.as_staff(ALL | SEEN)


async def test_the_preview_shows_split_fee_and_approvals(ask: Ask, counter: Counter):
    await counter.deposit(60_000)
    counter.terms(counter.card, fixed=150)
    who = counter.as_client()
    told = (await ask(PREVIEW, who, wallet=wallet(counter), amount=money("510"))).only()
    assert told == {
        "parts": [{"kind": "REFUND", "label": "visa •••• 4242", "amount": {"amount": "510.00"}}],
        "fee": {"amount": "1.50"},
        "approvals": ["BACK_OFFICE"],
        "allowed": True,
        "reasonCode": None,
    }
    assert counter.told() == []


@pytest.mark.parametrize(
    ("amount", "code"),
    [("600.01", "INSUFFICIENT_FUNDS"), ("599.99", "INSUFFICIENT_FUNDS"), ("5", "AMOUNT_TOO_LOW")],
)
async def test_the_preview_says_why_not(ask: Ask, counter: Counter, amount, code):
    await counter.deposit(60_000)
    counter.terms(counter.card, fixed=150)
    asked = {"wallet": wallet(counter), "amount": money(amount)}
    told = (await ask(PREVIEW, counter.as_client(), **asked)).only()
    assert (told["allowed"], told["reasonCode"]) == (False, code)
    assert (await create(ask, counter, amount)).refused()[0][0] == code


async def test_a_foreign_wallet_is_none(ask: Ask, counter: Counter):
    await counter.deposit(60_000)
    other = Counter(counter.till).open()
    foreign = await ask(PREVIEW, other.as_client(), wallet=wallet(counter), amount=money("1"))
    assert foreign.codes == ["BAD_USER_INPUT"]
    assert [error.extensions["argument"] for error in foreign.errors] == [["walletId"]]
    wrong = {"wallet": encode_id("client", UUID(int=7)), "amount": money("1")}
    nothing = await ask(PREVIEW, other.as_client(), **wrong)
    assert [error.extensions["argument"] for error in nothing.errors] == [["walletId"]]
    asked = {"idempotencyKey": "x", "walletId": wallet(counter), "amount": money("1")}
    refused = (await ask(CREATE, other.as_client(), input=asked)).refused()
    assert refused == [("NOT_FOUND", ["input", "walletId"])]


async def test_a_key_asks_once(ask: Ask, counter: Counter):
    await counter.deposit(60_000)
    first = (await create(ask, counter, "100")).only()
    again = (await create(ask, counter, "100.00")).only()
    assert (first["replayed"], again["replayed"]) == (False, True)
    assert first["withdrawal"] == again["withdrawal"]
    assert first["withdrawal"]["status"] == "APPROVED"
    assert first["withdrawal"]["legs"] == [
        {"kind": "REFUND", "status": "HELD", "amount": {"amount": "100.00"},
         "label": "visa •••• 4242"},
    ]  # fmt: skip
    other = (await create(ask, counter, "101")).refused()
    assert other == [("IDEMPOTENCY_KEY_REUSED", ["input", "idempotencyKey"])]
    assert counter.open_holds() == [10_000]


async def test_another_currency_is_refused(ask: Ask, counter: Counter):
    await counter.deposit(60_000)
    asked = {"idempotencyKey": "euro", "walletId": wallet(counter)}
    euro = asked | {"amount": {"amount": "100", "currencyCode": "EUR"}}
    assert (await ask(CREATE, counter.as_client(), input=euro)).refused() == [
        ("CURRENCY_MISMATCH", ["input", "amount"])
    ]
    assert (await create(ask, counter, "1.001")).refused() == [
        ("INVALID", ["input", "amount", "amount"])
    ]


async def test_staff_approve_by_version_and_key(ask: Ask, counter: Counter):
    await counter.deposit(600_000)
    made = (await create(ask, counter, "5001")).only()["withdrawal"]
    asked = {"withdrawalId": made["id"], "reason": "Fine", "expectedVersion": made["version"],
             "idempotencyKey": "first"}  # fmt: skip
    one, two = staff(counter), staff(counter)
    told = (await ask(APPROVE, one, input=asked)).only()
    assert (told["withdrawal"]["status"], told["replayed"]) == ("REQUESTED", False)
    again = (await ask(APPROVE, one, input=asked)).only()
    assert (again["withdrawal"], again["replayed"]) == (told["withdrawal"], True)
    reused = (await ask(APPROVE, one, input=asked | {"reason": "Other"})).refused()
    assert reused == [("IDEMPOTENCY_KEY_REUSED", ["input", "idempotencyKey"])]
    assert (await ask(APPROVE, two, input=asked)).refused() == [
        ("VERSION_CONFLICT", ["input", "expectedVersion"])
    ]
    asked |= {"expectedVersion": told["withdrawal"]["version"], "idempotencyKey": "second"}
    assert (await ask(APPROVE, one, input=asked)).refused() == [("FOUR_EYES", [])]
    assert (await ask(APPROVE, two, input=asked | {"reason": " "})).refused() == [
        ("INVALID", ["input", "reason"])
    ]
    told = (await ask(APPROVE, two, input=asked | {"idempotencyKey": "third"})).only()
    assert told["withdrawal"]["status"] == "APPROVED"
    assert [one[2] for one in counter.approvals(decode(made["id"]))] == ["APPROVED"] * 2
    client = await ask(APPROVE, counter.as_client(), input=asked)
    assert client.codes == ["FORBIDDEN"]


async def allowed(ask: Ask, who: Any, shown: str, name: str) -> str | None:
    """Why `actions` say that something can't be done; None when it can."""
    document = """query($id: ID!) { node(id: $id) {
      ... on Withdrawal { actions { name reasonCode } }
      ... on PayoutDestination { actions { name reasonCode } } } }"""
    told = (await ask(document, who, id=shown)).only()
    reason: str | None = {one["name"]: one["reasonCode"] for one in told["actions"]}[name]
    return reason


async def test_actions_say_what_approving_answers_while_the_client_is_held(
    ask: Ask, counter: Counter
):
    await counter.deposit(600_000)
    made = (await create(ask, counter, "600")).only()["withdrawal"]
    assert await allowed(ask, staff(counter), made["id"], "withdrawalApprove") is None
    sanctions.hit(counter.till.make, counter.till.brand, counter.client)
    asked = {"withdrawalId": made["id"], "reason": "Fine", "expectedVersion": made["version"],
             "idempotencyKey": "first"}  # fmt: skip
    refused = (await ask(APPROVE, staff(counter), input=asked)).refused()
    assert [code for code, _ in refused] == ["CLIENT_RESTRICTED"]
    told = [await allowed(ask, staff(counter), made["id"], name)
            for name in ("withdrawalApprove", "withdrawalReject")]  # fmt: skip
    assert told == ["CLIENT_RESTRICTED", None]


async def test_actions_say_that_a_destination_is_in_use(ask: Ask, counter: Counter):
    await counter.deposit(60_000)
    till = counter.till
    await till.move(till.house(), till.wallet(counter.client), 40_000)
    bank = encode_id("payout_destination", await counter.destination())
    who = counter.as_client()
    assert await allowed(ask, who, bank, "payoutDestinationRemove") is None
    made = (await create(ask, counter, "900", destinationId=bank)).only()["withdrawal"]
    gone = {"idempotencyKey": "gone", "destinationId": bank}
    refused = (await ask(REMOVE, who, input=gone)).refused()
    assert [code for code, _ in refused] == ["DESTINATION_IN_USE"]
    assert await allowed(ask, who, bank, "payoutDestinationRemove") == "DESTINATION_IN_USE"
    cancel = {"withdrawalId": made["id"], "idempotencyKey": "end"}
    assert (await ask(CANCEL, who, input=cancel)).only()["errors"] == []
    assert await allowed(ask, who, bank, "payoutDestinationRemove") is None


async def test_staff_reject_and_the_client_cancels(ask: Ask, counter: Counter):
    await counter.deposit(600_000)
    for n, document in enumerate((REJECT, CANCEL)):
        made = (await create(ask, counter, "600", idempotencyKey=f"k{n}")).only()["withdrawal"]
        asked = {"withdrawalId": made["id"], "idempotencyKey": "end"}
        who = counter.as_client()
        if document is REJECT:
            asked |= {"reason": "No", "expectedVersion": made["version"]}
            who = staff(counter)
        for replayed in (False, True):
            told = (await ask(document, who, input=asked)).only()
            assert told["replayed"] is replayed
            assert told["withdrawal"]["status"] == ("REJECTED", "CANCELLED")[n]
    assert await counter.money() == (600_000, 0, 600_000)
    assert counter.told().count("withdrawal_rejected") == 1


async def test_another_payee_starts_a_new_round(ask: Ask, counter: Counter):
    await counter.deposit(60_000)
    await counter.till.move(counter.till.house(), counter.till.wallet(counter.client), 40_000)
    bank = encode_id("payout_destination", await counter.destination())
    other = await counter.destination(account="GB82WEST12345698765432")
    made = (await create(ask, counter, "900", destinationId=bank)).only()["withdrawal"]
    asked = {
        "idempotencyKey": "elsewhere", "withdrawalId": made["id"], "reason": "Account closed",
        "destinationId": encode_id("payout_destination", other),
        "expectedVersion": made["version"],
    }  # fmt: skip
    who = staff(counter)
    told = (await ask(REDIRECT, who, input=asked)).only()
    assert told["withdrawal"]["approvals"] == [
        {"round": 1, "level": "BACK_OFFICE", "status": "RESET"},
        {"round": 2, "level": "BACK_OFFICE", "status": "PENDING"},
    ]
    again = (await ask(REDIRECT, who, input=asked)).only()
    assert (told["replayed"], again["replayed"]) == (False, True)
    assert counter.open_holds() == [30_000, 60_000]


async def test_a_destination_is_added_masked_and_removed(ask: Ask, counter: Counter):
    asked = {
        "idempotencyKey": "bank", "methodId": encode_id("payment_method", counter.bank),
        "account": IBAN, "holderName": counter.client.name,
    }  # fmt: skip
    who = counter.as_client()
    told = (await ask(ADD, who, input=asked)).only()
    assert told["destination"]["label"] == "DE •••• 3000"
    assert (await ask(ADD, who, input=asked)).only()["replayed"] is True
    wrong = (await ask(ADD, who, input=asked | {"account": "DE00"})).refused()
    assert wrong == [("IDEMPOTENCY_KEY_REUSED", ["input", "idempotencyKey"])]
    wrong = (
        await ask(ADD, who, input=asked | {"account": "DE00", "idempotencyKey": "b"})
    ).refused()
    assert wrong == [("ACCOUNT_INVALID", ["input", "account"])]
    taken = (await ask(ADD, who, input=asked | {"idempotencyKey": "c"})).refused()
    assert taken == [("DESTINATION_EXISTS", [])]
    gone = {"idempotencyKey": "gone", "destinationId": told["destination"]["id"]}
    assert (await ask(REMOVE, who, input=gone)).only()["destination"]["status"] == "REMOVED"


async def test_a_card_is_no_destination_and_it_says_so(ask: Ask, counter: Counter):
    asked = {
        "idempotencyKey": "card", "methodId": encode_id("payment_method", counter.card),
        "account": "4242424242424242", "holderName": counter.client.name,
    }  # fmt: skip
    document = ADD.replace("code path", "code path message")
    (told,) = (await ask(document, counter.as_client(), input=asked)).only()["errors"]
    assert (told["code"], told["path"]) == ("METHOD_UNAVAILABLE", ["input", "methodId"])
    assert told["message"] == (
        "Money goes back to a card only from its own deposits: a card is no destination."
    )


async def test_staff_add_one_for_a_client_they_name(ask: Ask, counter: Counter):
    asked = {
        "idempotencyKey": "bank", "methodId": encode_id("payment_method", counter.bank),
        "account": IBAN, "holderName": counter.client.name,
    }  # fmt: skip
    who = counter.as_staff(SEEN | {"destinations:manage"})
    assert (await ask(ADD, who, input=asked)).refused() == [("NOT_FOUND", ["input", "clientId"])]
    named = asked | {"clientId": encode_id("client", counter.client.id), "idempotencyKey": "two"}
    assert (await ask(ADD, who, input=named)).only()["destination"]["status"] == "ACTIVE"


async def test_ids_of_other_things_are_not_found(ask: Ask, counter: Counter):
    wrong = encode_id("client", UUID(int=7))
    asked = {"withdrawalId": wrong, "reason": "No", "expectedVersion": 1, "idempotencyKey": "x"}
    assert (await ask(REJECT, staff(counter), input=asked)).refused() == [
        ("NOT_FOUND", ["input", "withdrawalId"])
    ]
