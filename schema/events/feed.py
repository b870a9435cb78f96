"""How a context declares a subscription over the log: a union, a filter and a few lines.

In `schema/<context>/subscriptions.py`::

    AccountFeed = Annotated[
        AccountEvent | FeedHeartbeat | FeedReset,
        strawberry.union("AccountFeed", description="What happens to trading accounts."),
    ]

    @strawberry.type
    class AccountSubscriptions:
        @strawberry.subscription(description="…", directives=needs("accounts:watch"))
        async def account_events(
            self, info: Info, account_id: AccountId = None, after: AfterCursor = None
        ) -> AsyncGenerator[AccountFeed, None]:
            feed = Feed("accountEvents", frozenset({"ACCOUNT"}), about=…, about_key="account_id")
            return follow(info.context, feed, after, AccountEvent.of)

The same resolver serves WebSocket and SSE. `AccountEvent` is a `FeedItem` marked public (the
subscription field holds the permission); its `of` makes the typed event of a `Happened`.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Annotated, Any, Protocol, TypeVar

import strawberry

from domain.events.stream import Feeds
from domain.events.values import Entry, Feed, Happened, Heartbeat
from schema.events.types import FeedHeartbeat, FeedReset
from schema.shared.context import Context
from schema.shared.scalars import Cursor

T = TypeVar("T")

AfterCursor = Annotated[
    Cursor | None,
    strawberry.argument(
        description="Resume right behind this cursor; without one the feed begins now. The header "
        "`Last-Event-ID` of an event stream wins over it."
    ),
]


class FeedServices(Protocol):
    """What a context's services offer to feeds."""

    @property
    def feeds(self) -> Feeds: ...


Info = strawberry.Info[Context[Any], None]


def follow(
    context: Context[Any], feed: Feed, after: str | None, shown: Callable[[Happened], T]
) -> AsyncGenerator[T | FeedHeartbeat | FeedReset, None]:
    """The items of a feed for this caller. Cursor and rights are judged before the first one.

    Refusals: BAD_USER_INPUT, FORBIDDEN; FORBIDDEN later, when the caller's rights end.
    """
    services: FeedServices = context.services
    entries = services.feeds.follow(context.scope, feed, after=context.last_event_id or after)
    return _shown(context, entries, shown)


async def _shown(
    context: Context[Any], entries: AsyncGenerator[Entry, None], shown: Callable[[Happened], T]
) -> AsyncGenerator[T | FeedHeartbeat | FeedReset, None]:
    async with aclosing(entries):
        # What the resolver read to judge the subscription is not held while waiting for events.
        await context.refresh()
        async for entry in entries:
            if isinstance(entry, Happened):
                yield shown(entry)
            elif isinstance(entry, Heartbeat):
                yield FeedHeartbeat.of(entry)
            else:
                yield FeedReset.of(entry)
            # An event's objects are as of now: each has its own snapshot, and none is held
            # until the next event.
            await context.refresh()


def guard(
    context: Context[Any], permission: str, items: AsyncGenerator[T, None]
) -> AsyncGenerator[T, None]:
    """Items of a feed without cursors, ended by FORBIDDEN when the caller's rights end."""
    services: FeedServices = context.services
    return services.feeds.guarded(context.scope, permission, items)
