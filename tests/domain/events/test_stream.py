"""Feeds: heartbeats, replay and live without a gap, filters, rights, resets."""

import asyncio
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, update

from domain.clients.reach import OwnClients
from domain.clients.tables import client as table
from domain.events.hub import Hub
from domain.events.rights import RightsWatch
from domain.events.states import States
from domain.events.stream import Feeds, RightsEnded
from domain.events.subscription import QUEUE_EVENTS_MAX
from domain.events.values import Audience, Feed, Happened, Heartbeat, Reset, ResetReason
from domain.kernel.errors import Forbidden, Invalid
from tenants.log import Event
from tenants.tables import brand_state, event, token
from tests.domain.events.conftest import ACCOUNTS, AUDIENCE, EVERYTHING, feeds_of, pull, until

pytestmark = pytest.mark.timeout(60)


def opened(number=0, **columns):
    return Event("ACCOUNT", "opened", payload={"n": number}, **columns)


async def take(feed, count):
    """The next `count` events of a feed, heartbeats left out."""
    found = []
    async with asyncio.timeout(60):
        while len(found) < count:
            entry = await anext(feed)
            if isinstance(entry, Happened):
                found.append(entry)
            else:
                assert isinstance(entry, Heartbeat), entry
    return found


async def test_a_feed_begins_with_the_high_water_mark_and_goes_on_live(
    feeds, brand, scope_for, emit
):
    await emit(brand, opened(1))
    async with aclosing(feeds.follow(scope_for(brand, "brand_admin"), ACCOUNTS)) as feed:
        first = await anext(feed)
        assert isinstance(first, Heartbeat)
        assert first.cursor == first.high_water
        await emit(brand, opened(2))
        (found,) = await take(feed, 1)
    assert found.row.payload == {"n": 2}
    assert found.cursor != first.cursor


async def test_a_cursor_resumes_right_behind_it(feeds, brand, scope_for, emit):
    scope = scope_for(brand, "brand_admin")
    async with aclosing(feeds.follow(scope, ACCOUNTS)) as feed:
        start = await anext(feed)
        await emit(brand, *(opened(n) for n in range(5)))
        seen = await take(feed, 5)
    async with aclosing(feeds.follow(scope, ACCOUNTS, after=seen[1].cursor)) as feed:
        first = await anext(feed)
        assert isinstance(first, Heartbeat)
        assert first.cursor == seen[1].cursor
        assert first.high_water == seen[4].cursor
        replayed = await take(feed, 3)
        assert [one.cursor for one in replayed] == [one.cursor for one in seen[2:]]
        caught_up = await anext(feed)
        assert isinstance(caught_up, Heartbeat)
        assert caught_up.cursor == caught_up.high_water == seen[4].cursor
        await emit(brand, opened(9))
        assert [one.row.payload["n"] for one in await take(feed, 1)] == [9]
    async with aclosing(feeds.follow(scope, ACCOUNTS, after=start.cursor)) as feed:
        assert len(await take(feed, 6)) == 6


async def test_replay_comes_from_the_log_when_the_ring_is_too_short(
    database, bus, cursors, brand, scope_for, emit
):
    scope = scope_for(brand, "brand_admin")
    async with feeds_of(database, bus, cursors, ring_events=10) as feeds:
        async with aclosing(feeds.follow(scope, ACCOUNTS)) as feed:
            start = (await anext(feed)).cursor
        for batch in range(13):
            await emit(brand, *(opened(batch * 100 + n) for n in range(100)))
        async with aclosing(feeds.follow(scope, ACCOUNTS, after=start)) as feed:
            found = await take(feed, 1300)
    assert [one.row.payload["n"] for one in found] == list(range(1300))


async def test_a_resuming_socket_is_served_from_the_ring(
    feeds, brand, scope_for, emit, count_statements
):
    scope = scope_for(brand, "brand_admin")
    async with aclosing(feeds.follow(scope, ACCOUNTS)) as live:
        start = (await anext(live)).cursor
        await emit(brand, *(opened(n) for n in range(50)))
        await take(live, 50)
        with count_statements() as counted:
            async with aclosing(feeds.follow(scope, ACCOUNTS, after=start)) as feed:
                assert len(await take(feed, 50)) == 50
    # Only the reader's own look at the log: no statement reads the fifty events again.
    assert counted.total <= 4, str(counted)


