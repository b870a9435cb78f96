"""Take over clients of a book that another system kept, many at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from domain.clients.events import ClientEventKind, Subject, client_event
from domain.clients.rules import reference_of
from domain.clients.tables import client
from domain.clients.values import ClientKind, ClientStatus, Introducer
from domain.kernel.errors import Refused
from tenants.bulk import insert_new, insert_rows
from tenants.context import ActorKind
from tenants.log import Change
from tenants.numbers import next_numbers
from tenants.passwords import NO_PASSWORD
from tenants.tables import brand_country, credential
from tenants.work import WriteWork

_COUNTER = "client"


@dataclass(frozen=True, slots=True)
class ClientRecord:
    """A client as the other system has it: the address is proven, the password stays there.

    `id` is what it is to be called by here, when somebody else knows it by that already, and `at`
    since when it is a client.
    """

    name: str
    email: str
    phone: str | None
    country: str
    language: str
    introducer: Introducer | None = None
    owner_id: UUID | None = None
    id: UUID | None = None
    at: datetime | None = None


async def import_clients(work: WriteWork, records: Sequence[ClientRecord]) -> dict[str, UUID]:
    """Add the clients whose address is new; their ids by address. A known address stays as it is.

    They are ACTIVE and choose a password by mail when they first sign in; nobody is written to
    now. Some statements for all of them.
    Refusals: COUNTRY_NOT_ALLOWED, for the whole batch. Effects: event `imported` each, audit.
    """
    if not records:
        return {}
    entities = await _entities(work)
    strange = sorted({one.country for one in records} - entities.keys())
    if strange:
        message = f"This brand takes no clients from {', '.join(strange)}."
        raise Refused("COUNTRY_NOT_ALLOWED", message)
    numbers = await next_numbers(work, _COUNTER, len(records))
    rows = [
        _row(work, one, reference_of(number), entities[one.country])
        for one, number in zip(records, numbers, strict=True)
    ]
    added = await insert_new(work, client, rows)
    new = [row for row in rows if row["id"] in added]
    await insert_rows(work, credential, [_credential(work, row) for row in new])
    for row in new:
        subject = Subject(row["id"], row["ib_path"])
        work.emit(client_event(ClientEventKind.IMPORTED, subject))
        after = {"country": row["country"], "reference": row["reference"]}
        work.audit(Change("client.import", object_kind="client", object_id=row["id"], after=after))
    return {row["email"]: row["id"] for row in new}


async def _entities(work: WriteWork) -> dict[str, UUID]:
    """Which legal entity contracts with clients of each country that is served."""
    columns = brand_country.c
    rows = await work.rows(
        select(columns.country, columns.legal_entity_id).where(
            columns.brand_id == work.scope.brand_id, columns.allowed
        )
    )
    return {row.country: row.legal_entity_id for row in rows}


def _row(work: WriteWork, one: ClientRecord, reference: str, entity_id: UUID) -> dict[str, Any]:
    return {
        "brand_id": work.scope.brand_id,
        "id": one.id or work.new_id(),
        "reference": reference,
        "version": 1,
        "kind": ClientKind.INDIVIDUAL,
        "status": ClientStatus.ACTIVE,
        "name": one.name,
        "email": one.email,
        "phone": one.phone,
        "country": one.country,
        "language": one.language,
        "legal_entity_id": entity_id,
        "ib_id": one.introducer.id if one.introducer else None,
        "ib_path": one.introducer.path if one.introducer else "",
        "owner_id": one.owner_id,
        "created_at": one.at or work.now(),
    }


def _credential(work: WriteWork, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "brand_id": work.scope.brand_id,
        "actor_kind": ActorKind.CLIENT,
        "actor_id": row["id"],
        "email": row["email"],
        "password_hash": NO_PASSWORD,
        "changed_at": work.now(),
    }
