"""Take the token from an invitation's mail: somebody joins the tree."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from domain.ibs.commands.create_ib import NewIb, create_ib
from domain.ibs.errors import AddressTaken, InvitationRefused
from domain.ibs.queries import find_invitation, find_parent
from domain.ibs.rules import made_code
from domain.ibs.tables import ib_invitation
from domain.ibs.values import InvitationStatus
from tenants.context import ActorKind
from tenants.log import Change
from tenants.sessions import Whose
from tenants.single_use import redeem
from tenants.tables import credential
from tenants.values import TokenKind
from tenants.work import WriteWork


@dataclass(frozen=True, slots=True)
class Joining:
    """What the invited typed: the token from the mail, and a code for its links if it likes one."""

    token: str
    code: str | None = None


async def accept_invitation(work: WriteWork, typed: Joining, password_hash: str) -> Whose:
    """Use the token up and put the invited into the tree, with a sign-in; whose session may begin.

    Refusals: TOKEN_INVALID, for every reason alike; EMAIL_TAKEN, CODE_TAKEN and INVALID (code),
    which leave the token good; PARENT_SUSPENDED, TREE_TOO_DEEP.
    Effects: event `created`, audit.
    """
    named = await redeem(work, TokenKind.VERIFY, typed.token)
    if named is None or named.kind is not ActorKind.IB:
        raise InvitationRefused()
    found = await find_invitation(work, named.id, lock=True)
    if found is None or found.status != InvitationStatus.SENT or found.expires_at <= work.now():
        raise InvitationRefused()
    code = typed.code if typed.code is not None else made_code(work.new_id())
    ib_id = await create_ib(work, NewIb(code, found.name, found.email, found.ib_id))
    await _let_in(work, ib_id, found.email, password_hash)
    await work.rows(
        update(ib_invitation)
        .where(ib_invitation.c.brand_id == work.scope.brand_id, ib_invitation.c.id == named.id)
        .values(status=InvitationStatus.ACCEPTED, accepted_id=ib_id)
    )
    work.audit(
        Change(
            "ib.accept_invitation",
            object_kind="ib_invitation",
            object_id=named.id,
            before={"status": found.status},
            after={"status": InvitationStatus.ACCEPTED, "ib_id": str(ib_id)},
        )
    )
    place = await find_parent(work, ib_id)
    assert place is not None, "made just now"
    return Whose(ActorKind.IB, ib_id, place.path)


async def _let_in(work: WriteWork, ib_id: UUID, email: str, password_hash: str) -> None:
    added = (
        insert(credential)
        .values(
            brand_id=work.scope.brand_id,
            actor_kind=ActorKind.IB,
            actor_id=ib_id,
            email=email,
            password_hash=password_hash,
            changed_at=work.now(),
        )
        .on_conflict_do_nothing(index_elements=["brand_id", "actor_kind", "email"])
        .returning(credential.c.actor_id)
    )
    if not await work.rows(added):
        raise AddressTaken()
