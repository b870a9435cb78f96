"""Events of topic IB. An event is seen by the ib it is about and by those above it."""

from enum import StrEnum
from uuid import UUID

from tenants.log import Event

TOPIC = "IB"


class IbEventKind(StrEnum):
    """What happened, in the past tense."""

    CREATED = "created"


def ib_event(kind: IbEventKind, ib_id: UUID, path: str) -> Event:
    """An event of an ib at `path`."""
    return Event(topic=TOPIC, kind=kind, object_id=ib_id, ib_path=path)
