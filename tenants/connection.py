"""Connections of the pool: taken out, and given back or thrown away, past SQLAlchemy's own.

Only `tenants.work` uses it: what is said here is said inside one of its transactions.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from asyncpg import PostgresError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.kernel.errors import Busy, DomainError, Unavailable
from tenants.enclosed import PlanGaveUp
from tenants.pool import LendingPool

RETRIED = frozenset({"40001", "40P01"})
LOST = ("", "08", "53", "57")


def pool_of(engine: AsyncEngine) -> LendingPool:
    """The pool that an engine of `make_engine` has."""
    pool = engine.pool
    assert isinstance(pool, LendingPool), "made by `make_engine`"
    return pool


async def borrow(engine: AsyncEngine) -> Any:
    """A connection of the pool, as its record. Refusals: UNAVAILABLE."""
    # A connection that can't be made tells it in the dialect's words, not in SQLAlchemy's.
    told = (engine.dialect.loaded_dbapi.Error, SQLAlchemyError, PostgresError, OSError)
    try:
        return await pool_of(engine).lend()
    except (*told, TimeoutError) as error:
        raise Unavailable() from error


@asynccontextmanager
async def lent(engine: AsyncEngine) -> AsyncIterator[Any]:
    """The driver's connection for a statement that is a transaction by itself.

    One on which anything else went wrong than what the server refused is thrown away. Refusals:
    UNAVAILABLE.
    """
    pool, record = pool_of(engine), await borrow(engine)
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
