"""The event log and the audit trail, appended once, at the very end of a work.

`brand_head` holds both sequences; one UPDATE yields the numbers and orders the brand's commits, so
that `seq` is gapless and in commit order. It must be the last lock a work takes: two takers of
other rows after the head deadlock.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, DateTime, Integer, Table, Text, bindparam, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as PgUUID

from domain.kernel.ids import new_uuid
from tenants.context import Scope
from tenants.tables import audit, brand_head, event
from tenants.values import Outcome

_TYPED = (PgUUID, DateTime, BigInteger, Integer)


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


class Statements(Protocol):
    """The part of a work that appending needs."""

    async def rows(self, statement: Any, parameters: Any = None) -> Sequence[Any]: ...


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
        await _insert(work, event, rows)
    if changes:
        first = audit_seq - len(changes) + 1
        rows = [_audit_row(scope, at, first + n, one) for n, one in enumerate(changes)]
        await _insert(work, audit, rows)
    return int(event_seq) if events else None


async def _insert(work: Statements, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """All rows in one statement of one array a column, the same for any number of them.

    A list of VALUES would be compiled anew each time, which costs more than it takes to insert,
    and a statement takes 32,767 parameters.
    """
    given = {name: [row[name] for row in rows] for name in rows[0]}
    for name in given.keys() & _documents(table):
        given[name] = [None if one is None else json.dumps(one) for one in given[name]]
    await work.rows(_insertion(table), given)


@cache
def _insertion(table: Table) -> Any:
    names = [column.name for column in table.columns]
    documents = _documents(table)
    columns = ", ".join(names)
    values = ", ".join(f"cast({one} as jsonb)" if one in documents else one for one in names)
    arrays = ", ".join(f":{one}" for one in names)
    statement = text(
        f"insert into {table.name} ({columns})"  # noqa: S608 - names of our own tables
        f" select {values} from unnest({arrays}) as added({columns})"
    )
    return statement.bindparams(*(bindparam(one.name, type_=_array(one)) for one in table.columns))


def _array(column: Any) -> ARRAY[Any]:
    return ARRAY(column.type if isinstance(column.type, _TYPED) else Text)


@cache
def _documents(table: Table) -> frozenset[str]:
    return frozenset(one.name for one in table.columns if isinstance(one.type, JSONB))


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
        "before": one.before,
        "after": one.after,
        "ip": scope.ip,
        "request_id": scope.request_id,
    }
