"""Desks at which clients prove who they are: with a vendor that listens, and with none."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from starlette.applications import Starlette

from api.embedded import Endpoints
from api.notices import notice_routes
from sandbox.app import HOST, listen, serve
from tenants.denials import Denials
from tenants.work import Database
from tests.domain.compliance.identity.desk import SECRET, VAULT, Desk
from tests.factories import Brand, Factory
from tests.psp import RunningPsp, running_psp


@pytest.fixture
def queue(endpoints: Endpoints) -> Iterator[psycopg.Connection[Any]]:
    """The library's own tables, as the role that works through them."""
    with psycopg.connect(
        endpoints.url("worker"), autocommit=True, options="-c search_path=jobs"
    ) as opened:
        yield opened


@pytest_asyncio.fixture
async def desk(
    make: Factory,
    database: Database,
    worker_database: Database,
    brand: Brand,
    queue: psycopg.Connection[Any],
) -> AsyncIterator[Desk]:
    """A desk whose vendor nobody calls: what it says is handed over by the test."""
    made = await Desk(make, database, worker_database, brand, queue).open()
    yield made
    await made.close()


@pytest_asyncio.fixture
async def sandbox(endpoints: Endpoints) -> AsyncIterator[RunningPsp]:
    """The sandbox vendors, working."""
    async with running_psp(endpoints) as started:
        await started.kyc.faults(review_delay_ms=0)
        yield started
        await started.kyc.clear()


@pytest_asyncio.fixture
async def door(database: Database) -> AsyncIterator[str]:
    """Where notices are taken: the address before `/{brand}_{connection}`."""
    denials = Denials(database)
    app = Starlette(routes=notice_routes(database, VAULT, denials))
    with listen(0) as listener:
        task = asyncio.create_task(serve(app, listener))
        try:
            yield f"http://{HOST}:{listener.getsockname()[1]}/notices/compliance/sandbox"
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await denials.close()


@pytest_asyncio.fixture
async def live(
    make: Factory,
    database: Database,
    worker_database: Database,
    brand: Brand,
    queue: psycopg.Connection[Any],
    sandbox: RunningPsp,
    door: str,
) -> AsyncIterator[Desk]:
    """A desk whose vendor listens and sends its notices to us."""
    made = await Desk(make, database, worker_database, brand, queue, sandbox.url).open()
    await sandbox.kyc.put_account(
        f"account-{made.connection_id.hex}",
        api_key=made.api_key,
        notice_url=f"{door}/{brand.id.hex}_{made.connection_id.hex}",
        notice_secret=SECRET,
    )
    yield made
    await made.close()
