"""One connection of our own, and works on it: straight to Postgres, and as behind a proxy."""

import pytest
import pytest_asyncio

from tenants.database import make_engine
from tenants.work import Database


@pytest_asyncio.fixture(params=[False, True], ids=["direct", "behind a proxy"])
async def pooled(endpoints, request):
    """The pool of that connection."""
    url = endpoints.url("app", driver="asyncpg")
    engine = make_engine(url, pool_size=1, pooled_by_proxy=request.param)
    yield engine
    await engine.dispose()


@pytest.fixture
def mine(pooled):
    return Database(pooled)