async def test_nobody_sees_another_brand(feeds, brand, brand_b, scope_for, emit):
    async with (
        aclosing(feeds.follow(scope_for(brand, "brand_admin"), EVERYTHING)) as a,
        aclosing(feeds.follow(scope_for(brand_b, "brand_admin"), EVERYTHING)) as b,
    ):
        cursor = (await anext(a)).cursor
        await anext(b)
        await emit(brand, opened(1), opened(2))
        await emit(brand_b, opened(3))
        assert [one.row.payload["n"] for one in await take(a, 2)] == [1, 2]
        assert [one.row.payload["n"] for one in await take(b, 1)] == [3]
    with pytest.raises(Invalid):
        feeds.follow(scope_for(brand_b, "brand_admin"), EVERYTHING, after=cursor)


async def test_clients_and_ibs_see_their_own_live_and_replayed(feeds, make, brand, scope_for, emit):
    north = make.ib(brand)
    below, south = make.ib(brand, north), make.ib(brand)
    mine, other = make.client(brand, below), make.client(brand, south)
    readers = {
        "client": scope_for(brand, client=mine),
        "north": scope_for(brand, ib=north),
        "below": scope_for(brand, ib=below),
        "south": scope_for(brand, ib=south),
    }
    expected = {"client": [1], "north": [1], "below": [1], "south": [2]}
    live = {name: feeds.follow(scope, ACCOUNTS) for name, scope in readers.items()}
    start = {name: (await anext(feed)).cursor for name, feed in live.items()}
    await emit(
        brand,
        opened(1, client_id=mine.id, ib_path=mine.ib_path),
        opened(2, client_id=other.id, ib_path=other.ib_path),
        opened(3),
    )
    for name, feed in live.items():
        assert [one.row.payload["n"] for one in await take(feed, 1)] == expected[name], name
        await feed.aclose()
        again = feeds.follow(readers[name], ACCOUNTS, after=start[name])
        assert [one.row.payload["n"] for one in await take(again, 1)] == expected[name], name
        # Behind it comes the heartbeat that says the replay is over: nothing else was there.
        assert isinstance(await anext(again), Heartbeat)
        await again.aclose()
        page = await pull(feeds, readers[name], ACCOUNTS, after=start[name])
        assert [one.row.payload["n"] for one in page.entries] == expected[name], name


async def test_filters_narrow_by_kind_client_and_object(feeds, make, brand, scope_for, emit):
    client, account = make.client(brand), uuid4()
    scope = scope_for(brand, "brand_admin")
    feed_of = {
        "kind": Feed("f", frozenset({"ACCOUNT"}), kinds=frozenset({"deal_closed"})),
        "client": Feed("f", frozenset({"ACCOUNT"}), client_id=client.id),
        "about": Feed("f", frozenset({"ACCOUNT"}), about=account, about_key="account_id"),
    }
    live = {name: feeds.follow(scope, feed) for name, feed in feed_of.items()}
    start = {name: (await anext(feed)).cursor for name, feed in live.items()}
    await emit(
        brand,
        Event("ACCOUNT", "deal_closed", payload={"n": 1}),
        Event("ACCOUNT", "opened", client_id=client.id, payload={"n": 2}),
        Event("ACCOUNT", "opened", object_id=account, payload={"n": 3}),
        Event("ACCOUNT", "opened", object_id=uuid4(), payload={"n": 4, "account_id": str(account)}),
        Event("CLIENT", "deal_closed", client_id=client.id, payload={"n": 5}),
    )
    expected = {"kind": [1], "client": [2], "about": [3, 4]}
    for name, feed in live.items():
        count = len(expected[name])
        assert [one.row.payload["n"] for one in await take(feed, count)] == expected[name]
        await feed.aclose()
        page = await pull(feeds, scope, feed_of[name], after=start[name])
        assert [one.row.payload["n"] for one in page.entries] == expected[name]
        with pytest.raises(Invalid):
            feeds.follow(scope, EVERYTHING, after=start[name])


