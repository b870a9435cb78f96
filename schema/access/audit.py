"""The audit trail, bound to `tenants.reads`."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import strawberry
from strawberry.scalars import JSON

from domain.kernel.ids import encode_id
from schema.access.actors import Actor, find_actor
from schema.access.enums import Outcome
from schema.clients.enums import ActorType
from schema.shared.bind import Info, Node, bound, computed, field, value
from schema.shared.nodes import find_node
from schema.shared.page import Choice, DateTimeFilter, TextFilter, condition, order_input
from schema.shared.permission import public
from tenants.context import ActorKind


@strawberry.type(description="One value that changed.", directives=public())
class Change:
    field: str = strawberry.field(description="Its name.")
    before: JSON | None = strawberry.field(description="What it was.")
    after: JSON | None = strawberry.field(description="What it became.")


def _changes(record: Any) -> Iterator[Change]:
    before, after = record.before or {}, record.after or {}
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield Change(field=name, before=before.get(name), after=after.get(name))


@bound("audit_entry", "One line of the audit trail. Never changed or removed.", needs="audit:read")
class AuditEntry(Node):
    seq: int = value("Its number in the brand's trail, without gaps.")
    at: datetime = value("When it happened.")
    actor_type: ActorType = computed(
        "What kind of actor it was.",
        lambda record: ActorType(record.actor_kind),
        reads=("actor_kind",),
    )
    action: str = value("What was attempted, such as `session.create`.")
    outcome: Outcome = value("How it ended.")
    repeats: int = value("How many attempts this line stands for, within a minute.")
    reason: str | None = value("Why, in the words of whoever did it or of the system.")
    ip: str | None = value("The address it came from.")
    request_id: str = value("The request it was part of.")
    changes: list[Change] = computed(
        "What changed.", lambda record: list(_changes(record)), reads=("before", "after")
    )
    hash: str | None = computed(
        "Its link in the trail's chain of hashes (SHA-256, hex); null until sealed.",
        lambda record: bytes(record.hash).hex() if record.hash is not None else None,
        reads=("hash",),
    )

    @field(
        "Who did it; null for somebody not signed in, and for whom you may not see.",
        reads=("actor_kind", "actor_id"),
    )
    async def actor(self, info: Info) -> Actor | None:
        record: Any = self
        found: Actor | None = await find_actor(info, record.actor_kind, record.actor_id)
        return found

    @field("On whose behalf it was done.", reads=("on_behalf_of_id",))
    async def on_behalf_of(self, info: Info) -> Actor | None:
        record: Any = self
        found: Actor | None = await find_actor(info, ActorKind.CLIENT, record.on_behalf_of_id)
        return found

    @field(
        "What it was done to; null when that is no object, or none that you may see.",
        reads=("object_kind", "object_id"),
    )
    async def target(self, info: Info) -> Node | None:
        record: Any = self
        if record.object_id is None:
            return None
        found: Node | None = await find_node(info, encode_id(record.object_kind, record.object_id))
        return found


@strawberry.input(description="Which lines of the trail to list; all conditions hold.")
class AuditFilter:
    action: TextFilter | None = condition("What was attempted.")
    outcome: Choice[Outcome] | None = condition("How it ended.")
    actor_kind: Choice[ActorType] | None = condition("What kind of actor it was.")
    at: DateTimeFilter | None = condition("When it happened.")


AuditOrder = order_input("AuditEntry", {"SEQ": "In the order it was written."})
