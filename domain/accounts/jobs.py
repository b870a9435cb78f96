"""Jobs of accounts: carrying out what was asked of a platform."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from domain.accounts.carry_out import Platforms, carry_out
from domain.accounts.commands.take_stuck_requests import take_stuck_requests
from domain.accounts.events import REQUESTED, TOPIC
from domain.events.consumers import Consumer
from domain.events.jobs import JobRegistry, JobRun, defer
from domain.events.values import EventRow
from tenants.context import system_scope
from tenants.secrets import Vault
from tenants.work import Database, WriteWork

CARRY_OUT = "accounts.carry_out"
QUEUE = "platform"
STUCK_AFTER = timedelta(minutes=10)


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


async def resume_requests(database: Database, brand_id: UUID) -> int:
    """Ask again about requests whose job has given up; how many. For a round of the worker.

    A job tries ten times over some eight minutes. A platform that was away for longer must not
    leave a request open for ever: what it did meanwhile is found by the request's id.
    """

    async def command(work: WriteWork) -> int:
        stuck = await take_stuck_requests(work, older_than=STUCK_AFTER)
        for request_id in stuck:
            args = {"request_id": str(request_id)}
            await defer(work, CARRY_OUT, args, key=str(request_id), queue=QUEUE, again=True)
        return len(stuck)

    return (await database.write(system_scope(brand_id), command)).value
