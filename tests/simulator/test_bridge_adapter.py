"""The adapter against the real wire: a Unix socket, a web server, a database, and faults."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette

from domain.accounts.adapters.bridge import BridgePlatform
from domain.accounts.adapters.registry import open_platform
from domain.accounts.ports import OutcomeUnknown, PlatformRefused, PlatformUnavailable
from domain.accounts.trading import (
    AccountRequest,
    AccountState,
    BalanceChange,
    BalanceKind,
    Capability,
    Deal,
    Group,
    Interval,
    OrderChange,
    OrderRequest,
    Passwords,
    PositionChange,
    Quote,
    QuoteSource,
    StreamItem,
)
from domain.accounts.values import (
    AccountAccess,
    DealEntry,
    OrderType,
    PlatformKind,
    Side,
    StateSource,
)
from domain.outbound.client import Patience
from tests.simulator.conftest import START, served
from tests.simulator.driver import Driver

GROUP = Group("beta-live-USD", "USD", 500, Decimal("7.00"), Decimal(100), Decimal(50), False)
# A dropped answer costs a test these three seconds; a busy machine needs it for the rest.
IMPATIENT = Patience(call_s=3.0, connect_s=3.0, tries=3, pause_s=0.001)


def request(login: int = 2001) -> AccountRequest:
    passwords = Passwords("correct horse", "battery staple")
    return AccountRequest(login, GROUP.name, 30, "USD", f"ref-{login}", passwords)


def market(client_order_id: str, lots: str = "1.00") -> OrderRequest:
    return OrderRequest(client_order_id, "EURUSD", OrderType.MARKET, Side.BUY, Decimal(lots))


@pytest_asyncio.fixture
async def socket(app: Starlette) -> AsyncIterator[Path]:
    async with served(app) as path:
        yield path


@pytest_asyncio.fixture
async def platform(socket: Path) -> AsyncIterator[BridgePlatform]:
    async with aclosing(BridgePlatform(f"unix://{socket}", patience=IMPATIENT)) as made:
        await made.ensure_groups([GROUP])
        await made.create_account(request(), op_id="create")
        deposit = {"kind": BalanceKind.DEPOSIT, "amount": Decimal(10_000), "comment": "start"}
        await made.balance_op(2001, op_id="deposit", **deposit)
        yield made


@pytest_asyncio.fixture
async def controls(socket: Path) -> AsyncIterator[Driver]:
    transport = httpx.AsyncHTTPTransport(uds=str(socket))
    async with httpx.AsyncClient(transport=transport, base_url="http://simulator") as client:
        made = Driver(client)
        await made.quote("EURUSD", "1.08490", "1.08500")
        yield made


async def balance_of(platform: BridgePlatform) -> Decimal:
    (state,) = await platform.account_states([2001])
    return state.balance


async def test_reads_have_the_shapes_of_the_port(
    platform: BridgePlatform, controls: Driver
) -> None:
    assert await platform.capabilities() == frozenset(Capability)
    assert (await platform.server_clock()).now == START
    assert await platform.groups() == [GROUP]
    symbols = {symbol.name: symbol for symbol in await platform.symbols(GROUP.name)}
    assert symbols["EURUSD"].contract_size == 100_000
    assert symbols["USDJPY"].digits == 3
    (quote,) = await platform.quotes(["EURUSD"])
    assert (quote.bid, quote.ask) == (Decimal("1.08490"), Decimal("1.08500"))
    assert (quote.source, quote.recorded_at, quote.at) == (QuoteSource.MANUAL, None, START)
    bars = await platform.price_history(
        "EURUSD", start=START, end=START + timedelta(minutes=1), interval=Interval.M1
    )
    assert [(bar.at, bar.close, bar.ask_close) for bar in bars] == [
        (START, Decimal("1.08490"), Decimal("1.08500"))
    ]


async def test_an_account_lives_through_the_port(
    platform: BridgePlatform, controls: Driver
) -> None:
    placed = await platform.place_order(2001, market("order-1"))
    assert placed.deal is not None
    assert placed.deal.price == Decimal("1.08500")
    assert placed.deal.commission == Decimal("-7.00")
    (position,) = await platform.positions(2001)
    assert position.position_id == placed.position_id
    assert (position.profit, position.margin) == (Decimal("-10.00"), Decimal("3616.67"))
    moved = await platform.modify_position(
        2001, position.position_id, sl=Decimal("1.08000"), tp=None, op_id="stops"
    )
    assert moved.sl == Decimal("1.08000")
    part = await platform.close_position(
        2001, position.position_id, lots=Decimal("0.40"), op_id="part"
    )
    assert (part.entry, part.side, part.lots) == (DealEntry.OUT, Side.SELL, Decimal("0.40"))
    assert part.profit == Decimal("-4.00")
    results = await platform.close_all(2001, reason="end of story", op_id="all")
    assert [result.deal is not None and result.deal.lots for result in results] == [Decimal("0.60")]
    assert await platform.positions(2001) == []
    (state,) = await platform.account_states([2001, 999])
    assert state.balance == state.equity == Decimal("9983.00")
    assert (state.margin_level_percent, state.source) == (None, StateSource.POLL)


async def test_pending_orders_live_through_the_port(
    platform: BridgePlatform, controls: Driver
) -> None:
    limit = OrderRequest(
        "order-1", "EURUSD", OrderType.LIMIT, Side.BUY, Decimal("0.10"), Decimal("1.08000")
    )
    order = (await platform.place_order(2001, limit)).order
    assert await platform.orders(2001) == [order]
    moved = await platform.modify_order(
        2001, order.order_id, price=Decimal("1.07900"), sl=None, tp=None, op_id="move"
    )
    assert moved.price == Decimal("1.07900")
    assert await platform.cancel_order(2001, order.order_id, op_id="cancel") == moved
    assert await platform.orders(2001) == []


async def test_settings_change_through_the_port(platform: BridgePlatform) -> None:
    assert (await platform.set_leverage(2001, 100, op_id="leverage")).leverage == 100
    closing = await platform.set_access(2001, AccountAccess.CLOSE_ONLY, op_id="access")
    assert closing.access is AccountAccess.CLOSE_ONLY
    with pytest.raises(PlatformRefused) as refused:
        await platform.place_order(2001, market("order-1"))
    assert refused.value.code == "CLOSE_ONLY"
    await platform.set_passwords(2001, Passwords("new main word", "new view word"), op_id="words")
    assert await platform.check_password(2001, "new main word", investor=False)
    assert not await platform.check_password(2001, "new main word", investor=True)
    assert await platform.account(2001) == await platform.set_group(2001, GROUP.name, op_id="group")


async def test_a_taken_login_is_refused_and_our_own_answered(platform: BridgePlatform) -> None:
    again = await platform.create_account(request(), op_id="create again")
    assert again == await platform.account(2001)
    other = AccountRequest(2001, GROUP.name, 30, "USD", "other", Passwords("x" * 8, "y" * 8))
    with pytest.raises(PlatformRefused) as refused:
        await platform.create_account(other, op_id="theft")
    assert refused.value.code == "LOGIN_TAKEN"


async def test_a_dropped_answer_is_found_by_its_id_and_applied_once(
    platform: BridgePlatform, controls: Driver
) -> None:
    drop = {"kind": "DROP", "match": "/balance-operations", "times": 1}
    await controls.ok("POST", "/controls/faults", drop)
    ticket = await platform.balance_op(
        2001, kind=BalanceKind.DEPOSIT, amount=Decimal(5), comment="", op_id="once"
    )
    assert await balance_of(platform) == Decimal("10005.00")
    again = await platform.balance_op(
        2001, kind=BalanceKind.DEPOSIT, amount=Decimal(5), comment="", op_id="once"
    )
    assert again == ticket
    assert await balance_of(platform) == Decimal("10005.00")
    deals, _ = await platform.deals_since("")
    assert [deal.op_id for deal in deals] == ["deposit", "once"]


async def test_an_error_before_applying_is_sent_again(
    platform: BridgePlatform, controls: Driver
) -> None:
    await controls.ok("POST", "/controls/faults", {"kind": "STATUS", "match": "/orders"})
    await platform.place_order(2001, market("order-1"))
    assert len(await platform.positions(2001)) == 1


async def test_an_outcome_that_cannot_be_searched_is_unknown_and_settles_later(
    platform: BridgePlatform, controls: Driver
) -> None:
    drop = {"kind": "DROP", "match": "POST /v1/accounts/2001/orders", "times": 1}
    broken = {"kind": "STATUS", "match": "/operations/", "times": 9, "status": 500}
    await controls.ok("POST", "/controls/faults", drop)
    await controls.ok("POST", "/controls/faults", broken)
    with pytest.raises(OutcomeUnknown) as unknown:
        await platform.place_order(2001, market("order-1"))
    assert unknown.value.op_id == "order-1"
    await controls.ok("DELETE", "/controls/faults")
    placed = await platform.place_order(2001, market("order-1"))
    assert [p.position_id for p in await platform.positions(2001)] == [placed.position_id]


async def test_a_lost_refusal_stays_a_refusal(platform: BridgePlatform, controls: Driver) -> None:
    drop = {"kind": "DROP", "match": "/orders", "times": 1}
    await controls.ok("POST", "/controls/faults", drop)
    with pytest.raises(PlatformRefused) as refused:
        await platform.place_order(2001, market("big", lots="50"))
    assert refused.value.code == "NO_MONEY"


async def test_an_id_used_for_something_else_is_refused(platform: BridgePlatform) -> None:
    with pytest.raises(PlatformRefused) as refused:
        await platform.balance_op(
            2001, kind=BalanceKind.DEPOSIT, amount=Decimal(1), comment="", op_id="deposit"
        )
    assert refused.value.code == "OP_ID_REUSED"


async def test_a_read_is_retried_and_then_given_up(
    platform: BridgePlatform, controls: Driver
) -> None:
    await controls.ok("POST", "/controls/faults", {"kind": "STATUS", "times": 2})
    assert await balance_of(platform) == Decimal("10000.00")
    await controls.ok("POST", "/controls/faults", {"kind": "STATUS", "times": 3})
    with pytest.raises(PlatformUnavailable):
        await platform.server_clock()


async def test_a_platform_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    absent = BridgePlatform(f"unix://{tmp_path}/none.sock", patience=IMPATIENT)
    with pytest.raises(PlatformUnavailable):
        await absent.positions(2001)
    with pytest.raises(PlatformUnavailable):
        await absent.set_leverage(2001, 5, op_id="x")
    with pytest.raises(PlatformUnavailable):
        await anext(absent.stream(""))
    await absent.aclose()


async def exhaust(stream: AsyncIterator[StreamItem]) -> None:
    async for _ in stream:
        continue


async def listen(platform: BridgePlatform, after: str, *, until: int) -> list[StreamItem]:
    """Items of the stream until it has shown `until` deals and then account states."""
    items: list[StreamItem] = []
    stream = platform.stream(after)
    async for item in stream:
        items.append(item)
        deals = [one for one in items if isinstance(one, Deal)]
        if len(deals) >= until and isinstance(item, Quote):
            break
    await stream.aclose()  # type: ignore[attr-defined] # an async generator
    return items


async def test_the_stream_replays_after_its_cursor_then_goes_live(
    platform: BridgePlatform, controls: Driver
) -> None:
    placed = await platform.place_order(2001, market("order-1"))
    stream = platform.stream("1")
    first = await anext(stream)
    assert first == placed.deal
    seen: list[StreamItem] = [await anext(stream), await anext(stream)]
    assert {type(item) for item in seen} >= {Quote}
    await platform.close_position(2001, str(placed.position_id), op_id="close")
    kinds: list[type] = []
    while not {Deal, PositionChange} <= set(kinds):
        kinds.append(type(await anext(stream)))
    assert kinds.count(Deal) == 1
    await platform.balance_op(
        2001, kind=BalanceKind.CREDIT, amount=Decimal(50), comment="", op_id="credit"
    )
    while True:
        item = await anext(stream)
        if isinstance(item, BalanceChange):
            break
    assert (item.credit, item.kind) == (Decimal("50.00"), BalanceKind.CREDIT)
    await controls.quote("EURUSD", "1.09000", "1.09010")
    while not isinstance(item := await anext(stream), AccountState):
        continue
    assert item.source is StateSource.STREAM
    await stream.aclose()  # type: ignore[attr-defined] # an async generator


async def test_a_cut_stream_is_resumed_with_nothing_missing(
    platform: BridgePlatform, controls: Driver
) -> None:
    stream = platform.stream("")
    first = await anext(stream)
    assert isinstance(first, Deal)
    await controls.ok("POST", "/controls/faults", {"kind": "CUT_STREAM"})
    with pytest.raises(PlatformUnavailable):
        await exhaust(stream)
    for number in range(5):
        await platform.place_order(2001, market(f"order-{number}", lots="0.10"))
    items = await listen(platform, first.cursor, until=5)
    resumed = [item.deal_id for item in items if isinstance(item, Deal)]
    history, cursor = await platform.deals_since(first.cursor)
    assert resumed == [deal.deal_id for deal in history]
    assert len(resumed) == 5
    assert await platform.deals_since(cursor) == ([], cursor)


async def test_duplicate_and_late_deals_are_all_sent(
    platform: BridgePlatform, controls: Driver
) -> None:
    stream = platform.stream("1")
    await controls.quote("EURUSD", "1.08490", "1.08500")
    while not isinstance(await anext(stream), Quote):
        continue
    await controls.ok("POST", "/controls/faults", {"kind": "LATE_DEALS"})
    await platform.place_order(2001, market("late", lots="0.10"))
    await controls.ok("POST", "/controls/faults", {"kind": "DUPLICATE_DEALS"})
    await platform.place_order(2001, market("twice", lots="0.10"))
    ids: list[str] = []
    while len(ids) < 3:
        item = await anext(stream)
        if isinstance(item, Deal):
            ids.append(item.deal_id)
    assert ids == ["3", "3", "2"]
    await stream.aclose()  # type: ignore[attr-defined] # an async generator


async def test_an_order_change_tells_its_state(platform: BridgePlatform, controls: Driver) -> None:
    stream = platform.stream("1")
    while not isinstance(await anext(stream), Quote):
        continue
    limit = OrderRequest(
        "order-1", "EURUSD", OrderType.LIMIT, Side.BUY, Decimal("0.10"), Decimal("1.08000")
    )
    await platform.place_order(2001, limit)
    await controls.quote("EURUSD", "1.07990", "1.08000")
    states: list[str] = []
    while len(states) < 2:
        item = await anext(stream)
        if isinstance(item, OrderChange):
            states.append(item.state)
    assert states == ["PLACED", "FILLED"]
    await stream.aclose()  # type: ignore[attr-defined] # an async generator


async def test_the_registry_opens_the_simulator(socket: Path) -> None:
    platform = open_platform(PlatformKind.SIMULATOR, f"unix://{socket}")
    assert (await platform.server_clock()).time_zone == "UTC"
    await platform.aclose()
