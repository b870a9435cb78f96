"""Events of topic LEAD, for staff alone. They carry ids and stages, no personal data.

Each says in `owner_id` whose the lead was, so that staff without `leads:all` are told of their own.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from tenants.log import Event

TOPIC = "LEAD"


class LeadEventKind(StrEnum):
    """What happened, in the past tense."""

    RECEIVED = "received"
    CAPTURED = "captured"
    RETURNED = "returned"
    OWNER_CHANGED = "owner_changed"
    STAGE_CHANGED = "stage_changed"
    CONVERTED = "converted"


@dataclass(frozen=True, slots=True)
class Subject:
    """The lead an event is about, and whose it is."""

    id: UUID
    owner_id: UUID | None


def received(touch_id: UUID) -> Event:
    """Somebody left details; which lead that is, is not known yet."""
    return Event(topic=TOPIC, kind=LeadEventKind.RECEIVED, object_id=touch_id)


def lead_event(kind: LeadEventKind, subject: Subject, **payload: Any) -> Event:
    """An event of a lead; `owner_id` in its payload says who of staff may see it."""
    owner = None if subject.owner_id is None else str(subject.owner_id)
    return Event(
        topic=TOPIC, kind=kind, object_id=subject.id, payload={"owner_id": owner, **payload}
    )
