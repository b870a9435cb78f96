"""Jobs: what may take long or fail outside, run by the worker process (`domain.events.queue`).

Consumers defer them inside their own transaction, so that a job exists exactly when its cause was
handled. A job may run twice (a worker that was thought dead comes back: the library has no
fencing), so that each effect is idempotent by a key of its own: see `JobRun.once`.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import orjson

from tenants.context import Scope, system_scope
from tenants.repeat import Repeat
from tenants.work import Command, Database, Done, WriteWork

T = TypeVar("T")

ATTEMPTS_MAX = 10


@dataclass(frozen=True, slots=True)
class JobRun:
    """One attempt of a job of one brand. `key` is its cause's, the same in every attempt."""

    name: str
    brand_id: UUID
    key: str
    attempt: int
    database: Database

    @property
    def scope(self) -> Scope:
        """The system, acting for the job's brand."""
        return system_scope(self.brand_id, request_id=f"{self.name}:{self.key}")

    async def once(self, step: str, command: Command[T]) -> Done[T]:
        """Run a command at most once per key and step, however often the job runs.

        The command returns JSON-ready values, which later attempts get back.
        """
        repeat = Repeat.of(f"job:{self.name}:{step}", self.key, None)
        return await self.database.write(self.scope, command, repeat=repeat)


Handler = Callable[[JobRun, dict[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class JobKind:
    """A registered job: who handles it, in which queue, how often and how long at most."""

    name: str
    handle: Handler
    queue: str
    attempts: int
    seconds: float


class JobRegistry:
    """The jobs of a context. `@registry.job("accounts.carry_out")` registers a handler."""

    def __init__(self) -> None:
        self._kinds: dict[str, JobKind] = {}

    def job(
        self,
        name: str,
        *,
        queue: str = "default",
        attempts: int = ATTEMPTS_MAX,
        seconds: float = 300.0,
    ) -> Callable[[Handler], Handler]:
        """Register `handle(run, args)`; each attempt is cancelled after `seconds`."""
        assert 1 <= attempts <= ATTEMPTS_MAX, "a poison job is set aside after ten attempts"

        def register(handle: Handler) -> Handler:
            assert name not in self._kinds, f"{name} is registered twice"
            self._kinds[name] = JobKind(name, handle, queue, attempts, seconds)
            return handle

        return register

    def include(self, other: "JobRegistry") -> None:
        """Take over the jobs of another context."""
        for kind in other:
            assert kind.name not in self._kinds, f"{kind.name} is registered twice"
            self._kinds[kind.name] = kind

    def __iter__(self) -> Iterator[JobKind]:
        return iter(self._kinds.values())


async def defer(
    work: WriteWork,
    name: str,
    args: Mapping[str, Any],
    *,
    key: str,
    queue: str = "default",
    again: bool = False,
) -> None:
    """Put a job in the queue inside a consumer's transaction. `args` are ids, no personal data.

    `key` names the cause (an event's seq, a request's id): jobs of one key run one at a time, and
    their effects are idempotent by it. `again` is for rounds, which ask for what was asked before:
    a job that waits is enough, or a round would bury a queue that is behind.
    """
    brand_id = work.scope.brand_id
    arguments = {"brand_id": str(brand_id), "key": key, "args": dict(args)}
    lock = f"{brand_id.hex}:{name}:{key}"
    await work.defer(name, orjson.dumps(arguments).decode(), queue=queue, lock=lock, again=again)
