"""Write a staff note on a client."""

from uuid import UUID

from sqlalchemy import insert

from domain.clients.events import note_added
from domain.clients.queries import get_client
from domain.clients.rules import normalise_note
from domain.clients.tables import client_note
from tenants.context import ActorKind
from tenants.fixed import Fixed
from tenants.log import Change
from tenants.work import WriteWork

_ADD = Fixed(insert(client_note))


async def add_note(work: WriteWork, client_id: UUID, body: str) -> UUID:
    """Store the note under the client's name; its id. Notes are never changed or removed.

    A note by a token or an operator has no author, the audit trail names who it was.
    Refusals: NOT_FOUND, INVALID. Effects: event `note_added` for staff alone, audit.
    """
    text = normalise_note(body)
    row = await get_client(work, client_id)
    actor = work.scope.actor
    note_id = work.new_id()
    await work.later(
        _ADD,
        {
            "brand_id": work.scope.brand_id,
            "id": note_id,
            "client_id": row.id,
            "author_id": actor.id if actor.kind is ActorKind.STAFF else None,
            "body": text,
            "created_at": work.now(),
        },
    )
    work.emit(note_added(row.id, note_id))
    work.audit(
        Change(
            "note.create",
            object_kind="note",
            object_id=note_id,
            after={"client_id": str(row.id)},
        )
    )
    return note_id
