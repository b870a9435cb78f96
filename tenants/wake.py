"""The bell: NOTIFY after a commit, LISTEN in every process that follows brands.

A wake-up carries no data, only which brand has news; whoever hears it reads the log. It travels
on a connection of its own, because a NOTIFY inside the work's transaction would take a global
lock at commit. Losing one is harmless (readers also poll), so that nothing here fails a caller.
"""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self
from uuid import UUID

import asyncpg
import structlog

CHANNEL = "backdesk_events"
Heard = Callable[[UUID | None], None]
"""Told which brand has news; None when the connection is new and any brand may have some."""

_SEND = "select pg_notify($1, brand) from unnest($2::text[]) as brand"
_BACKOFF_SECONDS = (0.05, 2.0)
_ANSWER_SECONDS = 5.0
_log = structlog.get_logger(__name__)


class Wakeup:
    """Rings for brands, without waiting: at most once in an interval, for all that have news then.

    Call it with a brand after a commit. The first news after a quiet interval are told at once:
    ringing for each write by itself would be a transaction of every process for every write. What
    could not be sent is kept and sent after the connection is back.
    """

    def __init__(self, url: str, *, interval_seconds: float = 0.010) -> None:
        self._url = driver_url(url)
        self._interval = interval_seconds
        self._pending: set[UUID] = set()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def __call__(self, brand_id: UUID) -> None:
        self._pending.add(brand_id)
        self._news.set()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="wakeup")
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await _cancelled(self._task)

    async def _run(self) -> None:
        await _reconnecting(self._url, "wakeup", self._serve)

    async def _serve(self, connection: "asyncpg.Connection[Any]") -> None:
        if self._pending:
            self._news.set()
        while True:
            await self._news.wait()
            self._news.clear()
            await self._ring(connection, list(self._pending))
            await asyncio.sleep(self._interval)

    async def _ring(self, connection: "asyncpg.Connection[Any]", due: list[UUID]) -> None:
        # Out of the set before the call, so that a wake-up during it is not taken for this one.
        self._pending.difference_update(due)
        try:
            brands = [one.hex for one in due]
            await connection.execute(_SEND, CHANNEL, brands, timeout=_ANSWER_SECONDS)
        except BaseException:
            self._pending.update(due)
            raise


class Listener:
    """Hears which brands have news, on one connection that comes back by itself."""

    def __init__(self, url: str, heard: Heard, *, probe_seconds: float = 10.0) -> None:
        self._url = driver_url(url)
        self._heard = heard
        self._probe = probe_seconds
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(
            _reconnecting(self._url, "listener", self._serve), name="listener"
        )
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await _cancelled(self._task)

    async def _serve(self, connection: "asyncpg.Connection[Any]") -> None:
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _connection: lost.set())
        await connection.add_listener(CHANNEL, self._on_notice)
        self._heard(None)
        while not lost.is_set():
            # A peer that vanished without a word is found by asking.
            with suppress(TimeoutError):
                async with asyncio.timeout(self._probe):
                    await lost.wait()
                break
            await connection.execute("select 1", timeout=_ANSWER_SECONDS)

    def _on_notice(self, _connection: Any, _pid: int, _channel: str, payload: object) -> None:
        # Any login role of the database may ring: what is no brand is ignored.
        with suppress(ValueError):
            self._heard(UUID(hex=str(payload)))


async def _reconnecting(
    url: str, name: str, serve: "Callable[[asyncpg.Connection[Any]], Any]"
) -> None:
    """Serve on a connection for ever; after any failure of it, on a new one."""
    shortest, longest = _BACKOFF_SECONDS
    pause = shortest
    while True:
        connection = None
        try:
            connection = await asyncpg.connect(
                url,
                timeout=_ANSWER_SECONDS,
                server_settings={"application_name": f"backdesk {name}"},
            )
            pause = shortest
            await serve(connection)
        except Exception as error:  # the driver raises types outside every documented family
            _log.warning("connection lost", connection=name, error=type(error).__name__)
        finally:
            if connection is not None:
                connection.terminate()
        await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - spreads reconnects
        pause = min(longest, pause * 2)


async def _cancelled(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def driver_url(url: str) -> str:
    """A SQLAlchemy or plain URL as the driver reads it."""
    return url.replace("postgresql+asyncpg://", "postgresql://", 1)
