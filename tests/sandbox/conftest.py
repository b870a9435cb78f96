"""A sandbox PSP on a database of its own, a merchant that calls it, and who hears its notices."""

import os
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

import sandbox.kyc.tables  # noqa: F401 - fills the metadata
from api.embedded import Endpoints
from domain.kernel.clock import FixedClock
from sandbox.tables import metadata
from tests import postgres
from tests.psp import RunningPsp, running_psp
from tests.sandbox.listener import Listener, listening
from tests.sandbox.merchant import Caller, registered

START = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> FixedClock:
    """The PSP's business time; notices and what settles by itself go by the machine's."""
    return FixedClock(START)


@pytest.fixture(scope="session")
def own_database(template: Endpoints) -> Iterator[Endpoints]:
    """One database for these tests: the PSP of one test must not send another's notices."""
    cloned = postgres.clone(template, f"sandbox_{os.getpid()}")
    yield cloned
    postgres.drop(cloned)


@pytest.fixture
def psp_database(own_database: Endpoints) -> Endpoints:
    """The same, emptied."""
    names = (table.fullname for table in metadata.sorted_tables)
    with postgres.superuser(own_database) as connection:
        connection.execute(f"truncate {', '.join(names)}")
    return own_database


@pytest_asyncio.fixture
async def psp(psp_database: Endpoints, clock: FixedClock) -> AsyncIterator[RunningPsp]:
    """A PSP where nothing happens by itself."""
    by_hand = {"auto": {"payouts": None, "refunds": None}}
    async with running_psp(psp_database, clock=clock, faults=by_hand) as started:
        yield started


@pytest_asyncio.fixture(scope="session")
async def _listener() -> AsyncIterator[Listener]:
    async with listening() as made:
        yield made


@pytest.fixture
def heard(_listener: Listener) -> Listener:
    """Who hears the notices of `caller`; has heard nothing yet and takes everything."""
    _listener.status = 200
    _listener.notices.clear()
    return _listener


@pytest_asyncio.fixture
async def caller(psp: RunningPsp, heard: Listener) -> AsyncIterator[Caller]:
    """A merchant that takes USD, EUR, JPY and BTC."""
    async with registered(psp, heard.url) as made:
        yield made
