"""Jobs of accounts: carrying out what was asked of a platform."""

from typing import Any
from uuid import UUID

from domain.accounts.carry_out import Platforms, carry_out
from domain.accounts.events import REQUESTED, TOPIC
from domain.events.consumers import Consumer
from domain.events.jobs import JobRegistry, JobRun, defer
from domain.events.values import EventRow
from tenants.secrets import Vault
from tenants.work import WriteWork

CARRY_OUT = "accounts.carry_out"
QUEUE = "platform"


def jobs_over(platforms: Platforms, vault: Vault) -> JobRegistry:
    """The jobs of this context, over the platforms the process is connected to.

    `vault` opens the passwords that wait sealed in requests.
    """
    registry = JobRegistry()

    @registry.job(CARRY_OUT, queue=QUEUE, seconds=60)
    async def carry(run: JobRun, args: dict[str, Any]) -> None:
        request_id = UUID(args["request_id"])
        await carry_out(run.database, platforms, run.brand_id, request_id, vault=vault)

    return registry


async def _defer(work: WriteWork, event: EventRow) -> None:
    request_id = event.payload["request_id"]
    await defer(work, CARRY_OUT, {"request_id": request_id}, key=request_id, queue=QUEUE)


REQUESTS = Consumer(
    "accounts.requests",
    frozenset({TOPIC}),
    _defer,
    kinds=frozenset(kind.value for kind in REQUESTED),
)
