"""`serve --workers N`: several processes, one port; one that dies costs nothing and comes back."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from api.embedded import Cluster, Home
from api.embedded.migrate import migrate
from api.embedded.postmaster import alive, wait_until
from api.serving_many import VARIABLE, inherited
from tests.api.embedded import PATIENCE, ROOT, scratch_home

COUNT = 2


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with scratch_home() as made:
        made.create()
        cluster = Cluster.at(made, durable=False)
        migrate(cluster.ensure_started())
        yield made


class Serving:
    """`backdesk serve --workers 2` on a home whose database runs."""

    def __init__(self, home: Home, log: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = log
        environment = {
            **os.environ,
            "BACKDESK_HOME": str(home.path),
            "PORT": str(self.port),
            "PYTHONUNBUFFERED": "1",
        }
        command = [sys.executable, "-m", "api.cli", "serve", "--workers", str(COUNT)]
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT
            )

    def children(self) -> list[int]:
        try:
            return [one.pid for one in psutil.Process(self.process.pid).children()]
        except psutil.NoSuchProcess:
            return []

    def started(self, times: int) -> bool:
        """Whether a server said so often that it serves."""
        return self.log.read_text().count("Application startup complete") >= times

    def answers(self) -> bool:
        asked = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql",
            json.dumps({"query": "{ __typename }"}).encode(),
            {"content-type": "application/json"},
        )
        try:
            with urllib.request.urlopen(asked, timeout=5) as answer:
                return bool(json.load(answer)["data"] == {"__typename": "Query"})
        except OSError:
            return False


@pytest.fixture
def serving(home: Home, tmp_path: Path) -> Iterator[Serving]:
    made = Serving(home, tmp_path / "log")
    assert wait_until(lambda: made.started(COUNT), seconds=60), made.log.read_text()
    yield made
    made.process.kill()
    made.process.wait()


def test_a_killed_one_is_replaced_and_a_signal_ends_all(serving: Serving) -> None:
    first = serving.children()
    assert len(first) == COUNT
    assert serving.answers()
    os.kill(first[0], signal.SIGKILL)
    assert all(serving.answers() for _ in range(20)), "another serves what comes meanwhile"
    assert wait_until(lambda: serving.started(COUNT + 1), seconds=60), serving.log.read_text()
    assert "server 1 ended (signal 9); starting it again" in serving.log.read_text()
    second = serving.children()
    assert len(second) == COUNT
    assert first[1] in second
    os.kill(first[1], signal.SIGKILL)
    assert all(serving.answers() for _ in range(20)), "the new one serves, too"
    assert wait_until(lambda: len(serving.children()) == COUNT, seconds=PATIENCE)
    third = serving.children()
    serving.process.send_signal(signal.SIGTERM)
    assert serving.process.wait(PATIENCE) == 0
    assert not any(map(alive, third))
    assert not serving.answers()


def test_none_outlives_a_parent_that_was_killed(serving: Serving) -> None:
    pids = serving.children()
    assert len(pids) == COUNT
    serving.process.kill()
    assert wait_until(lambda: not any(map(alive, pids)), seconds=PATIENCE)


def test_what_was_inherited_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        monkeypatch.setenv(VARIABLE, str(os.dup(made.fileno())))
        mine = inherited()
        assert mine is not None
        assert mine.getsockname() == made.getsockname()
        mine.close()
    assert inherited() is None
