"""What the adapter does when it can't be sure: breaker, budget, platforms that do not dedupe."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import pytest_asyncio
from starlette.applications import Starlette

from domain.accounts.adapters.bridge import BridgePlatform
from domain.accounts.adapters.bridge_stream import decode
from domain.accounts.ports import OutcomeUnknown, PlatformUnavailable
from domain.accounts.trading import BalanceKind
from domain.kernel.clock import FixedClock
from domain.outbound.client import Breaker, NeverSent, RetryBudget
from simulator.app import SimulatorSettings, running
from simulator.recordings import Series
from simulator.store import StoreDown
from tests.simulator.conftest import served
from tests.simulator.driver import Driver
from tests.simulator.test_bridge_adapter import GROUP, IMPATIENT, request


class OnceOnlyPlatform(BridgePlatform):
    """A bridge to a platform that would apply a repeated operation twice."""

    async def capabilities(self) -> frozenset:  # type: ignore[type-arg] # of no capability
        return frozenset()


@pytest_asyncio.fixture
async def plain(app: Starlette, driver: Driver) -> AsyncIterator[BridgePlatform]:
    async with (
        served(app) as socket,
        aclosing(OnceOnlyPlatform(f"unix://{socket}", patience=IMPATIENT)) as made,
    ):
        await made.ensure_groups([GROUP])
        await made.create_account(request(), op_id="create")
        yield made


async def deposit(platform: BridgePlatform, op_id: str) -> str:
    return await platform.balance_op(
        2001, kind=BalanceKind.DEPOSIT, amount=Decimal(5), comment="", op_id=op_id
    )


async def test_without_idempotence_a_lost_answer_is_found_by_search(
    plain: BridgePlatform, driver: Driver
) -> None:
    await driver.ok("POST", "/controls/faults", {"kind": "DROP", "match": "/balance-operations"})
    ticket = await deposit(plain, "once")
    assert [deal["deal_id"] for deal in await driver.deals()] == [ticket]


async def test_without_idempotence_nothing_is_sent_twice_within_a_call(
    plain: BridgePlatform, driver: Driver
) -> None:
    broken = {"kind": "STATUS", "match": "/balance-operations", "status": 500}
    await driver.ok("POST", "/controls/faults", broken)
    with pytest.raises(OutcomeUnknown):
        await deposit(plain, "doubt")
    assert await driver.deals() == []
    ticket = await deposit(plain, "doubt")
    assert await deposit(plain, "doubt") == ticket
    assert len(await driver.deals()) == 1


async def test_a_saved_change_whose_confirmation_is_lost_is_told_later_and_kept_once(
    app: Starlette, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    await driver.open_account(1001)
    listener, store = app.state.hub.join(), app.state.store
    save = store.save

    async def save_and_fail(draft: object) -> None:
        await save(draft)
        raise StoreDown("the answer was lost")

    path, body = "/accounts/1001/balance-operations", {"kind": "DEPOSIT", "amount": "5.00"}
    with monkeypatch.context() as patched:
        patched.setattr(store, "save", save_and_fail)
        assert (await driver.call("POST", path, body, op="d")).status_code == 503
    assert (await driver.ok("POST", path, body, op="d"))["ticket"] == "1"
    assert (await driver.state(1001))["balance"] == "5.00"
    heard = [listener.queue.get_nowait().deal_id for _ in range(listener.queue.qsize())]
    assert [deal_id for deal_id in heard if deal_id] == [1]


async def test_a_wrong_token_is_no_platform(
    settings: SimulatorSettings, clock: FixedClock, series: dict[str, Series]
) -> None:
    guarded = replace(settings, token="right")
    async with running(guarded, clock=clock, series=series) as app, served(app) as socket:
        wrong = BridgePlatform(f"unix://{socket}", token="wrong", patience=IMPATIENT)
        with pytest.raises(PlatformUnavailable):
            await wrong.groups()
        with pytest.raises(PlatformUnavailable):
            await anext(wrong.stream(""))
        await wrong.aclose()
        right = BridgePlatform(f"unix://{socket}", token="right", patience=IMPATIENT)
        assert await right.groups() == []
        with pytest.raises(PlatformUnavailable):
            await anext(right.stream("no cursor"))
        await right.aclose()


async def test_what_is_no_bridge_is_unavailable(tmp_path: Path) -> None:
    async def babble(scope: object, receive: object, send: object) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator] # ASGI
        await send({"type": "http.response.body", "body": b"<html>"})  # type: ignore[operator] # ASGI

    async with served(babble) as socket:  # type: ignore[arg-type] # any ASGI application
        platform = BridgePlatform(f"unix://{socket}", patience=IMPATIENT)
        with pytest.raises(PlatformUnavailable):
            await platform.server_clock()
        await platform.aclose()


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"type": "deal"}', '{"type": "quotes", "items": [1]}']
)
def test_a_message_without_the_published_shape_ends_the_stream(text: str) -> None:
    with pytest.raises(PlatformUnavailable):
        decode(text)


def test_a_message_of_a_later_version_is_ignored() -> None:
    assert decode('{"type": "weather", "sky": "blue"}') == []


def test_the_breaker_opens_after_failures_and_lets_one_through() -> None:
    breaker = Breaker(failures_max=2, pause_s=10)
    for _ in range(2):
        breaker.admit(0)
        breaker.note(0, is_success=False)
    with pytest.raises(NeverSent):
        breaker.admit(9)
    breaker.admit(10)
    with pytest.raises(NeverSent):
        breaker.admit(10)
    breaker.note(10, is_success=True)
    breaker.admit(10)


def test_retries_are_a_fraction_of_calls() -> None:
    budget = RetryBudget(ratio=0.25, saved_max=1)
    assert [budget.spend(), budget.spend()] == [True, False]
    spent = []
    for _ in range(8):
        budget.earn()
        spent.append(budget.spend())
    assert spent.count(True) == 2
