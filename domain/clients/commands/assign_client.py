"""Give a client to a member of staff, or to nobody."""

from uuid import UUID

from sqlalchemy import update

from domain.clients.errors import ClientClosed, VersionMoved
from domain.clients.events import ClientEventKind, Subject, client_event
from domain.clients.queries import get_client, is_active_staff
from domain.clients.tables import client
from domain.clients.values import ClientStatus
from domain.kernel.errors import NotFound
from tenants.log import Change
from tenants.work import WriteWork


async def assign_client(
    work: WriteWork, client_id: UUID, owner_id: UUID | None, *, expected_version: int
) -> UUID:
    """Make an active member of staff of the brand the owner, `None` nobody; the client's id.

    Refusals: NOT_FOUND (client or owner), CLIENT_CLOSED, VERSION_CONFLICT.
    Effects: event `owner_changed`, audit.
    """
    row = await get_client(work, client_id)
    if row.status == ClientStatus.CLOSED:
        raise ClientClosed()
    if row.version != expected_version:
        raise VersionMoved()
    if owner_id is not None and not await is_active_staff(work, owner_id):
        raise NotFound(path=("input", "ownerId"))
    if owner_id != row.owner_id:
        await work.rows(
            update(client)
            .where(client.c.brand_id == work.scope.brand_id, client.c.id == row.id)
            .values(version=row.version + 1, owner_id=owner_id)
        )
        work.emit(client_event(ClientEventKind.OWNER_CHANGED, Subject(row.id, row.ib_path)))
        work.audit(
            Change(
                "client.assign",
                object_kind="client",
                object_id=row.id,
                before={"owner_id": _text(row.owner_id)},
                after={"owner_id": _text(owner_id)},
            )
        )
    return UUID(str(row.id))


def _text(key: UUID | None) -> str | None:
    return None if key is None else str(key)
