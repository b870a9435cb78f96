"""Commands of accounts on a real database: what they write, what they refuse, who reaches what."""

from collections.abc import Awaitable, Callable
from decimal import Decimal as D
from typing import Any
from uuid import UUID

import psycopg
import pytest

from domain.accounts.commands.cancel_order import cancel_order
from domain.accounts.commands.change_leverage import change_leverage
from domain.accounts.commands.close_position import close_position
from domain.accounts.commands.grant_server import grant_server
from domain.accounts.commands.open_account import open_account
from domain.accounts.commands.place_order import place_order
from domain.accounts.commands.record_outcome import Outcome, record_outcome
from domain.accounts.rules import OpenWish, OrderWish
from domain.accounts.values import (
    AccountKind,
    OrderStatus,
    OrderType,
    RequestStatus,
    Side,
)
from domain.clients.values import ClientStatus
from domain.kernel.errors import DomainError
from tenants.context import NO_BRAND, Scope, system_scope
from tenants.work import Database, WriteWork
from tests.factories import Brand, Factory, scope_of

Command = Callable[[WriteWork], Awaitable[Any]]
BUY = OrderWish("EURUSD", OrderType.MARKET, Side.BUY, D("0.10"))
DEMO = OpenWish(AccountKind.DEMO, "USD", leverage=100)


@pytest.fixture
def rows(superuser: psycopg.Connection[Any]) -> Callable[..., list[Any]]:
    """`rows("select …", brand.id)`: what is really there, past row-level security."""

    def read(query: str, *values: Any) -> list[Any]:
        return superuser.execute(query, values).fetchall()  # type: ignore[call-overload,no-any-return]  # test queries are built

    return read


async def refused(database: Database, scope: Scope, command: Command) -> str:
    with pytest.raises(DomainError) as caught:
        await database.write(scope, command)
    return caught.value.code


def events_of(rows: Any, brand: Brand) -> list[str]:
    found = rows(
        "select kind from event where brand_id = %s and topic = 'ACCOUNT' order by seq", brand.id
    )
    return [kind for (kind,) in found]


async def test_open_reserves_a_login_and_asks_the_platform(
    database: Database, make: Factory, brand: Brand, rows: Any
) -> None:
    client = make.client(brand)
    scope = scope_of(brand, client=client)
    first = (await database.write(scope, lambda w: open_account(w, client.id, DEMO))).value
    second = (await database.write(scope, lambda w: open_account(w, client.id, DEMO))).value
    found = rows(
        "select id, login, status, version, leverage from trading_account"
        " where brand_id = %s order by login",
        brand.id,
    )
    assert [str(row[0]) for row in found] == [first["account"], second["account"]]
    assert [row[1:] for row in found] == [
        (brand.login_from, "OPENING", 1, 100),
        (brand.login_from + 1, "OPENING", 1, 100),
    ]
    requests = rows(
        "select id, kind, status, arguments from platform_request where brand_id = %s order by id",
        brand.id,
    )
    assert [(str(row[0]), *row[1:]) for row in requests] == [
        (one["request"], "OPEN", "SENDING", {"initial_balance": "10000"}) for one in (first, second)
    ]
    assert events_of(rows, brand) == ["open_requested"] * 2
    audits = rows("select action, actor_id from audit where brand_id = %s order by seq", brand.id)
    assert audits == [("account.open", client.id)] * 2


async def test_open_refusals_leave_nothing_behind(
    database: Database, make: Factory, brand: Brand, brand_b: Brand, rows: Any
) -> None:
    client, other = make.client(brand), make.client(brand)
    foreign = make.client(brand_b)
    restricted = make.client(brand, status=ClientStatus.RESTRICTED)
    own = scope_of(brand, client=client)
    tries = [
        (own, other.id, DEMO, "NOT_FOUND"),
        (own, foreign.id, DEMO, "NOT_FOUND"),
        (own, UUID(int=1), DEMO, "NOT_FOUND"),
        (own, client.id, OpenWish(AccountKind.FUNDED_LIVE, "USD"), "KIND_UNAVAILABLE"),
        (own, client.id, OpenWish(AccountKind.DEMO, "XXX"), "CURRENCY_UNAVAILABLE"),
        (scope_of(brand, client=restricted), restricted.id, DEMO, "CLIENT_RESTRICTED"),
        (scope_of(brand, "sales"), client.id, DEMO, "NOT_FOUND"),
    ]
    for scope, client_id, wish, code in tries:
        assert (
            await refused(database, scope, lambda w, c=client_id, o=wish: open_account(w, c, o))
            == code
        )  # type: ignore[misc]
    for table in ("trading_account", "platform_request", "event", "audit"):
        assert rows(f"select count(*) from {table} where brand_id = %s", brand.id) == [(0,)], table


async def test_only_an_active_account_trades_and_only_its_own_client(
    database: Database, make: Factory, brand: Brand, rows: Any
) -> None:
    make.symbol("EURUSD")
    client, other = make.client(brand), make.client(brand)
    account = make.account(brand, client)
    scope = scope_of(brand, client=client)
    done = await database.write(scope, lambda w: place_order(w, account.id, BUY))
    assert events_of(rows, brand) == ["order_requested"]
    stranger = scope_of(brand, client=other)
    assert (
        await refused(database, stranger, lambda w: place_order(w, account.id, BUY)) == "NOT_FOUND"
    )
    unknown = OrderWish("NOPE", OrderType.MARKET, Side.BUY, D("0.10"))
    assert (
        await refused(database, scope, lambda w: place_order(w, account.id, unknown))
        == "SYMBOL_UNKNOWN"
    )
    orders = rows("select id, status, lots from trade_order where brand_id = %s", brand.id)
    assert orders == [(UUID(done.value["order"]), "SENDING", D("0.1"))]


