"""Payments as they are read: three types in one list, who sees which, in how many statements."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import update

from domain.clients.tables import client as client_table
from domain.kernel.ids import encode_id, new_uuid
from domain.payments.tables import fx_quote
from domain.payments.values import PaymentKind, TransferEndKind
from tenants.work import Database
from tests.domain.payments.till import Till
from tests.domain.payments.withdrawals.counter import Counter
from tests.factories import Brand, Factory, scope_of
from tests.schema.payments.window import World, begin, by_client
from tests.schema.people import Ask

LIST = """query ($filter: PaymentFilter) {
  payments(first: 100, filter: $filter) { nodes { id reference } totalCount { value } } }"""
WHOLE = """query ($first: Int, $after: Cursor) { payments(first: $first, after: $after) {
  pageInfo { hasNextPage endCursor }
  nodes { __typename id reference status version amount { amount currencyCode }
    client { reference } history { status actor { __typename } } actions { name allowed }
    ...In
    ... on Withdrawal { legs { n amount { amount } method { name } } approvals { level status } }
    ... on Transfer { rate received { amount currencyCode }
      from { __typename ... on Wallet { currencyCode } }
      to { __typename ... on Account { login } } } } } }
fragment In on Deposit { credited { amount } source next { ... on RedirectStep { url } }
  method { name kind } wallet { available { amount } } }"""
NODE = """query ($id: ID!) { node(id: $id) { id __typename ... on Payment { reference } } }"""
BY_REFERENCE = """query ($r: String!) { paymentByReference(reference: $r) { id __typename } }"""
CLIENT = """query ($id: ID!) { node(id: $id) { ... on Client {
  wallets { id currencyCode available { amount } held { amount } }
  payments(first: 5) { nodes { reference } }
  payoutDestinations(first: 5) { nodes { label status
    actions { name allowed reasonCode } } } } } }"""


def shown(row: Any) -> str:
    return encode_id("payment", row["id"])


async def three(counter: Counter, database: Database) -> list[dict[str, Any]]:
    """A deposit, a withdrawal with approvals, and a conversion to an account."""
    till, make = counter.till, counter.till.make
    await counter.deposit(1_000_000)
    withdrawal = await counter.request("6000")
    account = make.account(till.brand, counter.client)
    quote = new_uuid()
    now = datetime.now(UTC)
    make.insert(
        fx_quote, till.brand, id=quote, client_id=counter.client.id, ib_path="", mid=Decimal("1.1"),
        from_currency="USD", to_currency="EUR", from_minor=10_000, to_minor=9_000, spread_minor=90,
        rate=Decimal("0.9"), spread_bps=100, source="TEST", priced_at=now, created_at=now,
        expires_at=now + timedelta(minutes=1),
    )  # fmt: skip
    transfer = await begin(
        database, counter.client, PaymentKind.TRANSFER, by_client(till.brand, counter.client),
        from_kind=TransferEndKind.WALLET, from_id=counter.wallet_id(), quote_id=quote,
        to_kind=TransferEndKind.ACCOUNT, to_id=account.id, received_minor=9_000,
        received_currency="EUR",
    )  # fmt: skip
    waiting = await begin(
        database, counter.client, PaymentKind.DEPOSIT, by_client(till.brand, counter.client),
        method_id=counter.card, checkout_url="https://pay.example/1",
    )  # fmt: skip
    return [counter.row(withdrawal)._asdict(), transfer, waiting]


async def test_one_list_has_three_types(ask: Ask, counter: Counter, database: Database) -> None:
    withdrawal, transfer, waiting = await three(counter, database)
    page = (await ask(WHOLE, scope_of(counter.till.brand, "finance"), first=10)).only()
    by_id = {one["id"]: one for one in page["nodes"]}
    assert [one["__typename"] for one in page["nodes"]] == [
        "Deposit", "Transfer", "Withdrawal", "Deposit",
    ]  # fmt: skip
    out = by_id[shown(withdrawal)]
    assert [leg["amount"] for leg in out["legs"]] == [{"amount": "6000.00"}]
    assert [one["level"] for one in out["approvals"]] == ["BACK_OFFICE", "FINANCE"]
    assert out["history"][0] == {"status": "REQUESTED", "actor": {"__typename": "Client"}}
    moved = by_id[shown(transfer)]
    assert (moved["from"], moved["to"]["__typename"]) == (
        {"__typename": "Wallet", "currencyCode": "USD"}, "Account",
    )  # fmt: skip
    assert (moved["rate"], moved["received"]) == (
        "0.9", {"amount": "90.00", "currencyCode": "EUR"},
    )  # fmt: skip
    begun = by_id[shown(waiting)]
    assert begun["next"] == {"url": "https://pay.example/1"}
    settled = page["nodes"][-1]
    assert (settled["credited"], settled["next"], settled["source"]) == (
        {"amount": "10000.00"}, None, "visa •••• 4242",
    )  # fmt: skip


async def test_pages_go_through_all_types(ask: Ask, counter: Counter, database: Database) -> None:
    await three(counter, database)
    admin = scope_of(counter.till.brand, "finance")
    seen, after = [], None
    for _ in range(4):
        page = (await ask(WHOLE, admin, first=1, after=after)).only()
        seen += [one["__typename"] for one in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert seen == ["Deposit", "Transfer", "Withdrawal", "Deposit"]
    assert page["pageInfo"]["hasNextPage"] is False


async def test_a_list_costs_the_same_whatever_its_size(
    ask: Ask, counter: Counter, database: Database
) -> None:
    finance = scope_of(counter.till.brand, "finance")
    await three(counter, database)
    few = await ask(WHOLE, finance, first=10)
    own = counter.as_client()
    for _ in range(3):
        await counter.request("100")
        await begin(database, counter.client, PaymentKind.DEPOSIT, own, method_id=counter.card)
    many = await ask(WHOLE, finance, first=20)
    assert len(many.data["payments"]["nodes"]) == 10
    # Payments, clients, methods of deposits and of legs together, wallets, legs, approvals, the
    # account that money goes to, actors that are clients.
    assert many.statements == few.statements <= 9


async def test_each_sees_its_own_payments(
    ask: Ask, make: Factory, brand: Brand, brand_b: Brand, database: Database
) -> None:
    ib = make.ib(brand)
    mine, theirs, owned = make.client(brand, ib), make.client(brand), make.client(brand)
    where = (client_table.c.brand_id == brand.id, client_table.c.id == owned.id)
    make.run(brand, update(client_table).where(*where).values(owner_id=brand.staff["sales"]))
    rows = {}
    for one in (mine, theirs, owned):
        rows[one.id] = await begin(database, one, PaymentKind.TRANSFER, by_client(brand, one))
    foreign = await begin(
        database, other := make.client(brand_b), PaymentKind.TRANSFER, by_client(brand_b, other)
    )
    everybody = [row["reference"] for row in rows.values()]
    for scope, seen in (
        (scope_of(brand, "brand_admin"), everybody),
        (scope_of(brand, "support"), everybody),
        (scope_of(brand, client=mine), [rows[mine.id]["reference"]]),
        (scope_of(brand, "sales"), [rows[owned.id]["reference"]]),
    ):
        page = (await ask(LIST, scope)).only()
        assert sorted(one["reference"] for one in page["nodes"]) == sorted(seen)
        assert page["totalCount"] == {"value": len(seen)}
        for row in (*rows.values(), foreign):
            is_own = row["brand_id"] == brand.id and row["reference"] in seen
            found = (await ask(NODE, scope, id=shown(row))).only()
            assert (found is not None) is is_own
            if is_own:
                assert found["__typename"] == "Transfer"
            if row is not foreign:  # another brand counts from the same number
                named = (await ask(BY_REFERENCE, scope, r=row["reference"])).only()
                assert (named is not None) is is_own


@pytest.mark.parametrize("document", [LIST, '{ paymentByReference(reference: "D-1") { id } }'],
                         ids=["list", "reference"])  # fmt: skip
async def test_an_ib_sees_no_money(document: str, ask: Ask, make: Factory, brand: Brand) -> None:
    ib = make.ib(brand)
    make.client(brand, ib)
    answer = await ask(document, scope_of(brand, ib=ib))
    assert set(answer.codes) == {"FORBIDDEN"}
    assert (answer.data, answer.statements) == (None, 0)


@pytest.mark.parametrize(
    ("conditions", "count"),
    [
        ({"kind": {"eq": "DEPOSIT"}}, 2),
        ({"kind": {"in": ["WITHDRAWAL", "TRANSFER"]}}, 2),
        ({"status": {"eq": "PENDING"}}, 1),
        ({"currency": {"eq": "EUR"}}, 0),
        ({"currency": {"eq": "USD"}}, 4),
        ({"reference": {"eq": "T-0"}}, 0),
        ({"createdAt": {"lt": "2020-01-01T00:00:00Z"}}, 0),
        ({"clientId": {"eq": "client_0"}}, 0),
    ],
    ids=["kind", "kinds", "status", "no-currency", "currency", "reference", "created", "client"],
)
async def test_payments_are_narrowed(
    conditions: Any, count: int, ask: Ask, counter: Counter, database: Database
) -> None:
    await three(counter, database)
    page = (await ask(LIST, scope_of(counter.till.brand, "finance"), filter=conditions)).only()
    assert len(page["nodes"]) == page["totalCount"]["value"] == count


async def test_a_client_sees_its_money(ask: Ask, counter: Counter, till: Till) -> None:
    await counter.deposit(100_000)
    await counter.destination(is_cool=False)
    await counter.request("400")
    own = (await ask(CLIENT, counter.as_client(), id=encode_id("client", counter.client.id))).only()
    (wallet,) = own["wallets"]
    assert (wallet["available"], wallet["held"]) == ({"amount": "600.00"}, {"amount": "400.00"})
    (destination,) = own["payoutDestinations"]["nodes"]
    assert destination["actions"] == [
        {"name": "withdrawalCreate", "allowed": False, "reasonCode": "DESTINATION_COOLING_OFF"},
        {"name": "payoutDestinationRemove", "allowed": True, "reasonCode": None},
    ]
    assert [one["reference"][:2] for one in own["payments"]["nodes"]] == ["W-", "D-"]
    stranger = scope_of(till.brand, client=till.make.client(till.brand))
    assert (await ask(NODE, stranger, id=wallet["id"])).only() is None
    assert (await ask(CLIENT, stranger, id=encode_id("client", counter.client.id))).only() is None


async def test_house_accounts_are_no_wallets(ask: Ask, till: Till) -> None:
    client = till.make.client(till.brand)
    await till.move(till.clearing(), till.owed(client), 500)
    finance = scope_of(till.brand, "finance")
    document = "query ($id: ID!) { node(id: $id) { ... on Client { wallets { id } } } }"
    assert (await ask(document, finance, id=encode_id("client", client.id))).only()["wallets"] == []


STATEMENT = """query ($id: ID!, $from: Date!, $to: Date!) { node(id: $id) { ... on Wallet {
  csv: statement(from: $from, to: $to) pdf: statement(from: $from, to: $to, format: PDF) } } }"""


async def test_a_wallet_leads_to_its_statement(ask: Ask, counter: Counter, world: World) -> None:
    await counter.deposit(100_000)
    given = {
        "id": encode_id("wallet", counter.wallet_id()), "from": "2026-01-01", "to": "2026-01-31",
    }  # fmt: skip
    told = (await ask(STATEMENT, counter.as_client(), **given)).only()
    for form in ("csv", "pdf"):
        origin, _, link = told[form].partition("/statements/")
        assert origin == "http://cashier.example"
        opened = world.services.statements.open(link, now=datetime.now(UTC))
        assert opened is not None
        assert opened.scope.client_id == counter.client.id
        assert (opened.asked.format, str(opened.asked.start)) == (form.upper(), "2026-01-01")
    backwards = await ask(STATEMENT, counter.as_client(), **given | {"to": "2025-01-01"})
    assert set(backwards.codes) == {"BAD_USER_INPUT"}
