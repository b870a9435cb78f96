"""The transaction boundary. One request, job or notice is one work of one brand, ended here.

Nothing else checks a connection out, begins or commits. A work opens with one call that begins
and sets the brand (and the client or ib path) locally to the transaction; a business refusal
undoes the command, any other exception undoes everything; events and audit go in last, under the
brand's head row; whoever follows the brand is woken after the commit.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Generic, Self, TypeVar
from uuid import UUID

from asyncpg import PostgresError
from sqlalchemy import Row, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.kernel.errors import DomainError, Unavailable
from domain.kernel.ids import new_uuid
from tenants.actors import ActorSource, sources
from tenants.connection import (
    LOST,
    RETRIED,
    lent,
    refusal_of,
    sqlstate,
)
from tenants.context import NO_BRAND, ActorKind, Scope, system_scope
from tenants.driver import value_of
from tenants.enclosed import PlanBroke, PlanGaveUp
from tenants.fixed import Fixed, fixed_of
from tenants.held import Held
from tenants.judge import check, question
from tenants.log import Change, Event, append
from tenants.refusals import BrandSuspended, RightsChanged, Unauthenticated
from tenants.repeat import Repeat, claim, settle

T = TypeVar("T")
Wake = Callable[[UUID], None]
Stale = Callable[[Scope], None]
Command = Callable[["WriteWork"], Awaitable[T]]

_IB_PATH = re.compile(r"([0-9a-f]{32}/)*", re.ASCII)
_ATTEMPTS = 3
_DATA = "22"
_READ = "begin isolation level repeatable read read only"
_WRITE = "begin isolation level read committed"
_SAVE, _UNDO = (Fixed(text(f"{verb} command")) for verb in ("savepoint", "rollback to savepoint"))
_NOBODY = system_scope(NO_BRAND)
_DEFER, _DEFER_AGAIN = (
    text(f"select jobs.{name}(:queue, :task, cast(:lock as text), cast(:args as jsonb))")
    for name in ("defer", "defer_again")
)


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """A committed write: what the command returned, and the brand's last event `seq` it caused."""

    value: T
    replayed: bool = False
    seq: int | None = None


