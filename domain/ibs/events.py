"""Events of topic IB. An event is seen by the ib it is about and by those above it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any
from uuid import UUID

from tenants.log import Event

TOPIC = "IB"


class IbEventKind(StrEnum):
    """What happened, in the past tense. RATES_INVERTED is for staff alone."""

    CREATED = "created"
    MOVED = "moved"
    SUSPENDED = "suspended"
    REINSTATED = "reinstated"
    LINK_CREATED = "link_created"
    INVITED = "invited"
    PLAN_ASSIGNED = "plan_assigned"
    ACCRUED = "accrued"
    REVERSED = "reversed"
    BECAME_PAYABLE = "became_payable"
    RATES_INVERTED = "rates_inverted"


def ib_event(
    kind: IbEventKind, object_id: UUID, path: str, payload: Mapping[str, Any] | None = None
) -> Event:
    """An event of the ib at `path`; `object_id` is what it is about, of the ib or the ib itself."""
    return Event(
        topic=TOPIC, kind=kind, object_id=object_id, ib_path=path, payload=dict(payload or {})
    )
