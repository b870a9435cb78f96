"""Where each kind of actor stands. Staff are ours; upper contexts declare theirs the same way.

A session or token names an actor by kind and id. Whether that actor may still come in, and which
client or subtree it is narrowed to, is judged on the actor's own row, in the statement that reads
the token: closing a client or moving an ib needs no sweep over tokens.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Table

from tenants.context import ActorKind
from tenants.tables import staff
from tenants.values import StaffStatus


@dataclass(frozen=True, slots=True)
class ActorSource:
    """The table of a kind of actor: its name, whether it may come in, and its place in the tree.

    `table` has `brand_id` and `id`. `ib_path` is the actor's own path, for ibs.
    """

    kind: ActorKind
    table: Table
    name: ColumnElement[Any]
    welcome: ColumnElement[bool]
    ib_path: ColumnElement[Any] | None = None


STAFF = ActorSource(
    ActorKind.STAFF, staff, staff.c.name, staff.c.status == StaffStatus.ACTIVE.value
)


def sources(*others: ActorSource) -> Mapping[ActorKind, ActorSource]:
    """All kinds that can sign in: staff, and what the upper contexts declare."""
    return by_kind((STAFF, *others))


def by_kind(found: Iterable[ActorSource]) -> Mapping[ActorKind, ActorSource]:
    """One source per kind."""
    made: dict[ActorKind, ActorSource] = {}
    for source in found:
        assert source.kind not in made, source.kind
        made[source.kind] = source
    return made
