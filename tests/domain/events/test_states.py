"""States: the newest value per key arrives; nobody waits for a slow reader."""

import asyncio
from contextlib import aclosing
from pathlib import Path
from tempfile import mkdtemp

import pytest

from domain.events.state_socket import StateLink, StateServer
from domain.events.states import States
from tests.domain.events.conftest import until

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def path():
    """A socket path that is short enough on every system."""
    return Path(mkdtemp(prefix="bd", dir="/tmp")) / "states.sock"


async def test_a_watcher_sees_the_present_and_then_the_newest_only():
    states = States()
    states.publish({"a": 1, "other": 1})
    async with aclosing(states.watch({"a", "b"}, interval_seconds=0)) as watched:
        assert await anext(watched) == {"a": 1}
        for value in range(2, 100):
            states.publish({"a": value, "b": -value, "other": value})
        assert await anext(watched) == {"a": 99, "b": -99}
        waiting = asyncio.ensure_future(anext(watched))
        await asyncio.sleep(0)
        states.publish({"other": 100})
        states.publish({"b": 5})
        assert await waiting == {"b": 5}
    assert not states._watchers


async def test_states_are_bounded():
    states = States(keys_max=3)
    for key in "abcd":
        states.publish({key: key})
    states.publish({"b": "again", "e": "e"})
    assert dict(states.everything()) == {"d": "d", "b": "again", "e": "e"}


async def test_states_cross_the_socket_and_a_restart_of_the_worker(path):
    here, there = States(), States()
    async with StateLink(path, here), StateLink(path, there) as second:
        async with StateServer(path) as server:
            assert path.stat().st_mode & 0o777 == 0o600
            server.publish({f"k{n}": {"n": n} for n in range(2500)})
            await until(lambda: len(here) == len(there) == 2500)
            server.publish({"k1": {"n": "new"}})
            await until(lambda: here.newest(["k1"]) == {"k1": {"n": "new"}})
        await until(lambda: not second.connected)
        async with StateServer(path) as server:
            await until(lambda: server.peers == 2)
            server.publish({"k2": "after"})
            await until(lambda: here.newest(["k2"]) == there.newest(["k2"]) == {"k2": "after"})


async def test_a_peer_that_joins_late_is_sent_all_there_is(path):
    async with StateServer(path) as server:
        server.publish({"a": 1})
        states = States()
        async with StateLink(path, states):
            await until(lambda: states.newest(["a"]) == {"a": 1})
            assert (len(states), server.peers) == (1, 1)
            server.publish({"b": 2})
            await until(lambda: len(states) == 2)
            assert states.newest(["a", "b"]) == {"a": 1, "b": 2}


async def test_a_peer_that_does_not_read_holds_up_nobody_and_little_memory(path):
    async with StateServer(path) as server:
        good = States()
        async with StateLink(path, good):
            stuck_reader, stuck_writer = await asyncio.open_unix_connection(str(path))
            stuck_reader._transport.pause_reading()
            await until(lambda: server.peers == 2)
            payload = "x" * 1000
            for n in range(300):
                server.publish({f"k{k}": [n, payload] for k in range(50)})
                await asyncio.sleep(0)
            await until(lambda: good.newest(["k49"]) == {"k49": [299, payload]})
            (stuck,) = [peer for peer in server._peers if peer._unread]
            assert len(stuck._unread) <= 50
            stuck_writer.close()
            await until(lambda: server.peers == 1)


async def test_whoever_left_a_socket_behind_does_not_matter(path):
    path.touch()
    async with StateServer(path) as server:
        states = States()
        async with StateLink(path, states):
            server.publish({"a": 1})
            await until(lambda: len(states) == 1)
    assert not path.exists()
