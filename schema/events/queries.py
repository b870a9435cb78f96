"""`events`: the pull form of every feed."""

from typing import Annotated

import strawberry

from domain.events.cursor import BAD_INPUT
from domain.events.stream import PAGE_MAX
from domain.events.values import Feed
from domain.kernel.errors import Invalid
from schema.events.feed import FeedServices, Info
from schema.events.types import EventPage, EventTopic
from schema.shared.permission import needs
from schema.shared.scalars import Cursor

Topics = Annotated[
    list[EventTopic] | None,
    strawberry.argument(description="Only these topics; without it all that you may follow."),
]
After = Annotated[
    Cursor | None,
    strawberry.argument(
        description="Only events behind this cursor; without one from the oldest kept (7 days)."
    ),
]
First = Annotated[int, strawberry.argument(description="How many events, 1–100.")]


async def _events(
    info: Info, topics: Topics = None, after: After = None, first: First = PAGE_MAX
) -> EventPage:
    services: FeedServices = info.context.services
    feed = _feed(topics, services.feeds.topics_of(info.context.scope))
    pulled = await services.feeds.pull(info.context.work, feed, after=after, first=first)
    return EventPage.of(pulled)


def _feed(topics: list[EventTopic] | None, visible: frozenset[str]) -> Feed:
    if topics is None:
        return Feed("events", visible, every_topic=True)
    if not topics:
        raise Invalid(BAD_INPUT, "Name at least one topic, or leave them out.", path=("topics",))
    return Feed("events", frozenset(str(topic.value) for topic in topics))


@strawberry.type
class EventQueries:
    events: EventPage = strawberry.field(
        resolver=_events,
        description="Events you may see, oldest first. Poll with the page's `cursor` to miss none.",
        directives=needs("events:read"),
    )
