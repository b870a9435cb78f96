"""Every process of a home under one supervisor: kept alive, ended in order, nothing left behind."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from api.embedded import Cluster, Home, postmaster
from api.embedded.postmaster import alive, wait_until
from tests.api.embedded import PATIENCE, none_in, python, scratch_home

# Two children like ours: they tie themselves to the supervisor and end at SIGTERM. Each says its
# pid and, when it ends well, that it ended.
CHILD = """
import os, signal, sys
from api import lifeline
name, folder = sys.argv[1:]
def end(*_):
    print("ended", flush=True)
    with open(f"{folder}/order", "a") as file:
        file.write(name + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, signal.SIG_IGN if name == "stubborn" else end)
lifeline.watch()
print("ERROR from", name, flush=True)
with open(f"{folder}/{name}.pid.new", "w") as file:
    file.write(str(os.getpid()))
os.rename(f"{folder}/{name}.pid.new", f"{folder}/{name}.pid")
while True:
    signal.pause()
"""
SUPERVISE = """
import asyncio, json, sys
from pathlib import Path
from api import supervisor
from api.embedded import Cluster, SetupError
from api.embedded.postmaster import find
from api.settings import ROOT
folder, child, *names = sys.argv[1:]
supervisor.GRACE_SECONDS = 0.5
def say(line):
    print(json.dumps(line), flush=True)
async def main():
    cluster = Cluster.at(Path(folder) / "home", durable=False)
    async with supervisor.Supervisor(cluster.home.log, say) as parts:
        await parts.unless_stopped(parts.start_postgres(cluster))
        for name in names:
            async def ready(file=Path(folder) / f"{name}.pid"):
                return file.exists()
            command = [sys.executable, "-c", child, name, folder]
            if name == "broken":
                command = [sys.executable, "-c", "print('x'); raise ValueError('no luck')"]
            part = supervisor.Part(name, command, ROOT, ready)
            await parts.unless_stopped(parts.start(part))
        say("all started")
        await parts.wait()
    say("all ended")
try:
    asyncio.run(main())
except SetupError as error:
    say(f"error: {error}")
    sys.exit(1)
"""


@dataclass
class Supervised:
    """A running supervisor, and what it said so far."""

    process: "subprocess.Popen[str]"
    folder: Path
    said: list[str] = field(default_factory=list)

    @property
    def cluster(self) -> Cluster:
        return Cluster.at(Home(self.folder / "home"), durable=False)

    def hear(self, wanted: str) -> str:
        """Wait for a line that contains `wanted`."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(json.loads(line))
            if wanted in self.said[-1]:
                return self.said[-1]
        raise AssertionError(f"ended without {wanted!r}: {self.said} {self.process.stderr.read()}")

    def pid(self, name: str) -> int:
        return int((self.folder / f"{name}.pid").read_text())

    def postgres(self) -> int:
        running = postmaster.find(self.cluster.place.data)
        assert running is not None
        return running.pid


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with scratch_home() as made:
        Cluster.at(made, durable=False).create()
        yield made


@pytest.fixture
def supervise(home: Home) -> Iterator["type[Supervised]"]:
    started: list[Supervised] = []
    folder = home.path.parent

    def start(*names: str) -> Supervised:
        for left in (*folder.glob("*.pid"), *folder.glob("order")):
            left.unlink()
        process = python(SUPERVISE, str(folder), CHILD, *names)
        started.append(Supervised(process, folder))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.communicate()


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all_in_reverse_and_leaves_nothing(supervise, sign: int) -> None:
    running = supervise("simulator", "worker")
    running.hear("all started")
    pids = [running.pid("simulator"), running.pid("worker"), running.postgres()]
    assert all(alive(pid) for pid in pids)
    running.process.send_signal(sign)
    running.hear("all ended")
    assert running.process.wait(PATIENCE) == 0
    assert not any(alive(pid) for pid in pids)
    assert none_in(running.cluster.place.data)
    assert (running.folder / "order").read_text() == "worker\nsimulator\n"
    assert not (running.cluster.place.data / "postmaster.pid").exists()


