"""Make the one token that lets somebody join below an ib, and the mail that carries it."""

from uuid import UUID

from domain.clients.values import Mail
from domain.ibs.letters import invitation
from domain.ibs.queries import find_invitation
from domain.ibs.values import InvitationStatus
from tenants.context import ActorKind
from tenants.log import Change
from tenants.sessions import Whose
from tenants.single_use import LIVES, issue_single_use
from tenants.values import TokenKind
from tenants.work import WriteWork


async def make_invitation(work: WriteWork, invitation_id: UUID) -> Mail | None:
    """A new token, which replaces earlier ones, in a mail to send after the commit.

    The token is an ib's to be: its actor is the invitation. None once that is used up, so that
    repeating is harmless. Effects: audit.
    """
    found = await find_invitation(work, invitation_id)
    if found is None or found.status != InvitationStatus.SENT:
        return None
    whose = Whose(ActorKind.IB, invitation_id, found.ib_path)
    minted = await issue_single_use(work, TokenKind.VERIFY, whose)
    work.audit(Change("ib.invitation_sent", object_kind="ib_invitation", object_id=invitation_id))
    days = LIVES[TokenKind.VERIFY].days
    names = (found.name, found.inviter)
    subject, text = invitation(found.brand_name, names, minted.text, found.branding, days=days)
    return Mail(f"invite-{minted.id.hex}", found.email, found.brand_name, subject, text)
