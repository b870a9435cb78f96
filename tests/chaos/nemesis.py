"""Strikes from outside, on a seeded schedule: Postgres, its backends, whole processes."""

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress

from tests.chaos.board import SLOTS, Board
from tests.chaos.parts import LEASE_SECONDS
from tests.chaos.stage import Stage

_GAP_SECONDS = (1.5, 4.0)
_LATER_SECONDS = 2.0


class Nemesis:
    """Goes through its strikes in rounds, each round shuffled anew."""

    def __init__(self, stage: Stage, board: Board, seed: str) -> None:
        self._stage = stage
        self._board = board
        self._dice = random.Random(f"{seed}:nemesis")
        self._strikes: list[Callable[[], Awaitable[None]]] = [
            self._kill_postgres,
            self._kill_backend,
            self._kill_anybody,
            self._kill_anybody,
            self._freeze_worker,
            self._kill_outside,
        ]
        self._over = asyncio.Event()
        self._frozen: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Strike until told to stop; what has begun is ended first."""
        while not self._over.is_set():
            await self._round()
        await asyncio.gather(*self._frozen)

    def stop(self) -> None:
        """Let `run` come to its end."""
        self._over.set()

    async def _round(self) -> None:
        strikes = list(self._strikes)
        self._dice.shuffle(strikes)
        for strike in strikes:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._dice.uniform(*_GAP_SECONDS)):
                    await self._over.wait()
                return
            await strike()

    async def _kill_postgres(self) -> None:
        self._note("postgres: postmaster killed")
        await self._stage.kill_postgres()

    async def _kill_backend(self) -> None:
        if self._stage.kill_backend(self._dice.choice):
            self._note("postgres: backend killed")

    async def _kill_anybody(self) -> None:
        """At no named point."""
        slot = self._dice.choice([one for one in SLOTS if one.startswith(("api", "worker"))])
        if self._board.strike(slot, signal.SIGKILL):
            self._note(f"{slot.partition('-')[0]}: killed anywhere")

    async def _kill_outside(self) -> None:
        slot = self._dice.choice(["simulator", "sandbox"])
        if self._board.strike(slot, signal.SIGKILL):
            self._note(f"{slot}: killed anywhere")

    async def _freeze_worker(self) -> None:
        """Stopped until its jobs were given to another, and then it comes back."""
        slot = self._dice.choice(["worker-0", "worker-1"])
        pid = self._board.pid(slot)
        if self._board.strike(slot, signal.SIGSTOP):
            self._note("worker: frozen past its lease")
            self._frozen.append(asyncio.create_task(self._thaw(slot, pid)))

    async def _thaw(self, slot: str, pid: int) -> None:
        await asyncio.sleep(LEASE_SECONDS + _LATER_SECONDS)
        if self._board.pid(slot) == pid:
            self._board.strike(slot, signal.SIGCONT)

    def _note(self, point: str) -> None:
        self._board.note(point)
