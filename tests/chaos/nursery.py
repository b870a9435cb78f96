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
import traceback
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.chaos.board import OURS, OUTSIDE, Board
from tests.chaos.crash import die_with_parent

_RESTART_SECONDS = 0.2
_END_SECONDS = 3.0
_LOOK_SECONDS = 0.02


@dataclass(frozen=True)
class Orders:
    """What the nursery is told once the database is there."""

    home: str
    prefix: str
    seed: str
    plant: str = ""


Warming = list[tuple[str, str, dict[str, Any]]]
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
        orders, self._orders = os.pipe()
        # Nothing is ever written to this one: it is readable when the campaign is gone.
        lifeline, self._lifeline = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(self._orders)
                os.close(self._lifeline)
                _Parent(board, listeners, log, orders, lifeline).run()
            except BaseException:
                traceback.print_exc()
                sys.stderr.flush()
            finally:
                os._exit(1)
        os.close(orders)
        os.close(lifeline)

    def start_outside(self, orders: Orders) -> None:
        """Start the simulator and the sandbox."""
        self._send(asdict(orders))

    def start_ours(self, warming: Warming) -> None:
        """Warm up, then start servers and workers."""
        self._send(warming)

    def _send(self, told: Any) -> None:
        os.write(self._orders, json.dumps(told).encode() + b"\n")

    def end(self) -> None:
        """Kill all of them and return when none is left."""
        os.close(self._orders)
        os.close(self._lifeline)
        deadline = time.monotonic() + _END_SECONDS
        with suppress(ChildProcessError):
            while os.waitpid(self.pid, os.WNOHANG) == (0, 0):
                if time.monotonic() > deadline:
                    # It is warming up and looks at nothing else; its children end without it.
                    os.kill(self.pid, signal.SIGKILL)
                    os.waitpid(self.pid, 0)
                    return
                time.sleep(_LOOK_SECONDS)


class _Parent:
    """The nursery process: one thread, no loop, everything imported."""

    def __init__(
        self, board: Board, listeners: Listeners, log: Path, orders: int, lifeline: int
    ) -> None:
        self._board = board
        self._listeners = listeners
        self._orders = orders
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
        try:
            if told := self._read():
                self._keep(Orders(**json.loads(told)))
        finally:
            for pid in self._slots:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            for pid in self._slots:
                with suppress(ChildProcessError):
                    os.waitpid(pid, 0)

    def _keep(self, orders: Orders) -> None:
        from tests.chaos import parts

        kept = parts.Parts(orders, self._board, self._listeners)
        for slot in OUTSIDE:
            self._fork(slot, kept)
        if not (told := self._read()):
            return
        kept.warm_up(json.loads(told))
        gc.collect()
        gc.freeze()
        for slot in OURS:
            self._fork(slot, kept)
        while True:
            pid, status = os.wait()
            slot = self._slots.pop(pid)
            self._board.set_pid(slot, 0)
            if self._orphaned():
                return
            if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
                print(f"{slot} ended by itself: {status}", file=sys.stderr, flush=True)
                # The outside worlds do not start without their database; ours must.
                if slot in OURS:
                    self._board.count_end()
                time.sleep(_RESTART_SECONDS)
            self._fork(slot, kept)

    def _fork(self, slot: str, kept: Any) -> None:
        self._serial += 1
        pid = os.fork()
        if pid == 0:
            try:
                die_with_parent()
                threading.Thread(target=self._end_with_lifeline, daemon=True).start()
                random.seed()
                kept.run(slot, self._serial)
            except BaseException:
                print(f"{slot} failed", file=sys.stderr)
                traceback.print_exc()
                sys.stderr.flush()
            finally:
                os._exit(1)
        self._slots[pid] = slot
        self._board.set_pid(slot, pid)

    def _read(self) -> bytes:
        """One line, a byte at a time: what follows it is for later."""
        told = b""
        while not told.endswith(b"\n"):
            part = os.read(self._orders, 1)
            if not part:
                return b""
            told += part
        return told

    def _orphaned(self) -> bool:
        return bool(select.select([self._lifeline], [], [], 0)[0])

    def _end_with_lifeline(self) -> None:
        select.select([self._lifeline], [], [])
        os._exit(0)
