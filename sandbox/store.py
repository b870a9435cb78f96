"""The sandbox's database: transactions on a small pool, as the role that may enter this schema."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import orjson

_COMMAND_SECONDS = 10.0
_POOL_SIZE = 8
_FAILURES = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
Connection = Any  # asyncpg's proxy of a pooled connection, which its stubs do not name


class StoreDown(Exception):
    """The database did not confirm: what was asked may have happened or not."""


class Store:
    """Opens transactions. Raises StoreDown when the database fails one."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn.replace("postgresql+asyncpg://", "postgresql://", 1)
        self._pool: asyncpg.Pool | None = None

    async def open(self) -> None:
        """Connects. Raises StoreDown when there is no database."""
        async with _guarded():
            self._pool = await asyncpg.create_pool(
                self._dsn,
                min_size=1,
                max_size=_POOL_SIZE,
                command_timeout=_COMMAND_SECONDS,
                init=_speak_json,
            )

    async def close(self) -> None:
        if self._pool is not None:
            self._pool.terminate()
            self._pool = None

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Connection]:
        """One transaction, committed at the end of the block unless it raises."""
        assert self._pool is not None
        async with _guarded(), self._pool.acquire() as connection, connection.transaction():
            yield connection


async def _speak_json(connection: Connection) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: orjson.dumps(value).decode(),
        decoder=orjson.loads,
    )


@asynccontextmanager
async def _guarded() -> AsyncIterator[None]:
    try:
        yield
    except _FAILURES as error:
        raise StoreDown(str(error)) from error
