"""Found a group: reference data, legal entities, brands and their staff. Run as the owner.

Everything here may run again: rows that exist are left as they are.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Table, literal_column, select
from sqlalchemy.dialects.postgresql import insert

from tenants.context import ActorKind
from tenants.log import Change
from tenants.tables import (
    asset,
    brand,
    brand_country,
    brand_head,
    brand_host,
    brand_state,
    country,
    credential,
    jurisdiction,
    legal_entity,
    operator,
    publishable_key,
    staff,
    staff_role,
)
from tenants.values import BrandStatus, Role, StaffStatus
from tenants.work import WriteWork

_FILES = Path(__file__).parent / "reference"


@dataclass(frozen=True, slots=True)
class EntityPlan:
    """A legal entity under the current policy of its jurisdiction."""

    id: UUID
    name: str
    regulator: str
    licence_number: str
    jurisdiction: str
    risk_warning: str
    documents: Sequence[dict[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class BrandPlan:
    """A brand to be. `countries` are those its legal entity takes clients from."""

    id: UUID
    slug: str
    name: str
    hosts: Sequence[str]
    legal_entity_id: UUID
    countries: Sequence[str]
    key_id: UUID
    origins: Sequence[str] = ()
    time_zone: str = "UTC"
    languages: Sequence[str] = ("en",)
    currencies: Sequence[str] = ("USD", "EUR")
    features: Sequence[str] = ()
    branding: dict[str, Any] = field(default_factory=dict)
    sandbox: bool = True


async def add_reference(work: WriteWork) -> None:
    """Countries (ISO 3166-1) and assets with their scales (ISO 4217; coins by network)."""
    with (_FILES / "countries.csv").open(newline="") as lines:
        await add_missing(work, country, list(csv.DictReader(lines)))
    with (_FILES / "assets.csv").open(newline="") as lines:
        rows = [
            {**row, "scale": int(row["scale"]), "network": row["network"] or None}
            for row in csv.DictReader(lines)
        ]
    await add_missing(work, asset, rows)


async def add_jurisdiction(
    work: WriteWork, code: str, name: str, policy: dict[str, Any], *, version: int = 1
) -> None:
    """A version of a jurisdiction's rules as data; a new version is a new row."""
    row = {"code": code, "version": version, "name": name, "policy": policy}
    await add_missing(work, jurisdiction, [row])


async def add_entity(work: WriteWork, plan: EntityPlan) -> None:
    """A licensed company that contracts with clients."""
    row = {
        "id": plan.id,
        "name": plan.name,
        "regulator": plan.regulator,
        "licence_number": plan.licence_number,
        "risk_warning": plan.risk_warning,
        "jurisdiction": plan.jurisdiction,
        "jurisdiction_version": 1,
        "documents": list(plan.documents),
    }
    await add_missing(work, legal_entity, [row])


async def add_operator(work: WriteWork, operator_id: UUID, *, email: str, name: str) -> None:
    """A person of the group's operator."""
    row = {"id": operator_id, "email": email, "name": name, "created_at": work.now()}
    await add_missing(work, operator, [row])


async def add_brand(work: WriteWork, plan: BrandPlan) -> None:
    """A brand with its hosts and countries: the rows that belong to no brand's own space."""
    row = {
        "id": plan.id,
        "slug": plan.slug,
        "name": plan.name,
        "status": BrandStatus.ACTIVE,
        "sandbox": plan.sandbox,
        "time_zone": plan.time_zone,
        "languages": list(plan.languages),
        "currencies": list(plan.currencies),
        "features": list(plan.features),
        "branding": plan.branding,
        "created_at": work.now(),
    }
    await add_missing(work, brand, [row])
    await add_missing(
        work, brand_host, [{"host": host, "brand_id": plan.id} for host in plan.hosts]
    )
    rules = [
        {
            "brand_id": plan.id,
            "country": code,
            "legal_entity_id": plan.legal_entity_id,
            "allowed": True,
        }
        for code in plan.countries
    ]
    await add_missing(work, brand_country, rules)


async def open_brand(work: WriteWork, plan: BrandPlan) -> None:
    """The brand's own rows: heads of its logs, its policy's version, its publishable key.

    Effects: audit, the first line of the brand's trail, when it was not open before.
    """
    scope = {"brand_id": work.scope.brand_id}
    state = {**scope, "policy_version": 1, "clock_offset_ms": 0}
    if await add_missing(work, brand_state, [state]):
        after = {"slug": plan.slug, "legal_entity_id": str(plan.legal_entity_id)}
        work.audit(
            Change("brand.open", object_kind="brand", object_id=work.scope.brand_id, after=after)
        )
    await add_missing(work, brand_head, [{**scope, "event_seq": 0, "audit_seq": 0}])
    key = {
        **scope,
        "id": plan.key_id,
        "name": "portal",
        "origins": list(plan.origins),
        "created_at": work.now(),
    }
    if await add_missing(work, publishable_key, [key]):
        work.audit(
            Change("publishable_key.create", object_kind="publishable_key", object_id=plan.key_id)
        )


async def find_staff(work: WriteWork, email: str) -> UUID | None:
    """The member of staff with that address."""
    row = await work.maybe(
        select(staff.c.id).where(staff.c.brand_id == work.scope.brand_id, staff.c.email == email)
    )
    return None if row is None else row.id


async def hire(work: WriteWork, *, name: str, email: str, role: Role, password_hash: str) -> UUID:
    """A member of staff with one role, found by e-mail when already there."""
    scope = {"brand_id": work.scope.brand_id}
    known = await find_staff(work, email)
    if known is not None:
        return known
    staff_id = work.new_id()
    member = {
        **scope,
        "id": staff_id,
        "name": name,
        "email": email,
        "status": StaffStatus.ACTIVE,
        "created_at": work.now(),
    }
    await add_missing(work, staff, [member])
    await add_missing(work, staff_role, [{**scope, "staff_id": staff_id, "role": role}])
    login = {
        **scope,
        "actor_kind": ActorKind.STAFF,
        "actor_id": staff_id,
        "email": email,
        "password_hash": password_hash,
        "changed_at": work.now(),
    }
    await add_missing(work, credential, [login])
    work.audit(Change("staff.hire", object_kind="staff", object_id=staff_id, after={"role": role}))
    return staff_id


async def add_missing(work: WriteWork, table: Table, rows: Sequence[dict[str, Any]]) -> int:
    """Insert the rows that are not there yet; how many those were."""
    if not rows:
        return 0
    missing = insert(table).values(list(rows)).on_conflict_do_nothing()
    return len(await work.rows(missing.returning(literal_column("1"))))
