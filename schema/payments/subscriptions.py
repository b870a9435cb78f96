"""Payments live: two feeds over the event log, ordered and resumable."""

from collections.abc import AsyncGenerator
from typing import Annotated, Any, Self
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from domain.events.values import Feed, Happened
from domain.kernel.errors import Invalid
from domain.kernel.ids import decode_id_of
from domain.payments.events import DEPOSIT_TOPIC, PAYMENT_TOPIC
from schema.events.feed import AfterCursor, FeedServices, follow
from schema.events.types import FeedHeartbeat, FeedItem, FeedReset, noun_of, shown_payload
from schema.payments.enums import PaymentStatus
from schema.payments.events import DepositEventKind, PaymentEventKind
from schema.payments.types import Deposit, Payment
from schema.shared.bind import Info, fetch, field, subscription
from schema.shared.permission import public
from schema.shared.scalars import Cursor, Money


def _amount(payload: Any) -> Money:
    return Money.of(int(payload["amount_minor"]), payload["currency"])


@strawberry.type(
    description="Something that happened to a deposit: what was true then. `deposit` is the "
    "deposit as it is now.",
    directives=public(),
)
class DepositEvent(FeedItem):
    kind: DepositEventKind = strawberry.field(description="What happened.")
    status: PaymentStatus = strawberry.field(description="Where it stood then.")
    amount: Money = strawberry.field(description="How much was asked for.")
    deposit_id: strawberry.ID = strawberry.field(description="Id of the deposit.")
    payload: JSON = strawberry.field(
        description="What else was true then, such as `creditedMinor`; money is in minor units."
    )
    subject: strawberry.Private[UUID | None]

    @field("The deposit as it is now; null when you may not see it.", needs="payments:read")
    async def deposit(self, info: Info) -> Deposit | None:
        found: Deposit | None = await fetch(info, "payment", self.subject)
        return found

    @classmethod
    def of(cls, happened: Happened) -> Self:
        """The event as callers see it."""
        row = happened.row
        return cls(
            cursor=Cursor(happened.cursor),
            occurred_at=happened.at,
            kind=DepositEventKind(row.kind),
            status=PaymentStatus(row.payload["status"]),
            amount=_amount(row.payload),
            deposit_id=strawberry.ID(f"payment_{UUID(str(row.object_id)).hex}"),
            payload=JSON(shown_payload(row.payload)),
            subject=row.object_id,
        )


@strawberry.type(
    description="Something that happened to a payment, a dispute or a discrepancy: what was true "
    "then. `payment` is the payment as it is now.",
    directives=public(),
)
class PaymentEvent(FeedItem):
    kind: PaymentEventKind = strawberry.field(description="What happened.")
    object_id: strawberry.ID | None = strawberry.field(
        description="Id of the payment, dispute or discrepancy."
    )
    payload: JSON = strawberry.field(
        description="What was true then, such as `status`; money is in minor units."
    )
    subject: strawberry.Private[UUID | None]

    @field("The payment as it is now; null without one, or when you may not see it.",
           needs="payments:read")  # fmt: skip
    async def payment(self, info: Info) -> Payment | None:
        if self.subject is None:
            return None
        found: Payment | None = await fetch(info, "payment", self.subject)
        return found

    @classmethod
    def of(cls, happened: Happened) -> Self:
        """The event as callers see it."""
        row = happened.row
        noun, named = noun_of(row.topic, row.kind), row.payload.get("payment_id")
        shown = None if row.object_id is None else f"{noun}_{row.object_id.hex}"
        return cls(
            cursor=Cursor(happened.cursor),
            occurred_at=happened.at,
            kind=PaymentEventKind(row.kind),
            object_id=None if shown is None else strawberry.ID(shown),
            payload=JSON(shown_payload(row.payload)),
            subject=UUID(named) if isinstance(named, str) else None,
        )


DepositFeed = Annotated[
    DepositEvent | FeedHeartbeat | FeedReset,
    strawberry.union("DepositFeed", description="What happens to deposits."),
]
PaymentFeed = Annotated[
    PaymentEvent | FeedHeartbeat | FeedReset,
    strawberry.union("PaymentFeed", description="What happens to payments of all kinds."),
]


@strawberry.input(description="Which events of payments to follow; all conditions hold.")
class PaymentEventFilter:
    client_id: strawberry.ID | None = strawberry.field(
        description="Only those of this client.", default=None
    )
    payment_id: strawberry.ID | None = strawberry.field(
        description="Only those of this payment, its disputes and discrepancies among them.",
        default=None,
    )
    kinds: list[PaymentEventKind] | None = strawberry.field(
        description="Only these kinds.", default=None
    )


_Filter = Annotated[
    PaymentEventFilter | None,
    strawberry.argument(description="Which events; without it all that you may see."),
]
_ClientId = Annotated[
    strawberry.ID | None,
    strawberry.argument(description="Only deposits of this client; without it all you may see."),
]


@strawberry.type
class PaymentSubscriptions:
    @subscription(
        "What becomes of deposits, as it happens; resume with `after`.", needs="deposits:watch"
    )
    async def deposit_events(
        self, info: Info, client_id: _ClientId = None, after: AfterCursor = None
    ) -> AsyncGenerator[DepositFeed, None]:
        client = _key("client", client_id, "clientId")
        feed = Feed("depositEvents", frozenset({DEPOSIT_TOPIC}), client_id=client)
        return follow(info.context, feed, after, DepositEvent.of)

    @subscription(
        "What becomes of withdrawals, transfers and disputes, and of deposits for who may follow "
        "them, as it happens; resume with `after`.",
        needs="payments:watch",
    )
    async def payment_events(
        self, info: Info, filter: _Filter = None, after: AfterCursor = None
    ) -> AsyncGenerator[PaymentFeed, None]:
        services: FeedServices = info.context.services
        wanted = filter or PaymentEventFilter()
        visible = services.feeds.topics_of(info.context.scope)
        kinds = wanted.kinds
        feed = Feed(
            "paymentEvents",
            frozenset({PAYMENT_TOPIC}) | ({DEPOSIT_TOPIC} & visible),
            kinds=None if kinds is None else frozenset(str(kind.value) for kind in kinds),
            client_id=_key("client", wanted.client_id, "filter", "clientId"),
            about=_key("payment", wanted.payment_id, "filter", "paymentId"),
            about_key="payment_id",
        )
        return follow(info.context, feed, after, PaymentEvent.of)


def _key(kind: str, shown: str | None, *path: str) -> UUID | None:
    """The key of an id in an argument. Refusals: BAD_USER_INPUT."""
    if shown is None:
        return None
    key = decode_id_of(kind, shown)
    if key is None:
        raise Invalid("BAD_USER_INPUT", f"This is no id of a {kind}.", path=path)
    return key