async def test_staff_without_all_clients_follows_its_own_only(
    database, bus, cursors, make, brand, scope_for, emit
):
    sales = scope_for(brand, "sales")
    assert "clients:all" not in sales.permissions
    own = make.client(brand, owner_id=brand.staff["sales"])
    foreign = make.client(brand, owner_id=brand.staff["brand_admin"])
    audience = Audience(AUDIENCE.topics, AUDIENCE.kinds, OwnClients())
    clients = Feed("clientEvents", frozenset({"CLIENT"}))

    def changed(client, kind="profile_changed"):
        return Event("CLIENT", kind, object_id=client.id, client_id=client.id)

    async with feeds_of(database, bus, cursors, audience=audience) as feeds:
        live = feeds.follow(sales, clients)
        start = (await anext(live)).cursor
        await emit(brand, changed(foreign), changed(own))
        note = Event("CLIENT", "note_added", payload={"client_id": str(foreign.id)})
        await emit(brand, note, changed(own))
        seen = await take(live, 2)
        assert {one.row.client_id for one in seen} == {own.id}
        make.run(brand, _owned_by(foreign, brand.staff["sales"]))
        await emit(brand, changed(foreign, "owner_changed"), changed(foreign))
        assert [one.row.kind for one in await take(live, 2)] == ["owner_changed", "profile_changed"]
        await live.aclose()
        page = await pull(feeds, sales, clients, after=start)
        assert len(page.entries) == 6
        make.run(brand, _owned_by(foreign, None))
        page = await pull(feeds, sales, clients, after=start)
        assert {one.row.client_id for one in page.entries} == {own.id}


def _owned_by(client, staff_id):
    return (
        update(table)
        .where(table.c.brand_id == client.brand_id, table.c.id == client.id)
        .values(owner_id=staff_id)
    )


async def test_permissions_are_asked_of_topic_and_kind(feeds, make, brand, scope_for, emit):
    client = make.client(brand)
    with pytest.raises(Forbidden):
        feeds.follow(scope_for(brand, client=client), Feed("f", frozenset({"IB"})))
    with pytest.raises(Forbidden):
        feeds.follow(scope_for(brand), ACCOUNTS)
    with pytest.raises(Forbidden):
        await pull(feeds, scope_for(brand, client=client), EVERYTHING)
    clients = Feed("clientEvents", frozenset({"CLIENT"}))
    reader = scope_for(brand, client=client)
    feed = feeds.follow(reader, clients)
    await anext(feed)
    note = Event("CLIENT", "note_added", client_id=client.id)
    await emit(brand, note, Event("CLIENT", "profile_changed", client_id=client.id))
    assert [one.row.kind for one in await take(feed, 1)] == ["profile_changed"]
    await feed.aclose()


async def test_overflow_ends_in_a_reset_from_which_nothing_is_missing(
    feeds, brand, scope_for, emit
):
    scope = scope_for(brand, "brand_admin")
    slow = feeds.follow(scope, ACCOUNTS)
    await anext(slow)
    for batch in range(4):
        await emit(brand, *(opened(batch * 100 + n) for n in range(100)))
        if batch == 0:
            seen = [one.row.payload["n"] for one in await take(slow, 10)]
    assert QUEUE_EVENTS_MAX < 390
    probe = feeds.follow(scope, ACCOUNTS)
    await anext(probe)  # the reader is past everything, and so was the slow one's queue
    await probe.aclose()
    reset = await anext(slow)
    assert isinstance(reset, Reset)
    assert reset.reason is ResetReason.OVERFLOW
    with pytest.raises(StopAsyncIteration):
        await anext(slow)
    again = feeds.follow(scope, ACCOUNTS, after=reset.cursor)
    seen += [one.row.payload["n"] for one in await take(again, 390)]
    assert seen == list(range(400))
    await again.aclose()


