"""The history of a payment."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from schema.access.actors import Actor, find_actor
from schema.payments.enums import PaymentStatus
from schema.shared.bind import Info, field
from schema.shared.permission import public


@strawberry.type(description="A status that a payment reached.", directives=public())
class PaymentStep:
    status: PaymentStatus = strawberry.field(description="The status.")
    reason_code: str | None = strawberry.field(description="Why, where there is more to say.")
    at: datetime = strawberry.field(description="When.")
    by: strawberry.Private[tuple[str, UUID | None]]

    @field("Who did it; null for whom you may not see.")
    async def actor(self, info: Info) -> Actor | None:
        kind, key = self.by
        found: Actor | None = await find_actor(info, kind, key)
        return found


def steps_of(rows: Iterable[list[Any]]) -> list[PaymentStep]:
    """Steps out of the arrays that `domain.payments.reads` makes of them."""
    return [
        PaymentStep(
            status=PaymentStatus(status),
            reason_code=reason,
            at=datetime.fromisoformat(at),
            by=(kind, None if key is None else UUID(key)),
        )
        for status, reason, kind, key, at in rows
    ]
