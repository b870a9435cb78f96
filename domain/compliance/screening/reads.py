"""What the API shows of screening: to those with `screening:read`, which no other right implies.

Without `clients:all` they see the hits of clients they own.
"""

from sqlalchemy import false

from domain.clients.masks import mask_name, said_name
from domain.clients.rights import SEES_NAMES
from domain.compliance.screening.tables import (
    sanctions_entry,
    screening_decision,
    screening_hit,
)
from domain.reads import (
    Entity,
    Field,
    Many,
    Mask,
    One,
    RowScope,
    Through,
    columns,
    extend,
)

SEES_HITS = "screening:read"
_COMPARTMENT = RowScope(false(), unless=SEES_HITS)

HIT = Entity(
    name="screening_hit",
    table=screening_hit,
    fields={
        **columns(screening_hit, "version", "listed_name", "score", "strength", "disposition"),
        **columns(screening_hit, "opened_at", "decided_at"),
        "asker_id": screening_hit.c.asked_by,
        "client_name": Field(screening_hit.c.client_name, Mask(SEES_NAMES, mask_name, said_name)),
    },
    relations={
        "client": One("client", own="client_id"),
        "entry": One("sanctions_entry", own="entry_id"),
        "asked_by": One("staff", own="asked_by"),
        "decisions": Many("screening_decision", theirs="hit_id"),
    },
    filters={
        "disposition": screening_hit.c.disposition,
        "strength": screening_hit.c.strength,
        "client_id": screening_hit.c.client_id,
        "opened_at": screening_hit.c.opened_at,
    },
    orders={"OPENED_AT": screening_hit.c.opened_at, "SCORE": screening_hit.c.score},
    default_order="-OPENED_AT",
    scopes=(_COMPARTMENT, Through("client")),
)
DECISION = Entity(
    name="screening_decision",
    table=screening_decision,
    fields=columns(screening_decision, "disposition", "reason", "created_at"),
    relations={
        "hit": One("screening_hit", own="hit_id"),
        "staff": One("staff", own="staff_id"),
    },
    orders={"CREATED_AT": screening_decision.c.created_at},
    default_order="-CREATED_AT",
    scopes=(_COMPARTMENT, Through("hit")),
)
ENTRY = Entity(
    name="sanctions_entry",
    table=sanctions_entry,
    fields=columns(
        sanctions_entry, "list", "ref", "kind", "program", "remarks", "first_on", "last_on"
    ),
    orders={"FIRST_ON": sanctions_entry.c.first_on},
    scopes=(_COMPARTMENT,),
)

READS = (
    HIT,
    DECISION,
    ENTRY,
    extend("client", "screening", Many("screening_hit", theirs="client_id")),
)
