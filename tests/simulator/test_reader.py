"""The worker's side of a platform: requests carried out, the stream split, nothing twice."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from decimal import Decimal as D
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psycopg
import pytest
import pytest_asyncio
from starlette.applications import Starlette

from domain.accounts import reader
from domain.accounts.adapters.bridge import BridgePlatform
from domain.accounts.carry_out import carry_out
from domain.accounts.commands.cancel_order import cancel_order
from domain.accounts.commands.change_leverage import change_leverage
from domain.accounts.commands.close_position import close_position
from domain.accounts.commands.open_account import open_account
from domain.accounts.commands.place_order import place_order
from domain.accounts.live import state_key
from domain.accounts.reader import StreamReader
from domain.accounts.rules import OpenWish, OrderWish
from domain.accounts.trading import AccountRequest, BalanceKind, Group, Passwords
from domain.accounts.values import AccountKind, OrderType, Side
from domain.events.states import States
from tenants.context import system_scope
from tenants.work import Database
from tests.factories import Brand, Factory
from tests.simulator.conftest import served

DEMO = OpenWish(AccountKind.DEMO, "USD", leverage=100)
BUY = OrderWish("EURUSD", OrderType.MARKET, Side.BUY, D("0.10"))


@pytest_asyncio.fixture
async def platform(
    app: Starlette, superuser: psycopg.Connection[Any]
) -> AsyncIterator[BridgePlatform]:
    """The adapter over the real wire, with the groups that test brands are granted.

    Each test has an empty platform, whose deals are counted from one again.
    """
    superuser.execute("delete from platform_cursor")
    superuser.commit()
    async with served(app) as socket, aclosing(BridgePlatform(f"unix://{socket}")) as made:
        await made.ensure_groups(
            [
                Group(name, "USD", 500, D(0), D(100), D(50), swap_free=False)
                for name in ("demo", "live")
            ]
        )
        yield made


@asynccontextmanager
async def reading(
    server_id: UUID, platform: BridgePlatform, database: Database, states: States
) -> AsyncIterator[None]:
    server = SimpleNamespace(id=server_id, name="simulator")
    task = asyncio.create_task(StreamReader(server, platform, database, states).run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(holds: Callable[[], Any], *, seconds: float = 60) -> Any:
    """What `holds` returns once it is true; fails after `seconds`."""
    async with asyncio.timeout(seconds):
        while not (found := holds()):  # noqa: ASYNC110 - see below
            await asyncio.sleep(0.01)  # the database is another process: only looking tells
    return found


class Desk:
    """A client's account on the simulator, driven through commands and jobs."""

    def __init__(self, database: Database, platform: BridgePlatform, brand: Brand) -> None:
        self.database = database
        self.platform = platform
        self.scope = system_scope(brand.id)

    async def do(self, command: Callable[[Any], Awaitable[dict[str, str]]]) -> dict[str, str]:
        asked = (await self.database.write(self.scope, command)).value
        await carry_out(
            self.database, lambda _: self.platform, self.scope.brand_id, UUID(asked["request"])
        )
        return asked


