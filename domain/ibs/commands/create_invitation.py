"""Invite somebody to join the tree below an ib."""

from uuid import UUID

from sqlalchemy import insert

from domain.clients.rules import normalise_email, normalise_name
from domain.ibs.errors import InviterSuspended, TreeTooDeep
from domain.ibs.events import IbEventKind, ib_event
from domain.ibs.queries import find_parent
from domain.ibs.rules import DEEPEST
from domain.ibs.tables import ib_invitation
from domain.ibs.values import IbStatus, InvitationStatus
from domain.kernel.errors import NotFound
from tenants.log import Change
from tenants.single_use import LIVES
from tenants.throttle import count_attempt, counted_by
from tenants.values import TokenKind
from tenants.work import WriteWork


async def create_invitation(work: WriteWork, ib_id: UUID, name: str, email: str) -> UUID:
    """Invite an address; the invitation's id. A job writes the mail with its token.

    Nothing is told of whether the address is known. Invitations of an ib are counted, so that
    nobody has the brand write to everybody.
    Refusals: INVALID, NOT_FOUND, IB_SUSPENDED, TREE_TOO_DEEP, THROTTLED.
    Effects: event `invited`, audit.
    """
    clean, address = normalise_name(name), normalise_email(email)
    whose = await find_parent(work, ib_id)
    if whose is None:
        raise NotFound(path=("input", "ibId"))
    if whose.status != IbStatus.ACTIVE:
        raise InviterSuspended()
    if whose.level >= DEEPEST:
        raise TreeTooDeep(DEEPEST)
    await count_attempt(work, counted_by("ib.invite", f"{ib_id.hex}|{address}", None))
    invitation_id = work.new_id()
    await work.rows(
        insert(ib_invitation).values(
            brand_id=work.scope.brand_id,
            id=invitation_id,
            ib_id=ib_id,
            ib_path=whose.path,
            name=clean,
            email=address,
            status=InvitationStatus.SENT,
            created_at=work.now(),
            expires_at=work.now() + LIVES[TokenKind.VERIFY],
        )
    )
    told = {"ib_id": str(ib_id), "invitation_id": str(invitation_id)}
    work.emit(ib_event(IbEventKind.INVITED, invitation_id, whose.path, told))
    after = {"ib_id": str(ib_id)}
    work.audit(
        Change("ib.invite", object_kind="ib_invitation", object_id=invitation_id, after=after)
    )
    return invitation_id
