"""SELECTs that commands and jobs of the clients context need."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Row, Text, and_, any_, bindparam, exists, literal, select

from domain.clients.rights import reaches_all
from domain.clients.tables import client
from domain.clients.values import CountryRule, Market
from domain.kernel.errors import NotFound
from tenants.context import ActorKind
from tenants.passwords import NO_PASSWORD
from tenants.tables import brand, brand_country, credential, staff
from tenants.tables import country as country_table
from tenants.values import StaffStatus
from tenants.work import ReadWork, WriteWork

# Somebody else registered the address as well; see `register_client`.
_lacks_password = (
    exists()
    .where(
        credential.c.brand_id == client.c.brand_id,
        credential.c.actor_kind == ActorKind.CLIENT.value,
        credential.c.actor_id == client.c.id,
        credential.c.password_hash == NO_PASSWORD,
    )
    .correlate(client)
)

_LOCKED = (
    select(client)
    .where(client.c.brand_id == bindparam("brand"), client.c.id == bindparam("client"))
    .with_for_update()
)
_LOCKED_OWN = _LOCKED.where(client.c.owner_id == bindparam("owner"))


async def unknown_countries(work: WriteWork, codes: Collection[str]) -> set[str]:
    """Those of the codes that ISO 3166 has not."""
    listed = any_(literal(sorted(set(codes)), ARRAY(Text)))
    rows = await work.rows(select(country_table.c.code).where(country_table.c.code == listed))
    return set(codes) - {row.code for row in rows}


async def get_market(work: WriteWork, country: str) -> Market:
    """How the brand treats one country, and its languages."""
    rule = and_(brand_country.c.brand_id == brand.c.id, brand_country.c.country == country)
    row = await work.one(
        select(brand.c.languages, brand_country.c.legal_entity_id, brand_country.c.allowed)
        .select_from(brand.outerjoin(brand_country, rule))
        .where(brand.c.id == work.scope.brand_id)
    )
    rules = () if row.allowed is None else (CountryRule(country, row.legal_entity_id, row.allowed),)
    return Market(rules, tuple(row.languages))


async def find_by_email(work: WriteWork, email: str, *, lock: bool = False) -> Row[Any] | None:
    """Id, ib path and status of the brand's client with that address."""
    found = select(client.c.id, client.c.ib_path, client.c.status).where(
        client.c.brand_id == work.scope.brand_id, client.c.email == email
    )
    return await work.maybe(found.with_for_update() if lock else found)


async def get_client(work: WriteWork, client_id: UUID) -> Row[Any]:
    """The client, locked for change. Staff without `clients:all` have only those they own.

    Row-level security narrows sessions of clients and ibs by itself. Refusals: NOT_FOUND, alike
    for unknown, foreign and hidden ones.
    """
    scope = work.scope
    asked = {"brand": scope.brand_id, "client": client_id}
    if reaches_all(scope):
        rows = await work.kept_rows(_LOCKED, asked)
    else:
        rows = await work.kept_rows(_LOCKED_OWN, {**asked, "owner": scope.actor.id})
    if not rows:
        raise NotFound(path=("input", "clientId"))
    return rows[0]


async def is_active_staff(work: WriteWork, staff_id: UUID) -> bool:
    """Whether somebody of that id works for the brand now."""
    row = await work.maybe(
        select(staff.c.id).where(
            staff.c.brand_id == work.scope.brand_id,
            staff.c.id == staff_id,
            staff.c.status == StaffStatus.ACTIVE,
        )
    )
    return row is not None


async def find_addressee(work: ReadWork | WriteWork, client_id: UUID) -> Row[Any] | None:
    """What a mail to a client needs, with the brand's name and branding."""
    rows = await work.rows(
        select(
            client.c.email,
            client.c.name,
            client.c.status,
            client.c.ib_path,
            brand.c.name.label("brand_name"),
            brand.c.branding,
            _lacks_password.label("lacks_password"),
        )
        .select_from(client.join(brand, brand.c.id == client.c.brand_id))
        .where(client.c.brand_id == work.scope.brand_id, client.c.id == client_id)
    )
    return rows[0] if rows else None


async def lock_client(work: WriteWork, client_id: UUID) -> Row[Any]:
    """A client that is known to exist, locked, for the system."""
    return await work.one(
        select(client)
        .where(client.c.brand_id == work.scope.brand_id, client.c.id == client_id)
        .with_for_update()
    )


async def lock_clients(work: WriteWork, client_ids: Iterable[UUID]) -> Sequence[Row[Any]]:
    """Some clients, locked in the order of their ids, for the system."""
    wanted = literal(sorted(set(client_ids)), ARRAY(client.c.id.type))
    return await work.rows(
        select(client)
        .where(client.c.brand_id == work.scope.brand_id, client.c.id == any_(wanted))
        .order_by(client.c.id)
        .with_for_update()
    )


async def find_sign_in(work: WriteWork, kind: ActorKind, actor_id: UUID) -> Row[Any] | None:
    """Where mails about an actor's sign-in go, with the brand's name and branding."""
    return await work.maybe(
        select(credential.c.email, brand.c.name.label("brand_name"), brand.c.branding)
        .select_from(credential.join(brand, brand.c.id == credential.c.brand_id))
        .where(
            credential.c.brand_id == work.scope.brand_id,
            credential.c.actor_kind == kind.value,
            credential.c.actor_id == actor_id,
        )
    )


async def list_introduced(
    work: ReadWork | WriteWork, client_ids: Iterable[UUID]
) -> dict[UUID, Row[Any]]:
    """Those of some clients whom an ib introduced, by id: the ib, and the client's address."""
    rows = await work.rows(
        select(client.c.id, client.c.ib_id, client.c.email).where(
            client.c.brand_id == work.scope.brand_id,
            client.c.id == any_(literal(sorted(set(client_ids)), ARRAY(client.c.id.type))),
            client.c.ib_id.is_not(None),
        )
    )
    return {row.id: row for row in rows}