class _Work:
    """A connection inside one transaction of one brand; its statements run one at a time."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.statements = 0
        self._connection: Held | None = None
        self._lock = asyncio.Lock()

    async def rows(
        self, statement: Any, parameters: Mapping[str, Any] | None = None
    ) -> Sequence[Row[Any]]:
        """Run a statement; its rows, or none for a statement that returns none.

        Refusals: UNAVAILABLE when the connection is gone or silent; it is not used again.
        """
        async with self._lock:
            connection = await self._opened()
            self.statements += 1
            return await connection.rows(statement, parameters or {})

    async def kept_rows(
        self, statement: Any, parameters: Mapping[str, Any] | None = None
    ) -> Sequence[Row[Any]]:
        """The same of a select that is kept and asked again and again: by the driver itself, where
        no value takes more than it knows."""
        return await self.rows(fixed_of(statement) or statement, parameters)

    async def _opened(self) -> Held:
        assert self._connection is not None, "the work is over"
        return self._connection


class ReadWork(_Work):
    """One read-only snapshot for all reads of an operation, opened at the first statement.

    Sibling resolvers run concurrently, so the connection stays behind a lock. `statements` counts
    what was sent, without the begin and the end.
    """

    def __init__(self, engine: AsyncEngine, scope: Scope) -> None:
        super().__init__(scope)
        self._engine = engine
        self._over = False

    async def rows(
        self, statement: Any, parameters: Mapping[str, Any] | None = None
    ) -> Sequence[Row[Any]]:
        """As above; a read is never repeated, so that a lost connection is told at once."""
        try:
            return await super().rows(statement, parameters)
        except DBAPIError as error:
            refusal = refusal_of(error)
            if refusal is None:
                raise
            raise refusal from error

    async def _opened(self) -> Held:
        assert not self._over, "the work is over"
        if self._connection is None:
            self._connection = await _begin(self._engine, opening(_READ, self.scope))
        return self._connection

    async def close(self) -> None:
        """End the snapshot and give the connection back; harmless when nothing was read."""
        if self._lock.locked():  # a sibling's statement is on its way: whoever waits may be gone
            await asyncio.shield(self._close())
        else:
            await self._close()

    async def _close(self) -> None:
        async with self._lock:
            self._over = True
            connection, self._connection = self._connection, None
            if connection is not None:
                await connection.end("rollback")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()


class WriteWork(_Work):
    """The write transaction of one command, made and committed by `Database.write` only."""

    def __init__(self, scope: Scope, connection: Held) -> None:
        super().__init__(scope)
        self._connection = connection
        self._now: datetime | None = None
        self._database_now: datetime | None = None
        self.events: list[Event] = []
        self.changes: list[Change] = []
        self._once: set[str] = set()
        self._made = 0

    def once(self, what: str) -> None:
        """Say that something is done now which a work does at most once."""
        assert what not in self._once, f"{what}: once in a work"
        self._once.add(what)

    def now(self) -> datetime:
        """The instant of this work: the database's clock plus the brand's sandbox offset."""
        assert self._now is not None, "the work has begun"
        return self._now

    def database_now(self) -> datetime:
        """The database's own clock, which no sandbox moves: for credentials and their expiry."""
        assert self._database_now is not None, "the work has begun"
        return self._database_now

    def new_id(self) -> UUID:
        """A new UUIDv7 of this work's instant: what one work makes sorts in the order of making,
        in lists as well, whose ties are broken by id."""
        self._made += 1
        return new_uuid(int(self.now().timestamp() * 1000), place=self._made - 1)

    async def one(self, statement: Any, parameters: Mapping[str, Any] | None = None) -> Row[Any]:
        """The single row of a statement that must find exactly one."""
        found = await self.rows(statement, parameters)
        assert len(found) == 1, f"expected one row, got {len(found)}"
        return found[0]

    async def maybe(
        self, statement: Any, parameters: Mapping[str, Any] | None = None
    ) -> Row[Any] | None:
        """The row of a statement that finds at most one."""
        found = await self.rows(statement, parameters)
        assert len(found) <= 1, f"expected at most one row, got {len(found)}"
        return found[0] if found else None

    def emit(self, event: Event) -> None:
        """Append an event when the work commits."""
        self.events.append(event)

    def audit(self, change: Change) -> None:
        """Append a line to the audit trail when the work commits."""
        self.changes.append(change)

    async def defer(
        self, task: str, arguments: str, *, queue: str = "default", lock: str, again: bool = False
    ) -> None:
        """Put a job in the queue inside this transaction. For consumers and rounds; `arguments` is
        JSON.

        `lock` serialises jobs of one key and begins with the brand, since keys are global. With
        `again` nothing is added while a job of that lock waits for its turn.
        """
        given = {"queue": queue, "task": task, "lock": lock, "args": arguments}
        await self.rows(_DEFER_AGAIN if again else _DEFER, given)

    async def later(self, statement: Fixed, parameters: Mapping[str, Any] | None = None) -> None:
        """Run a statement without rows together with the next one or the commit, which raise what
        the server refuses of it: for what no verdict depends on."""
        async with self._lock:
            connection = await self._opened()
            self.statements += 1
            await connection.later(statement, parameters or {})

    async def last(self, statement: Fixed, parameters: Mapping[str, Any]) -> Sequence[Row[Any]]:
        """The work's last statement, which commits it. For `tenants.log` only."""
        async with self._lock:
            connection = await self._opened()
            self.statements += 1
            return await connection.commit_with(statement, parameters)

    def _judge(self, found: Sequence[Any]) -> None:
        """The work's instant, and the rights the request came with judged again."""
        self.statements += 1
        if not found:
            raise Unavailable("This brand is not served here.")
        (row,) = found
        self._database_now = row.now
        self._now = row.now + timedelta(milliseconds=row.clock_offset_ms)
        check(self.scope, row)


