"""Jobs: what may take long or fail outside, run by procrastinate in the worker process.

Consumers defer them inside their own transaction, so that a job exists exactly when its cause was
handled. A job may run twice (a worker that was thought dead comes back: the library has no
fencing), so that each effect is idempotent by a key of its own: see `JobRun.once`.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import orjson
import structlog
from procrastinate import App, BaseRetryStrategy, JobContext, PsycopgConnector, RetryDecision
from procrastinate.jobs import DeleteJobCondition, Job, Status
from prometheus_client import Counter

from tenants.context import Scope, system_scope
from tenants.repeat import Repeat
from tenants.work import Command, Database, Done, WriteWork

T = TypeVar("T")

ATTEMPTS_MAX = 10
STALLED_SECONDS = 30.0
_HEARTBEAT_SECONDS = 10.0
_RETRY_SECONDS_MAX = 3600.0
_GRACE_SECONDS = 8.0
_log = structlog.get_logger(__name__)
_ended = Counter("backdesk_jobs", "Attempts of jobs, by how they ended", ["job", "outcome"])


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


class Backoff(BaseRetryStrategy):
    """Tries again after 1, 2, 4 … seconds, an hour at most; gives up after the attempts allowed."""

    def __init__(self, attempts: int) -> None:
        self._attempts = attempts

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if job.attempts + 1 >= self._attempts:
            return None
        spread = random.uniform(0.8, 1.2)  # noqa: S311 - spreads retries
        pause = min(_RETRY_SECONDS_MAX, 2.0**job.attempts) * spread
        return RetryDecision(retry_in={"seconds": max(1, round(pause))})


def make_app(url: str, registry: JobRegistry, database: Database, *, pool_size: int = 4) -> App:
    """The procrastinate application of the role `worker`: its own pool, the schema `jobs`."""
    connector = PsycopgConnector(
        conninfo=url,
        kwargs={"options": "-c search_path=jobs", "application_name": "backdesk jobs"},
        min_size=1,
        max_size=pool_size,
        timeout=10,
    )
    app = App(connector=connector)
    for kind in registry:
        app.task(name=kind.name, queue=kind.queue, pass_context=True, retry=Backoff(kind.attempts))(
            _runs(kind, database)
        )
    return app


def _runs(kind: JobKind, database: Database) -> Callable[..., Awaitable[None]]:
    async def run(context: JobContext, brand_id: str, key: str, args: dict[str, Any]) -> None:
        attempt = JobRun(kind.name, UUID(brand_id), key, context.job.attempts + 1, database)
        try:
            async with asyncio.timeout(kind.seconds):
                await kind.handle(attempt, args)
        except Exception as error:
            last = attempt.attempt >= kind.attempts
            _ended.labels(kind.name, "failed" if last else "retried").inc()
            tell = _log.error if last else _log.warning
            tell(
                "job failed", job=kind.name, brand=brand_id, key=key,
                attempt=attempt.attempt, error=repr(error), exc_info=last,
            )  # fmt: skip
            raise
        _ended.labels(kind.name, "done").inc()

    return run


async def run_jobs(app: App, *, concurrency: int = 8, wait: bool = True) -> None:
    """Work through the queue until cancelled; with `wait` off, until it is empty.

    On cancellation running jobs get 8 s to end; what does not is taken up again later. Raises when
    the database goes; the caller comes back with a new `App`.
    """
    async with app.open_async():
        await app.run_worker_async(
            concurrency=concurrency,
            wait=wait,
            install_signal_handlers=False,
            fetch_job_polling_interval=1.0,
            update_heartbeat_interval=_HEARTBEAT_SECONDS,
            stalled_worker_timeout=STALLED_SECONDS,
            shutdown_graceful_timeout=_GRACE_SECONDS,
            delete_jobs=DeleteJobCondition.SUCCESSFUL.value,
        )


async def retake_stalled(app: App, *, stalled_seconds: float = STALLED_SECONDS) -> int:
    """Put jobs of workers that gave no sign for `stalled_seconds` back in the queue; how many.

    One that took its tenth worker with it is set aside as failed.
    """
    retaken = 0
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=stalled_seconds):
        if job.attempts + 1 >= ATTEMPTS_MAX:
            _log.error("job set aside", job=job.task_name, id=job.id)
            _ended.labels(job.task_name, "failed").inc()
            await app.job_manager.finish_job(job, status=Status.FAILED, delete_job=False)
            continue
        _log.warning("job retaken", job=job.task_name, id=job.id, attempt=job.attempts + 1)
        await app.job_manager.retry_job(job)
        retaken += 1
    return retaken
