"""What the processes of a campaign share without asking each other: odds, process ids, kills."""

import mmap
import os
import signal
import struct
from collections import Counter
from contextlib import suppress
from pathlib import Path

OURS = (*(f"api-{n}" for n in range(12)), "worker-0", "worker-1")
OUTSIDE = ("simulator", "sandbox")
SLOTS = OURS + OUTSIDE
ODDS = ("api", "worker", "drop")
SURVIVED = ("dropped", "frozen past its lease")
_ODD = struct.Struct("d")
_PID = struct.Struct("q")
_PIDS_AT = len(ODDS) * _ODD.size
_ENDS_AT = _PIDS_AT + len(SLOTS) * _PID.size


class Board:
    """Memory shared with every fork. Made before the first fork; kills are lines of a file, which
    each process writes right before it kills itself."""

    def __init__(self, kills: Path) -> None:
        self._memory = mmap.mmap(-1, _ENDS_AT + _PID.size)
        self._kills = os.open(kills, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)

    def set_odds(self, **odds: float) -> None:
        """How likely each kind of death is, each time its point is passed."""
        for name, value in odds.items():
            _ODD.pack_into(self._memory, ODDS.index(name) * _ODD.size, value)

    def odds(self, name: str) -> float:
        found: float = _ODD.unpack_from(self._memory, ODDS.index(name) * _ODD.size)[0]
        return found

    def set_pid(self, slot: str, pid: int) -> None:
        _PID.pack_into(self._memory, _PIDS_AT + SLOTS.index(slot) * _PID.size, pid)

    def pid(self, slot: str) -> int:
        """The process in a slot; 0 while there is none."""
        at = _PIDS_AT + SLOTS.index(slot) * _PID.size
        found: int = _PID.unpack_from(self._memory, at)[0]
        return found

    def count_end(self) -> None:
        """One more process ended without being killed."""
        _PID.pack_into(self._memory, _ENDS_AT, self.ends + 1)

    @property
    def ends(self) -> int:
        """Processes that ended by themselves, which none should."""
        found: int = _PID.unpack_from(self._memory, _ENDS_AT)[0]
        return found

    def note(self, point: str) -> None:
        """Write a kill down, before it happens."""
        os.write(self._kills, f"{point}\n".encode())

    def die(self, point: str) -> None:
        """Kill the own process here and now."""
        self.note(point)
        os.kill(os.getpid(), signal.SIGKILL)

    def strike(self, slot: str, sign: signal.Signals) -> bool:
        """Send a signal to whoever is in a slot; whether there was anybody."""
        pid = self.pid(slot)
        if pid:
            with suppress(ProcessLookupError):
                os.kill(pid, sign)
                return True
        return False

    def kills(self) -> int:
        """How many kills were written down."""
        return sum(self.by_point().values())

    def by_point(self) -> dict[str, int]:
        """Kills by where they struck."""
        return {at: count for at, count in self._counted().items() if not at.endswith(SURVIVED)}

    def harms(self) -> dict[str, int]:
        """What was done to processes without killing them."""
        return {at: count for at, count in self._counted().items() if at.endswith(SURVIVED)}

    def _counted(self) -> dict[str, int]:
        lines = Counter(self.listed().decode().splitlines())
        return dict(sorted(lines.items()))

    def listed(self) -> bytes:
        size = os.fstat(self._kills).st_size
        return os.pread(self._kills, size, 0)
