"""The simulator's database: one connection that writes, a few that read.

The writing connection holds an advisory lock for its life, and nothing is written on any other,
so that two simulators can never write to one schema: who loses the connection has lost the lock.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import asdict, fields
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar

import asyncpg
import orjson
from sqlalchemy import Dialect, Table
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect
from sqlalchemy.dialects.postgresql import insert

from simulator import tables
from simulator.book import Book, Draft, Operation
from simulator.history import Anchor
from simulator.values import (
    Access,
    Account,
    BalanceKind,
    Deal,
    Entry,
    Group,
    Order,
    OrderType,
    Position,
    Reason,
    Side,
)

_LOCK = 0x53494D_0001
# How long a start waits for a predecessor whose end the database has not noticed yet.
_LOCK_TIMEOUT = "3s"
_COMMAND_TIMEOUT = 10.0
_DIALECT: Dialect = asyncpg_dialect.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy's own
_ENUMS: dict[str, type[StrEnum]] = {
    "access": Access,
    "entry": Entry,
    "kind": BalanceKind,
    "reason": Reason,
    "side": Side,
    "type": OrderType,
}
_Row = TypeVar("_Row", Account, Deal, Group, Order, Position)


class AlreadyRunning(Exception):
    """Another simulator holds this schema."""


class StoreDown(Exception):
    """The database did not confirm. What was sent may be there or not: load again."""


def _upsert(table: Table) -> tuple[str, tuple[str, ...]]:
    """The statement that inserts or replaces a row, and the columns its arguments stand for."""
    statement = insert(table)
    keys = [column.name for column in table.primary_key]
    others = {c.name: statement.excluded[c.name] for c in table.columns if c.name not in keys}
    return _compiled(statement.on_conflict_do_update(index_elements=keys, set_=others))


def _compiled(statement: Any) -> tuple[str, tuple[str, ...]]:
    compiled = statement.compile(dialect=_DIALECT)
    return str(compiled), tuple(compiled.positiontup)


_GROUP = _upsert(tables.account_group)
_ACCOUNT = _upsert(tables.account)
_POSITION = _upsert(tables.position)
_ORDER = _upsert(tables.pending_order)
_REPLAY = _upsert(tables.replay)
_DESK = _upsert(tables.desk)
_DEAL = _compiled(insert(tables.deal))
_OPERATION = _compiled(insert(tables.operation))


class Store:
    """Opens, loads, saves. Every method raises StoreDown when the database fails it."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn.replace("postgresql+asyncpg://", "postgresql://", 1)
        self._writer: asyncpg.Connection | None = None
        self._pool: asyncpg.Pool | None = None

    @property
    def is_open(self) -> bool:
        return self._writer is not None and not self._writer.is_closed()

    async def open(self) -> None:
        """Connects and takes the lock. Raises AlreadyRunning when another simulator has it."""
        await self._drop_writer()
        async with _guarded():
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._dsn, min_size=0, max_size=3, command_timeout=_COMMAND_TIMEOUT
                )
            self._writer = await asyncpg.connect(
                self._dsn,
                command_timeout=_COMMAND_TIMEOUT,
                server_settings={"lock_timeout": _LOCK_TIMEOUT, "search_path": "simulator"},
            )
        try:
            async with self._writing() as writer:
                await writer.execute("select pg_advisory_lock($1)", _LOCK)
        except StoreDown as error:
            if isinstance(error.__cause__, asyncpg.LockNotAvailableError):
                raise AlreadyRunning("another simulator runs on this database") from error
            raise

    async def close(self) -> None:
        await self._drop_writer()
        if self._pool is not None:
            self._pool.terminate()
            self._pool = None

    async def _drop_writer(self) -> None:
        if self._writer is not None:
            self._writer.terminate()
            self._writer = None

    async def load(self, rolled_day: date) -> Book:
        """The book as it was last acknowledged; a new one counts `rolled_day` as charged."""
        async with self._writing() as writer:
            desk = await writer.fetchrow("select * from simulator.desk where desk_id = 1")
            last_deal = await writer.fetchval("select max(deal_id) from simulator.deal")
            book = Book(
                next_ticket=desk["next_ticket"] if desk else 1,
                last_deal=last_deal or 0,
                rolled_day=desk["rolled_day"] if desk else rolled_day,
            )
            for group in await _rows(writer, "account_group", Group):
                book.groups[group.name] = group
            for account in await _rows(writer, "account", Account):
                book.accounts[account.login] = account
            for position in await _rows(writer, "position", Position):
                book.put_position(position.position_id, position)
            for order in await _rows(writer, "pending_order", Order):
                book.put_order(order.order_id, order)
            return book

    async def anchors(self) -> list[Anchor]:
        """How the market has been played so far, oldest first."""
        async with self._writing() as writer:
            rows = await writer.fetch("select * from simulator.replay order by replay_id")
        return [Anchor(row["at"], row["offset_ms"], row["speed"]) for row in rows]

    async def save_anchor(self, number: int, anchor: Anchor) -> None:
        """Writes anchor `number` (0 is the first); the same number again replaces it."""
        async with self._writing() as writer:
            await _write(writer, _REPLAY, [{"replay_id": number, **asdict(anchor)}])

    async def save(self, draft: Draft) -> None:
        """Writes a draft whole or not at all."""
        async with self._writing() as writer, writer.transaction():
            await _write(writer, _GROUP, map(asdict, draft.groups.values()))
            await _write(writer, _ACCOUNT, map(asdict, draft.accounts.values()))
            await _write(writer, _POSITION, _kept(draft.positions.values()))
            await _write(writer, _ORDER, _kept(draft.orders.values()))
            await writer.execute(
                "delete from simulator.position where position_id = any($1::bigint[])",
                _gone(draft.positions),
            )
            await writer.execute(
                "delete from simulator.pending_order where order_id = any($1::bigint[])",
                _gone(draft.orders),
            )
            await _write(writer, _DEAL, map(asdict, draft.deals))
            if draft.operation is not None:
                row = asdict(draft.operation)
                await _write(
                    writer, _OPERATION, [row | {"answer": orjson.dumps(row["answer"]).decode()}]
                )
            desk = {"desk_id": 1, "next_ticket": draft.next_ticket, "rolled_day": draft.rolled_day}
            await _write(writer, _DESK, [desk])

    async def operation(self, op_id: str) -> Operation | None:
        """What was answered to an operation id before."""
        async with self._writing() as writer:
            row = await writer.fetchrow(
                "select op_id, fingerprint, status, answer, at"
                " from simulator.operation where op_id = $1",
                op_id,
            )
        return Operation(**{**row, "answer": orjson.loads(row["answer"])}) if row else None

    async def deals_after(self, cursor: int, *, limit: int) -> list[Deal]:
        """Deals of all logins after a cursor, oldest first."""
        assert self._pool is not None
        async with _guarded():
            rows = await self._pool.fetch(
                "select * from simulator.deal where deal_id > $1 order by deal_id limit $2",
                cursor,
                limit,
            )
        return [_read(row, Deal) for row in rows]

    async def deal_with_cancel(self, deal_id: int) -> list[Deal]:
        """A deal, and behind it the one that took it back; nothing for a number nobody has."""
        assert self._pool is not None
        async with _guarded():
            rows = await self._pool.fetch(
                "select * from simulator.deal where deal_id = $1 "
                "or (deal_id > $1 and reverses_id = $1) order by deal_id",
                deal_id,
            )
        return [_read(row, Deal) for row in rows]

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[asyncpg.Connection]:
        """The writing connection; any failure on it gives it up, and the lock with it, since
        nobody knows what it has done."""
        if self._writer is None or self._writer.is_closed():
            raise StoreDown("not connected")
        try:
            async with _guarded():
                yield self._writer
        except (StoreDown, asyncio.CancelledError):
            await self._drop_writer()
            raise


