"""Mails to clients and to whoever forgot a password; the search entries of new clients.

Each mail may be repeated: a job runs at least once, perhaps twice. A token is minted by the job
that writes the mail, so that no event, argument or stored answer holds it; a repetition replaces
the token it made before.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from domain.clients.commands.index_client import reindex_clients
from domain.clients.commands.make_reset import make_reset
from domain.clients.commands.make_verification import make_verification
from domain.clients.events import TOPIC, ClientEventKind
from domain.clients.letters import registered_again
from domain.clients.ports import Mailer
from domain.clients.queries import find_addressee
from domain.clients.values import ClientStatus, Mail
from domain.events.consumers import Consumer
from domain.events.jobs import JobRegistry, JobRun, defer
from domain.events.values import EventRow
from tenants.context import ActorKind
from tenants.password_reset import REQUESTED
from tenants.sessions import Whose
from tenants.work import WriteWork

SEND_VERIFICATION = "clients.send_verification"
TELL_REGISTERED_AGAIN = "clients.tell_registered_again"
SEND_RESET = "clients.send_reset"
QUEUE = "mail"
_JOB_OF = {
    ClientEventKind.REGISTERED.value: SEND_VERIFICATION,
    ClientEventKind.REGISTRATION_REPEATED.value: TELL_REGISTERED_AGAIN,
    REQUESTED: SEND_RESET,
}
# A password reset is logged under the kind of actor that asked for it.
_TOPICS = frozenset({TOPIC, ActorKind.IB.value, ActorKind.STAFF.value})


def jobs_over(mailer: Mailer) -> JobRegistry:
    """The jobs of this context, over the mailer the process has."""
    registry = JobRegistry()

    @registry.job(SEND_VERIFICATION, queue=QUEUE, seconds=60)
    async def verify(run: JobRun, args: dict[str, Any]) -> None:
        await send_verification(run, mailer, UUID(args["client_id"]))

    @registry.job(TELL_REGISTERED_AGAIN, queue=QUEUE, seconds=60)
    async def tell(run: JobRun, args: dict[str, Any]) -> None:
        await tell_registered_again(run, mailer, UUID(args["client_id"]))

    @registry.job(SEND_RESET, queue=QUEUE, seconds=60)
    async def reset(run: JobRun, args: dict[str, Any]) -> None:
        whose = Whose(ActorKind(args["kind"]), UUID(args["actor_id"]), args["ib_path"] or None)
        await send_reset(run, mailer, whose)

    return registry


async def _defer(work: WriteWork, event: EventRow) -> None:
    if event.object_id is None:
        return  # a password was asked for with an address that nobody has
    args = {"client_id": str(event.client_id)}
    if event.kind == REQUESTED:
        args = {"kind": event.topic, "actor_id": str(event.object_id), "ib_path": event.ib_path}
    await defer(work, _JOB_OF[event.kind], args, key=str(event.seq), queue=QUEUE)


MAILS = Consumer("clients.mails", _TOPICS, _defer, kinds=frozenset(_JOB_OF))


async def _wait(_work: WriteWork, _event: EventRow) -> None:
    """Stored together, at the end."""


async def _index(work: WriteWork, events: Sequence[EventRow]) -> None:
    await reindex_clients(work, (one.client_id for one in events if one.client_id is not None))


# Outside the request, since only new addresses have something to store: some 130 rows.
SEARCH = Consumer(
    "clients.search",
    frozenset({TOPIC}),
    _wait,
    kinds=frozenset({ClientEventKind.REGISTERED.value, ClientEventKind.IMPORTED.value}),
    finish=_index,
)


async def send_verification(run: JobRun, mailer: Mailer, client_id: UUID) -> None:
    """Make a token, commit, then hand the mail over; nothing once the address is verified.

    Raises MailNotSent, after which the job is tried again.
    """

    async def command(work: WriteWork) -> Mail | None:
        return await make_verification(work, client_id)

    mail = (await run.database.write(run.scope, command)).value
    if mail is not None:
        await mailer.send(mail)


async def tell_registered_again(run: JobRun, mailer: Mailer, client_id: UUID) -> None:
    """Tell a client that somebody tried its address; an unverified one gets a new token instead.

    Raises MailNotSent, after which the job is tried again and sends the same mail.
    """
    async with run.database.read(run.scope) as work:
        to = await find_addressee(work, client_id)
    if to is None or to.status == ClientStatus.CLOSED:
        return
    if to.status == ClientStatus.REGISTERED:
        await send_verification(run, mailer, client_id)
        return
    subject, text = registered_again(to.brand_name, to.name)
    key = f"registered-again-{client_id.hex}-{run.key}"
    await mailer.send(Mail(key, to.email, to.brand_name, subject, text))


async def send_reset(run: JobRun, mailer: Mailer, whose: Whose) -> None:
    """Make a token for a new password, commit, then hand the mail over.

    Raises MailNotSent, after which the job is tried again.
    """

    async def command(work: WriteWork) -> Mail | None:
        return await make_reset(work, whose)

    mail = (await run.database.write(run.scope, command)).value
    if mail is not None:
        await mailer.send(mail)
