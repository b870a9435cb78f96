"""A connection of the pool inside a transaction, spoken to past SQLAlchemy where that can be.

Only `tenants.work` uses it. SQLAlchemy's own connection is made around it by the first statement
that needs one: most works send none, and making it costs as much as a statement does.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Self

from asyncpg import PostgresError
from asyncpg.exceptions import InvalidCachedStatementError, InvalidSQLStatementNameError
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, PendingRollbackError, ResourceClosedError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.kernel.errors import Unavailable
from tenants.ahead import Sent, ask_with, begin_with, commit_with, may_send_ahead, written
from tenants.connection import LOST, borrow, pool_of
from tenants.driver import rows_of
from tenants.fixed import Fixed, Line
from tenants.pool import USED, LendingPool

_OUTDATED = (InvalidCachedStatementError, InvalidSQLStatementNameError)
_REFUSED_BY_RULE = ("23", "LG")
_NOTHING = Fixed(text("select where false"))
# What SQLAlchemy and the driver raise, besides DBAPIError, on a connection that is gone.
_GONE = (ResourceClosedError, PendingRollbackError, OSError)


class Held:
    """One connection, until it is given back or thrown away."""

    __slots__ = (
        "_around", "_driver", "_is_ending", "_is_over", "_pool", "_record", "_waiting", "engine",
    )  # fmt: skip

    def __init__(self, engine: AsyncEngine, pool: LendingPool, record: Any) -> None:
        self.engine = engine
        self._pool = pool
        self._record = record
        self._driver: Any = record.driver_connection
        self._around: AsyncConnection | None = None
        self._is_over = self._is_ending = False
        self._waiting: list[Sent] = []

    @classmethod
    async def of(cls, engine: AsyncEngine) -> Self:
        """One of the pool's. Refusals: UNAVAILABLE."""
        # An engine that is disposed of meanwhile has another pool.
        pool = pool_of(engine)
        return cls(engine, pool, await borrow(engine))

    def has_served(self) -> bool:
        """Whether it was in use before, so that it may have died while it lay in the pool."""
        return USED in self._record.info

    async def rows(self, statement: Any, parameters: Mapping[str, Any]) -> Sequence[Any]:
        """Run a statement; its rows, or none for a statement that returns none.

        Refusals: UNAVAILABLE; a broken connection is thrown away.
        """
        if isinstance(statement, Fixed):
            return await self._fetch(statement, parameters)
        if self._waiting:
            await self._fetch(_NOTHING, {})
        try:
            result = await self._sqlalchemy().execute(statement, parameters)
        except _GONE as error:
            await asyncio.shield(self.discard())
            raise Unavailable() from error
        return result.all() if result.returns_rows else ()

    async def later(self, statement: Fixed, parameters: Mapping[str, Any]) -> None:
        """Run a statement that has no rows, in one message with the next one where that can be.

        What the server refuses of it is told as by `rows`, by then.
        """
        values = self._written(statement, parameters)
        if values is None:
            await self._fetch(statement, parameters)
        else:
            self._waiting.append(Sent(statement.text, values))

    async def _fetch(self, statement: Fixed, parameters: Mapping[str, Any]) -> Sequence[Any]:
        """Straight from the driver; what the server refuses is told as SQLAlchemy tells it."""
        arguments = statement.arguments(parameters)
        waiting, self._waiting = self._waiting, []
        found: Sequence[Any]
        try:
            driver = self._open_driver()
            if waiting:
                asked = statement.text, arguments
                found = await ask_with(driver, self._record.info, waiting, asked)
            else:
                found = await rows_of(driver, statement.text, arguments, Line)
        except PostgresError as error:
            is_lost = _is_lost(error)
            if is_lost or (waiting and not _is_the_servers(error)):
                await asyncio.shield(self.discard())
            if is_lost:
                raise Unavailable() from error
            raise DBAPIError(_texts(*waiting, statement), None, error) from error
        except BaseException as error:
            await asyncio.shield(self.discard())
            if isinstance(error, Exception):
                raise Unavailable() from error
            raise
        return found

    async def begin_with(self, opening: Sequence[str], first: Fixed) -> Sequence[Any]:
        """Begin, and the rows of the first statement: in one round trip where that can be.

        What the server refuses of them is told as by `rows`, and rolled back; all else throws the
        connection away. Refusals: UNAVAILABLE.
        """
        if not may_send_ahead(self._driver):
            await self.execute("; ".join(opening))
            try:
                return await self.rows(first, {})
            except BaseException:
                if not self.is_ended:
                    await self.end("rollback")
                raise
        try:
            asked = first.text, first.arguments({})
            return await begin_with(self._open_driver(), self._record.info, opening, asked)
        except BaseException as error:
            if isinstance(error, PostgresError) and _is_the_servers(error) and not _is_lost(error):
                await self.end("rollback")
                raise DBAPIError(first.text, None, error) from error
            await asyncio.shield(self.discard())
            if isinstance(error, Exception):
                raise Unavailable() from error
            raise

    async def execute(self, statements: str) -> str:
        """Send statements as one simple query, and what the server says of the last of them; a
        broken connection is thrown away.

        Any exception out of the driver may leave the connection mid-protocol (a killed server
        raises types outside every documented family), so that each of them discards it. What a
        deferred constraint refuses at the commit is a bug of ours and raises as it is: nothing was
        committed.
        """
        try:
            return str(await self._open_driver().execute(statements))
        except BaseException as error:
            await asyncio.shield(self.discard())
            if isinstance(error, Exception) and not _is_bug(error):
                raise Unavailable() from error
            raise

    async def commit_with(self, statement: Fixed, parameters: Mapping[str, Any]) -> Sequence[Any]:
        """The last statement of a transaction and its commit, in one round trip where that can be;
        even when the caller is cancelled. Its rows have one bigint.

        What the server refuses of the statement is told as by `rows`, and rolled back; all else is
        as of `end`. The transaction is over in any case.
        """
        values = self._written(statement, parameters)
        if values is None:
            found = await self.rows(statement, parameters)
            await self.end("commit")
            return found
        self._is_ending = True
        sent = [*self._waiting, Sent(statement.text, values)]
        return await asyncio.shield(self._commit_with(sent))

    def _written(self, statement: Fixed, parameters: Mapping[str, Any]) -> list[bytes] | None:
        if not may_send_ahead(self._driver):
            return None
        try:
            return [written(each) for each in statement.arguments(parameters)]
        except (TypeError, ValueError):  # one that is left to the driver
            return None

    async def _commit_with(self, sent: Sequence[Sent]) -> Sequence[Any]:
        self._waiting = []
        try:
            found = await commit_with(self._open_driver(), self._record.info, sent)
        except BaseException as error:
            refused = isinstance(error, PostgresError) and not _is_lost(error)
            if refused and self._driver.is_in_transaction():
                # Here, since whoever asked may be gone.
                await self._finish("rollback")
                raise DBAPIError(_texts(*sent), None, error) from error
            await asyncio.shield(self.discard())
            if isinstance(error, Exception) and not _is_bug(error):
                raise Unavailable() from error
            raise
        await self._give_back()
        return found

    @property
    def is_ending(self) -> bool:
        """Whether its transaction was told to end; one that was thrown away was not."""
        return self._is_ending

    @property
    def is_ended(self) -> bool:
        """Whether it was given back or thrown away, or is about to be."""
        return self._is_over or self._is_ending

    async def end(self, statement: str) -> None:
        """Commit or roll back and give the connection back, even when the caller is cancelled.

        A failed commit raises UNAVAILABLE: whether it happened is unknown, and the caller repeats
        it under the same key. What the server refuses of a statement that waited for the commit is
        told as by `rows`, and rolled back. A failed rollback needs no word, since the server rolls
        back by itself.
        """
        self._is_ending = True
        try:
            await asyncio.shield(self._finish(statement))
        except Unavailable:
            if statement == "commit":
                raise

    async def _finish(self, statement: str) -> None:
        if self._waiting and statement == "commit":
            await self._commit_with(self._waiting)
            return
        self._waiting = []
        done = await self.execute(statement)
        await self._give_back()
        # To the commit of a failed transaction the server only says that it rolled back.
        if done.casefold() != statement:
            raise RuntimeError("what has failed can't be committed")

    async def _give_back(self) -> None:
        # Nothing open goes back to the pool, whatever the server made of the statement.
        if self._driver.is_in_transaction():
            await self.discard()
            raise Unavailable()
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


def _is_lost(error: PostgresError) -> bool:
    """Whether the connection is no good any more: gone, or what is prepared on it is outdated, as
    after a migration that changes the type of a column."""
    return str(error.sqlstate or "")[:2] in LOST or isinstance(error, _OUTDATED)


def _is_the_servers(error: PostgresError) -> bool:
    """Whether the server said it. The driver raises the same of an argument that is none of its
    type: what was written ahead of it is then without an end, and nobody may read on."""
    return getattr(error, "severity", None) is not None


def _texts(*statements: Sent | Fixed) -> str:
    """All that was sent, for whoever must find out which of them was refused."""
    return "; ".join(one.text for one in statements)


def _is_bug(error: Exception) -> bool:
    """Whether the server refused what was asked, by a constraint or one of our own functions."""
    return isinstance(error, PostgresError) and str(error.sqlstate or "")[:2] in _REFUSED_BY_RULE
