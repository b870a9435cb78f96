"""What was acknowledged is there after any death: of the simulator, of its database connection."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
from starlette.applications import Starlette

from api.embedded import Endpoints
from domain.kernel.clock import FixedClock
from simulator.app import SimulatorSettings, running
from simulator.recordings import Series
from simulator.store import AlreadyRunning
from tests import postgres
from tests.simulator.driver import Driver

PROGRAM = """
import asyncio, sys
from pathlib import Path
from simulator.app import simulate
asyncio.run(simulate(sys.argv[1], socket=Path(sys.argv[2]), prices=None, speed=15))
"""


@asynccontextmanager
async def spoken(app: Starlette) -> AsyncIterator[Driver]:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://simulator") as client:
        yield Driver(client)


@asynccontextmanager
async def reached(socket: Path) -> AsyncIterator[Driver]:
    """A caller of the process at a socket, once it answers."""
    transport = httpx.AsyncHTTPTransport(uds=str(socket), retries=3)
    async with httpx.AsyncClient(transport=transport, base_url="http://simulator") as client:
        async with asyncio.timeout(60):
            while not await _answers(client):  # noqa: ASYNC110 - another process starts
                await asyncio.sleep(0.02)
        yield Driver(client)


async def _answers(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/v1/clock")).status_code == 200
    except httpx.TransportError:
        return False


def start(url: str, socket: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", PROGRAM, url, str(socket)])


async def deposit_until_it_dies(
    driver: Driver, acknowledged: dict[str, str], enough: asyncio.Event
) -> None:
    """Deposits of a cent, each under its own id, until the process is gone."""
    path, body = "/accounts/1001/balance-operations", {"kind": "DEPOSIT", "amount": "0.01"}
    for number in range(100_000):
        try:
            answer = await driver.call("POST", path, body, op=f"cent-{number}")
        except httpx.TransportError:
            return
        acknowledged[f"cent-{number}"] = answer.json()["ticket"]
        if len(acknowledged) == 30:
            enough.set()


@pytest.mark.slow
async def test_a_killed_process_loses_nothing_it_acknowledged(
    platform_database: Endpoints,
) -> None:
    acknowledged: dict[str, str] = {}
    url = platform_database.url("simulator", driver="asyncpg")
    with TemporaryDirectory(prefix="sim") as folder:
        socket = Path(folder) / "s"
        process = start(url, socket)
        async with reached(socket) as driver:
            await driver.ensure_group()
            await driver.open_account(1001)
            enough = asyncio.Event()
            depositing = asyncio.create_task(deposit_until_it_dies(driver, acknowledged, enough))
            await enough.wait()
            os.kill(process.pid, signal.SIGKILL)
            await depositing
        process.wait()
        again = start(url, socket)
        try:
            async with reached(socket) as driver:
                deals = (await driver.ok("GET", "/deals?limit=1000"))["deals"]
                kept = {deal["op_id"]: deal["deal_id"] for deal in deals}
                assert acknowledged.items() <= kept.items()
                assert len(deals) - len(acknowledged) in (0, 1)
                state = await driver.state(1001)
                assert Decimal(state["balance"]) == len(deals) * Decimal("0.01")
                path = "/accounts/1001/balance-operations"
                body = {"kind": "DEPOSIT", "amount": "0.01"}
                repeated = await driver.ok("POST", path, body, op="cent-0")
                assert repeated["ticket"] == acknowledged["cent-0"]
        finally:
            again.send_signal(signal.SIGTERM)
            again.wait()


async def test_everything_open_is_there_after_a_restart(
    settings: SimulatorSettings, clock: FixedClock, series: dict[str, Series]
) -> None:
    async with running(settings, clock=clock, series=series) as app, spoken(app) as driver:
        await driver.ensure_group()
        await driver.open_account(1001)
        await driver.deposit(1001, "10000.00")
        await driver.step(7 * len(series))
        await driver.order(1001, lots="0.30", sl="1.00000")
        await driver.order(1001, type="LIMIT", price="1.00000", lots="0.10")
        before = await everything(driver)
        quotes = (await driver.ok("GET", "/quotes"))["quotes"]
    async with running(settings, clock=clock, series=series) as app, spoken(app) as driver:
        assert await everything(driver) == before
        assert (await driver.ok("GET", "/quotes"))["quotes"] == quotes
        placed = await driver.order(1001, lots="0.10")
        tickets = {placed["order"]["order_id"], placed["position_id"]}
        assert len(await driver.positions(1001)) == 2
        assert tickets.isdisjoint({before["position"], before["order"]})


async def everything(driver: Driver) -> dict[str, object]:
    (position,) = await driver.positions(1001)
    (order,) = (await driver.ok("GET", "/accounts/1001/orders"))["orders"]
    return {
        "account": await driver.ok("GET", "/accounts/1001"),
        "state": await driver.state(1001),
        "positions": [position],
        "position": position["position_id"],
        "order": order["order_id"],
        "orders": [order],
        "deals": await driver.deals(),
        "groups": await driver.ok("GET", "/groups"),
    }


async def test_a_second_simulator_on_a_database_is_refused(
    app: Starlette, settings: SimulatorSettings, series: dict[str, Series]
) -> None:
    with pytest.raises(AlreadyRunning):
        async with running(settings, series=series):
            raise AssertionError("two simulators run")


async def test_a_killed_connection_is_made_again_with_the_lock(
    app: Starlette, driver: Driver, platform_database: Endpoints
) -> None:
    await driver.open_account(1001)
    for number in range(3):
        with postgres.superuser(platform_database) as connection:
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and usename like '%simulator'"
            )
        path, body = "/accounts/1001/balance-operations", {"kind": "DEPOSIT", "amount": "1.00"}
        answer = await driver.call("POST", path, body, op=f"d{number}")
        if answer.status_code == 503:
            async with asyncio.timeout(60):
                while answer.status_code == 503:
                    await asyncio.sleep(0.05)
                    answer = await driver.call("POST", path, body, op=f"d{number}")
        assert answer.status_code == 200
    assert (await driver.state(1001))["balance"] == "3.00"
    assert len(await driver.deals()) == 3


async def test_a_token_is_asked_for_when_there_is_one(
    settings: SimulatorSettings, clock: FixedClock, series: dict[str, Series]
) -> None:
    guarded = replace(settings, token="secret", has_controls=False)
    async with running(guarded, clock=clock, series=series) as app, spoken(app) as driver:
        assert (await driver.call("GET", "/clock")).status_code == 401
        driver.client.headers["authorization"] = "Bearer secret"
        assert (await driver.call("GET", "/clock")).status_code == 200
        faults = await driver.call("POST", "/controls/faults", {"kind": "DROP"})
        assert faults.status_code == 404
