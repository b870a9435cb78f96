"""Change a client's profile, field by field, against the version that was read."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, update

from domain.clients.commands.index_client import reindex_client
from domain.clients.errors import CountryNotAllowed
from domain.clients.events import ClientEventKind, Subject, client_event
from domain.clients.queries import get_client, get_market
from domain.clients.rights import fields_for, masked_for
from domain.clients.rules import (
    choose_entity,
    choose_language,
    judge_change,
    normalise_country,
    normalise_name,
    normalise_phone,
    normalise_tags,
)
from domain.clients.tables import client
from domain.clients.values import ClientStatus, ProfileChange
from tenants.log import Change
from tenants.work import WriteWork

_SEARCHED = frozenset({"name", "phone"})
_PERSONAL = frozenset({"name", "phone"})


async def update_client(
    work: WriteWork, client_id: UUID, change: ProfileChange, *, expected_version: int
) -> UUID:
    """Write the named fields and raise the version; the client's id.

    A client changes its phone and language, staff the rest as well; whoever sees a field masked
    can't change it. A country must be served by the client's own legal entity, since another
    entity means other papers. A change to what already stands is no change.
    Refusals: NOT_FOUND, CLIENT_CLOSED, FIELD_NOT_ALLOWED, VERSION_CONFLICT, INVALID,
    COUNTRY_NOT_ALLOWED. Effects: event `profile_changed`, audit without personal data.
    """
    row = await get_client(work, client_id)
    judge_change(
        change,
        allowed=fields_for(work.scope),
        masked=masked_for(work.scope),
        status=ClientStatus(row.status),
        versions=(row.version, expected_version),
    )
    wanted = await _read(work, row, change)
    values = {name: value for name, value in wanted.items() if value != getattr(row, name)}
    if values:
        await _write(work, row, values)
    return UUID(str(row.id))


async def _read(work: WriteWork, row: Row[Any], change: ProfileChange) -> dict[str, Any]:
    """The values to write, normalised and allowed by the brand's market."""
    values: dict[str, Any] = {}
    if change.name is not None:
        values["name"] = normalise_name(change.name)
    if change.phone is not None:
        values["phone"] = normalise_phone(change.phone) if change.phone else None
    if change.tags is not None:
        values["tags"] = list(normalise_tags(change.tags))
    if change.country is None and change.language is None:
        return values
    country = row.country if change.country is None else normalise_country(change.country)
    market = await get_market(work, country)
    if change.country is not None:
        if choose_entity(market, country).legal_entity_id != row.legal_entity_id:
            raise CountryNotAllowed("That country belongs to another legal entity of ours.")
        values["country"] = country
    if change.language is not None:
        values["language"] = choose_language(market, change.language)
    return values


async def _write(work: WriteWork, row: Row[Any], values: dict[str, Any]) -> None:
    await work.rows(
        update(client)
        .where(client.c.brand_id == work.scope.brand_id, client.c.id == row.id)
        .values(version=row.version + 1, **values)
    )
    subject = Subject(row.id, row.ib_path)
    if _SEARCHED & values.keys():
        await reindex_client(work, row.id)
    fields = sorted(values)
    work.emit(client_event(ClientEventKind.PROFILE_CHANGED, subject, {"fields": fields}))
    shown = [name for name in fields if name not in _PERSONAL]
    work.audit(
        Change(
            "client.update",
            object_kind="client",
            object_id=row.id,
            before={"fields": fields, **{name: getattr(row, name) for name in shown}},
            after={"fields": fields, **{name: values[name] for name in shown}},
        )
    )
