"""Something a process does again and again while it serves, and once more at its end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import structlog
from sqlalchemy.exc import SQLAlchemyError

from domain.kernel.errors import DomainError

log = structlog.get_logger("backdesk.rounds")


@asynccontextmanager
async def every(
    seconds: float, what: Callable[[], Awaitable[object]], *, name: str
) -> AsyncIterator[None]:
    """Do it every so many seconds until the block ends. A round that the database fails is logged.

    The next one comes all the same.
    """

    async def go_on() -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await what()
            except (DomainError, SQLAlchemyError, OSError):
                log.exception("round_failed", round=name)

    task = asyncio.create_task(go_on(), name=name)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
