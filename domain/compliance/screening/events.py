"""Events of topic SCREENING, for those with `screening:read` alone.

They name their client in the payload only, so that neither its timeline nor its feed has them, and
say nothing of whom it was taken for.
"""

from enum import StrEnum
from uuid import UUID

from domain.compliance.screening.values import Disposition, HitStrength
from tenants.log import Event

TOPIC = "SCREENING"


class ScreeningEventKind(StrEnum):
    """What happened, in the past tense."""

    HIT_OPENED = "hit_opened"
    HIT_DECIDED = "hit_decided"


def hit_opened(hit_id: UUID, client_id: UUID, strength: HitStrength) -> Event:
    """A client's name was found, or found again after it had been decided."""
    payload = {"client_id": str(client_id), "strength": strength}
    return Event(topic=TOPIC, kind=ScreeningEventKind.HIT_OPENED, object_id=hit_id, payload=payload)


def hit_decided(hit_id: UUID, client_id: UUID, disposition: Disposition) -> Event:
    """Somebody decided about a hit, or asked for the second person."""
    payload = {"client_id": str(client_id), "disposition": disposition}
    return Event(
        topic=TOPIC, kind=ScreeningEventKind.HIT_DECIDED, object_id=hit_id, payload=payload
    )
