"""The whole application on a loopback port, two brands full of canaries, and the test switches."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import pytest_asyncio
import uvicorn
from sqlalchemy import Engine, event

from api.app import assemble_app
from api.embedded import Endpoints
from api.listening import OPTIONS
from api.settings import Settings
from tenants import denials
from tenants.database import make_engine
from tenants.wake import Wakeup
from tenants.work import Database
from tests.attacks.calls import Api
from tests.attacks.contract import Values
from tests.attacks.ledger import Books
from tests.factories import Factory
from tests.world import World, build

# `t.brand_id = $1::UUID` in a SELECT, as SQLAlchemy sends it.
PREDICATE = re.compile(r"(?:\b\w+\.)?\bbrand_id = (\$\d+)(::UUID)?", re.I)


@pytest_asyncio.fixture(scope="session")
async def api(endpoints: Endpoints, tmp_path_factory: Any) -> AsyncIterator[Api]:
    """The application as it is served."""
    async with served(endpoints, tmp_path_factory.mktemp("home")) as made:
        yield made


@pytest_asyncio.fixture(scope="session")
async def open_api(endpoints: Endpoints, tmp_path_factory: Any) -> AsyncIterator[Api]:
    """The application over a role that row-level security does not bind."""
    passwords = {**endpoints.passwords, "app": endpoints.passwords["superuser"]}
    unbound = replace(endpoints, passwords=passwords, names={"app": "postgres"})
    async with served(unbound, tmp_path_factory.mktemp("open")) as made:
        yield made


@pytest.fixture(scope="module", autouse=True)
def one_row_per_door() -> Iterator[None]:
    """No denial's minute ends while a test compares what the trail was and is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(denials, "WINDOW_S", 3_600.0)
        yield


@asynccontextmanager
async def served(endpoints: Endpoints, home: Path) -> AsyncIterator[Api]:
    """Serve on a free loopback port, in this process and loop."""
    app = assemble_app(Settings(backdesk_home=home), endpoints)
    # Named, so that asyncio switches Nagle off: else each answer waits 40 ms for an ACK.
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    options: dict[str, Any] = {"timeout_graceful_shutdown": 1, **OPTIONS}
    # As `api.serving` does without named proxies: nobody's word about the address counts.
    options |= {"proxy_headers": False, "lifespan": "on", "log_level": "critical"}
    server = uvicorn.Server(uvicorn.Config(app, **options))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        assert not serving.done(), serving.exception()
        await asyncio.sleep(0.01)
    async with httpx.AsyncClient(timeout=60) as http:
        yield Api(http, f"http://127.0.0.1:{listener.getsockname()[1]}")
    server.should_exit = True
    await serving


@pytest_asyncio.fixture(scope="session")
async def serving(endpoints: Endpoints) -> AsyncIterator[Database]:
    """A database that wakes the served application's feeds after each commit."""
    engine = make_engine(endpoints.url("app", driver="asyncpg"), pool_size=2)
    async with Wakeup(endpoints.url("app")) as wake:
        yield Database(engine, wake=wake)
    await engine.dispose()


@pytest.fixture(scope="module")
def worlds(make: Factory) -> tuple[World, World]:
    """Two brands, full of rows."""
    return build(make), build(make)


@pytest.fixture(scope="module")
def own_values(worlds: tuple[World, World]) -> Values:
    """Ids of the first brand."""
    world = worlds[0]
    return Values(
        ids={
            "client": f"client_{world.client('north').id.hex}",
            "account": f"account_{world.account('north').id.hex}",
            "server": f"server_{world.brand.server_id.hex}",
            "ib": f"ib_{world.ibs['north'].id.hex}",
        },
        text=world.canary,
    )


@pytest.fixture(scope="module")
def books(superuser: psycopg.Connection[Any], worlds: tuple[World, World]) -> Books:
    """What the database holds of the two brands, for comparing before and after."""
    return Books(superuser, [world.brand.id for world in worlds])


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker runs here: nobody waits two seconds for a platform's answer."""
    monkeypatch.setattr("domain.accounts.waiting.PATIENCE_S", 0.0)


@pytest.fixture
def without_predicates() -> Iterator[list[str]]:
    """The test switch: every `brand_id = …` of a SELECT is always true. Lists what it changed."""
    changed: list[str] = []

    def strip(
        _connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any
    ) -> tuple[str, Any]:
        if not statement.lstrip().lower().startswith(("select", "with")):
            return statement, parameters
        stripped = PREDICATE.sub(r"\1::UUID is not null", statement)
        if stripped != statement:
            changed.append(statement)
        return stripped, parameters

    event.listen(Engine, "before_cursor_execute", strip, retval=True)
    yield changed
    event.remove(Engine, "before_cursor_execute", strip)
