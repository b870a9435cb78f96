"""The named points at which a process of the product kills itself, without a line in its code.

The door is wrapped as an ASGI application, the transaction boundary by replacing the private steps
of `tenants.work` in the forked child. A write passes: received · begun · posted, uncommitted ·
mid-commit · committed, unanswered · answered.
"""

import os
import random
import signal
import threading
import time
from contextlib import suppress
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.events.jobs import JobRegistry, JobRun
from tenants import work
from tenants.ahead import commit_with
from tenants.held import Held
from tests.chaos.board import Board
from tests.chaos.patch import patch

_MID_COMMIT_SECONDS = 0.001
# How much likelier than others: requests pass the door more often than they come to a commit.
_WEIGHTS = {
    "received": 0.25,
    "begun": 0.5,
    "answered": 0.5,
    "posted, uncommitted": 2.0,
    "mid-commit": 2.0,
    "committed, unanswered": 2.0,
}


class Crash:
    """Throws a seeded die at each point of one process."""

    def __init__(self, board: Board, role: str, seed: str) -> None:
        self._board = board
        self._role = role
        self._dice = random.Random(seed)

    def at(self, point: str) -> None:
        """Perhaps the last thing that this process does."""
        if self._strikes(point):
            self._board.die(f"{self._role}: {point}")

    def soon(self, point: str) -> None:
        """Perhaps die within the next millisecond, while the process goes on."""
        if self._strikes(point):
            wait = self._dice.random() * _MID_COMMIT_SECONDS
            threading.Thread(target=self._later, args=(point, wait), daemon=True).start()

    def drops(self) -> bool:
        """Whether the database's answer to a commit is lost on its way."""
        if self._dice.random() >= self._board.odds("drop"):
            return False
        self._board.note(f"{self._role}: answer of the commit dropped")
        return True

    def _strikes(self, point: str) -> bool:
        return self._dice.random() < self._board.odds(self._role) * _WEIGHTS.get(point, 1.0)

    def _later(self, point: str, wait: float) -> None:
        time.sleep(wait)
        self._board.die(f"{self._role}: {point}")


def wrap_transactions(crash: Crash) -> None:
    """Put the points of a write into this process's transaction boundary."""

    async def begun(*asked: Any) -> Any:
        made = await begin(*asked)
        crash.at("begun")
        return made

    async def ended(one: Held, statement: str) -> None:
        if statement == "commit":
            crash.at("posted, uncommitted")
        await end(one, statement)
        if statement == "commit":
            crash.at("committed, unanswered")

    async def driven(one: Held, statements: str) -> Any:
        if statements == "commit":
            crash.soon("mid-commit")
            if crash.drops():
                # It is committed, the connection is gone, and our side has read nothing of it.
                raw = one._driver
                with suppress(Exception):  # killed at the same moment: as good
                    await raw.execute(statements)
                raw.terminate()
        return await driver(one, statements)

    async def with_last(one: Held, *last: Any) -> Any:
        crash.at("posted, uncommitted")
        found = await commit(one, *last)
        crash.at("committed, unanswered")
        return found

    async def sent(one: Held, *last: Any) -> Any:
        crash.soon("mid-commit")
        if crash.drops():
            with suppress(Exception):
                await commit_with(one._driver, one._record.info, *last)
            one._driver.terminate()
        return await send(one, *last)

    begin = patch(work, "_begin_with", begun)
    commit = patch(Held, "commit_with", with_last)
    send = patch(Held, "_commit_with", sent)
    end = patch(Held, "end", ended)
    driver = patch(Held, "execute", driven)


def wrap_jobs(jobs: JobRegistry, crash: Crash) -> None:
    """Die before a job's effect, or when the effect is there and the job not yet finished."""
    for name, kind in list(jobs._kinds.items()):
        jobs._kinds[name] = type(kind)(
            kind.name, _dying(kind.handle, crash), kind.queue, kind.attempts, kind.seconds
        )


def _dying(handle: Any, crash: Crash) -> Any:
    async def run(job: JobRun, args: dict[str, Any]) -> None:
        crash.at("before the effect")
        await handle(job, args)
        crash.at("after the effect, job unfinished")

    return run


class Door:
    """The application, killed when a request was received or has just been answered."""

    def __init__(self, app: ASGIApp, crash: Crash) -> None:
        self._app = app
        self._crash = crash

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return

        async def answering(message: Message) -> None:
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                self._crash.at("answered")

        self._crash.at("received")
        await self._app(scope, receive, answering)


def die_with_parent() -> None:
    """Linux: be killed when the parent dies, whatever kills it."""
    import ctypes
    import sys

    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(1, int(signal.SIGKILL), 0, 0, 0)  # PR_SET_PDEATHSIG
        if os.getppid() == 1:
            os._exit(1)
