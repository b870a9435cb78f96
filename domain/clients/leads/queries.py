"""SELECTs that commands and consumers of leads need."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Column, ColumnElement, Row, and_, any_, func, literal, or_, select

from domain.clients.leads.rights import reaches_all
from domain.clients.leads.rules import HELD, same_person
from domain.clients.leads.tables import lead, lead_agent, lead_touch
from domain.kernel.errors import NotFound
from tenants.tables import staff
from tenants.values import StaffStatus
from tenants.work import WriteWork

_held = (
    select(func.count())
    .select_from(lead)
    .where(
        lead.c.brand_id == lead_agent.c.brand_id,
        lead.c.owner_id == lead_agent.c.staff_id,
        or_(*(lead.c.stage == stage for stage in HELD)),
    )
    .scalar_subquery()
)


@dataclass(frozen=True, slots=True)
class Attribution:
    """What a registration owes to the lead that came before it."""

    ib_code: str | None
    owner_id: UUID | None


def _is_of(email: str | None, phone: str | None) -> ColumnElement[bool]:
    """Leads with that address or number; one of the two is there."""
    known = ((lead.c.email, email), (lead.c.phone, phone))
    return or_(*(column == value for column, value in known if value is not None))


def _works(brand_id: Column[Any], staff_id: Column[Any]) -> ColumnElement[bool]:
    return and_(
        staff.c.brand_id == brand_id,
        staff.c.id == staff_id,
        staff.c.status == StaffStatus.ACTIVE,
    )


async def lock_same(work: WriteWork, email: str | None, phone: str | None) -> list[Row[Any]]:
    """The brand's leads with that address or number, oldest first, locked for change."""
    found = select(lead).where(lead.c.brand_id == work.scope.brand_id, _is_of(email, phone))
    return list(await work.rows(found.order_by(lead.c.created_at, lead.c.id).with_for_update()))


async def get_lead(work: WriteWork, lead_id: UUID) -> Row[Any]:
    """The lead, locked for change. Staff without `leads:all` have only those they own.

    Refusals: NOT_FOUND, alike for unknown, foreign and others'.
    """
    conditions = [lead.c.brand_id == work.scope.brand_id, lead.c.id == lead_id]
    if not reaches_all(work.scope):
        conditions.append(lead.c.owner_id == work.scope.actor.id)
    found = await work.maybe(select(lead).where(*conditions).with_for_update())
    if found is None:
        raise NotFound(path=("input", "leadId"))
    return found


async def get_touch(work: WriteWork, touch_id: UUID) -> Row[Any]:
    """What somebody left, locked until its lead is known."""
    return await work.one(
        select(lead_touch)
        .where(lead_touch.c.brand_id == work.scope.brand_id, lead_touch.c.id == touch_id)
        .with_for_update()
    )


async def next_agent(
    work: WriteWork, *, language: str | None, country: str | None
) -> Row[Any] | None:
    """Whose turn it is, locked: active, with room, speaking the language, waiting longest.

    Agents that another work is giving a lead to just now are passed over.
    """
    fits = [
        or_(func.cardinality(column) == 0, literal(value) == func.any(column))
        for column, value in (
            (lead_agent.c.languages, language),
            (lead_agent.c.countries, country),
        )
        if value is not None
    ]
    works = _works(lead_agent.c.brand_id, lead_agent.c.staff_id)
    return await work.maybe(
        select(lead_agent.c.id, lead_agent.c.staff_id)
        .join(staff, works)
        .where(
            lead_agent.c.brand_id == work.scope.brand_id,
            lead_agent.c.enabled,
            _held < lead_agent.c.capacity,
            *fits,
        )
        .order_by(lead_agent.c.assigned_at.asc().nulls_first(), lead_agent.c.staff_id)
        .limit(1)
        .with_for_update(skip_locked=True, of=lead_agent)
    )


async def find_attribution(
    work: WriteWork, email: str, phone: str | None, *, since: datetime
) -> Attribution:
    """Whose link brought somebody as a lead since then, and who looks after that lead."""
    rows = await work.rows(
        select(
            lead.c.id,
            lead.c.email,
            lead.c.phone,
            lead.c.ib_code,
            lead.c.ib_since,
            staff.c.id.label("owner_id"),
        )
        .outerjoin(staff, _works(lead.c.brand_id, lead.c.owner_id))
        .where(
            lead.c.brand_id == work.scope.brand_id,
            _is_of(email, phone),
            lead.c.client_id.is_(None),
        )
        .order_by(lead.c.created_at, lead.c.id)
    )
    whose = same_person([(row.id, row.email, row.phone) for row in rows], email, phone)
    for row in rows:
        if row.id == whose:
            in_time = row.ib_since is not None and row.ib_since >= since
            return Attribution(row.ib_code if in_time else None, row.owner_id)
    return Attribution(None, None)


async def lock_of_clients(work: WriteWork, client_ids: Iterable[UUID]) -> Sequence[Row[Any]]:
    """The leads that became these clients, locked for change in the order of their ids."""
    wanted = literal(sorted(set(client_ids)), ARRAY(lead.c.client_id.type))
    return await work.rows(
        select(lead)
        .where(lead.c.brand_id == work.scope.brand_id, lead.c.client_id == any_(wanted))
        .order_by(lead.c.id)
        .with_for_update()
    )


async def lock_of_client(work: WriteWork, client_id: UUID) -> Row[Any] | None:
    """The lead that became this client, locked for change."""
    return await work.maybe(
        select(lead)
        .where(lead.c.brand_id == work.scope.brand_id, lead.c.client_id == client_id)
        .with_for_update()
    )
