"""The zoo's database: a clone of the template with the zoo's tables, read as the role `app`."""

import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from api.embedded import Endpoints
from domain.reads import Reader, Registry, Viewer
from tenants.context import system_scope
from tenants.database import make_engine
from tenants.work import Database
from tests import postgres
from tests.counted import sent_by
from tests.domain.reads import zoo

Reading = Callable[[Viewer], AbstractAsyncContextManager[tuple[Reader, list[str]]]]


@pytest.fixture(scope="session")
def zoo_endpoints(template: Endpoints) -> Iterator[Endpoints]:
    cloned = postgres.clone(template, f"zoo_{secrets.token_hex(6)}")
    yield cloned
    postgres.drop(cloned)


@pytest_asyncio.fixture(scope="session")
async def keeper(zoo_endpoints: Endpoints) -> AsyncIterator[AsyncEngine]:
    """Writes rows past every policy; made the tables, each brand table under forced RLS."""
    engine = make_engine(zoo_endpoints.url("superuser", driver="asyncpg"), pool_size=1)
    async with engine.connect() as work:
        await work.run_sync(zoo.metadata.create_all)
        for table in zoo.metadata.tables.values():
            await work.execute(text(f"grant select on {table} to {zoo_endpoints.name('app')}"))
            if table.info["place"] == "brand":
                await work.execute(text(f"alter table {table} enable row level security"))
                await work.execute(text(f"alter table {table} force row level security"))
                await work.execute(
                    text(
                        f"create policy brand on {table} using "
                        "(brand_id::text = current_setting('app.brand_id', true))"
                    )
                )
    yield engine
    await engine.dispose()


@pytest.fixture(scope="session")
def linked() -> Registry:
    return zoo.registry()


@pytest_asyncio.fixture(scope="session")
async def reading(
    keeper: AsyncEngine, zoo_endpoints: Endpoints, linked: Registry
) -> AsyncIterator[Reading]:
    """Opens a reader for a viewer in one snapshot of its brand, and the statements it sends."""
    engine = make_engine(zoo_endpoints.url("app", driver="asyncpg"), pool_size=2)
    database = Database(engine)

    @asynccontextmanager
    async def open_reader(viewer: Viewer) -> AsyncIterator[tuple[Reader, list[str]]]:
        with sent_by(engine) as sent:
            async with database.read(system_scope(viewer.brand_id)) as work:
                yield Reader(work, linked, viewer=viewer, cursors=zoo.CURSORS), sent

    yield open_reader
    await engine.dispose()


@pytest.fixture
def fresh() -> UUID:
    """A brand of the test's own."""
    return UUID(bytes=secrets.token_bytes(16))
