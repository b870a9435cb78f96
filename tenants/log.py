"""The event log and the audit trail, appended once, at the very end of a work.

`brand_head` holds both sequences; one UPDATE yields the numbers and orders the brand's commits, so
that `seq` is gapless and in commit order. It must be the last lock a work takes: two takers of
other rows after the head deadlock.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import update

from domain.kernel.ids import new_uuid
from tenants.bulk import Statements, insert_rows
from tenants.context import Scope
from tenants.tables import audit, brand_head, event
from tenants.values import Outcome

_EXACT_MAX = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Event:
    """A fact we are about to commit. `payload` says what was true then and holds no personal data.

    `client_id` and `ib_path` decide who may see it; `object_id` is what it is about.
    """

    topic: str
    kind: str
    object_id: UUID | None = None
    client_id: UUID | None = None
    ib_path: str = ""
    payload: dict[str, Any] = field(default_factory=dict)
    version: int = 1


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the audit trail: what was done to what, before and after, and why."""

    action: str
    object_kind: str = ""
    object_id: UUID | None = None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    reason: str | None = None
    outcome: Outcome = Outcome.DONE
    repeats: int = 1


async def append(
    work: Statements, scope: Scope, at: datetime, events: Sequence[Event], changes: Sequence[Change]
) -> int | None:
    """Number and insert everything a work recorded; the last event's `seq`, None without events."""
    if not events and not changes:
        return None
    head = (
        update(brand_head)
        .where(brand_head.c.brand_id == scope.brand_id)
        .values(
            event_seq=brand_head.c.event_seq + len(events),
            audit_seq=brand_head.c.audit_seq + len(changes),
        )
        .returning(brand_head.c.event_seq, brand_head.c.audit_seq)
    )
    heads = await work.rows(head)
    assert len(heads) == 1, "a brand has exactly one head row"
    event_seq, audit_seq = heads[0]
    if events:
        first = event_seq - len(events) + 1
        rows = [_event_row(scope, at, first + n, one) for n, one in enumerate(events)]
        await insert_rows(work, event, rows)
    if changes:
        first = audit_seq - len(changes) + 1
        rows = [_audit_row(scope, at, first + n, one) for n, one in enumerate(changes)]
        await insert_rows(work, audit, rows)
    return int(event_seq) if events else None


def _event_row(scope: Scope, at: datetime, seq: int, one: Event) -> dict[str, Any]:
    return {
        "brand_id": scope.brand_id,
        "seq": seq,
        "at": at,
        "topic": one.topic,
        "kind": one.kind,
        "version": one.version,
        "client_id": one.client_id,
        "ib_path": one.ib_path,
        "object_id": one.object_id,
        "actor_kind": scope.actor.kind,
        "actor_id": scope.actor.id,
        "payload": one.payload,
    }


def narrow(value: Any) -> Any:
    """Whole numbers that JSON's readers can't be trusted with as text, at any depth: one of them
    could neither be sealed nor shown."""
    if isinstance(value, dict):
        return {name: narrow(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [narrow(one) for one in value]
    is_wide = isinstance(value, int) and abs(value) > _EXACT_MAX
    return str(value) if is_wide else value


def _audit_row(scope: Scope, at: datetime, seq: int, one: Change) -> dict[str, Any]:
    return {
        "brand_id": scope.brand_id,
        "seq": seq,
        "id": new_uuid(),
        "at": at,
        "actor_kind": scope.actor.kind,
        "actor_id": scope.actor.id,
        "on_behalf_of": scope.on_behalf_of.id if scope.on_behalf_of else None,
        "token_id": scope.token_id,
        "action": one.action,
        "object_kind": one.object_kind,
        "object_id": one.object_id,
        "outcome": one.outcome,
        "repeats": one.repeats,
        "reason": one.reason,
        "before": narrow(one.before),
        "after": narrow(one.after),
        "ip": scope.ip,
        "request_id": scope.request_id,
    }