async def test_a_trading_life_is_recorded_once_and_shown_live(
    worker_database: Database,
    platform: BridgePlatform,
    make: Factory,
    brand: Brand,
    superuser: psycopg.Connection[Any],
) -> None:
    def rows(query: str) -> list[Any]:
        return superuser.execute(query, (brand.id,)).fetchall()  # type: ignore[call-overload,no-any-return]  # built by the test

    states = States()
    desk = Desk(worker_database, platform, brand)
    client = make.client(brand)
    async with reading(brand.server_id, platform, worker_database, states):
        await until(
            lambda: rows("select 1 from platform_symbol where name = 'EURUSD' and %s is not null")
        )
        opened = await desk.do(lambda w: open_account(w, client.id, DEMO))
        account = UUID(opened["account"])
        await until(lambda: rows("select 1 from deal where brand_id = %s"))
        placed = await desk.do(lambda w: place_order(w, account, BUY))
        position = (await until(lambda: rows("select id from position where brand_id = %s")))[0][0]
        await desk.do(lambda w: close_position(w, position, D("0.04")))
        await until(lambda: rows("select 1 from position where brand_id = %s and lots = 0.06"))
        await desk.do(lambda w: close_position(w, position, None))
        await until(
            lambda: rows("select 1 where not exists (select from position where brand_id = %s)")
        )
        await desk.do(lambda w: change_leverage(w, account, 50, expected_version=None))
        login = rows("select login from trading_account where brand_id = %s")[0][0]
        await until(lambda: states.newest([state_key(brand.server_id, login)]))
        # Balance by the platform's last state equals what its deals moved.
        await until(lambda: rows(
            "select 1 from account_state s where brand_id = %s and balance_minor = (select sum("
            "profit_minor + swap_minor + commission_minor) from deal d"
            " where d.brand_id = s.brand_id)"
        ))  # fmt: skip
    deals = rows("select entry, lots from deal where brand_id = %s order by ext_id::bigint")
    assert deals == [("BALANCE", 0), ("IN", D("0.1")), ("OUT", D("0.04")), ("OUT", D("0.06"))]
    assert rows("select status, leverage, version from trading_account where brand_id = %s") == [
        ("ACTIVE", 50, 3)
    ]
    assert rows("select status, id from trade_order where brand_id = %s") == [
        ("FILLED", UUID(placed["order"]))
    ]
    kinds = [row[0] for row in rows("select kind from event where brand_id = %s order by seq")]
    assert sorted(kinds) == sorted(
        ["open_requested", "opened", "balance_changed", "order_requested", "order_filled",
         "deal_opened", "close_requested", "deal_closed", "close_requested", "deal_closed",
         "leverage_requested", "leverage_changed"]
    )  # fmt: skip
    superuser.execute("delete from platform_cursor where server_id = %s", (brand.server_id,))
    superuser.commit()
    async with reading(brand.server_id, platform, worker_database, states):
        await until(lambda: superuser.execute(
            "select 1 from platform_cursor where server_id = %s", (brand.server_id,)
        ).fetchall())  # fmt: skip
    assert len(rows("select 1 from deal where brand_id = %s")) == 4
    assert len(rows("select 1 from event where brand_id = %s")) == len(kinds)


async def test_pending_orders_are_followed_and_strays_are_kept_apart(
    worker_database: Database,
    platform: BridgePlatform,
    make: Factory,
    brand: Brand,
    superuser: psycopg.Connection[Any],
) -> None:
    def rows(query: str) -> list[Any]:
        return superuser.execute(query, (brand.id,)).fetchall()  # type: ignore[call-overload,no-any-return]  # built by the test

    desk = Desk(worker_database, platform, brand)
    client = make.client(brand)
    async with reading(brand.server_id, platform, worker_database, States()):
        await until(
            lambda: rows("select 1 from platform_symbol where name = 'EURUSD' and %s is not null")
        )
        account = UUID((await desk.do(lambda w: open_account(w, client.id, DEMO)))["account"])
        far = OrderWish("EURUSD", OrderType.LIMIT, Side.BUY, D("0.10"), price=D("0.5"))
        placed = UUID((await desk.do(lambda w: place_order(w, account, far)))["order"])
        assert rows("select status from trade_order where brand_id = %s") == [("PLACED",)]
        await desk.do(lambda w: cancel_order(w, placed))
        assert rows("select status from trade_order where brand_id = %s") == [("CANCELLED",)]
        huge = OrderWish("EURUSD", OrderType.MARKET, Side.BUY, D(50))
        await desk.do(lambda w: place_order(w, account, huge))
        rejected = "select reason_code from trade_order where brand_id = %s and status = 'REJECTED'"
        assert rows(rejected) == [("NO_MONEY",)]
        stray = 999_999_999
        request = AccountRequest(
            stray, "demo", 100, "USD", "nobody", Passwords("main-pass1", "inv-pass1")
        )
        await platform.create_account(request, op_id="stray-open")
        await platform.balance_op(
            stray, kind=BalanceKind.DEPOSIT, amount=D(5), comment="", op_id="stray-money"
        )
        await until(lambda: superuser.execute(
            "select 1 from quarantine where server_id = %s", (brand.server_id,)
        ).fetchall())  # fmt: skip
        # Strays are put aside before the brands' deals of the same burst are recorded.
        await until(lambda: rows("select 1 from deal where brand_id = %s"))
    assert rows("select count(*) from deal where brand_id = %s") == [(1,)]


