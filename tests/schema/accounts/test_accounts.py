"""Accounts as they are read: who sees which, in how many statements, and the equity series."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from domain.accounts import tables as accounts
from domain.accounts.queries import list_equity_points
from domain.clients.tables import client as client_table
from domain.kernel.ids import encode_id, new_uuid
from tenants.work import Database
from tests.factories import Account, Brand, Client, Factory, rights_of, scope_of
from tests.schema.accounts.desk import Stage, pending_order
from tests.schema.people import Ask

LIST = """query ($filter: AccountFilter, $orderBy: AccountOrder) {
  accounts(first: 100, filter: $filter, orderBy: $orderBy) { nodes { id login } } }"""
PAGE = """query ($id: ID!) { node(id: $id) { ... on Client { name accounts(first: 20) { nodes {
  login status currencyCode server { name } state { equity { amount } asOf }
  positions { ticket symbol floating { amount } }
  orders(first: 5) { nodes { ticket status } }
  deals(first: 5) { nodes { ticket profit { amount } } } } } } } }"""
NODE = """query ($id: ID!) { node(id: $id) { id __typename } }"""
BY_LOGIN = """query ($server: ID!, $login: String!) {
  accountByLogin(serverId: $server, login: $login) { id } }"""
SYMBOLS = """query ($id: ID!) { symbols(accountId: $id) { name digits contractSize lotsStep } }"""
SERIES = """query ($id: ID!, $from: DateTime!, $to: DateTime!, $points: Int!) {
  node(id: $id) { ... on Account { equitySeries(from: $from, to: $to, points: $points) {
    at equity { amount } balance { amount } } } } }"""
START = datetime(2026, 5, 4, tzinfo=UTC)


def shown(one: Account) -> str:
    return encode_id("account", one.id)


async def logins(ask: Ask, scope: Any, **variables: Any) -> list[int]:
    nodes = (await ask(LIST, scope, **variables)).only()["nodes"]
    return [int(one["login"]) for one in nodes]


async def test_each_sees_its_own_accounts(
    ask: Ask, make: Factory, brand: Brand, brand_b: Brand
) -> None:
    ib = make.ib(brand)
    below = make.ib(brand, ib)
    mine, theirs, owned = make.client(brand, ib), make.client(brand, below), make.client(brand)
    where = (client_table.c.brand_id == brand.id, client_table.c.id == owned.id)
    make.run(brand, update(client_table).where(*where).values(owner_id=brand.staff["sales"]))
    each = {one.id: make.account(brand, one) for one in (mine, theirs, owned)}
    foreign = make.account(brand_b, make.client(brand_b))
    everybody = {one.login for one in each.values()}
    for scope, seen in (
        (scope_of(brand, "brand_admin"), everybody),
        (scope_of(brand, "dealing"), everybody),
        (scope_of(brand, client=mine), {each[mine.id].login}),
        (scope_of(brand, ib=ib), {each[mine.id].login, each[theirs.id].login}),
        (scope_of(brand, ib=below), {each[theirs.id].login}),
        (scope_of(brand, "sales"), {each[owned.id].login}),
        (scope_of(brand_b, "brand_admin"), {foreign.login}),
    ):
        assert set(await logins(ask, scope)) == seen
        for account in (*each.values(), foreign):
            answer = await ask(NODE, scope, id=shown(account))
            assert (answer.only() is not None) is (account.login in seen)
            found = await ask(
                BY_LOGIN, scope, login=str(account.login),
                server=encode_id("server", account.server_id),
            )  # fmt: skip
            visible = {"id": shown(account)} if account.login in seen else None
            assert found.only() == visible


@pytest.mark.parametrize("login", ["", "x", "-1", "1.0", "9" * 19, "١"])
async def test_what_is_no_login_is_nobodys(login: str, ask: Ask, stage: Stage) -> None:
    admin = scope_of(stage.brand, "brand_admin")
    server = encode_id("server", stage.account.server_id)
    assert (await ask(BY_LOGIN, admin, server=server, login=login)).only() is None
    known = str(stage.account.login)
    assert (await ask(BY_LOGIN, admin, server="server_1", login=known)).only() is None
    assert await logins(ask, admin, filter={"login": {"eq": login}}) == []


async def test_lists_are_narrowed_and_sorted_by_login(
    ask: Ask, make: Factory, brand: Brand
) -> None:
    client = make.client(brand)
    known = sorted(make.account(brand, client).login for _ in range(4))
    admin = scope_of(brand, "brand_admin")
    for direction, order in (("ASC", known), ("DESC", known[::-1])):
        by = {"field": "LOGIN", "direction": direction}
        assert await logins(ask, admin, orderBy=by) == order
    one, two = str(known[0]), str(known[2])
    assert await logins(ask, admin, filter={"login": {"eq": one}}) == known[:1]
    several = {"login": {"in": [one, two, "x", f"0{one}"]}}
    assert sorted(await logins(ask, admin, filter=several)) == [known[0], known[2]]


def fill(make: Factory, client: Client, brand: Brand, size: int) -> None:
    for _ in range(size):
        account = make.account(brand, client)
        make.state(account)
        for _ in range(size):
            make.position(account)
            make.deal(account)
            pending_order(make, account)


async def test_the_client_page_costs_the_same_whatever_its_size(
    ask: Ask, make: Factory, brand: Brand
) -> None:
    make.symbol("EURUSD")
    told = []
    for size in (1, 4):
        client = make.client(brand)
        fill(make, client, brand, size)
        answer = await ask(PAGE, scope_of(brand, "brand_admin"), id=encode_id("client", client.id))
        nodes = answer.only()["accounts"]["nodes"]
        assert [len(node["deals"]["nodes"]) for node in nodes] == [size] * size
        assert [len(node["positions"]) for node in nodes] == [size] * size
        assert {node["state"]["equity"]["amount"] for node in nodes} == {"1000.00"}
        told.append(answer.statements)
    assert told == [7, 7]  # client, accounts, servers, states, positions, orders, deals


async def test_symbols_are_those_of_the_server_of_an_account_one_sees(
    ask: Ask, make: Factory, stage: Stage, brand_b: Brand
) -> None:
    make.symbol("USDJPY")
    own = scope_of(stage.brand, client=stage.client)
    answer = await ask(SYMBOLS, own, id=stage.ids["accountId"])
    found = {one["name"]: one for one in answer.only()}
    assert found["EURUSD"] == {
        "name": "EURUSD", "digits": 5, "contractSize": "100000", "lotsStep": "0.01"
    }  # fmt: skip
    assert found["USDJPY"]["digits"] == 3
    assert answer.statements == 2
    for scope, key in (
        (scope_of(brand_b, "brand_admin"), stage.ids["accountId"]),
        (scope_of(stage.brand, client=make.client(stage.brand)), stage.ids["accountId"]),
        (own, encode_id("account", new_uuid())),
        (own, "account_1"),
    ):
        assert (await ask(SYMBOLS, scope, id=key)).only() == []
    denied = scope_of(stage.brand, "brand_admin", permissions=rights_of("support") - {
        "quotes:read"
    })  # fmt: skip
    assert set((await ask(SYMBOLS, denied, id=stage.ids["accountId"])).codes) == {"FORBIDDEN"}


async def test_actions_say_what_the_mutations_would(ask: Ask, make: Factory, stage: Stage) -> None:
    document = "query ($id: ID!) { node(id: $id) { ... on Account { actions {"
    document += " name allowed reasonCode } } } }"
    table = accounts.trading_account
    where = (table.c.brand_id == stage.brand.id, table.c.id == stage.account.id)

    async def told(scope: Any) -> dict[str, str | None]:
        found = (await ask(document, scope, id=stage.ids["accountId"])).only()["actions"]
        assert all(one["allowed"] is (one["reasonCode"] is None) for one in found)
        return {one["name"]: one["reasonCode"] for one in found}

    own = scope_of(stage.brand, client=stage.client)
    free = dict.fromkeys(["changeLeverage", "changePasswords", "placeOrder", "closePosition"])
    assert await told(own) == free | {"changeAccess": "FORBIDDEN"}
    assert (await told(scope_of(stage.brand, "compliance")))["changeAccess"] is None
    make.run(stage.brand, update(table).where(*where).values(access="CLOSE_ONLY"))
    assert (await told(own))["placeOrder"] == "TRADING_DISABLED"
    make.run(stage.brand, update(table).where(*where).values(status="OPENING"))
    left = await told(own)
    assert set(left.values()) == {"ACCOUNT_NOT_ACTIVE", "FORBIDDEN"}


def points_of(make: Factory, account: Account, seconds: list[int]) -> list[tuple[datetime, int]]:
    """Samples at these seconds after the start, each with an equity of its own."""
    made = []
    for number, second in enumerate(seconds):
        at = START + timedelta(seconds=second)
        make.insert(
            accounts.equity_point, account, account_id=account.id, client_id=account.client_id,
            ib_path=account.ib_path, at=at, balance_minor=100_000, equity_minor=number,
        )  # fmt: skip
        made.append((at, number))
    return made


def thinned(
    samples: list[tuple[datetime, int]], start: datetime, end: datetime, points: int
) -> list[tuple[datetime, int]]:
    """The last sample of each of `points` equal stretches of [start, end), by exact arithmetic."""
    whole = (end - start) // timedelta(microseconds=1)
    last: dict[int, tuple[datetime, int]] = {}
    for at, value in sorted(samples):
        if start <= at < end:
            last[((at - start) // timedelta(microseconds=1)) * points // whole] = (at, value)
    return [last[number] for number in sorted(last)]


async def test_the_series_is_thinned_exactly(
    database: Database, make: Factory, brand: Brand
) -> None:
    account = make.account(brand, make.client(brand))
    samples = points_of(make, account, [n * (n + 7) // 7 * 10 for n in range(120)])
    scope = scope_of(brand, "brand_admin")
    loop = asyncio.get_running_loop()

    async def asked(start: datetime, end: datetime, points: int) -> list[tuple[datetime, int]]:
        async with database.read(scope) as work:
            rows = await list_equity_points(work, account.id, start, end, points)
        return [(row.at, int(row.equity_minor)) for row in rows]

    tries: list[tuple[datetime, datetime, int]] = []

    @settings(max_examples=60, deadline=None, database=None)
    @given(st.integers(-500, 20_000), st.integers(1, 25_000), st.integers(1, 300))
    def collect(first: int, length: int, points: int) -> None:
        start = START + timedelta(seconds=first)
        tries.append((start, start + timedelta(seconds=length), points))

    await loop.run_in_executor(None, collect)
    for start, end, points in tries:
        assert await asked(start, end, points) == thinned(samples, start, end, points)


async def test_the_series_shows_money_and_refuses_nonsense(
    ask: Ask, make: Factory, brand: Brand
) -> None:
    client = make.client(brand)
    account = make.account(brand, client)
    points_of(make, account, [0, 10, 20, 30])
    own = scope_of(brand, client=client)
    span = {"from": START.isoformat(), "to": (START + timedelta(seconds=40)).isoformat()}
    given = {"id": shown(account), "points": 2} | span
    series = (await ask(SERIES, own, **given)).only()["equitySeries"]
    assert [one["at"] for one in series] == [
        "2026-05-04T00:00:10.000000Z", "2026-05-04T00:00:30.000000Z"
    ]  # fmt: skip
    assert [one["equity"]["amount"] for one in series] == ["0.01", "0.03"]
    assert {one["balance"]["amount"] for one in series} == {"1000.00"}
    for wrong in ({"points": 0}, {"points": 1001}, {"to": span["from"]}):
        assert (await ask(SERIES, own, **(given | wrong))).codes == ["BAD_USER_INPUT"]
