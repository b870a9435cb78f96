"""What the API shows of clients: the client, staff notes, and the timeline out of the event log.

E-mail and phone are masked without `clients:pii`, the name without `clients:names`, staff's labels
without `notes:read`. Staff without
`clients:all` see the clients they own, a client itself, an ib its subtree.
"""

from domain.clients.masks import (
    mask_email,
    mask_name,
    mask_phone,
    mask_tags,
    said_email,
    said_name,
    said_phone,
    said_tags,
)
from domain.clients.rights import SEES_ALL, SEES_CONTACTS, SEES_NAMES, SEES_NOTES
from domain.clients.search import SUFFIX_LENGTH_MIN, read_term
from domain.clients.tables import client, client_note, client_search
from domain.reads import (
    VIEWER_ID,
    Entity,
    Field,
    Many,
    Mask,
    One,
    RowScope,
    SuffixSearch,
    Through,
    Viewer,
    columns,
    own_rows,
)
from tenants.tables import event


def _is_brands(viewer: Viewer) -> bool:
    return viewer.client_id is None and viewer.ib_path is None


CLIENT = Entity(
    name="client",
    table=client,
    fields={
        **columns(client, "reference", "version", "kind", "status", "created_at"),
        **columns(client, "country", "language", "email_verified_at", "risk"),
        "name": Field(client.c.name, Mask(SEES_NAMES, mask_name, said_name)),
        "email": Field(client.c.email, Mask(SEES_CONTACTS, mask_email, said_email)),
        "phone": Field(client.c.phone, Mask(SEES_CONTACTS, mask_phone, said_phone)),
        "tags": Field(client.c.tags, Mask(SEES_NOTES, mask_tags, said_tags)),
    },
    relations={
        "legal_entity": One("legal_entity", own="legal_entity_id"),
        "owner": One("staff", own="owner_id"),
        "notes": Many("note", theirs="client_id"),
        "timeline": Many("timeline_item", theirs="client_id"),
    },
    filters={
        "status": client.c.status,
        "kind": client.c.kind,
        "country": client.c.country,
        "created_at": client.c.created_at,
        "owner_id": client.c.owner_id,
        "ib_id": client.c.ib_id,
        "tags": client.c.tags,
    },
    orders={
        "CREATED_AT": client.c.created_at,
        "NAME": client.c.name,
        "REFERENCE": client.c.reference,
    },
    default_order="-CREATED_AT",
    search=SuffixSearch(
        client_search,
        key="client_id",
        covers=("name", "email", "phone"),
        kind="kind",
        normalise=read_term,
        shortest=SUFFIX_LENGTH_MIN,
    ),
    scopes=(
        *own_rows(client, client="id"),
        RowScope(client.c.owner_id == VIEWER_ID, unless=SEES_ALL, when=_is_brands),
    ),
)
NOTE = Entity(
    name="note",
    table=client_note,
    fields=columns(client_note, "body", "created_at"),
    relations={
        "client": One("client", own="client_id"),
        "author": One("staff", own="author_id"),
    },
    orders={"CREATED_AT": client_note.c.created_at},
    default_order="-CREATED_AT",
    scopes=(Through("client"),),
)
TIMELINE_ITEM = Entity(
    name="timeline_item",
    table=event,
    key="seq",
    fields={
        **columns(event, "topic", "kind", "payload", "actor_kind", "actor_id"),
        "occurred_at": event.c.at,
    },
    relations={"client": One("client", own="client_id")},
    filters={"topic": event.c.topic, "occurred_at": event.c.at},
    orders={"OCCURRED": event.c.seq},
    default_order="-OCCURRED",
    scopes=(*own_rows(event), Through("client")),
)

READS = (CLIENT, NOTE, TIMELINE_ITEM)
