"""What the API shows of leads: staff's alone, and without `leads:all` only one's own.

Name, e-mail and phone are masked as a client's are.
"""

from sqlalchemy import false

from domain.clients.leads.rights import SEES_ALL_LEADS
from domain.clients.leads.tables import lead, lead_agent, lead_ownership, lead_touch
from domain.clients.masks import (
    mask_email,
    mask_name,
    mask_phone,
    said_email,
    said_name,
    said_phone,
)
from domain.clients.rights import SEES_CONTACTS, SEES_NAMES
from domain.clients.search import PART_LENGTH_MIN, read_term
from domain.reads import (
    VIEWER_ID,
    Entity,
    Field,
    Many,
    Mask,
    One,
    PartSearch,
    RowScope,
    Through,
    Viewer,
    columns,
    extend,
)


def _is_outside(viewer: Viewer) -> bool:
    return viewer.client_id is not None or viewer.ib_path is not None


_STAFF_ONLY = RowScope(false(), when=_is_outside)

LEAD = Entity(
    name="lead",
    table=lead,
    fields={
        **columns(lead, "reference", "version", "stage", "lost_reason", "country", "language"),
        **columns(lead, "source", "campaign", "last_source", "last_campaign"),
        **columns(lead, "created_at", "touched_at", "stage_since"),
        "name": Field(lead.c.name, Mask(SEES_NAMES, mask_name, said_name)),
        "email": Field(lead.c.email, Mask(SEES_CONTACTS, mask_email, said_email)),
        "phone": Field(lead.c.phone, Mask(SEES_CONTACTS, mask_phone, said_phone)),
    },
    relations={
        "owner": One("staff", own="owner_id"),
        "client": One("client", own="client_id"),
        "touches": Many("lead_touch", theirs="lead_id"),
        "ownerships": Many("lead_ownership", theirs="lead_id"),
    },
    filters={
        "stage": lead.c.stage,
        "source": lead.c.source,
        "campaign": lead.c.campaign,
        "country": lead.c.country,
        "owner_id": lead.c.owner_id,
        "email": lead.c.email,
        "phone": lead.c.phone,
        "created_at": lead.c.created_at,
        "touched_at": lead.c.touched_at,
    },
    orders={"CREATED_AT": lead.c.created_at, "TOUCHED_AT": lead.c.touched_at},
    default_order="-CREATED_AT",
    search=PartSearch(
        "search_leads",
        covers=("name", "email", "phone"),
        normalise=read_term,
        shortest=PART_LENGTH_MIN,
    ),
    scopes=(_STAFF_ONLY, RowScope(lead.c.owner_id == VIEWER_ID, unless=SEES_ALL_LEADS)),
)
TOUCH = Entity(
    name="lead_touch",
    table=lead_touch,
    fields={
        **columns(lead_touch, "source", "campaign", "medium", "term", "content", "click_id"),
        **columns(lead_touch, "landing_page", "referrer", "ib_code", "created_at"),
    },
    relations={"lead": One("lead", own="lead_id")},
    orders={"CREATED_AT": lead_touch.c.created_at},
    default_order="-CREATED_AT",
    scopes=(Through("lead"),),
)
OWNERSHIP = Entity(
    name="lead_ownership",
    table=lead_ownership,
    fields=columns(lead_ownership, "given_by", "created_at"),
    relations={
        "lead": One("lead", own="lead_id"),
        "owner": One("staff", own="owner_id"),
    },
    orders={"CREATED_AT": lead_ownership.c.created_at},
    default_order="-CREATED_AT",
    scopes=(Through("lead"),),
)
AGENT = Entity(
    name="lead_agent",
    table=lead_agent,
    fields=columns(
        lead_agent, "enabled", "capacity", "languages", "countries", "assigned_at", "created_at"
    ),
    relations={"staff": One("staff", own="staff_id")},
    orders={"CREATED_AT": lead_agent.c.created_at},
    default_order="CREATED_AT",
    scopes=(_STAFF_ONLY,),
)

READS = (
    LEAD,
    TOUCH,
    OWNERSHIP,
    AGENT,
    extend("client", "lead", One("lead", own="id", theirs="client_id")),
)