async def test_orders_that_ended_while_nobody_listened_are_ended(
    worker_database: Database,
    platform: BridgePlatform,
    make: Factory,
    brand: Brand,
    superuser: psycopg.Connection[Any],
) -> None:
    def rows(query: str) -> list[Any]:
        return superuser.execute(query, (brand.id,)).fetchall()  # type: ignore[call-overload,no-any-return]  # built by the test

    make.symbol("EURUSD")
    desk = Desk(worker_database, platform, brand)
    client = make.client(brand)
    account = UUID((await desk.do(lambda w: open_account(w, client.id, DEMO)))["account"])
    far = OrderWish("EURUSD", OrderType.LIMIT, Side.BUY, D("0.10"), price=D("0.5"))
    for _ in range(2):
        await desk.do(lambda w: place_order(w, account, far))
    login = rows("select login from trading_account where brand_id = %s")[0][0]
    gone, _kept = await platform.orders(login)
    await platform.cancel_order(login, gone.order_id, op_id="away")
    async with reading(brand.server_id, platform, worker_database, States()):
        await until(
            lambda: rows("select 1 from trade_order where brand_id = %s and status = 'CANCELLED'")
        )
    states = rows("select status from trade_order where brand_id = %s order by status")
    assert states == [("CANCELLED",), ("PLACED",)]
    assert rows("select count(*) from event where brand_id = %s and kind = 'order_cancelled'") == [
        (1,)
    ]


async def test_a_deal_that_cannot_be_written_stops_nobody(
    worker_database: Database,
    platform: BridgePlatform,
    make: Factory,
    brand: Brand,
    superuser: psycopg.Connection[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def rows(query: str) -> list[Any]:
        return superuser.execute(query, (brand.id,)).fetchall()  # type: ignore[call-overload,no-any-return]  # built by the test

    recorded = reader.record_deals

    async def choosy(work: Any, *given: Any, **named: Any) -> Any:
        deals = named.get("deals") or given[2]
        if any(one.comment == "poison" for one in deals):
            raise ValueError("a deal nobody can read")
        return await recorded(work, *given, **named)

    monkeypatch.setattr(reader, "record_deals", choosy)
    desk = Desk(worker_database, platform, brand)
    client = make.client(brand)
    await desk.do(lambda w: open_account(w, client.id, DEMO))
    login = rows("select login from trading_account where brand_id = %s")[0][0]
    for comment in ("fine", "poison", "fine too"):
        await platform.balance_op(
            login, kind=BalanceKind.DEPOSIT, amount=D(1), comment=comment, op_id=comment
        )
    async with reading(brand.server_id, platform, worker_database, States()):
        await until(lambda: len(rows("select 1 from deal where brand_id = %s")) == 3)
    comments = rows("select comment from deal where brand_id = %s order by ext_id::bigint")
    assert [comment for (comment,) in comments][1:] == ["fine", "fine too"]
    reasons = superuser.execute(
        "select reason from quarantine where server_id = %s and payload->>'comment' = 'poison'",
        (brand.server_id,),
    ).fetchall()
    assert reasons == [("unreadable",)]
