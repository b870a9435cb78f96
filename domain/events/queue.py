"""The queue of jobs: procrastinate runs what `domain.events.jobs` declares, in the worker process.

It is apart because the library and its driver take 10 MB that a server has no use for.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import structlog
from procrastinate import App, BaseRetryStrategy, JobContext, PsycopgConnector, RetryDecision
from procrastinate.jobs import DeleteJobCondition, Job, Status
from prometheus_client import Counter

from domain.events.jobs import ATTEMPTS_MAX, JobKind, JobRegistry, JobRun
from tenants.work import Database

STALLED_SECONDS = 30.0
_HEARTBEAT_SECONDS = 10.0
_RETRY_SECONDS_MAX = 3600.0
_GRACE_SECONDS = 8.0
_log = structlog.get_logger(__name__)
_ended = Counter("backdesk_jobs", "Attempts of jobs, by how they ended", ["job", "outcome"])


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
