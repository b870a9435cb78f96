"""The feed of what happens to clients."""

from collections.abc import AsyncGenerator
from typing import Annotated, Self
from uuid import UUID

import strawberry

from domain.clients.events import TOPIC
from domain.events.values import Feed, Happened
from domain.kernel.errors import Invalid
from domain.kernel.ids import decode_id_of
from schema.clients.enums import ClientEventKind
from schema.clients.types import Client
from schema.events.feed import AfterCursor, follow
from schema.events.types import FeedHeartbeat, FeedItem, FeedReset
from schema.shared.bind import Info, fetch, field, subscription
from schema.shared.permission import public
from schema.shared.scalars import Cursor


@strawberry.type(
    description="Something that happened to a client. It says what was true then; `client` is the "
    "client as it is now.",
    directives=public(),
)
class ClientEvent(FeedItem):
    kind: ClientEventKind = strawberry.field(description="What happened.")
    changed_fields: list[str] = strawberry.field(
        description="Names of the fields that changed, for `PROFILE_CHANGED`."
    )
    client_key: strawberry.Private[UUID | None]

    @field("The client as it is now; null when you do not see it any more.", needs="clients:read")
    async def client(self, info: Info) -> Client | None:
        found: Client | None = await fetch(info, "client", self.client_key)
        return found

    @classmethod
    def of(cls, happened: Happened) -> Self:
        """The event as callers see it."""
        row = happened.row
        return cls(
            cursor=Cursor(happened.cursor),
            occurred_at=happened.at,
            kind=ClientEventKind(row.kind),
            changed_fields=list(row.payload.get("fields", ())),
            client_key=row.concerns,
        )


ClientFeed = Annotated[
    ClientEvent | FeedHeartbeat | FeedReset,
    strawberry.union("ClientFeed", description="What happens to clients, and where the feed is."),
]


@strawberry.input(description="Which events of clients to follow; all conditions hold.")
class ClientEventFilter:
    client_id: strawberry.ID | None = strawberry.field(
        description="Only those of this client.", default=None
    )
    kinds: list[ClientEventKind] | None = strawberry.field(
        description="Only these kinds.", default=None
    )


Filter = Annotated[
    ClientEventFilter | None,
    strawberry.argument(description="Which events; without it all that you may see."),
]


@strawberry.type
class ClientSubscriptions:
    @subscription(
        "What happens to the clients you see, as it happens; resume with `after`.",
        needs="clients:watch",
    )
    async def client_events(
        self, info: Info, filter: Filter = None, after: AfterCursor = None
    ) -> AsyncGenerator[ClientFeed, None]:
        return follow(info.context, _feed(filter), after, ClientEvent.of)


def _feed(wanted: ClientEventFilter | None) -> Feed:
    kinds = wanted.kinds if wanted else None
    about = wanted.client_id if wanted else None
    key = None if about is None else decode_id_of("client", about)
    if about is not None and key is None:
        raise Invalid("BAD_USER_INPUT", "This is no id of a client.", path=("filter", "clientId"))
    return Feed(
        "clientEvents",
        frozenset({TOPIC}),
        kinds=None if kinds is None else frozenset(str(kind.value) for kind in kinds),
        about=key,
        about_key="client_id",
    )
