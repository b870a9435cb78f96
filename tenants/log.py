"""The event log and the audit trail, appended once, at the very end of a work.

`brand_head` holds both sequences; one UPDATE yields the numbers and orders the brand's commits, so
that `seq` is gapless and in commit order. It must be the last lock a work takes: two takers of
other rows after the head deadlock.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import BigInteger, BindParameter, bindparam, text

from domain.kernel.ids import new_uuid
from tenants.bulk import Statements, arrays, cells, single, spread
from tenants.context import Scope
from tenants.fixed import Fixed
from tenants.tables import audit, event
from tenants.values import Outcome

_EXACT_MAX = 2**53 - 1
# The columns of a row, the number first.
_TOLD, _NOTED = (
    ("seq", *(one.name for one in table.columns if one.name != "seq")) for table in (event, audit)
)


class _Rows(NamedTuple):
    """What a statement inserts: where rows come from, their values, and the parameters."""

    source: str
    values: list[str]
    parameters: list[BindParameter[Any]]


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


class Ending(Statements, Protocol):
    """The part of a work that appending needs."""

    async def last(self, statement: Fixed, parameters: Any) -> Sequence[Any]: ...


async def append(
    work: Ending, scope: Scope, at: datetime, events: Sequence[Event], changes: Sequence[Change]
) -> int | None:
    """Number and insert everything a work recorded; the last event's `seq`, None without events.

    What most works record is committed in the same breath: the head is not held for a round trip.
    """
    if not events and not changes:
        return None
    told = [_event_row(scope, at, n, one) for n, one in enumerate(events, 1)]
    noted = [_audit_row(scope, at, n, one) for n, one in enumerate(changes, 1)]
    given = {"brand": scope.brand_id, "told": len(told), "noted": len(noted)}
    if len(told) <= 1 and len(noted) <= 1:
        for table, names, rows, prefix in (
            (event, _TOLD, told, "e_"),
            (audit, _NOTED, noted, "a_"),
        ):
            for row in rows:
                given.update(cells(table, names, row, prefix))
        heads = await work.last(_append_at_most_one(bool(told), bool(noted)), given)
    else:
        given.update(arrays(event, _TOLD, told, "e_"), **arrays(audit, _NOTED, noted, "a_"))
        heads = await work.rows(_append(), given)
    return int(heads[0].event_seq) if events else None


@cache
def _append() -> Fixed:
    """One statement, so that the head, which all works of a brand wait for, is held for no longer
    than it and the commit take. Rows come with their place in the work."""
    told, event_values, of_events = spread(event, _TOLD, "e_")
    noted, audit_values, of_changes = spread(audit, _NOTED, "a_")
    return _appending(
        _Rows(", " + told, event_values, of_events), _Rows(", " + noted, audit_values, of_changes)
    )


@cache
def _append_at_most_one(told: bool, noted: bool) -> Fixed:
    """The same for what most works record, an event or a change or one of each: arrays and their
    functions cost a third more."""
    return _appending(
        _Rows("", *single(event, _TOLD, "e_")) if told else None,
        _Rows("", *single(audit, _NOTED, "a_")) if noted else None,
    )


def _appending(events: _Rows | None, changes: _Rows | None) -> Fixed:
    counts = [bindparam(name, type_=BigInteger) for name in ("told", "noted")]
    parts = [
        "head as (update brand_head"
        " set event_seq = event_seq + :told, audit_seq = audit_seq + :noted"
        " where brand_id = :brand returning event_seq, audit_seq)"
    ]
    for rows, table, names, first in (
        (events, event, _TOLD, "event_seq - :told"),
        (changes, audit, _NOTED, "audit_seq - :noted"),
    ):
        if rows is not None:
            parts.append(
                f"{table.name}_added as (insert into {table.name} (seq, {', '.join(names[1:])})"  # noqa: S608 - names of our own tables
                f" select head.{first} + {', '.join(rows.values)} from head{rows.source})"
            )
            counts += rows.parameters
    # Fails (22012) for a brand without its head, before anything is committed.
    number = "select coalesce(max(event_seq), 0) / count(*) as event_seq from head"
    statement = text(f"with {', '.join(parts)} {number}")
    return Fixed(statement.bindparams(*counts))


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