async def test_an_outcome_is_settled_once(
    database: Database, worker_database: Database, make: Factory, brand: Brand, rows: Any
) -> None:
    make.symbol("EURUSD")
    client = make.client(brand)
    account = make.account(brand, client)
    scope = scope_of(brand, client=client)
    done = await database.write(scope, lambda w: place_order(w, account.id, BUY))
    request = UUID(done.value["request"])
    filled = Outcome(
        RequestStatus.DONE,
        {"status": OrderStatus.FILLED, "ext_id": "77", "filled_price": D("1.085")},
    )
    refused_later = Outcome(RequestStatus.REFUSED, reason_code="NO_MONEY")
    unknown = Outcome(RequestStatus.UNKNOWN)
    system = system_scope(brand.id)
    answers = [
        (await worker_database.write(system, lambda w, o=one: record_outcome(w, request, o))).value  # type: ignore[misc]
        for one in (unknown, filled, filled, refused_later, unknown)
    ]
    assert answers == [True, True, False, False, False]
    assert rows("select status, ext_id from trade_order where brand_id = %s", brand.id) == [
        ("FILLED", "77")
    ]
    assert events_of(rows, brand) == ["order_requested", "order_filled"]


async def test_leverage_changes_by_version_and_within_limits(
    database: Database, worker_database: Database, make: Factory, brand: Brand, rows: Any
) -> None:
    client = make.client(brand)
    account = make.account(brand, client)
    scope = scope_of(brand, client=client)
    version, leverage = rows(
        "select version, leverage from trading_account where id = %s", account.id
    )[0]
    stale = await refused(
        database, scope, lambda w: change_leverage(w, account.id, 10, expected_version=version + 1)
    )
    assert stale == "VERSION_CONFLICT"
    high = await refused(
        database, scope, lambda w: change_leverage(w, account.id, 100_000, expected_version=None)
    )
    assert high == "LEVERAGE_TOO_HIGH"
    done = await database.write(
        scope, lambda w: change_leverage(w, account.id, 10, expected_version=version)
    )
    outcome = Outcome(RequestStatus.DONE, {"leverage": 10})
    request = UUID(done.value["request"])
    await worker_database.write(
        system_scope(brand.id), lambda w: record_outcome(w, request, outcome)
    )
    assert rows("select version, leverage from trading_account where id = %s", account.id) == [
        (version + 1, 10)
    ]
    assert events_of(rows, brand) == ["leverage_requested", "leverage_changed"]
    assert leverage != 10


async def test_close_and_cancel_judge_what_is_there(
    database: Database, make: Factory, brand: Brand, brand_b: Brand, rows: Any
) -> None:
    make.symbol("EURUSD")
    client = make.client(brand)
    account = make.account(brand, client)
    position = make.position(account, symbol="EURUSD")
    scope = scope_of(brand, client=client)
    await database.write(scope, lambda w: close_position(w, position, D("0.05")))
    assert (
        await refused(database, scope, lambda w: close_position(w, position, D(9)))
        == "LOTS_INVALID"
    )
    twin = scope_of(brand_b, "dealing")
    asked = await refused(database, twin, lambda w: close_position(w, position, None))
    assert asked == "NOT_FOUND"
    asked = await refused(database, scope, lambda w: cancel_order(w, UUID(int=5)))
    assert asked == "NOT_FOUND"
    done = await database.write(scope, lambda w: place_order(w, account.id, BUY))
    order_id = UUID(done.value["order"])
    assert (
        await refused(database, scope, lambda w: cancel_order(w, order_id)) == "ORDER_NOT_PENDING"
    )
    assert events_of(rows, brand) == ["close_requested", "order_requested"]


async def test_login_ranges_of_two_brands_never_overlap(
    endpoints: Any, make: Factory, brand: Brand, brand_b: Brand
) -> None:
    from tenants.database import make_engine

    engine = make_engine(endpoints.url("owner", driver="asyncpg"), pool_size=1)
    try:
        owned = range(brand.login_from, brand.login_from + 1)
        code = await refused(
            Database(engine),
            system_scope(NO_BRAND),
            lambda w: grant_server(w, brand.server_id, brand_b.id, owned, []),
        )
        assert code == "CONFLICT"
    finally:
        await engine.dispose()


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (ClientStatus.RESTRICTED, "CLIENT_RESTRICTED"),
        (ClientStatus.CLOSED, "CLIENT_RESTRICTED"),
        (ClientStatus.REGISTERED, "EMAIL_NOT_VERIFIED"),
    ],
)
async def test_a_client_that_may_begin_nothing_can_still_close(
    database: Database, make: Factory, brand: Brand, rows: Any, status: ClientStatus, code: str
) -> None:
    make.symbol("EURUSD")
    client = make.client(brand, status=status)
    account = make.account(brand, client)
    position = make.position(account, symbol="EURUSD")
    staff = scope_of(brand, "brand_admin")
    assert await refused(database, staff, lambda w: place_order(w, account.id, BUY)) == code
    changed = await refused(
        database, staff, lambda w: change_leverage(w, account.id, 10, expected_version=None)
    )
    assert changed == code
    assert events_of(rows, brand) == []
    await database.write(staff, lambda w: close_position(w, position, None))
    assert events_of(rows, brand) == ["close_requested"]
