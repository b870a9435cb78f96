"""Both paths over the whole schema, in a brand that has a row in every table, as every actor."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from schema.root import build as build_schema
from schema.shared.assemble import Assembled
from schema.shared.plans import Plans
from tenants.work import Database
from tests.factories import Factory
from tests.schema.people import SECRET
from tests.schema.plans.both import Both, Crowd, gather


@pytest.fixture(scope="session")
def whole() -> Assembled:
    """The schema of a process."""
    return build_schema(SECRET)


@pytest.fixture(scope="session")
def crowd(make: Factory) -> Crowd:
    """A brand with everything in it, its neighbour, and everybody who may ask."""
    return Crowd.made(make)


@pytest_asyncio.fixture(scope="session")
async def both(whole: Assembled, database: Database, crowd: Crowd) -> AsyncIterator[Both]:
    """Asks the same of both paths and compares."""
    asking = Both(whole, Plans(whole.schema, whole.reading, database), database, crowd)
    await gather(asking)
    yield asking
    print(asking.plans.left)
    print(*(f"{count} {what}" for what, count in asking.told.most_common(30)), sep="\n")


@pytest.fixture
def no_plan_left(both: Both) -> Any:
    """For tests that change how plans are made: none made before or meanwhile stays."""
    both.plans.forget()
    yield
    both.plans.forget()
