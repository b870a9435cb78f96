"""Make the one token that proves a client's address, and the mail that carries it."""

from uuid import UUID

from domain.clients.letters import verification, verification_of_several
from domain.clients.queries import find_addressee
from domain.clients.values import ClientStatus, Mail
from tenants.context import ActorKind
from tenants.log import Change
from tenants.sessions import Whose
from tenants.single_use import LIVES, issue_single_use
from tenants.values import TokenKind
from tenants.work import WriteWork


async def make_verification(work: WriteWork, client_id: UUID) -> Mail | None:
    """A new token, which replaces earlier ones, in a mail to send after the commit.

    None once the address is verified, so that repeating is harmless. Effects: audit.
    """
    to = await find_addressee(work, client_id)
    if to is None or to.status != ClientStatus.REGISTERED:
        return None
    whose = Whose(ActorKind.CLIENT, client_id)
    minted = await issue_single_use(work, TokenKind.VERIFY, whose)
    work.audit(Change("client.verification_sent", object_kind="client", object_id=client_id))
    days = LIVES[TokenKind.VERIFY].days
    write = verification_of_several if to.lacks_password else verification
    subject, text = write(to.brand_name, to.name, minted.text, to.branding, days=days)
    return Mail(f"verify-{minted.id.hex}", to.email, to.brand_name, subject, text)
