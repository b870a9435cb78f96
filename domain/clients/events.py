"""Events of topic CLIENT, and the one sentence a timeline shows for each.

Payloads hold ids and names of fields, no personal data: what was written stands in the client's
own row, under masks and row-level security. `note_added` and `risk_set` carry their client in the
payload only, so that neither the client nor its ib sees what staff did.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from tenants.log import Event
from tenants.password_reset import REQUESTED

TOPIC = "CLIENT"


class ClientEventKind(StrEnum):
    """What happened, in the past tense."""

    REGISTERED = "registered"
    IMPORTED = "imported"
    REGISTRATION_REPEATED = "registration_repeated"
    EMAIL_VERIFIED = "email_verified"
    PROFILE_CHANGED = "profile_changed"
    OWNER_CHANGED = "owner_changed"
    PASSWORD_RESET_REQUESTED = REQUESTED
    NOTE_ADDED = "note_added"
    RISK_SET = "risk_set"


@dataclass(frozen=True, slots=True)
class Subject:
    """The client an event is about, with the ib line that may see it."""

    id: UUID
    ib_path: str


def client_event(
    kind: ClientEventKind, subject: Subject, payload: dict[str, Any] | None = None
) -> Event:
    """An event that the client, its ib line and staff may see."""
    return Event(
        topic=TOPIC,
        kind=kind,
        object_id=subject.id,
        client_id=subject.id,
        ib_path=subject.ib_path,
        payload=payload or {},
    )


def note_added(client_id: UUID, note_id: UUID) -> Event:
    """An event for staff alone."""
    return Event(
        topic=TOPIC,
        kind=ClientEventKind.NOTE_ADDED,
        object_id=note_id,
        payload={"client_id": str(client_id)},
    )


def risk_set(client_id: UUID) -> Event:
    """An event for staff alone: the client is not told how closely its money is looked at."""
    return Event(
        topic=TOPIC,
        kind=ClientEventKind.RISK_SET,
        object_id=client_id,
        payload={"client_id": str(client_id)},
    )


_SENTENCES = {
    ClientEventKind.REGISTERED: "Registered.",
    ClientEventKind.IMPORTED: "Came from another system.",
    ClientEventKind.REGISTRATION_REPEATED: "Somebody tried to register with this e-mail again.",
    ClientEventKind.EMAIL_VERIFIED: "Verified the e-mail address.",
    ClientEventKind.PASSWORD_RESET_REQUESTED: "Asked for a new password.",
    ClientEventKind.OWNER_CHANGED: "Came to another member of staff.",
}


def summarise(topic: str, kind: str, payload: Mapping[str, Any]) -> str:
    """One English sentence for an event of any topic; front ends translate by topic and kind."""
    if topic == TOPIC and kind == ClientEventKind.PROFILE_CHANGED:
        return f"Changed {', '.join(payload.get('fields', ())) or 'the profile'}."
    if topic == TOPIC and kind in _SENTENCES:
        return _SENTENCES[ClientEventKind(kind)]
    return f"{topic} {kind}".replace("_", " ").capitalize() + "."
