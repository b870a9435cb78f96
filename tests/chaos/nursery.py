"""Forks servers, workers and the outside worlds from one parent that has everything imported.

So that a kill costs a fork (10 ms) and not a Python start (2 s). The nursery is itself forked
before the campaign starts a thread or a loop. When the campaign ends, however it does, its end of
a pipe closes: each child and the nursery end then, and on Linux the kernel kills them besides.
"""

import gc
import json
import os
import random
import select
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.board import SLOTS, Board
from tests.chaos.crash import die_with_parent

_RESTART_SECONDS = 0.2


@dataclass(frozen=True)
class Orders:
    """What the nursery is told once the database is there."""

    home: str
    prefix: str
    seed: str
    plant: str = ""
    slots: list[str] = field(default_factory=lambda: list(SLOTS))
    warming: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    """Paths, tokens and bodies of requests that fill every cache before the first fork."""


@dataclass(frozen=True)
class Listeners:
    """Sockets that survive every process that accepts on them."""

    api: socket.socket
    sandbox: socket.socket

    @classmethod
    def open(cls) -> "Listeners":
        return cls(_listening(), _listening())

    def ports(self) -> tuple[int, int]:
        return self.api.getsockname()[1], self.sandbox.getsockname()[1]


def _listening() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", 0))
    made.listen(512)
    return made


class Nursery:
    """The campaign's handle on the nursery process."""

    def __init__(self, board: Board, listeners: Listeners, log: Path) -> None:
        reading, self._writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(self._writing)
                _Parent(board, listeners, log, reading).run()
            finally:
                os._exit(1)
        os.close(reading)

    def order(self, orders: Orders) -> None:
        """Start the processes."""
        os.write(self._writing, json.dumps(asdict(orders)).encode() + b"\n")

    def end(self) -> None:
        """Kill all of them and return when none is left."""
        os.close(self._writing)
        with suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


class _Parent:
    """The nursery process: one thread, no loop, everything imported."""

    def __init__(self, board: Board, listeners: Listeners, log: Path, lifeline: int) -> None:
        self._board = board
        self._listeners = listeners
        self._lifeline = lifeline
        self._slots: dict[int, str] = {}
        self._serial = 0
        os.setsid()
        die_with_parent()
        output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.dup2(output, 1)
        os.dup2(output, 2)

    def run(self) -> None:
        """Prepare, fork a child for each slot, and another whenever one is gone."""
        from tests.chaos import parts

        told = self._read()
        if not told:
            return
        orders = Orders(**json.loads(told))
        prepared = parts.prepare(orders, self._board, self._listeners)
        gc.collect()
        gc.freeze()
        for slot in orders.slots:
            self._fork(slot, prepared)
        try:
            while True:
                pid, status = os.wait()
                slot = self._slots.pop(pid)
                self._board.set_pid(slot, 0)
                if self._orphaned():
                    return
                if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
                    print(f"{slot} ended by itself: {status}", file=sys.stderr, flush=True)
                    # The outside worlds do not start without their database; ours must.
                    if slot.startswith(("api", "worker")):
                        self._board.count_end()
                    time.sleep(_RESTART_SECONDS)
                self._fork(slot, prepared)
        finally:
            for pid in self._slots:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            for pid in self._slots:
                with suppress(ChildProcessError):
                    os.waitpid(pid, 0)

    def _fork(self, slot: str, prepared: Any) -> None:
        self._serial += 1
        pid = os.fork()
        if pid == 0:
            try:
                die_with_parent()
                threading.Thread(target=self._end_with_lifeline, daemon=True).start()
                random.seed()
                prepared.run(slot, self._serial)
            except BaseException as error:
                print(f"{slot} failed: {error!r}", file=sys.stderr, flush=True)
                raise
            finally:
                os._exit(1)
        self._slots[pid] = slot
        self._board.set_pid(slot, pid)

    def _read(self) -> bytes:
        told = b""
        while not told.endswith(b"\n"):
            part = os.read(self._lifeline, 65536)
            if not part:
                return b""
            told += part
        return told

    def _orphaned(self) -> bool:
        return bool(select.select([self._lifeline], [], [], 0)[0])

    def _end_with_lifeline(self) -> None:
        select.select([self._lifeline], [], [])
        os._exit(0)
