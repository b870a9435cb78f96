"""Take the token from the mail: the address is the client's."""

from sqlalchemy import update

from domain.clients.errors import PasswordRequired, TokenRefused
from domain.clients.events import ClientEventKind, Subject, client_event
from domain.clients.queries import find_addressee, lock_client
from domain.clients.tables import client
from domain.clients.values import ClientStatus
from tenants.context import ActorKind
from tenants.log import Change
from tenants.sessions import Whose
from tenants.single_use import redeem
from tenants.tables import credential
from tenants.values import TokenKind
from tenants.work import WriteWork


async def verify_email(work: WriteWork, text: str, *, password_hash: str | None = None) -> Whose:
    """Use the token up and make a REGISTERED client ACTIVE; whose session may begin.

    A password given with it takes the place of the one from registration. It must be given when
    the address was registered more than once, since nobody knows whose the stored one was.
    Refusals: TOKEN_INVALID, for every reason alike; PASSWORD_REQUIRED, which leaves the token good.
    Effects: event `email_verified`, audit.
    """
    whose = await redeem(work, TokenKind.VERIFY, text)
    if whose is None or whose.kind is not ActorKind.CLIENT:
        raise TokenRefused()
    row = await lock_client(work, whose.id)
    if row.status not in (ClientStatus.REGISTERED, ClientStatus.ACTIVE):
        raise TokenRefused()
    if row.status == ClientStatus.REGISTERED:
        await _settle_password(work, whose, password_hash)
    await work.rows(
        update(client)
        .where(client.c.brand_id == work.scope.brand_id, client.c.id == row.id)
        .values(status=ClientStatus.ACTIVE, email_verified_at=work.now(), version=row.version + 1)
    )
    work.emit(client_event(ClientEventKind.EMAIL_VERIFIED, Subject(row.id, row.ib_path)))
    work.audit(
        Change(
            "client.verify_email",
            object_kind="client",
            object_id=row.id,
            before={"status": row.status},
            after={"status": ClientStatus.ACTIVE},
        )
    )
    return whose


async def _settle_password(work: WriteWork, whose: Whose, password_hash: str | None) -> None:
    if password_hash is None:
        to = await find_addressee(work, whose.id)
        if to is not None and to.lacks_password:
            raise PasswordRequired()
        return
    await work.rows(
        update(credential)
        .where(
            credential.c.brand_id == work.scope.brand_id,
            credential.c.actor_kind == whose.kind.value,
            credential.c.actor_id == whose.id,
        )
        .values(password_hash=password_hash, changed_at=work.now())
    )
