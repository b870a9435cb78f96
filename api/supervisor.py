"""Starts the processes of one home, keeps them alive and ends them all, Postgres last.

Each child has its own session, so that Ctrl-C reaches the supervisor alone and the order of
ending is ours. A child that dies is started again, first at once, then with growing pauses.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from api import lifeline
from api.embedded.cluster import Cluster
from api.embedded.problems import SetupError
from api.process_log import ProcessLog
from api.settings import ROOT

T = TypeVar("T")
READY_SECONDS = 120.0
STEADY_SECONDS = 30.0
LONGEST_PAUSE = 10.0
GRACE_SECONDS = 12.0
POLL_SECONDS = 0.05


class Stopped(Exception):
    """Somebody asked us to end."""


@dataclass(slots=True)
class Part:
    """One child: what to execute and how to see that it serves (`ready`; None: at once).

    It inherits the open files `handles`.
    """

    name: str
    command: list[str]
    folder: Path
    ready: Callable[[], Awaitable[bool]] | None = None
    handles: tuple[int, ...] = ()
    process: asyncio.subprocess.Process | None = field(default=None, init=False)
    reader: asyncio.Task[None] | None = field(default=None, init=False)


def program(name: str, verb: str, ready: Callable[[], Awaitable[bool]] | None = None) -> Part:
    """The part that runs a verb of our own console command."""
    return Part(name, [sys.executable, "-m", "api.cli", verb], ROOT, ready)


class Supervisor:
    """Use it as an async context manager: whatever was started is ended at its exit.

    What children write goes to their files in `log_folder`; without one, to where we write.
    """

    def __init__(
        self,
        log_folder: Path | None,
        say: Callable[[str], None],
        *,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.log_folder = log_folder
        self.say = say
        self.environment = environment or {}
        self.parts: list[Part] = []
        self.cluster: Cluster | None = None
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._keepers: list[asyncio.Task[None]] = []
        # Linux ties Postgres to the thread that started it, so that thread must last.
        self._postgres_thread = ThreadPoolExecutor(1, thread_name_prefix="postgres")
        self._lifeline, self._our_end = os.pipe()

    async def __aenter__(self) -> Supervisor:
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(sign, self.request_stop)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._end_all()
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(sign)

    def request_stop(self) -> None:
        """End everything in order; asked a second time, without patience."""
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    async def unless_stopped(self, work: Coroutine[Any, Any, T]) -> T:
        """Do a step of the start; raises `Stopped` when we are asked to end meanwhile."""
        task = asyncio.ensure_future(work)
        stopped = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise Stopped
            return task.result()
        finally:
            for each in (task, stopped):
                each.cancel()
            await asyncio.gather(task, stopped, return_exceptions=True)

    async def start_postgres(self, cluster: Cluster) -> None:
        """Start the database and keep it running."""
        self.cluster = cluster
        await self._in_postgres_thread(lambda: cluster.start(tied=True))
        self._keepers.append(asyncio.create_task(self._keep_postgres(cluster)))

    async def start(self, part: Part) -> None:
        """Start a child and return when it serves; refuses when it ends before that."""
        self.parts.append(part)
        await self._spawn(part)
        await self._until_ready(part)
        self._keepers.append(asyncio.create_task(self._keep(part)))

    async def wait(self) -> None:
        """Return when somebody asked us to end."""
        await self._stop.wait()

    # Keeping --------------------------------------------------------------------------------

    async def _spawn(self, part: Part) -> None:
        environment = {**os.environ, **self.environment, "PYTHONUNBUFFERED": "1"}
        folder = self.log_folder
        part.process = await asyncio.create_subprocess_exec(
            *part.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE if folder else None,
            stderr=asyncio.subprocess.STDOUT if folder else None,
            cwd=part.folder,
            env={**environment, lifeline.VARIABLE: str(self._lifeline)},
            pass_fds=(self._lifeline, *part.handles),
            start_new_session=True,
        )
        if folder is not None:
            assert part.process.stdout is not None
            log = ProcessLog(part.name, folder / f"{part.name}.log", self.say)
            part.reader = asyncio.create_task(log.copy(part.process.stdout))

    async def _until_ready(self, part: Part) -> None:
        assert part.process is not None
        deadline = time.monotonic() + READY_SECONDS
        where = f"{self.log_folder / part.name}.log" if self.log_folder else "what it wrote"
        while part.ready is not None and not await part.ready():
            if part.process.returncode is not None:
                if part.reader is not None:
                    await part.reader
                raise SetupError(
                    f"{part.name} ended while starting (exit {part.process.returncode})",
                    f"see {where}",
                )
            if time.monotonic() > deadline:
                raise SetupError(f"{part.name} does not answer", f"see {where}")
            await asyncio.sleep(POLL_SECONDS)

    async def _keep(self, part: Part) -> None:
        pause = _Pause()
        while True:
            assert part.process is not None
            code = await part.process.wait()
            if self._stop.is_set():
                return
            _kill_group(part.process.pid)
            self.say(f"{part.name} ended ({_describe(code)}); starting it again")
            await self._pause(pause.next())
            try:
                await self._spawn(part)
            except OSError as error:  # out of memory or processes: it may pass
                self.say(f"{part.name}: {error}")

    async def _keep_postgres(self, cluster: Cluster) -> None:
        pause = _Pause()
        while True:
            while cluster.process is not None and cluster.process.poll() is None:
                await self._pause(POLL_SECONDS * 2)
            code = cluster.process.returncode if cluster.process else 1
            self.say(f"postgres ended ({_describe(code)}); starting it again")
            await self._pause(pause.next())
            try:
                await self._in_postgres_thread(lambda: cluster.start(tied=True))
            except (SetupError, OSError) as error:
                self.say(f"postgres: {error}")

    async def _pause(self, seconds: float) -> None:
        """Wait, or leave the keeper at once when we are ending."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        if self._stop.is_set():
            raise asyncio.CancelledError

    async def _in_postgres_thread(self, work: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._postgres_thread, work)

    # Ending ---------------------------------------------------------------------------------

    async def _end_all(self) -> None:
        self._stop.set()
        # Keepers first: none may start a child that nobody would end.
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        for part in reversed(self.parts):
            await self._end(part)
        if self.cluster is not None:
            # Queued behind a start that may still be going on in that thread.
            await self._in_postgres_thread(self.cluster.stop)
        self._postgres_thread.shutdown()
        os.close(self._our_end)
        os.close(self._lifeline)

    async def _end(self, part: Part) -> None:
        process = part.process
        if process is None:
            return
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            waiting = asyncio.ensure_future(process.wait())
            hurried = asyncio.ensure_future(self._hurry.wait())
            await asyncio.wait(
                {waiting, hurried}, timeout=GRACE_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            hurried.cancel()
            if not waiting.done():
                self.say(f"{part.name} does not end; killing it")
        _kill_group(process.pid)
        await process.wait()
        if part.reader is not None:
            await part.reader


class _Pause:
    """How long to wait before the next start: nothing, then doubling, forgotten when steady."""

    def __init__(self) -> None:
        self._next = 0.0
        self._since = time.monotonic()

    def next(self) -> float:
        if time.monotonic() - self._since > STEADY_SECONDS:
            self._next = 0.0
        pause = self._next
        self._next = min(max(0.5, pause * 2), LONGEST_PAUSE)
        self._since = time.monotonic()
        return pause


def _kill_group(pid: int) -> None:
    """End whatever a child left in its session."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _describe(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit {code}"
