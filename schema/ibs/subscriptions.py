"""Introducing brokers live: a feed over the event log, ordered and resumable."""

from collections.abc import AsyncGenerator
from typing import Annotated, Any, Self
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from domain.events.values import Feed, Happened
from domain.ibs.events import TOPIC
from domain.kernel.errors import Invalid
from domain.kernel.ids import decode_id_of, encode_id
from schema.events.feed import AfterCursor, follow
from schema.events.types import FeedHeartbeat, FeedItem, FeedReset, shown_payload
from schema.ibs.commissions import IbAccrual
from schema.ibs.enums import IbEventKind
from schema.ibs.types import Ib
from schema.shared.bind import Info, fetch, field, subscription
from schema.shared.permission import public
from schema.shared.scalars import Cursor, Money

_OF_ACCRUALS = frozenset({"accrued", "reversed"})


@strawberry.type(
    description="Something that happened to an introducing broker: what was true then. `ib` and "
    "`accrual` are the objects as they are now.",
    directives=public(),
)
class IbEvent(FeedItem):
    kind: IbEventKind = strawberry.field(description="What happened.")
    ib_id: strawberry.ID = strawberry.field(description="Whose it is.")
    amount: Money | None = strawberry.field(
        description="How much was accrued, taken back or became payable; null for all else."
    )
    payload: JSON = strawberry.field(
        description="What else was true then, such as `dealId`; money is in minor units."
    )
    whose: strawberry.Private[UUID]
    subject: strawberry.Private[UUID | None]

    @field("The broker as it is now; null when you may not see it.", needs="ibs:read")
    async def ib(self, info: Info) -> Ib | None:
        found: Ib | None = await fetch(info, "ib", self.whose)
        return found

    @field("The accrual, when it is about one.", needs="commissions:read")
    async def accrual(self, info: Info) -> IbAccrual | None:
        if self.subject is None:
            return None
        found: IbAccrual | None = await fetch(info, "ib_accrual", self.subject)
        return found

    @classmethod
    def of(cls, happened: Happened) -> Self:
        """The event as callers see it."""
        row = happened.row
        whose = UUID(str(row.payload.get("ib_id", row.object_id)))
        return cls(
            cursor=Cursor(happened.cursor),
            occurred_at=happened.at,
            kind=IbEventKind(row.kind),
            ib_id=strawberry.ID(encode_id("ib", whose)),
            amount=_amount(row.payload),
            payload=JSON(shown_payload(row.payload)),
            whose=whose,
            subject=row.object_id if row.kind in _OF_ACCRUALS else None,
        )


def _amount(payload: Any) -> Money | None:
    if "amount_minor" not in payload:
        return None
    return Money.of(int(payload["amount_minor"]), payload["currency"])


IbFeed = Annotated[
    IbEvent | FeedHeartbeat | FeedReset,
    strawberry.union("IbFeed", description="What happens to introducing brokers."),
]


@strawberry.input(description="Which events of brokers to follow; all conditions hold.")
class IbEventFilter:
    ib_id: strawberry.ID | None = strawberry.field(
        description="Only those of this broker itself.", default=None
    )
    kinds: list[IbEventKind] | None = strawberry.field(
        description="Only these kinds.", default=None
    )


_Filter = Annotated[
    IbEventFilter | None,
    strawberry.argument(description="Which events; without it all that you may see."),
]


@strawberry.type
class IbSubscriptions:
    @subscription(
        "What happens to you and your branch, or to all brokers, as it happens; resume with "
        "`after`. A commission is told when its deal closes.",
        needs="ibs:watch",
    )
    async def ib_events(
        self, info: Info, filter: _Filter = None, after: AfterCursor = None
    ) -> AsyncGenerator[IbFeed, None]:
        return follow(info.context, _feed(filter), after, IbEvent.of)


def _feed(wanted: IbEventFilter | None) -> Feed:
    kinds = wanted.kinds if wanted else None
    about = wanted.ib_id if wanted else None
    key = None if about is None else decode_id_of("ib", about)
    if about is not None and key is None:
        raise Invalid("BAD_USER_INPUT", "This is no id of an ib.", path=("filter", "ibId"))
    known = IbEventKind if kinds is None else kinds
    return Feed(
        "ibEvents",
        frozenset({TOPIC}),
        kinds=frozenset(str(kind.value) for kind in known),
        about=key,
        about_key="ib_id",
    )
