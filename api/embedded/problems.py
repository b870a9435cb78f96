"""What can go wrong on the operator's machine, said in one line together with the fix."""

from __future__ import annotations

import errno
from pathlib import Path


class SetupError(Exception):
    """An expected refusal of the machine: no traceback, one line that names the fix."""

    def __init__(self, problem: str, fix: str) -> None:
        super().__init__(f"{problem}: {fix}")
        self.problem = problem
        self.fix = fix


def from_os_error(error: OSError, path: Path) -> SetupError:
    """The one-line form of a file system refusal while working on `path`."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return SetupError(
            f"no space left on the disk of {path}", "free some, or choose another BACKDESK_HOME"
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return SetupError(
            f"{path} may not be written by this account",
            "fix its owner, or choose another BACKDESK_HOME",
        )
    return SetupError(f"{path}: {error.strerror or error}", "choose another BACKDESK_HOME")


# Texts of Postgres and the C library that mean something an operator can fix.
_KNOWN_TEXTS = (
    ("No space left on device", "the disk is full", "free some space and start again"),
    ("Disk quota exceeded", "the disk quota is used up", "free some space and start again"),
    ("Permission denied", "Postgres may not read or write its files", "fix the owner of the home"),
    ("could not create shared memory", "the system refuses shared memory", "raise kernel.shmmax"),
    (
        "are incompatible with server",
        "the data was made by another major version of Postgres",
        "use the binaries it was made with, or dump and restore into a new home",
    ),
)


def from_postgres_output(text: str, log: Path) -> SetupError:
    """The one-line form of what `initdb` or `postgres` printed before it gave up."""
    for needle, problem, fix in _KNOWN_TEXTS:
        if needle in text:
            return SetupError(problem, fix)
    lines = [line for line in text.splitlines() if "FATAL" in line or "PANIC" in line]
    lines = lines or [line for line in text.splitlines() if "error" in line.lower()]
    last = (lines or text.strip().splitlines() or ["it said nothing"])[-1].strip()
    return SetupError(f"Postgres did not start ({last})", f"see {log}")


def first_cause(error: Exception) -> str:
    """The one line of a driver's many that says why a connection failed."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    causes = [line for line in lines if "failed: " in line or "FATAL" in line]
    return (causes or lines or ["no reason given"])[-1]
