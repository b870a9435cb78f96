"""A firm without a platform, and one on a simulator in the test's hand."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from starlette.applications import Starlette

from domain.accounts.adapters.bridge import BridgePlatform
from domain.accounts.trading import Group
from domain.kernel.clock import SystemClock
from tests.domain.challenges.firm import Firm
from tests.domain.payments.deposits.conftest import desk, queue
from tests.domain.payments.deposits.desk import Desk
from tests.simulator.conftest import (
    app,
    driver,
    own_database,
    platform_database,
    series,
    served,
    settings,
)

__all__ = [
    "app",
    "desk",
    "driver",
    "own_database",
    "platform_database",
    "queue",
    "series",
    "settings",
]


@pytest.fixture
def clock() -> SystemClock:
    """The platform's time is ours: phases begin by the database's clock."""
    return SystemClock()


@pytest_asyncio.fixture
async def firm(desk: Desk) -> Firm:
    """Sells a two-step challenge in US dollars; nobody trades anywhere."""
    return await Firm(desk).open()


@pytest_asyncio.fixture
async def platform(
    app: Starlette, superuser: psycopg.Connection[Any]
) -> AsyncIterator[BridgePlatform]:
    """The adapter over the real wire to an empty platform."""
    superuser.execute("delete from platform_cursor")
    superuser.commit()
    async with served(app) as socket:
        made = BridgePlatform(f"unix://{socket}")
        group = Group("evaluation", "USD", 500, Decimal(0), Decimal(100), Decimal(50), False)
        await made.ensure_groups([group])
        yield made
        await made.aclose()
