"""What a process costs and where it runs: cores, processor time, memory, as Linux tells it."""

import os
from contextlib import suppress
from pathlib import Path

_TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20


def cores() -> tuple[int, int] | None:
    """The core for the server and the one for the database; None where there are no two to pin."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    allowed = sorted(os.sched_getaffinity(0))
    return (allowed[0], allowed[1]) if len(allowed) > 1 else None


def pin(pid: int, core: int) -> None:
    """Keep a process, its threads and its children on one core. What they start stays there."""
    for each in [pid, *children(pid)]:
        # A process or a thread may end while they are counted.
        with suppress(FileNotFoundError, ProcessLookupError):
            for thread in Path(f"/proc/{each}/task").iterdir():
                with suppress(ProcessLookupError):
                    os.sched_setaffinity(int(thread.name), {core})


def children(pid: int) -> list[int]:
    """The processes that a process started and that live."""
    found = []
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        found += [int(each) for each in file.read_text().split()]
    return found


def worked_ms(pid: int) -> float:
    """Processor time of a process and its children so far, those that have ended among them."""
    return sum(_worked(each) for each in [pid, *children(pid)])


def memory_mb(pid: int) -> float:
    """Resident memory of a process and its children."""
    held = [Path(f"/proc/{each}/statm") for each in [pid, *children(pid)]]
    return sum(int(file.read_text().split()[1]) for file in held) * _PAGE_MB


def _worked(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(map(int, fields[11:15])) * _TICK_MS
