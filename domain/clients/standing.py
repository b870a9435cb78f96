"""What other contexts may know of a client: whether it may act, and which rows are its own."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, any_, bindparam, select
from sqlalchemy.dialects.postgresql import UUID as PgUUID

from domain.clients.rights import reaches_all
from domain.clients.tables import client
from domain.clients.values import ClientKind, ClientRisk, ClientStatus
from tenants.work import ReadWork, WriteWork


@dataclass(frozen=True, slots=True)
class ClientStanding:
    """A client as a command of another context sees it."""

    id: UUID
    ib_path: str
    status: ClientStatus
    legal_entity_id: UUID
    owner_id: UUID | None
    name: str
    risk: ClientRisk
    country: str
    kind: ClientKind


_STANDING = select(
    client.c.id,
    client.c.ib_path,
    client.c.status,
    client.c.legal_entity_id,
    client.c.owner_id,
    client.c.name,
    client.c.risk,
    client.c.country,
    client.c.kind,
)


async def find_standing(work: ReadWork | WriteWork, client_id: UUID) -> ClientStanding | None:
    """The client's standing; None when unknown or out of reach of whoever acts.

    Row-level security narrows clients and ibs; staff without `clients:all` reach their own only.
    """
    conditions = [client.c.brand_id == work.scope.brand_id, client.c.id == client_id]
    if not reaches_all(work.scope):
        conditions.append(client.c.owner_id == work.scope.actor.id)
    rows = await work.rows(_STANDING.where(*conditions))
    return _standing(rows[0]) if rows else None


async def find_standings(
    work: ReadWork | WriteWork, client_ids: Iterable[UUID]
) -> dict[UUID, ClientStanding]:
    """The standings of those of some clients that the brand has, for the system."""
    wanted = bindparam("ids", sorted(set(client_ids)), type_=ARRAY(PgUUID(as_uuid=True)))
    rows = await work.rows(
        _STANDING.where(client.c.brand_id == work.scope.brand_id, client.c.id == any_(wanted))
    )
    return {row.id: _standing(row) for row in rows}


def _standing(row: Any) -> ClientStanding:
    return ClientStanding(
        row.id,
        row.ib_path,
        ClientStatus(row.status),
        row.legal_entity_id,
        row.owner_id,
        row.name,
        ClientRisk(row.risk),
        row.country,
        ClientKind(row.kind),
    )


async def lock_client(work: WriteWork, client_id: UUID) -> None:
    """Let one work at a time judge what a client has and owes: each sees what the last one left.

    Taken before any row of the client is locked, so that two works never wait for each other.
    """
    await work.rows(
        select(client.c.id)
        .where(client.c.brand_id == work.scope.brand_id, client.c.id == client_id)
        .with_for_update(key_share=True)
    )
