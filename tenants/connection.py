"""Connections of the pool: taken out, spoken to past SQLAlchemy, and given back or thrown away.

Only `tenants.work` uses it: what is said here is said inside one of its transactions.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from asyncpg import PostgresError
from sqlalchemy.exc import DBAPIError, ResourceClosedError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.kernel.errors import Busy, DomainError, Unavailable
from tenants.enclosed import PlanGaveUp
from tenants.fixed import Fixed, Line
from tenants.pool import LendingPool

RETRIED = frozenset({"40001", "40P01"})
LOST = ("", "08", "53", "57")
_REFUSED_BY_RULE = ("23", "LG")


async def check_out(engine: AsyncEngine) -> AsyncConnection:
    try:
        return await engine.connect()
    except (SQLAlchemyError, PostgresError, OSError, TimeoutError) as error:
        raise Unavailable() from error


def _driver_of(connection: AsyncConnection) -> Any:
    """The driver's connection. What is held waits for nothing, so that no greenlet has to."""
    held = connection.sync_connection
    if held is None:
        raise ResourceClosedError("The connection is closed.")
    return held.connection.driver_connection


@asynccontextmanager
async def lent(engine: AsyncEngine) -> AsyncIterator[Any]:
    """The driver's connection for a statement that is a transaction by itself.

    One on which anything else went wrong than what the server refused is thrown away. Refusals:
    UNAVAILABLE.
    """
    pool = engine.pool
    assert isinstance(pool, LendingPool), "made by `make_engine`"
    # A connection that can't be made tells it in the dialect's words, not in SQLAlchemy's.
    told = (engine.dialect.loaded_dbapi.Error, SQLAlchemyError, PostgresError, OSError)
    try:
        record = await pool.lend()
    except (*told, TimeoutError) as error:
        raise Unavailable() from error
    driver = record.driver_connection
    try:
        yield driver
    except PlanGaveUp:
        pool.give_back(record)
        raise
    except BaseException as error:
        await asyncio.shield(pool.throw_away(record))
        if isinstance(error, Exception):
            raise Unavailable() from error
        raise
    pool.give_back(record)


async def fetch(
    connection: AsyncConnection, statement: Fixed, parameters: Mapping[str, Any]
) -> Sequence[Any]:
    """The rows of a fixed statement, straight from the driver; what the server refuses is told as
    SQLAlchemy tells it. A broken connection is thrown away. Refusals: UNAVAILABLE."""
    arguments = statement.arguments(parameters)
    try:
        found: Sequence[Any] = await _driver_of(connection).fetch(
            statement.text, *arguments, record_class=Line
        )
    except PostgresError as error:
        if str(error.sqlstate or "")[:2] not in LOST:
            raise DBAPIError(statement.text, None, error) from error
        await asyncio.shield(discard(connection))
        raise Unavailable() from error
    except BaseException as error:
        if isinstance(error, ValueError):  # an argument that is none of its type: nothing was sent
            raise
        await asyncio.shield(discard(connection))
        if isinstance(error, Exception):
            raise Unavailable() from error
        raise
    return found


async def execute(connection: AsyncConnection, statements: str) -> None:
    """Send statements as one simple query, past SQLAlchemy; a broken connection is thrown away.

    Any exception out of the driver may leave the connection mid-protocol (a killed server raises
    types outside every documented family), so that each of them discards it. What a deferred
    constraint refuses at the commit is a bug of ours and raises as it is: nothing was committed.
    """
    try:
        await _driver_of(connection).execute(statements)
    except BaseException as error:
        await asyncio.shield(discard(connection))
        if isinstance(error, Exception) and not _is_bug(error):
            raise Unavailable() from error
        raise


def _is_bug(error: Exception) -> bool:
    """Whether the server refused what was asked, by a constraint or one of our own functions."""
    return isinstance(error, PostgresError) and str(error.sqlstate or "")[:2] in _REFUSED_BY_RULE


async def end(connection: AsyncConnection, statement: str) -> None:
    """Commit or roll back and give the connection back, even when the caller is cancelled.

    A failed commit raises UNAVAILABLE: whether it happened is unknown, and the caller repeats it
    under the same key. A failed rollback needs no word, since the server rolls back by itself.
    """
    try:
        await asyncio.shield(_finish(connection, statement))
    except Unavailable:
        if statement == "commit":
            raise


async def _finish(connection: AsyncConnection, statement: str) -> None:
    await execute(connection, statement)
    await connection.close()


async def discard(connection: AsyncConnection) -> None:
    """Throw a connection away; harmless for one that is thrown away already."""
    if not connection.closed:
        await connection.invalidate()
        await connection.close()


def sqlstate(error: DBAPIError) -> str:
    """The five-character SQLSTATE of a database error, or an empty string."""
    return str(getattr(error.orig, "sqlstate", "") or "")


def refusal_of(error: DBAPIError) -> DomainError | None:
    """What the caller is told: lock waits and lost connections are retriable, the rest are bugs."""
    state = sqlstate(error)
    if state in RETRIED or state == "55P03":
        return Busy("UNAVAILABLE", "Somebody else is changing this just now; try again.")
    if error.connection_invalidated or state[:2] in LOST:
        return Unavailable()
    return None
