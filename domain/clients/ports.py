"""What the clients context asks of others: mail to the outside, ibs from the room above."""

from typing import Protocol

from domain.clients.values import Introducer, Mail
from tenants.work import WriteWork


class MailNotSent(Exception):
    """The mail was not handed over; sending it again later is right."""


class Mailer(Protocol):
    """Hands a mail to whoever delivers it. Sending the same key again changes nothing more."""

    async def send(self, mail: Mail) -> None:
        """Raises MailNotSent."""
        ...


class FindIntroducer(Protocol):
    """Looks an active ib up by its code. Implemented by `domain.ibs.queries.find_introducer`."""

    async def __call__(self, work: WriteWork, code: str) -> Introducer | None: ...