def test_children_have_their_own_sessions(supervise) -> None:
    """Ctrl-C at a terminal reaches the supervisor alone."""
    running = supervise("worker")
    running.hear("all started")
    for pid in (running.pid("worker"), running.postgres()):
        assert os.getsid(pid) == pid != os.getsid(running.process.pid)


def test_output_goes_to_a_log_and_errors_to_the_terminal(supervise) -> None:
    running = supervise("worker")
    running.hear("all started")
    running.process.terminate()
    running.hear("all ended")
    assert "[worker] ERROR from worker" in running.said
    assert "[worker] ended" not in running.said
    log = (running.cluster.home.log / "worker.log").read_text()
    assert log.endswith("ERROR from worker\nended\n")


def test_a_killed_child_is_started_again(supervise) -> None:
    running = supervise("worker")
    running.hear("all started")
    first = running.pid("worker")
    os.kill(first, signal.SIGKILL)
    assert running.hear("worker ended") == "worker ended (signal 9); starting it again"
    assert wait_until(lambda: running.pid("worker") != first, seconds=PATIENCE)
    running.process.terminate()
    running.hear("all ended")
    assert not alive(running.pid("worker"))


def test_a_killed_postgres_is_started_again_with_its_rows(supervise) -> None:
    running = supervise()
    running.hear("all started")
    url = running.cluster.endpoints.url("superuser", database="postgres")
    with psycopg.connect(url) as connection:
        # Scratch clusters do not wait for the log at a commit; this one must be in it.
        connection.execute("set synchronous_commit = on")
        connection.execute("create table if not exists kept ()")
    first = running.postgres()
    os.kill(first, signal.SIGKILL)
    assert running.hear("postgres ended") == "postgres ended (signal 9); starting it again"

    def answers() -> bool:
        try:
            with psycopg.connect(url) as connection:
                return connection.execute("select from kept") is not None
        except psycopg.OperationalError:
            return False

    assert wait_until(answers, seconds=PATIENCE)
    assert running.postgres() != first
    running.process.terminate()
    running.hear("all ended")
    assert none_in(running.cluster.place.data)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Postgres is tied on Linux only")
def test_a_killed_supervisor_leaves_nothing(supervise) -> None:
    running = supervise("simulator", "worker")
    running.hear("all started")
    pids = [running.pid("simulator"), running.pid("worker"), running.postgres()]
    running.process.kill()
    running.process.communicate()
    assert wait_until(lambda: not any(alive(pid) for pid in pids), seconds=PATIENCE)
    assert none_in(running.cluster.place.data)


def test_a_child_that_does_not_listen_is_killed(supervise) -> None:
    running = supervise("stubborn")
    running.hear("all started")
    running.process.terminate()
    running.hear("stubborn does not end; killing it")
    running.hear("all ended")
    assert not alive(running.pid("stubborn"))


def test_a_child_that_dies_at_the_start_is_one_line_and_ends_all(supervise) -> None:
    running = supervise("worker", "broken")
    line = running.hear("error: ")
    assert line.startswith("error: broken ended while starting (exit 1): see ")
    assert "[broken] ValueError: no luck" in running.said
    assert running.process.wait(PATIENCE) == 1
    assert not alive(running.pid("worker"))
    assert none_in(running.cluster.place.data)


def test_a_signal_during_the_start_ends_it(supervise, home: Home) -> None:
    running = supervise("worker", "never")
    assert wait_until(lambda: (running.folder / "worker.pid").exists(), seconds=PATIENCE)
    running.process.terminate()
    running.process.communicate(timeout=PATIENCE)
    assert not alive(running.pid("worker"))
    assert none_in(running.cluster.place.data)
