"""Short campaigns: nothing is lost, planted bugs are found, and nothing is left behind."""

import os
import signal
import subprocess
import sys
from contextlib import suppress

import psutil
import pytest

from api.embedded.postmaster import wait_until
from tests.api.embedded import ROOT
from tests.chaos.board import SLOTS
from tests.chaos.stage import new_seed

# Servers, workers, the outside worlds, the nursery and the campaign itself.
PROCESSES = len(SLOTS) + 2
PATIENCE_S = 90.0
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def campaign(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "tests.chaos", *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def processes_of(seed: str) -> list[psutil.Process]:
    """Everything of a campaign but Postgres: all are forks of its command."""
    return [one for one in psutil.process_iter() if seed in cmdline(one)]


def data_of(seed: str) -> str:
    """Where the Postgres of a campaign keeps its data. It is killed, too: one comes back soon."""
    found: list[str] = []

    def there_is_one() -> bool:
        for one in processes_of(seed):
            with suppress(psutil.Error):
                found.extend(_data(child) for child in one.children() if _data(child))
        return bool(found)

    assert wait_until(there_is_one, seconds=PATIENCE_S)
    return found[0]


def _data(one: psutil.Process) -> str:
    told = cmdline(one)
    return told[told.index("-D") + 1] if "-D" in told else ""


def postgres_on(data: str) -> list[psutil.Process]:
    """The postmasters that run on this folder, whichever of them came after which."""
    return [one for one in psutil.process_iter() if data in cmdline(one)]


def cmdline(one: psutil.Process) -> list[str]:
    try:
        return [] if one.status() == psutil.STATUS_ZOMBIE else one.cmdline()
    except psutil.Error:
        return []


def test_nothing_is_lost_or_doubled():
    told, code = finished(campaign("--seconds", "10"))
    assert code == 0, told
    assert "nothing found" in told


@pytest.mark.parametrize("plant", ["unique_key", "publish_before_commit"])
def test_a_planted_bug_is_found(plant: str):
    told, code = finished(campaign("--seconds", "15", "--plant", plant))
    assert code == 1, told
    assert "findings; again" in told, told


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=str)
def test_nothing_is_left_behind(sign: signal.Signals):
    seed = new_seed()
    running = campaign("--seconds", "60", "--seed", seed)
    try:
        assert wait_until(lambda: len(processes_of(seed)) >= PROCESSES, seconds=PATIENCE_S)
        data = data_of(seed)
        os.kill(running.pid, sign)
        assert wait_until(lambda: not processes_of(seed), seconds=PATIENCE_S)
        assert wait_until(lambda: not postgres_on(data), seconds=PATIENCE_S)
    finally:
        running.kill()
        running.communicate()


def finished(running: "subprocess.Popen[str]") -> tuple[str, int]:
    told, _ = running.communicate(timeout=300)
    return told, running.returncode
