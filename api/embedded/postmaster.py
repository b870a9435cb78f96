"""The Postgres process of a data folder, as its `postmaster.pid` tells it, and how to end it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from api.embedded.problems import SetupError

POLL_SECONDS = 0.03
_HAS_PROC = Path("/proc/self/stat").exists()


@dataclass(frozen=True, slots=True)
class Postmaster:
    """A living postmaster: its pid, and the directory of its socket once it says so."""

    pid: int
    socket_dir: Path | None


def find(data: Path) -> Postmaster | None:
    """The living postmaster of `data`, or None.

    A pid file survives `kill -9` and its pid may by now be another program's; then the file is
    removed, because Postgres itself would refuse to start beside any living pid. Call it only
    while holding the home's lock or when not about to start anything.
    """
    file = data / "postmaster.pid"
    try:
        lines = file.read_text().splitlines()
        pid = int(lines[0])
    except (OSError, ValueError, IndexError):
        return None
    if not alive(pid):
        return None
    if not _is_postgres(pid):
        file.unlink(missing_ok=True)
        return None
    socket_dir = lines[4].strip() if len(lines) > 4 else ""
    return Postmaster(pid, Path(socket_dir) if socket_dir else None)


def alive(pid: int) -> bool:
    """Whether a process with this pid runs (a zombie does not)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _state(pid) != "Z"


def wait_until(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Poll `condition` until it holds or the time is over; says which."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def end(pid: int, *, patience: float = 20.0) -> None:
    """Stop a postmaster: fast shutdown, then immediate when it takes too long."""
    for sign, seconds in ((signal.SIGINT, patience), (signal.SIGQUIT, 10.0)):
        try:
            os.kill(pid, sign)
        except ProcessLookupError:
            return
        except PermissionError:
            raise SetupError(
                f"Postgres (pid {pid}) belongs to another account", "stop it there first"
            ) from None
        if wait_until(lambda: not alive(pid), seconds=seconds):
            return
    raise SetupError(f"Postgres (pid {pid}) does not stop", f"kill -9 {pid} and start again")


def _state(pid: int) -> str:
    """The process state letter, or '' where it cannot be told."""
    if _HAS_PROC:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (OSError, IndexError):
            return ""
    told = _ps(pid, "state=")
    return told[:1]


def _is_postgres(pid: int) -> bool:
    if _HAS_PROC:
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return Path(os.fsdecode(words[0])).name.startswith("postgres")
    return "postgres" in _ps(pid, "command=")


def _ps(pid: int, column: str) -> str:
    command = ["/bin/ps", "-o", column, "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()  # noqa: S603
