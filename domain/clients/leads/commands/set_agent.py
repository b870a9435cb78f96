"""Say who is given leads in turn, and how many at most."""

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from domain.clients.leads.rules import read_turn
from domain.clients.leads.tables import lead_agent
from domain.clients.leads.values import Turn
from domain.clients.queries import is_active_staff, unknown_countries
from domain.clients.rules import NO_COUNTRY
from domain.kernel.errors import NotFound
from tenants.log import Change
from tenants.refusals import InvalidField
from tenants.work import WriteWork


async def set_agent(work: WriteWork, wanted: Turn) -> UUID:
    """Write a member of staff's place among those who take leads; its id.

    Whoever is new waits longest, and so comes next. Refusals: INVALID, NOT_FOUND. Effects: audit.
    """
    turn = read_turn(wanted)
    if not await is_active_staff(work, turn.staff_id):
        raise NotFound(path=("input", "staffId"))
    if await unknown_countries(work, turn.countries):
        raise InvalidField("countries", NO_COUNTRY)
    values = {
        "enabled": turn.enabled,
        "capacity": turn.capacity,
        "languages": list(turn.languages),
        "countries": list(turn.countries),
    }
    added = insert(lead_agent).values(
        brand_id=work.scope.brand_id,
        id=work.new_id(),
        staff_id=turn.staff_id,
        created_at=work.now(),
        **values,
    )
    row = await work.one(
        added.on_conflict_do_update(
            index_elements=["brand_id", "staff_id"],
            set_={name: added.excluded[name] for name in values},
        ).returning(lead_agent.c.id)
    )
    work.audit(Change("lead_agent.set", object_kind="lead_agent", object_id=row.id, after=values))
    return UUID(str(row.id))
