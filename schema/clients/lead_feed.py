"""The feed of what happens to leads."""

from collections.abc import AsyncGenerator
from typing import Annotated, Self
from uuid import UUID

import strawberry

from domain.clients.leads.events import TOPIC
from domain.events.values import Feed, Happened
from domain.kernel.errors import Invalid
from domain.kernel.ids import decode_id_of
from schema.clients.lead_enums import LeadEventKind, LeadStage
from schema.clients.leads import Lead
from schema.events.feed import AfterCursor, follow
from schema.events.types import FeedHeartbeat, FeedItem, FeedReset
from schema.shared.bind import Info, fetch, field, subscription
from schema.shared.permission import public
from schema.shared.scalars import Cursor

_ABOUT_LEADS = frozenset(str(kind.value) for kind in LeadEventKind) - {
    str(LeadEventKind.RECEIVED.value)
}


@strawberry.type(
    description="Something that happened to a lead. It says what was true then; `lead` is the lead "
    "as it is now.",
    directives=public(),
)
class LeadEvent(FeedItem):
    kind: LeadEventKind = strawberry.field(description="What happened.")
    stage: LeadStage | None = strawberry.field(
        description="The stage it came to; null where it stayed where it was."
    )
    key: strawberry.Private[UUID | None]

    @field("The lead as it is now; null when you do not see it any more.", needs="leads:read")
    async def lead(self, info: Info) -> Lead | None:
        found: Lead | None = await fetch(info, "lead", self.key)
        return found

    @classmethod
    def of(cls, happened: Happened) -> Self:
        """The event as callers see it."""
        row = happened.row
        stage = row.payload.get("stage")
        return cls(
            cursor=Cursor(happened.cursor),
            occurred_at=happened.at,
            kind=LeadEventKind(row.kind),
            stage=None if stage is None else LeadStage(stage),
            key=row.object_id,
        )


LeadFeed = Annotated[
    LeadEvent | FeedHeartbeat | FeedReset,
    strawberry.union("LeadFeed", description="What happens to leads, and where the feed is."),
]


@strawberry.input(description="Which events of leads to follow; all conditions hold.")
class LeadEventFilter:
    lead_id: strawberry.ID | None = strawberry.field(
        description="Only those of this lead.", default=None
    )
    kinds: list[LeadEventKind] | None = strawberry.field(
        description="Only these kinds.", default=None
    )


Filter = Annotated[
    LeadEventFilter | None,
    strawberry.argument(
        description="Which events; without it all about leads that you may see, without `RECEIVED`."
    ),
]


@strawberry.type
class LeadSubscriptions:
    @subscription(
        "What happens to the leads you see, as it happens; resume with `after`. Without "
        "`leads:all` that is what happens while they are yours.",
        needs="leads:watch",
    )
    async def lead_events(
        self, info: Info, filter: Filter = None, after: AfterCursor = None
    ) -> AsyncGenerator[LeadFeed, None]:
        return follow(info.context, _feed(filter), after, LeadEvent.of)


def _feed(wanted: LeadEventFilter | None) -> Feed:
    kinds = wanted.kinds if wanted else None
    about = wanted.lead_id if wanted else None
    key = None if about is None else decode_id_of("lead", about)
    if about is not None and key is None:
        raise Invalid("BAD_USER_INPUT", "This is no id of a lead.", path=("filter", "leadId"))
    return Feed(
        "leadEvents",
        frozenset({TOPIC}),
        kinds=_ABOUT_LEADS if kinds is None else frozenset(str(kind.value) for kind in kinds),
        about=key,
    )