async def test_a_queue_is_bounded_in_bytes_too(feeds, brand, scope_for, emit):
    scope = scope_for(brand, "brand_admin")
    slow = feeds.follow(scope, ACCOUNTS)
    await anext(slow)
    heavy = Event("ACCOUNT", "opened", payload={"text": "x" * 100_000})
    for _ in range(12):
        await emit(brand, heavy)
    probe = feeds.follow(scope, ACCOUNTS)
    await anext(probe)
    reset = await anext(slow)
    assert isinstance(reset, Reset)
    await probe.aclose()


async def test_an_expired_cursor_is_answered_by_a_reset(
    database, bus, cursors, make, brand, scope_for, emit
):
    scope = scope_for(brand, "brand_admin")
    await emit(brand, *(opened(n) for n in range(10)))
    _age(make, brand, upto=6)
    async with feeds_of(database, bus, cursors, ring_events=1) as feeds:
        page = await pull(feeds, scope, ACCOUNTS)
        assert [one.row.payload["n"] for one in page.entries] == [6, 7, 8, 9]
        old = cursors.write(brand.id, ACCOUNTS.tag(), 3)
        feed = feeds.follow(scope, ACCOUNTS, after=old)
        reset = await anext(feed)
        assert isinstance(reset, Reset)
        assert reset.reason is ResetReason.EXPIRED
        with pytest.raises(StopAsyncIteration):
            await anext(feed)
        pulled = await pull(feeds, scope, ACCOUNTS, after=old)
        assert pulled.reset is not None
        assert pulled.reset.oldest == reset.oldest == reset.cursor
        again = feeds.follow(scope, ACCOUNTS, after=reset.oldest)
        assert [one.row.payload["n"] for one in await take(again, 4)] == [6, 7, 8, 9]
        await again.aclose()


def _age(make, brand, *, upto):
    make.run(
        brand,
        update(event)
        .where(event.c.brand_id == brand.id, event.c.seq <= upto)
        .values(at=event.c.at - timedelta(days=8)),
    )


async def test_a_cursor_ahead_of_a_restored_log_is_answered_by_a_reset(
    feeds, cursors, brand, scope_for, emit
):
    scope = scope_for(brand, "brand_admin")
    await emit(brand, opened(1))
    ahead = cursors.write(brand.id, ACCOUNTS.tag(), 900)
    reset = await anext(feeds.follow(scope, ACCOUNTS, after=ahead))
    assert isinstance(reset, Reset)
    assert reset.reason is ResetReason.RESTORED
    assert (await pull(feeds, scope, ACCOUNTS, after=ahead)).reset is not None


async def test_heartbeats_advance_a_quiet_filter(database, bus, cursors, brand, scope_for, emit):
    scope = scope_for(brand, "brand_admin")
    quiet = Feed("f", frozenset({"ACCOUNT"}), about=uuid4())
    async with feeds_of(database, bus, cursors, heartbeat_seconds=0.02) as feeds:
        feed = feeds.follow(scope, quiet)
        start = await anext(feed)
        await emit(brand, opened(1), opened(2))
        cursor = start.cursor
        while cursor == start.cursor:
            beat = await asyncio.wait_for(anext(feed), 20)
            assert isinstance(beat, Heartbeat)
            cursor = beat.cursor
        assert cursors.read(brand.id, quiet.tag(), cursor) == 2
        await feed.aclose()


async def test_a_revoked_token_ends_the_feed_within_two_seconds(
    database, bus, cursors, make, brand, scope_for, emit
):
    told = asyncio.Queue()
    watch = RightsWatch(database, AUDIENCE, ended=told.put)
    async with feeds_of(database, bus, cursors, rights=watch) as feeds:
        held = make.staff_token(brand, "brand_admin")
        await _revoke_while_following(feeds, make, brand, scope_for, emit, held)
        assert await told.get() == held.id


