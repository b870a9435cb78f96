"""A whole installation, started by the command that users type, for stories told from outside."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.api.embedded import ROOT, scratch_home

PATIENCE_S = 60.0
START_S = 400.0
HERE = Path(__file__).parent
PAST = "0.03"
"""How much of the demo's past these stories need: enough to have some of everything."""
SPEED = 30  # two ticks a second: slower than the four a second that travel, so none is skipped
RECORDED = ROOT.parent / "shared" / "data" / "fx"


@dataclass
class Installation:
    """A running home: its `demo.json`, its folder, its processes."""

    home: Path
    url: str
    process: subprocess.Popen[str]
    log: Path
    sandbox: str = ""
    told: dict[str, Any] = field(default_factory=dict)

    def brand(self, slug: str) -> dict[str, Any]:
        found: dict[str, Any] = next(one for one in self.told["brands"] if one["slug"] == slug)
        return found

    def part(self, name: str) -> psutil.Process:
        """The process of one part: `serve`, `worker`, `simulator`, or `postgres`."""
        for child in psutil.Process(self.process.pid).children():
            words = child.cmdline()
            if name in words or (name == "postgres" and "postgres" in Path(words[0]).name):
                return child
        raise AssertionError(f"no {name} among the children")

    def ready(self) -> bool:
        """Whether the API can reach its database."""
        try:
            with urllib.request.urlopen(f"{self.url}/health/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first story of a process waits for its installation, too."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.timeout(600))


def wait_for(holds: Callable[[], Any], what: str, *, seconds: float = PATIENCE_S) -> Any:
    """What `holds` returns once it is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := holds():
            return found
        time.sleep(0.05)  # between two looks at another process
    raise AssertionError(f"{what} did not happen within {seconds:.0f} s")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(home: Path, port: int, **environment: str) -> Installation:
    """`backdesk run` on a home, as soon as it serves."""
    log = home.with_name(f"{home.name}.{port}.log")
    environment.setdefault("SANDBOX_PORT", str(free_port()))
    environment.setdefault("DEMO_SCALE", PAST)
    environment.setdefault("TRUSTED_PROXIES", "127.0.0.1,::1")
    environment.setdefault("BACKDESK_SANCTIONS", str(HERE / "no_lists"))
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "api.cli", "run"],
            cwd=ROOT,
            env={
                **os.environ,
                "BACKDESK_HOME": str(home),
                "PORT": str(port),
                "SANDBOX_PORT": str(free_port()),
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
    sandbox = f"http://127.0.0.1:{environment['SANDBOX_PORT']}"
    made = Installation(home, f"http://localhost:{port}", process, log, sandbox)
    try:
        wait_for(lambda: made.ready() or process.poll() is not None, "serving", seconds=START_S)
        assert process.poll() is None, log.read_text()
        made.told = json.loads((home / "demo.json").read_text())
    except BaseException:
        process.kill()
        raise
    return made


def stop(made: Installation) -> int:
    """Ctrl-C; the exit code."""
    made.process.send_signal(signal.SIGINT)
    return made.process.wait(timeout=PATIENCE_S)


@pytest.fixture(scope="session")
def installation() -> Iterator[Installation]:
    """One installation for all stories of this process; its market plays half a minute a second."""
    with scratch_home() as home:
        made = start(home.path, free_port(), PRICE_SPEED=str(SPEED))
        try:
            yield made
        finally:
            stop(made)
