"""Desks at which clients deposit: with a PSP that listens, and with one that nobody calls."""

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
from tests.domain.payments.deposits.desk import SECRET, VAULT, Desk
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
    """A desk whose PSP nobody calls: its states are handed over by the test."""
    made = await Desk(make, database, worker_database, brand, queue).open()
    yield made
    await made.close()


@pytest_asyncio.fixture
async def psp(endpoints: Endpoints) -> AsyncIterator[RunningPsp]:
    """A PSP where payments wait for their payer."""
    async with running_psp(endpoints) as started:
        yield started
        await started.controls.clear()


@pytest_asyncio.fixture
async def door(database: Database) -> AsyncIterator[str]:
    """Where notices are taken: the address before `/{brand}_{connection}`."""
    denials = Denials(database)
    app = Starlette(routes=notice_routes(database, VAULT, denials))
    with listen(0) as listener:
        task = asyncio.create_task(serve(app, listener))
        try:
            yield f"http://{HOST}:{listener.getsockname()[1]}/notices/payments/sandbox"
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
    psp: RunningPsp,
    door: str,
) -> AsyncIterator[Desk]:
    """A desk whose merchant account is at the PSP that listens and sends its notices to us."""
    made = await opened(Desk(make, database, worker_database, brand, queue, psp.url), psp, door)
    yield made
    await made.close()


async def opened(desk: Desk, psp: RunningPsp, door: str) -> Desk:
    """Open a desk and its merchant account."""
    await desk.open()
    await psp.controls.put_merchant(
        f"merchant-{desk.connection_id.hex}",
        api_key=desk.api_key,
        notice_url=f"{door}/{desk.brand.id.hex}_{desk.connection_id.hex}",
        notice_secrets=[SECRET],
        currencies=["EUR", "USD", "JPY"],
    )
    return desk
