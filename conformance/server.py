"""The server the suites run against: a given one, or one of our own in a temporary home.

`BACKDESK_DEMO` names the demo.json of a running server. Without it `backdesk run` is started on a
free port with a home that is thrown away, and stopped when the suites are done.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
START_SECONDS = 600
SOME_PAST = "0.03"
STOP_SECONDS = 30


class ServerFailed(Exception):
    """The server did not start, or died while the suites ran."""


@contextmanager
def demo() -> Iterator[Path]:
    """The path of a running server's demo.json."""
    given = os.environ.get("BACKDESK_DEMO")
    if given:
        yield Path(given).resolve()
        return
    with tempfile.TemporaryDirectory(prefix="backdesk-", ignore_cleanup_errors=True) as folder:
        home = Path(folder) / "home"
        process = _start(home, Path(folder) / "server.log")
        try:
            yield _wait(home, process, Path(folder) / "server.log")
        finally:
            _stop(process)


def load(path: Path) -> dict[str, Any]:
    """What a demo.json says."""
    read: dict[str, Any] = json.loads(path.read_text())
    return read


def _start(home: Path, log: Path) -> subprocess.Popen[bytes]:
    ports = {"PORT": str(_free_port()), "SANDBOX_PORT": str(_free_port())}
    past = os.environ.get("DEMO_SCALE", SOME_PAST)
    environment = {**os.environ, "BACKDESK_HOME": str(home), "DEMO_SCALE": past, **ports}
    with log.open("wb") as output:
        return subprocess.Popen(  # noqa: S603 - our own command
            [Path(sys.executable).with_name("backdesk"), "run"],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(home: Path, process: subprocess.Popen[bytes], log: Path) -> Path:
    written = home / "demo.json"
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up:
        if process.poll() is not None:
            break
        if written.exists() and _answers(written):
            return written
        time.sleep(0.25)
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-30:])
    raise ServerFailed(f"the server did not start:\n{tail}")


def _answers(written: Path) -> bool:
    try:
        url = load(written)["graphql"] + "?query=%7B__typename%7D"
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except (OSError, ValueError, KeyError):
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
