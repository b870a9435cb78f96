"""Challenges live: events from the log, rule states conflated."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any, Self
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from domain.accounts.live import read_state, state_key
from domain.challenges.events import TOPIC
from domain.challenges.samples import sample_of
from domain.events.values import Feed, Happened
from domain.kernel.errors import Invalid
from domain.kernel.ids import decode_id_of
from domain.reads import select
from schema.accounts.subscriptions import LiveServices
from schema.challenges.enums import ChallengeEventKind, RuleKind
from schema.challenges.rule_states import RuleState, Standing
from schema.challenges.types import Challenge
from schema.events.feed import AfterCursor, follow, guard
from schema.events.types import FeedHeartbeat, FeedItem, FeedReset, noun_of, shown_payload
from schema.shared.bind import Info, fetch, field, subscription
from schema.shared.permission import public
from schema.shared.scalars import Cursor

LOOK_AGAIN_S = 1.0
_WANT = select(
    "rules", "state", "figures", "currency", "server_id", "account_id", "status", "login", "version"
)
_CURRENT = select(relations=("current",))


@strawberry.type(
    description="Something that happened to a challenge, its order or a program.",
    directives=public(),
)
class ChallengeEvent(FeedItem):
    kind: ChallengeEventKind = strawberry.field(description="What happened.")
    object_id: strawberry.ID | None = strawberry.field(
        description="Id of the challenge, the order or the program."
    )
    payload: JSON = strawberry.field(
        description="What was true then, such as `phaseId`; money is in minor units."
    )
    subject: strawberry.Private[UUID | None]

    @field(
        "The challenge as it is now; null without one, or when you may not see it.",
        needs="challenges:read",
    )
    async def challenge(self, info: Info) -> Challenge | None:
        if self.subject is None:
            return None
        found: Challenge | None = await fetch(info, "challenge", self.subject)
        return found

    @classmethod
    def of(cls, happened: Happened) -> Self:
        """An event as callers see it."""
        row = happened.row
        noun, named = noun_of(row.topic, row.kind), row.payload.get("challenge_id")
        shown = None if row.object_id is None else f"{noun}_{row.object_id.hex}"
        return cls(
            cursor=Cursor(happened.cursor),
            occurred_at=happened.at,
            kind=ChallengeEventKind(row.kind),
            object_id=None if shown is None else strawberry.ID(shown),
            payload=JSON(shown_payload(row.payload)),
            subject=UUID(named) if isinstance(named, str) else None,
        )


ChallengeFeed = Annotated[
    ChallengeEvent | FeedHeartbeat | FeedReset,
    strawberry.union("ChallengeFeed", description="What happens to challenges."),
]
_Only = Annotated[
    strawberry.ID | None,
    strawberry.argument(description="Only this challenge; all that you may see when left out."),
]
_ChallengeId = Annotated[strawberry.ID, strawberry.argument(description="The challenge.")]


@strawberry.type
class ChallengeSubscriptions:
    @subscription(
        "What happens to challenges and their orders, as it happens; resume with `after`.",
        needs="challenges:watch",
    )
    async def challenge_events(
        self, info: Info, challenge_id: _Only = None, after: AfterCursor = None
    ) -> AsyncGenerator[ChallengeFeed, None]:
        about = None
        if challenge_id is not None:
            about = _key(challenge_id)
        feed = Feed("challengeEvents", frozenset({TOPIC}), about=about, about_key="challenge_id")
        return follow(info.context, feed, after, ChallengeEvent.of)

    @subscription(
        "Where the current phase of a challenge stands by each of its rules, as its account moves: "
        "at most four times a second, always the newest. Silent for one that you may not see.",
        needs="challenges:watch",
    )
    async def rule_states(
        self, info: Info, challenge_id: _ChallengeId
    ) -> AsyncGenerator[RuleState, None]:
        key = _key(challenge_id)
        await _current(info, key)
        return guard(info.context, "challenges:watch", _states(info, key))


def _key(given: strawberry.ID) -> UUID:
    key = decode_id_of("challenge", given)
    if key is None:
        raise Invalid("BAD_USER_INPUT", "Pass the id of a challenge.", path=("challengeId",))
    return key


class _News:
    """Of the states of a phase, those that are not as they were told last."""

    def __init__(self) -> None:
        self._told: dict[RuleKind, Any] = {}

    def of(self, phase: Standing) -> list[RuleState]:
        """What is new, remembered as told."""
        fresh = []
        for one in phase.shown():
            figures = (one.limit, one.current, one.distance, one.after_reset)
            seen = (phase.account_id, one.status, figures, one.next_reset_at, one.days_done)
            if self._told.get(one.rule) != seen:
                self._told[one.rule] = seen
                fresh.append(one)
        return fresh


async def _states(info: Info, challenge_id: UUID) -> AsyncGenerator[RuleState, None]:
    """The states of what is the current phase; another one is met within a second, and what was
    decided about it is read again as often."""
    services: LiveServices = info.context.services
    news = _News()
    while True:
        record = await _current(info, challenge_id)
        if record is None or record.state is None:
            await asyncio.sleep(LOOK_AGAIN_S)
            continue
        phase = Standing(record)
        for one in news.of(phase):
            yield one
        if not phase.is_open:
            await asyncio.sleep(LOOK_AGAIN_S)
            continue
        async with aclosing(_followed(services, phase, record.login)) as moves:
            async for _ in moves:
                for one in news.of(phase):
                    yield one


async def _followed(
    services: LiveServices, phase: Standing, login: int
) -> AsyncGenerator[None, None]:
    """Count the live figures of a phase's account, for the time between two looks."""
    now = asyncio.get_running_loop().time
    until, key = now() + LOOK_AGAIN_S, state_key(phase.server_id, login)
    async with aclosing(services.states.watch([key])) as telling:
        while (left := until - now()) > 0:
            try:
                async with asyncio.timeout(left):
                    told = await anext(telling)
            except (TimeoutError, StopAsyncIteration):
                return
            phase.see(sample_of(read_state(told[key])))
            yield


async def _current(info: Info, challenge_id: UUID) -> Any:
    """The current phase of a challenge that the viewer may see; the snapshot is given back."""
    found = await info.context.reader.load("challenge", [challenge_id], _CURRENT)
    record = None
    if found[0] is not None and found[0]._to_current is not None:
        phases = await info.context.reader.load("challenge_phase", [found[0]._to_current], _WANT)
        record = phases[0]
    await info.context.refresh()
    return record
