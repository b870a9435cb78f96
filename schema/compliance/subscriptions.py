"""The feed of what happens to identities."""

from collections.abc import AsyncGenerator
from typing import Annotated, Self
from uuid import UUID

import strawberry

from domain.compliance.events import TOPIC
from domain.events.values import Feed, Happened
from domain.kernel.errors import Invalid
from domain.kernel.ids import decode_id_of
from schema.clients.types import Client
from schema.compliance.enums import ComplianceEventKind, KycCaseStatus
from schema.events.feed import AfterCursor, follow
from schema.events.types import FeedHeartbeat, FeedItem, FeedReset
from schema.shared.bind import Info, fetch, field, subscription
from schema.shared.permission import public
from schema.shared.scalars import Cursor


@strawberry.type(
    description="Something that happened to an identity. It says what was true then; `client` is "
    "the client as it is now.",
    directives=public(),
)
class ComplianceEvent(FeedItem):
    kind: ComplianceEventKind = strawberry.field(description="What happened.")
    requirement: str | None = strawberry.field(
        description="What the proof is of, for events of a proof."
    )
    status: KycCaseStatus | None = strawberry.field(
        description="Where the proof stood then, for events of a proof."
    )
    tier: int | None = strawberry.field(description="The new tier, for `TIER_CHANGED`.")
    client_key: strawberry.Private[UUID | None]

    @field("The client as it is now; null when you do not see it any more.", needs="clients:read")
    async def client(self, info: Info) -> Client | None:
        found: Client | None = await fetch(info, "client", self.client_key)
        return found

    @classmethod
    def of(cls, happened: Happened) -> Self:
        """The event as callers see it."""
        row = happened.row
        status = row.payload.get("status")
        return cls(
            cursor=Cursor(happened.cursor),
            occurred_at=happened.at,
            kind=ComplianceEventKind(row.kind),
            requirement=row.payload.get("requirement"),
            status=None if status is None else KycCaseStatus(status),
            tier=row.payload.get("to"),
            client_key=row.concerns,
        )


ComplianceFeed = Annotated[
    ComplianceEvent | FeedHeartbeat | FeedReset,
    strawberry.union(
        "ComplianceFeed", description="What happens to identities, and where the feed is."
    ),
]


@strawberry.input(description="Which events of identities to follow; all conditions hold.")
class ComplianceEventFilter:
    client_id: strawberry.ID | None = strawberry.field(
        description="Only those of this client.", default=None
    )
    kinds: list[ComplianceEventKind] | None = strawberry.field(
        description="Only these kinds.", default=None
    )


_Filter = Annotated[
    ComplianceEventFilter | None,
    strawberry.argument(description="Which events; without it all that you may see."),
]


@strawberry.type
class ComplianceSubscriptions:
    @subscription(
        "What happens to the identities of the clients you see, as it happens; resume with "
        "`after`.",
        needs="kyc:watch",
    )
    async def compliance_events(
        self, info: Info, filter: _Filter = None, after: AfterCursor = None
    ) -> AsyncGenerator[ComplianceFeed, None]:
        return follow(info.context, _feed(filter), after, ComplianceEvent.of)


def _feed(wanted: ComplianceEventFilter | None) -> Feed:
    kinds = wanted.kinds if wanted else None
    about = wanted.client_id if wanted else None
    key = None if about is None else decode_id_of("client", about)
    if about is not None and key is None:
        raise Invalid("BAD_USER_INPUT", "This is no id of a client.", path=("filter", "clientId"))
    return Feed(
        "complianceEvents",
        frozenset({TOPIC}),
        kinds=None if kinds is None else frozenset(str(kind.value) for kind in kinds),
        about=key,
        about_key="client_id",
    )
