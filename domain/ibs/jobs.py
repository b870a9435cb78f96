"""What ibs ask of the worker: mails of invitations, and rows that follow a moved branch.

Each may be repeated: a job runs at least once, perhaps twice.
"""

from functools import partial
from typing import Any
from uuid import UUID

from domain.clients.ports import Mailer
from domain.clients.values import Mail
from domain.events.consumers import Consumer
from domain.events.jobs import JobRegistry, JobRun, defer
from domain.events.values import EventRow
from domain.ibs.commands.follow_move import follow_move, followers
from domain.ibs.commands.make_invitation import make_invitation
from domain.ibs.events import TOPIC, IbEventKind
from tenants.work import WriteWork

SEND_INVITATION = "ibs.send_invitation"
FOLLOW_MOVE = "ibs.follow_move"
_CHUNK = 2_000


def jobs_over(mailer: Mailer) -> JobRegistry:
    """The jobs of this context, over the mailer the process has."""
    registry = JobRegistry()

    @registry.job(SEND_INVITATION, queue="mail", seconds=60)
    async def invite(run: JobRun, args: dict[str, Any]) -> None:
        await send_invitation(run, mailer, UUID(args["invitation_id"]))

    @registry.job(FOLLOW_MOVE, seconds=600)
    async def follow(run: JobRun, args: dict[str, Any]) -> None:
        await follow_branch(run, UUID(args["ib_id"]), args["left_version"])

    return registry


async def _defer(work: WriteWork, event: EventRow) -> None:
    key = str(event.seq)
    if event.kind == IbEventKind.INVITED:
        args = {"invitation_id": str(event.object_id)}
        await defer(work, SEND_INVITATION, args, key=key, queue="mail")
        return
    left = event.payload["place_version"] - 1
    move = {"ib_id": str(event.object_id), "left_version": left}
    await defer(work, FOLLOW_MOVE, move, key=key)


FOLLOWING = Consumer(
    "ibs.following",
    frozenset({TOPIC}),
    _defer,
    kinds=frozenset({IbEventKind.INVITED.value, IbEventKind.MOVED.value}),
)


async def send_invitation(run: JobRun, mailer: Mailer, invitation_id: UUID) -> None:
    """Make a token, commit, then hand the mail over; nothing once the invitation is used up.

    Raises MailNotSent, after which the job is tried again.
    """

    async def command(work: WriteWork) -> Mail | None:
        return await make_invitation(work, invitation_id)

    mail = (await run.database.write(run.scope, command)).value
    if mail is not None:
        await mailer.send(mail)


async def follow_branch(run: JobRun, ib_id: UUID, left_version: int) -> None:
    """Move what belongs to a branch from the place it left to where its ibs are now."""
    for table in followers():
        step = partial(follow_move, table=table, ib_id=ib_id, version=left_version, limit=_CHUNK)
        while (await run.database.write(run.scope, step)).value == _CHUNK:
            pass
