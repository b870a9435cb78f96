"""One process at a time: a session-level advisory lock on a connection of its own.

The lock lives as long as the connection, so that a killed holder frees it at once. It must not go
through a transaction pooler; `dsn` is the direct address of the database.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import structlog

_log = structlog.get_logger(__name__)
_RETRY_S = 1.0


@asynccontextmanager
async def only_one(dsn: str, name: str) -> AsyncIterator[asyncpg.Connection]:
    """Wait until this process is the only one under `name`; hold that while the block runs.

    Yields the connection, whose end means that the right is lost.
    """
    connection = await _held(dsn, _key(name), name)
    try:
        yield connection
    finally:
        connection.terminate()


async def _held(dsn: str, key: int, name: str) -> asyncpg.Connection:
    waiting = False
    while True:
        try:
            connection = await asyncpg.connect(dsn, timeout=10)
        except (OSError, asyncpg.PostgresError, TimeoutError):
            await asyncio.sleep(_RETRY_S)
            continue
        if await connection.fetchval("select pg_try_advisory_lock($1)", key):
            return connection
        await connection.close()
        if not waiting:
            _log.info("waiting_for_turn", name=name)
            waiting = True
        await asyncio.sleep(_RETRY_S)


def _key(name: str) -> int:
    """A 63-bit key of the name; advisory keys are global to the database."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1