async def _revoke_while_following(feeds, make, brand, scope_for, emit, held):
    feed = feeds.follow(scope_for(brand, "brand_admin", token_id=held.id), ACCOUNTS)
    kept = feeds.follow(scope_for(brand, "brand_admin"), ACCOUNTS)
    await anext(feed)
    await anext(kept)
    await emit(brand, opened(1))
    await take(feed, 1)
    make.run(
        brand,
        update(token)
        .where(token.c.brand_id == brand.id, token.c.id == held.id)
        .values(revoked_at=func.now()),
    )
    with pytest.raises(RightsEnded):
        await asyncio.wait_for(anext(feed), 2.5)
    await take(kept, 1)
    await kept.aclose()


async def _read_to_the_end(feed):
    async for _ in feed:
        pass


async def test_a_new_policy_ends_feeds_or_judges_them_again(
    database, bus, cursors, make, brand, scope_for
):
    held = replace(scope_for(brand, "brand_admin"), policy_version=1)
    later = {"value": replace(held, policy_version=2)}

    async def again(_scope):
        return later["value"]

    watch = RightsWatch(database, AUDIENCE, reauthorise=again)
    async with (
        feeds_of(database, bus, cursors) as strict,
        feeds_of(database, bus, cursors, rights=watch, heartbeat_seconds=0.05) as lenient,
    ):
        ended, kept = strict.follow(held, ACCOUNTS), lenient.follow(held, ACCOUNTS)
        await anext(ended)
        await anext(kept)
        make.run(brand, update(brand_state).values(policy_version=2).where(
            brand_state.c.brand_id == brand.id
        ))  # fmt: skip
        with pytest.raises(RightsEnded):
            await asyncio.wait_for(anext(ended), 2.5)
        for _ in range(20):
            assert isinstance(await anext(kept), Heartbeat)
        later["value"] = replace(held, policy_version=3, permissions=frozenset())
        make.run(brand, update(brand_state).values(policy_version=3).where(
            brand_state.c.brand_id == brand.id
        ))  # fmt: skip
        with pytest.raises(RightsEnded):
            await asyncio.wait_for(_read_to_the_end(kept), 3)


async def test_pages_go_on_to_the_end(feeds, brand, scope_for, emit):
    scope = scope_for(brand, "brand_admin")
    await emit(brand, *(opened(n) for n in range(250)))
    found, cursor, more, pages = [], None, True, 0
    while more:
        page = await pull(feeds, scope, ACCOUNTS, after=cursor, first=100)
        found += [one.row.payload["n"] for one in page.entries]
        cursor, more, pages = page.cursor, page.has_more, pages + 1
    assert found == list(range(250))
    assert pages == 3
    assert (await pull(feeds, scope, ACCOUNTS, after=cursor)).cursor == cursor
    for first in (0, 101, -1):
        with pytest.raises(Invalid):
            await pull(feeds, scope, ACCOUNTS, first=first)


async def test_one_reader_serves_many_sockets(database, bus, cursors, brand, scope_for, emit):
    scope = scope_for(brand, "brand_admin")
    async with Hub(database, bus, AUDIENCE, poll_seconds=60) as hub:
        feeds = Feeds(hub, database, cursors)
        live = [feeds.follow(scope, ACCOUNTS) for _ in range(100)]
        for feed in live:
            await anext(feed)
        (reader,) = hub._readers.values()
        before = reader.reads
        await emit(brand, opened(1))
        for feed in live:
            assert len(await take(feed, 1)) == 1
        assert reader.reads == before + 1
        assert hub.sockets == 100
        for feed in live:
            await feed.aclose()
        await until(lambda: hub.sockets == 0)


async def test_states_that_are_cancelled_leave_nothing_behind(feeds, brand, scope_for):
    """Cancelled while it waits for the next one: its step, watcher and membership are gone."""
    states = States()
    scope = scope_for(brand, "brand_admin")
    watched = feeds.guarded(scope, "states:watch", states.watch(["a"]))
    states.publish({"a": 1})
    assert await anext(watched) == {"a": 1}
    waiting = asyncio.create_task(anext(watched))
    await asyncio.sleep(0.4)
    assert states._watchers
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await watched.aclose()
    assert not states._watchers
    assert feeds._hub.sockets == 0
    assert not [one for one in asyncio.all_tasks() if "Subscription.ended" in repr(one)]
