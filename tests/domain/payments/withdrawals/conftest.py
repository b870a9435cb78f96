"""What tests of withdrawals can ask for."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from domain.kernel.ids import new_uuid
from domain.payments.adapters.sandbox import SandboxPsp
from tests.domain.payments.till import Till
from tests.domain.payments.withdrawals.counter import Counter
from tests.domain.payments.withdrawals.desk import SHORT, WAITS, Desk
from tests.psp import RunningPsp, running_psp


@pytest.fixture
def counter(till: Till) -> Counter:
    """A client of a new brand, with a card, a wallet and a bank that pays out."""
    return Counter(till).open()


@pytest_asyncio.fixture(scope="module")
async def running(endpoints) -> AsyncIterator[RunningPsp]:
    async with running_psp(endpoints, faults=WAITS) as psp:
        yield psp


@pytest_asyncio.fixture
async def desk(counter: Counter, running: RunningPsp, worker_database) -> AsyncIterator[Desk]:
    key = new_uuid().hex
    await running.controls.faults(**WAITS)
    await running.controls.put_merchant(
        f"m{key[-12:]}", api_key=key, notice_url="http://127.0.0.1:9/", notice_secrets=[key],
        currencies=["USD"],
    )  # fmt: skip
    psp = SandboxPsp(running.url, api_key=key, patience=SHORT)
    made = Desk(counter, running, psp, worker_database, [psp])
    yield made
    for each in made.opened:
        await each.aclose()
