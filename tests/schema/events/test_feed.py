"""Feeds through the schema: the same resolver streams and pulls, and holds no connection."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated
from uuid import uuid4

import pytest
import pytest_asyncio
import strawberry
from sqlalchemy import func, select, update
from strawberry.schema.config import StrawberryConfig

from domain.events.bus import MemoryBus
from domain.events.cursor import FeedCursors
from domain.events.hub import Hub
from domain.events.stream import Feeds
from domain.events.values import Audience, Feed, Happened, ResetReason, Topic
from domain.kernel.ids import encode_id
from domain.reads import Cursors, Registry
from schema.events.feed import AfterCursor, Info, follow, guard
from schema.events.queries import EventQueries
from schema.events.types import (
    Event,
    EventTopic,
    FeedHeartbeat,
    FeedItem,
    FeedReset,
    FeedResetReason,
    shown_payload,
)
from schema.shared.context import Context, Reading
from schema.shared.errors import DomainErrors
from schema.shared.permission import check_schema_marked, needs, permission_check, public
from schema.shared.scalars import SCALARS
from schema.shared.snapshot import SnapshotPerResult
from tenants.context import system_scope
from tenants.log import Event as Logged
from tenants.tables import brand_state, token

SECRET = b"a secret of thirty-two bytes or so"
AUDIENCE = Audience({"ACCOUNT": "accounts:watch", "CLIENT": "clients:watch", "IB": "ibs:watch"})


@strawberry.type(description="x", directives=public())
class AccountEvent(FeedItem):
    kind: str

    @classmethod
    def of(cls, happened: Happened) -> "AccountEvent":
        return cls(cursor=happened.cursor, occurred_at=happened.at, kind=happened.row.kind)

    @strawberry.field
    async def policy_version(self, info: Info) -> int:
        """Reads the snapshot, as an object field of an event does."""
        (row,) = await info.context.work.rows(select(brand_state.c.policy_version))
        return row.policy_version


AccountFeed = Annotated[
    AccountEvent | FeedHeartbeat | FeedReset, strawberry.union("AccountFeed", description="x")
]


@strawberry.type
class Subscription:
    @strawberry.subscription(directives=needs("accounts:watch"))
    async def account_events(
        self, info: Info, after: AfterCursor = None
    ) -> AsyncGenerator[AccountFeed, None]:
        feed = Feed("accountEvents", frozenset({"ACCOUNT"}))
        return follow(info.context, feed, after, AccountEvent.of)

    @strawberry.subscription(directives=needs("states:watch"))
    async def ticks(self, info: Info) -> AsyncGenerator[int, None]:
        async def ticking():
            for n in range(3):
                yield n
            await asyncio.Event().wait()

        return guard(info.context, "states:watch", ticking())


@dataclass(frozen=True)
class Services:
    feeds: Feeds


SCHEMA = strawberry.Schema(
    EventQueries,
    subscription=Subscription,
    types=[Event],
    extensions=[permission_check(), DomainErrors, SnapshotPerResult],
    config=StrawberryConfig(scalar_map=SCALARS),
)
FOLLOW = """subscription ($after: Cursor) { accountEvents(after: $after) {
  ... on FeedItem { __typename cursor occurredAt }
  ... on AccountEvent { kind policyVersion }
  ... on FeedHeartbeat { highWater }
  ... on FeedReset { reason oldestCursor }
} }"""
PULL = """query ($topics: [EventTopic!], $after: Cursor, $first: Int! = 100) {
  events(topics: $topics, after: $after, first: $first) {
    cursor hasMore reset { reason }
    events { cursor topic kind version objectId clientId payload }
} }"""


@pytest_asyncio.fixture
async def world(database):
    """A function that makes a context of a scope, and one that emits events."""
    async with MemoryBus() as bus, Hub(database, bus, AUDIENCE) as hub:
        services = Services(Feeds(hub, database, FeedCursors(SECRET)))
        reading = Reading(Registry(), {}, Cursors(SECRET))

        def context(scope, last_event_id=None):
            return Context(
                scope=scope,
                database=database,
                reading=reading,
                services=services,
                last_event_id=last_event_id,
            )

        async def emit(brand, *events):
            async def command(work):
                for one in events:
                    work.emit(one)

            await database.write(system_scope(brand.id), command)
            bus.wake(brand.id)

        yield context, emit


async def stream(context, **variables):
    async with aclosing(
        await SCHEMA.stream(FOLLOW, variable_values=variables, context_value=context)
    ) as results:
        async for result in results:
            yield result


async def nexts(results, count):
    async with asyncio.timeout(60):
        found = [await anext(results) for _ in range(count)]
    assert [one.errors for one in found] == [None] * count
    return [one.data["accountEvents"] for one in found]


async def test_a_subscription_streams_resumes_and_frees_its_connection(
    world, engine, brand, scope_for
):
    context, emit = world
    asked = context(scope_for(brand, "brand_admin"))
    opened = Logged("ACCOUNT", "opened")
    live = stream(asked)
    (first,) = await nexts(live, 1)
    assert first["__typename"] == "FeedHeartbeat"
    assert first["cursor"] == first["highWater"]
    await emit(brand, opened, opened, opened)
    seen = await nexts(live, 3)
    assert [one["__typename"] for one in seen] == ["AccountEvent"] * 3
    assert [one["policyVersion"] for one in seen] == [1, 1, 1]
    assert asked._work is None, "the snapshot was given back before the result"
    await live.aclose()
    # The header of a reconnecting EventSource wins over the variable it cannot change.
    again = stream(context(asked.scope, seen[0]["cursor"]), after=first["cursor"])
    _, second, third, caught_up = await nexts(again, 4)
    assert [second["cursor"], third["cursor"]] == [one["cursor"] for one in seen[1:]]
    assert caught_up["cursor"] == caught_up["highWater"]
    await again.aclose()


async def test_states_end_when_the_token_is_revoked(world, make, brand, scope_for):
    context, _ = world
    held = make.staff_token(brand, "brand_admin")
    asked = context(scope_for(brand, "brand_admin", token_id=held.id))
    results = await SCHEMA.stream("subscription { ticks }", context_value=asked)
    assert [(await anext(results)).data for _ in range(3)] == [{"ticks": n} for n in range(3)]
    revoked = update(token).where(token.c.brand_id == brand.id, token.c.id == held.id)
    make.run(brand, revoked.values(revoked_at=func.now()))
    ended = await asyncio.wait_for(anext(results), 2.5)
    assert [one.extensions["code"] for one in ended.errors] == ["FORBIDDEN"]
    await results.aclose()
    assert asked.services.feeds._hub.sockets == 0


async def test_a_bad_cursor_is_refused_before_the_first_item(world, brand, brand_b, scope_for):
    context, _ = world
    other = FeedCursors(SECRET).write(brand_b.id, Feed("accountEvents", frozenset()).tag(), 1)
    for cursor in (other, "Ê", "x" * 32, "a" * 5_000):
        live = stream(context(scope_for(brand, "brand_admin")), after=cursor)
        refused = await anext(live)
        assert refused.data is None
        assert [one.extensions.get("code") for one in refused.errors] in (
            ["BAD_USER_INPUT"],
            [None],  # not even a cursor's characters: refused as a variable, coded by the edge
        )
        with pytest.raises(StopAsyncIteration):
            await anext(live)


async def test_who_may_not_follow_is_told_so(world, brand, scope_for):
    context, _ = world
    for scope, code in (
        (scope_for(brand), "UNAUTHENTICATED"),
        (scope_for(brand, "marketing"), "FORBIDDEN"),
    ):
        assert "accounts:watch" not in scope.permissions
        live = stream(context(scope))
        refused = await anext(live)
        assert [one.extensions["code"] for one in refused.errors] == [code]


async def test_events_are_pulled_in_pages_with_ids_of_the_api(world, make, brand, scope_for):
    context, emit = world
    client, account = make.client(brand), uuid4()
    columns = {"client_id": client.id, "object_id": account}
    payload = {"account_id": str(account), "profit_minor": "120"}
    await emit(
        brand,
        Logged("ACCOUNT", "deal_closed", payload=payload, **columns),
        Logged("CLIENT", "registered", object_id=client.id, client_id=client.id),
        Logged("IB", "created"),
    )

    async def pull(scope, **variables):
        asked = context(scope)
        told = await SCHEMA.execute(PULL, variables, context_value=asked)
        await asked.close()
        return told if told.errors else told.data["events"]

    mine = scope_for(brand, client=client)
    page = await pull(mine, first=1)
    assert page["hasMore"]
    (deal,) = page["events"]
    assert deal["objectId"] == encode_id("account", account)
    assert deal["clientId"] == encode_id("client", client.id)
    assert deal["payload"] == {"accountId": deal["objectId"], "profitMinor": "120"}
    page = await pull(mine, after=page["cursor"])
    assert [one["kind"] for one in page["events"]] == ["registered"]
    assert not page["hasMore"]
    page = await pull(scope_for(brand, "brand_admin"), topics=["IB", "ACCOUNT"])
    assert [one["kind"] for one in page["events"]] == ["deal_closed", "created"]
    for scope, variables, code in (
        (mine, {"topics": ["IB"]}, "FORBIDDEN"),
        (mine, {"topics": []}, "BAD_USER_INPUT"),
        (mine, {"first": 0}, "BAD_USER_INPUT"),
        (mine, {"after": "x" * 32}, "BAD_USER_INPUT"),
        (scope_for(brand), {}, "UNAUTHENTICATED"),
    ):
        refused = await pull(scope, **variables)
        assert [one.extensions["code"] for one in refused.errors] == [code], variables


def test_the_api_knows_every_topic_and_reason_and_marks_every_field():
    assert {one.name for one in EventTopic} == set(Topic)
    assert {one.name for one in FeedResetReason} == set(ResetReason)
    check_schema_marked(SCHEMA)


def test_payloads_keep_what_is_no_id():
    key = uuid4()
    shown = shown_payload({"deal_id": str(key), "ext_id": "77", "fields": ["name"], "n": 1})
    assert shown == {"dealId": f"deal_{key.hex}", "extId": "77", "fields": ["name"], "n": 1}
