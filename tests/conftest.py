"""What every test can ask for: a database as in production, fresh brands, counted statements.

Tests run as the role `app`, which is not the owner, so that row-level security is live. They
commit for real; each test makes its own brands and counts per brand, so nothing is cleaned up.
"""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from hypothesis import settings
from sqlalchemy.ext.asyncio import AsyncEngine

from api.embedded import Endpoints
from api.logs import configure_logs
from api.settings import Settings
from tenants.context import Scope
from tenants.database import make_engine
from tenants.work import Database
from tests import loopback, postgres
from tests.counted import sent_by
from tests.factories import Brand, Factory, scope_of

_RUN = ExitStack()
# How long an example takes says more about the machine than about the code.
settings.register_profile("patient", settings.get_profile("default"), deadline=None)
if settings.get_current_profile_name() == "default":
    settings.load_profile("patient")
# Counting branches takes ten times as long; `make test` looks at more examples than `make check`.
settings.register_profile("check", deadline=None, derandomize=True, max_examples=20)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Under xdist the controller starts the cluster, before its workers start."""
    _RUN.enter_context(loopback.only())
    # As servers log. By itself structlog draws every local variable, for seconds a fault.
    configure_logs(Settings())
    is_worker = hasattr(session.config, "workerinput")
    if not is_worker and session.config.getoption("numprocesses", None):
        postgres.hand_down(_RUN.enter_context(postgres.cluster()))


def pytest_unconfigure() -> None:
    _RUN.close()


@pytest.fixture(scope="session")
def template() -> Iterator[Endpoints]:
    """The cluster of this run; its database is the migrated, empty template."""
    inherited = postgres.handed_down()
    if inherited is not None:
        yield inherited
        return
    with postgres.cluster() as endpoints:
        yield endpoints


@pytest.fixture(scope="session")
def endpoints(template: Endpoints) -> Iterator[Endpoints]:
    """The database of this process, cloned from the template, and how each role reaches it."""
    cloned = postgres.clone(template, f"test_{os.environ.get('PYTEST_XDIST_WORKER', 'only')}")
    yield cloned
    postgres.drop(cloned)


@pytest.fixture
def empty_database(template: Endpoints, request: pytest.FixtureRequest) -> Iterator[Endpoints]:
    """A database of its own for one test that changes tables or needs all rows to be its own."""
    cloned = postgres.clone(template, f"own_{os.getpid()}_{abs(hash(request.node.nodeid)):x}")
    yield cloned
    postgres.drop(cloned)


@pytest.fixture(scope="session")
def dsn(endpoints: Endpoints) -> Callable[..., str]:
    """`dsn("app")`, `dsn("worker", driver="asyncpg")`: the connection string of a role."""
    return endpoints.url


@pytest_asyncio.fixture(scope="session")
async def engine(endpoints: Endpoints) -> AsyncIterator[AsyncEngine]:
    """The engine of the role `app`."""
    made = make_engine(endpoints.url("app", driver="asyncpg"), pool_size=8)
    yield made
    await made.dispose()


@pytest_asyncio.fixture(scope="session")
async def worker_engine(endpoints: Endpoints) -> AsyncIterator[AsyncEngine]:
    """The engine of the role `worker`."""
    made = make_engine(endpoints.url("worker", driver="asyncpg"), pool_size=4)
    yield made
    await made.dispose()


@pytest.fixture(scope="session")
def database(engine: AsyncEngine) -> Database:
    """Transactions as the role `app`, as a server opens them."""
    return Database(engine)


@pytest.fixture(scope="session")
def worker_database(worker_engine: AsyncEngine) -> Database:
    """Transactions as the role `worker`, as jobs and consumers open them."""
    return Database(worker_engine)


@pytest.fixture(scope="session")
def owner(endpoints: Endpoints) -> Iterator[psycopg.Connection[Any]]:
    """The role that owns the tables and is bound by row-level security all the same."""
    with psycopg.connect(endpoints.url("owner"), autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def superuser(endpoints: Endpoints) -> Iterator[psycopg.Connection[Any]]:
    """Sees every row of every brand: to prove what was not written."""
    with postgres.superuser(endpoints) as connection:
        yield connection


@pytest.fixture(scope="session")
def make(endpoints: Endpoints) -> Iterator[Factory]:
    """Makes brands and what they hold: `make.client(brand)`, `make.account(client)`, …"""
    with Factory.connected(endpoints) as factory:
        yield factory


@pytest.fixture
def brand(make: Factory) -> Brand:
    """A new brand with head rows, host, legal entity, country, publishable key and staff."""
    return make.brand()


@pytest.fixture
def brand_b(make: Factory) -> Brand:
    """Another new brand, the twin that must see nothing of the first."""
    return make.brand()


@pytest.fixture(scope="session")
def scope_for() -> Callable[..., Scope]:
    """`scope_for(brand, "sales")`: the scope of a brand's actor. See `tests.factories.scope_of`."""
    return scope_of


@dataclass
class Counted:
    """The statements that were sent meanwhile, without begin, settings and the end."""

    texts: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return len(self.texts)

    def __str__(self) -> str:
        return "\n".join(f"{n}. {one}" for n, one in enumerate(self.texts, 1))


@pytest.fixture
def count_statements(engine: AsyncEngine) -> Callable[[], AbstractContextManager[Counted]]:
    """`with count_statements() as counted: …; assert counted.total == 3, str(counted)`."""

    @contextmanager
    def counting() -> Iterator[Counted]:
        with sent_by(engine) as texts:
            yield Counted(texts)

    return counting
