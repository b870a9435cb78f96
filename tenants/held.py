"""A connection of the pool inside a transaction, spoken to past SQLAlchemy where that can be.

Only `tenants.work` uses it. SQLAlchemy's own connection is made around it by the first statement
that needs one: most works send none, and making it costs as much as a statement does.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Self

from asyncpg import PostgresError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, PendingRollbackError, ResourceClosedError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.kernel.errors import Unavailable
from tenants.connection import LOST, borrow, pool_of
from tenants.fixed import Fixed, Line

_USED = "used"
_REFUSED_BY_RULE = ("23", "LG")
# What SQLAlchemy and the driver raise, besides DBAPIError, on a connection that is gone.
_GONE = (ResourceClosedError, PendingRollbackError, OSError)


class Held:
    """One connection, until it is given back or thrown away."""

    __slots__ = ("_around", "_driver", "_is_over", "_pool", "_record", "engine")

    def __init__(self, engine: AsyncEngine, record: Any) -> None:
        self.engine = engine
        self._pool = pool_of(engine)
        self._record = record
        self._driver: Any = record.driver_connection
        self._around: AsyncConnection | None = None
        self._is_over = False

    @classmethod
    async def of(cls, engine: AsyncEngine) -> Self:
        """One of the pool's. Refusals: UNAVAILABLE."""
        return cls(engine, await borrow(engine))

    def has_served(self) -> bool:
        """Whether it was in use before, so that it may have died while it lay in the pool."""
        return _USED in self._record.info

    def serves(self) -> None:
        """Say that it answers."""
        self._record.info[_USED] = True

    async def rows(self, statement: Any, parameters: Mapping[str, Any]) -> Sequence[Any]:
        """Run a statement; its rows, or none for a statement that returns none.

        Refusals: UNAVAILABLE; a broken connection is thrown away.
        """
        if isinstance(statement, Fixed):
            return await self._fetch(statement, parameters)
        try:
            result = await self._sqlalchemy().execute(statement, parameters)
        except _GONE as error:
            await asyncio.shield(self.discard())
            raise Unavailable() from error
        return result.all() if result.returns_rows else ()

    async def _fetch(self, statement: Fixed, parameters: Mapping[str, Any]) -> Sequence[Any]:
        """Straight from the driver; what the server refuses is told as SQLAlchemy tells it."""
        arguments = statement.arguments(parameters)
        try:
            found: Sequence[Any] = await self._open_driver().fetch(
                statement.text, *arguments, record_class=Line
            )
        except PostgresError as error:
            if str(error.sqlstate or "")[:2] not in LOST:
                raise DBAPIError(statement.text, None, error) from error
            await asyncio.shield(self.discard())
            raise Unavailable() from error
        except BaseException as error:
            if isinstance(error, ValueError):  # an argument that is none of its type: nothing sent
                raise
            await asyncio.shield(self.discard())
            if isinstance(error, Exception):
                raise Unavailable() from error
            raise
        return found

    async def execute(self, statements: str) -> None:
        """Send statements as one simple query; a broken connection is thrown away.

        Any exception out of the driver may leave the connection mid-protocol (a killed server
        raises types outside every documented family), so that each of them discards it. What a
        deferred constraint refuses at the commit is a bug of ours and raises as it is: nothing was
        committed.
        """
        try:
            await self._open_driver().execute(statements)
        except BaseException as error:
            await asyncio.shield(self.discard())
            if isinstance(error, Exception) and not _is_bug(error):
                raise Unavailable() from error
            raise

    async def end(self, statement: str) -> None:
        """Commit or roll back and give the connection back, even when the caller is cancelled.

        A failed commit raises UNAVAILABLE: whether it happened is unknown, and the caller repeats
        it under the same key. A failed rollback needs no word, since the server rolls back by
        itself.
        """
        try:
            await asyncio.shield(self._finish(statement))
        except Unavailable:
            if statement == "commit":
                raise

    async def _finish(self, statement: str) -> None:
        await self.execute(statement)
        # Nothing open goes back to the pool, whatever the server made of the statement.
        if self._driver.is_in_transaction():
            await self.discard()
            raise Unavailable
        self._is_over = True
        if self._around is None:
            self._pool.give_back(self._record)
        else:
            await self._around.close()

    async def discard(self) -> None:
        """Throw the connection away; harmless for one that is thrown away already."""
        if self._is_over:
            return
        self._is_over = True
        if self._around is None:
            await self._pool.throw_away(self._record)
        else:
            await self._around.invalidate()
            await self._around.close()

    def _open_driver(self) -> Any:
        # SQLAlchemy throws a connection away by itself when it finds it dead.
        if self._is_over or self._record.driver_connection is not self._driver:
            raise ResourceClosedError("The connection is closed.")
        return self._driver

    def _sqlalchemy(self) -> AsyncConnection:
        if self._is_over:
            raise ResourceClosedError("The connection is closed.")
        if self._around is None:
            handle = self._pool.around(self._record)
            inner = Connection(self.engine.sync_engine, handle)
            self._around = AsyncConnection(self.engine, inner)
        return self._around


def _is_bug(error: Exception) -> bool:
    """Whether the server refused what was asked, by a constraint or one of our own functions."""
    return isinstance(error, PostgresError) and str(error.sqlstate or "")[:2] in _REFUSED_BY_RULE
