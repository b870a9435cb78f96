"""Notices of the outside world: kept as they came, once per event, before anything acts on them.

An event of topic NOTICE, which no audience sees, tells the consumers; they defer the jobs.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, cast, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from domain.events.tables import inbox
from domain.events.values import InboxState
from tenants.log import Event
from tenants.work import ReadWork, WriteWork

TOPIC = "NOTICE"
RECEIVED = "notice_received"
_TEXTS = ARRAY(Text)


@dataclass(frozen=True, slots=True)
class Received:
    """A proven notice. `endpoint_id` is whom it was sent to, `verified_with` which of the
    endpoint's secrets signed it (0 is the present one)."""

    provider: str
    event_id: str
    endpoint_id: UUID
    raw: bytes
    verified_with: int


async def record(work: WriteWork, notice: Received) -> bool:
    """Keep a notice; False when its event is there already, however the body looks.

    Two endpoints of a provider never share an event. Effects: one event of topic NOTICE.
    """
    # An endpoint can't take the place of another one's event.
    event_id = f"{notice.endpoint_id.hex}:{notice.event_id}"
    made = await work.rows(
        insert(inbox)
        .values(
            brand_id=work.scope.brand_id,
            provider=notice.provider,
            event_id=event_id,
            endpoint_id=notice.endpoint_id,
            state=InboxState.RECEIVED,
            raw=notice.raw,
            verified_with=str(notice.verified_with),
            received_at=work.now(),
        )
        .on_conflict_do_nothing()
        .returning(inbox.c.event_id)
    )
    if not made:
        return False
    payload = {"provider": notice.provider, "event_id": event_id}
    work.emit(Event(TOPIC, RECEIVED, object_id=notice.endpoint_id, payload=payload))
    return True


async def find(work: ReadWork | WriteWork, provider: str, event_id: str) -> Any:
    """A kept notice; None when there is none."""
    rows = await work.rows(
        select(inbox).where(
            inbox.c.brand_id == work.scope.brand_id,
            inbox.c.provider == provider,
            inbox.c.event_id == event_id,
        )
    )
    return rows[0] if rows else None


async def settle(work: WriteWork, provider: str, event_id: str, state: InboxState) -> bool:
    """Say once what became of a notice; False when it was said before."""
    done = await work.rows(
        update(inbox)
        .where(
            inbox.c.brand_id == work.scope.brand_id,
            inbox.c.provider == provider,
            inbox.c.event_id == event_id,
            inbox.c.state == InboxState.RECEIVED.value,
        )
        .values(state=state, handled_at=work.now())
        .returning(inbox.c.event_id)
    )
    return bool(done)


async def list_waiting(
    work: WriteWork, providers: Collection[str], *, older_than: timedelta, limit: int = 100
) -> list[tuple[str, str]]:
    """Provider and event of notices of these providers that nobody has acted on for so long,
    oldest first."""
    rows = await work.rows(
        select(inbox.c.provider, inbox.c.event_id)
        .where(
            inbox.c.brand_id == work.scope.brand_id,
            inbox.c.provider == func.any(cast(literal(sorted(providers), _TEXTS), _TEXTS)),
            inbox.c.state == InboxState.RECEIVED.value,
            inbox.c.received_at < work.now() - older_than,
        )
        .order_by(inbox.c.received_at)
        .limit(limit)
    )
    return [(row.provider, row.event_id) for row in rows]