@asynccontextmanager
async def _guarded() -> AsyncIterator[None]:
    try:
        yield
    # The driver raises InternalClientError and more, which share no parent, when Postgres is
    # killed in the middle of a call; whatever comes out of it means the same.
    except Exception as error:
        raise StoreDown(str(error)) from error


async def _write(
    writer: asyncpg.Connection,
    statement: tuple[str, tuple[str, ...]],
    rows: Iterable[dict[str, Any]],
) -> None:
    text, columns = statement
    arguments = [[row[column] for column in columns] for row in rows]
    if arguments:
        await writer.executemany(text, arguments)


async def _rows(writer: asyncpg.Connection, table: str, shape: type[_Row]) -> list[_Row]:
    # The table names are our own, four lines above.
    rows = await writer.fetch(f"select * from simulator.{table}")  # noqa: S608
    return [_read(row, shape) for row in rows]


def _read(row: asyncpg.Record, shape: type[_Row]) -> _Row:
    named = {field.name: _value(field.name, row[field.name]) for field in fields(shape)}
    return shape(**named)


def _value(name: str, value: Any) -> Any:
    kind = _ENUMS.get(name)
    return value if kind is None or value is None else kind(value)


def _kept(items: Iterable[Any]) -> Iterable[dict[str, Any]]:
    return (asdict(item) for item in items if item is not None)


def _gone(items: dict[int, Any]) -> list[int]:
    return [key for key, item in items.items() if item is None]
