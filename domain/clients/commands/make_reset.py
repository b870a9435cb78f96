"""Make the one token that lets an actor set a new password, and the mail that carries it."""

from domain.clients.letters import password_reset
from domain.clients.queries import find_sign_in
from domain.clients.values import Mail
from tenants.log import Change
from tenants.sessions import Whose
from tenants.single_use import LIVES, issue_single_use
from tenants.values import TokenKind
from tenants.work import WriteWork


async def make_reset(work: WriteWork, whose: Whose) -> Mail | None:
    """A new token, which replaces earlier ones, in a mail to send after the commit.

    None for an actor that has no sign-in any more. Effects: audit.
    """
    to = await find_sign_in(work, whose.kind, whose.id)
    if to is None:
        return None
    minted = await issue_single_use(work, TokenKind.RESET, whose)
    kind = whose.kind.value.lower()
    work.audit(Change("password.reset_sent", object_kind=kind, object_id=whose.id))
    minutes = int(LIVES[TokenKind.RESET].total_seconds() // 60)
    subject, text = password_reset(to.brand_name, minted.text, to.branding, minutes=minutes)
    return Mail(f"reset-{minted.id.hex}", to.email, to.brand_name, subject, text)
