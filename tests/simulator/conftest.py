"""A simulator on a database of its own, in process, with time and market in the test's hand."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette

from api.embedded import Endpoints
from domain.kernel.clock import FixedClock
from simulator.app import SimulatorSettings, running, serve
from simulator.recordings import Series, load
from simulator.symbols import SYMBOLS
from simulator.tables import metadata
from tests import postgres
from tests.simulator.driver import Driver

RECORDED = Path(__file__).parents[3] / "shared" / "data" / "fx"
START = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)  # a Wednesday


@pytest.fixture(scope="session")
def recorded() -> Path:
    """The folder of real recordings; their licence keeps them out of the project."""
    if not RECORDED.is_dir():
        pytest.skip("the recorded prices (../shared/data/fx) are not on this machine")
    return RECORDED


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(START)


_numbers = itertools.count()


@pytest.fixture(scope="session")
def own_database(template: Endpoints) -> Iterator[Endpoints]:
    """One database for these tests, since a simulator locks the one it writes to."""
    # Another folder's conftest may offer this fixture too: then there are two in one process.
    cloned = postgres.clone(template, f"simulator_{os.getpid()}_{next(_numbers)}")
    yield cloned
    postgres.drop(cloned)


@pytest.fixture
def platform_database(own_database: Endpoints) -> Endpoints:
    """The same, emptied."""
    with postgres.superuser(own_database) as connection:
        names = (f"simulator.{name}" for name in metadata_names())
        connection.execute(f"truncate {', '.join(names)}")
    return own_database


def metadata_names() -> list[str]:
    return [table.name for table in metadata.sorted_tables]


@pytest.fixture
def settings(platform_database: Endpoints) -> SimulatorSettings:
    """Manual market, test controls, generated prices."""
    return SimulatorSettings(
        platform_database.url("simulator"), speed=Decimal(0), seed="tests", has_controls=True
    )


@pytest.fixture(scope="session")
def series() -> dict[str, Series]:
    """The generated market of all symbols, made once."""
    return {symbol.name: load(symbol, None, seed="tests") for symbol in SYMBOLS.values()}


@pytest_asyncio.fixture
async def app(
    settings: SimulatorSettings, clock: FixedClock, series: dict[str, Series]
) -> AsyncIterator[Starlette]:
    async with running(settings, clock=clock, series=series) as started:
        yield started


@pytest_asyncio.fixture
async def driver(app: Starlette) -> AsyncIterator[Driver]:
    """Speaks the wire to the application, without a socket between."""
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://simulator") as client:
        made = Driver(client)
        await made.ensure_group()
        yield made


@asynccontextmanager
async def served(app: Starlette) -> AsyncIterator[Path]:
    """The application behind a real web server on a Unix socket with a short path."""
    with TemporaryDirectory(prefix="sim") as folder:
        path = Path(folder) / "s"
        task = asyncio.create_task(serve(app, path))
        while not path.exists():  # noqa: ASYNC110 - the socket's appearance is the event
            await asyncio.sleep(0)
        try:
            yield path
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
