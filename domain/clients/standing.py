"""What other contexts may know of a client: whether it may act, and which rows are its own."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from domain.clients.tables import client
from domain.clients.values import ClientStatus
from tenants.work import WriteWork


@dataclass(frozen=True, slots=True)
class ClientStanding:
    """A client as a command of another context sees it."""

    id: UUID
    ib_path: str
    status: ClientStatus
    legal_entity_id: UUID
    owner_id: UUID | None


async def find_standing(work: WriteWork, client_id: UUID) -> ClientStanding | None:
    """The client's standing; None when unknown or out of the work's scope."""
    row = await work.maybe(
        select(
            client.c.id,
            client.c.ib_path,
            client.c.status,
            client.c.legal_entity_id,
            client.c.owner_id,
        ).where(client.c.brand_id == work.scope.brand_id, client.c.id == client_id)
    )
    if row is None:
        return None
    return ClientStanding(
        row.id, row.ib_path, ClientStatus(row.status), row.legal_entity_id, row.owner_id
    )
