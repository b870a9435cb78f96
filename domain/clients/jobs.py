"""Mails to clients. Each effect may be repeated: a job runs at least once, perhaps twice."""

from uuid import UUID

from domain.clients.commands.make_verification import make_verification
from domain.clients.letters import registered_again
from domain.clients.ports import Mailer
from domain.clients.queries import find_addressee
from domain.clients.values import ClientStatus, Mail
from tenants.context import system_scope
from tenants.work import Database, WriteWork


async def send_verification(
    database: Database, mailer: Mailer, *, brand_id: UUID, client_id: UUID
) -> None:
    """Make a token, commit, then hand the mail over. Run again, it replaces the token.

    Raises MailNotSent, after which the job is to be run again.
    """

    async def command(work: WriteWork) -> Mail | None:
        return await make_verification(work, client_id)

    mail = (await database.write(system_scope(brand_id), command)).value
    if mail is not None:
        await mailer.send(mail)


async def tell_registered_again(
    database: Database, mailer: Mailer, *, brand_id: UUID, client_id: UUID, seq: int
) -> None:
    """Tell a client that somebody tried its address; an unverified one gets a new token instead.

    `seq` is that of the event, so that a repetition sends the same mail. Raises MailNotSent.
    """
    async with database.read(system_scope(brand_id)) as work:
        to = await find_addressee(work, client_id)
    if to is None or to.status == ClientStatus.CLOSED:
        return
    if to.status == ClientStatus.REGISTERED:
        await send_verification(database, mailer, brand_id=brand_id, client_id=client_id)
        return
    subject, text = registered_again(to.brand_name, to.name)
    key = f"registered-again-{client_id.hex}-{seq}"
    await mailer.send(Mail(key, to.email, to.brand_name, subject, text))