class Database:
    """The engine of one role, and the only way to a transaction."""

    def __init__(self, engine: AsyncEngine, *, wake: Wake = lambda _brand_id: None) -> None:
        self._engine = engine
        self._wake = wake
        self._actors = sources()
        self._stale: Stale = lambda _scope: None

    def judge(self, actors: Mapping[ActorKind, ActorSource], stale: Stale) -> None:
        """Judge these kinds of actors in each write; until then only staff are known.

        `stale` is told each scope whose write was refused because it is not true any more.
        """
        self._actors = actors
        self._stale = stale

    def read(self, scope: Scope) -> ReadWork:
        """A read-only snapshot of the scope's brand. Use it as a context manager, or close it."""
        return ReadWork(self._engine, scope)

    @property
    def major(self) -> int:
        """The version of Postgres; 0 before there was a connection."""
        found = getattr(self._engine.dialect, "server_version_info", None)
        return int(found[0]) if found else 0

    async def whole(self, scope: Scope, statement: str, values: Sequence[Any]) -> bytes:
        """The one value of an `enclosed` statement, read in a single round trip.

        The statement is a transaction by itself: it sets whose rows it may touch, reads one
        snapshot, and leaves nothing set behind. It runs on the driver, past SQLAlchemy.
        Raises PlanGaveUp where the statement refused what it found, PlanBroke where it is none.
        Refusals: UNAVAILABLE.
        """
        _check_path(scope)
        values = (*values, scope.brand_id, scope.client_id, scope.ib_path)
        async with lent(self._engine) as driver:
            try:
                found: bytes = await value_of(driver, statement, values)
            except PostgresError as error:
                state = str(error.sqlstate or "")[:2]
                if state in LOST:
                    raise
                raise (PlanGaveUp if state == _DATA else PlanBroke) from error
        return found

    async def ping(self) -> None:
        """Ask the database for nothing. Refusals: UNAVAILABLE."""
        async with self.read(_NOBODY) as work:
            await work.rows(text("select 1"))

    async def write(
        self, scope: Scope, command: Command[T], *, repeat: Repeat | None = None
    ) -> Done[T]:
        """Run a command in one transaction and commit it.

        With `repeat` the answer is stored under the caller's key in the same transaction: the
        command then returns JSON-ready values, a repetition returns them with `replayed`, and a
        refusal is stored and raised again. Deadlocks are retried three times.

        Refusals: whatever the command raises; UNAVAILABLE; UNAUTHENTICATED when token or actor
        have ended or moved; FORBIDDEN when the brand is suspended; CONFLICT when the policy moved;
        IDEMPOTENCY_IN_PROGRESS, IDEMPOTENCY_KEY_REUSED.
        """
        for attempt in range(_ATTEMPTS):
            try:
                done = await self._write_once(scope, command, repeat)
            except DBAPIError as error:
                if sqlstate(error) not in RETRIED or attempt == _ATTEMPTS - 1:
                    refusal = refusal_of(error)
                    if refusal is None:
                        raise
                    raise refusal from error
            except (Unauthenticated, BrandSuspended, RightsChanged):
                self._stale(scope)
                raise
            else:
                if done.seq is not None:
                    self._wake(scope.brand_id)
                return done
        raise AssertionError("the loop returns or raises")

    async def _write_once(
        self, scope: Scope, command: Command[T], repeat: Repeat | None
    ) -> Done[T]:
        async with _transaction(self._engine, scope, question(scope, self._actors)) as work:
            if repeat is None:
                value = await command(work)
            else:
                earlier = await claim(work, repeat)
                if earlier is not None:
                    return Done(earlier.told(), replayed=True)
                value = await self._guarded(work, command, repeat)
            seq = await append(work, scope, work.now(), work.events, work.changes)
            return Done(value, seq=seq)

    async def _guarded(self, work: WriteWork, command: Command[T], repeat: Repeat) -> T:
        """The command in a savepoint; a refusal is undone, stored with the key and committed."""
        await work.later(_SAVE)
        try:
            value = await command(work)
        except Unavailable:
            raise
        except DomainError as refusal:
            work.events.clear()
            work.changes.clear()
            await work.rows(_UNDO)
            await settle(work, repeat, refusal=refusal)
            raise _StoredRefusal(refusal) from refusal
        await settle(work, repeat, answer=value)
        return value


class _StoredRefusal(Exception):
    """Carries a refusal out of a transaction that must commit all the same."""

    def __init__(self, refusal: DomainError) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


@asynccontextmanager
async def _transaction(engine: AsyncEngine, scope: Scope, first: Fixed) -> AsyncIterator[WriteWork]:
    connection, found = await _begin_with(engine, steps(_WRITE, scope), first)
    work = WriteWork(scope, connection)
    try:
        work._judge(found)
        yield work
    except _StoredRefusal as stored:
        await connection.end("commit")
        raise stored.refusal from stored.refusal.__cause__
    except BaseException:
        # The last statement commits or rolls back by itself, whoever waits for it no more.
        if not connection.is_ended:
            await connection.end("rollback")
        raise
    else:
        # One that was thrown away meanwhile is told so here: nothing was committed.
        if not connection.is_ending:
            await connection.end("commit")
    finally:
        work._connection = None


async def _begin(engine: AsyncEngine, statements: str) -> Held:
    """A connection inside a transaction."""
    connection, _ = await _answering(engine, lambda one: one.execute(statements))
    return connection


async def _begin_with(
    engine: AsyncEngine, opening: Sequence[str], first: Fixed
) -> tuple[Held, Sequence[Any]]:
    """The same, and the rows of the transaction's first statement, which changes nothing."""
    return await _answering(engine, lambda one: one.begin_with(opening, first))


async def _answering(engine: AsyncEngine, ask: Callable[[Held], Awaitable[T]]) -> tuple[Held, T]:
    """A connection that answers, and its answer.

    One that was used before may have died while it lay in the pool, as all do when the server
    restarts; nothing was done on it yet, so that another takes its place, until a fresh one fails.
    A silent one is not replaced: the caller has waited long enough.
    """
    while True:
        connection = await Held.of(engine)
        used = connection.has_served()
        try:
            answer = await ask(connection)
        except Unavailable as error:
            if not used or isinstance(error.__cause__, TimeoutError):
                raise
        else:
            return connection, answer


def opening(begin: str, scope: Scope) -> str:
    """The one call that begins a transaction and sets whose rows it may touch, locally to it.

    Values are validated, since SET takes no parameters: a UUID each, and a path of hex ids.
    """
    return "; ".join(steps(begin, scope))


def steps(begin: str, scope: Scope) -> list[str]:
    """The statements of that call."""
    settings = [f"set local app.brand_id = '{_uuid(scope.brand_id)}'"]
    if scope.client_id is not None:
        settings.append(f"set local app.client_id = '{_uuid(scope.client_id)}'")
    _check_path(scope)
    if scope.ib_path is not None:
        settings.append(f"set local app.ib_path = '{scope.ib_path}'")
    settings += ["set local statement_timeout = '10s'", "set local lock_timeout = '2s'"]
    return [begin, *settings]


def _check_path(scope: Scope) -> None:
    path = scope.ib_path
    if path is not None and (not path or not _IB_PATH.fullmatch(path)):
        raise ValueError("an ib path is hex ids, each followed by a slash")


def _uuid(value: UUID) -> str:
    if not isinstance(value, UUID):
        raise TypeError("a UUID is expected")
    return str(value)
