"""One transaction of the PSP: what is found, kept, changed and told in it.

Every change raises a version and leaves a notice in the outbox of the same transaction, so that
nothing changes unsaid and nothing is said that did not happen.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, cast, get_args, get_type_hints

import asyncpg
from sqlalchemy import Dialect, Table
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect
from sqlalchemy.dialects.postgresql import insert

from domain.kernel.ids import new_uuid
from sandbox.psp import outbox, tables
from sandbox.psp.faults import Faults
from sandbox.psp.values import (
    Dispute,
    Evidence,
    Line,
    LineType,
    Merchant,
    Payment,
    Payout,
    Refund,
    Refusal,
    Stored,
)
from sandbox.store import Connection

_DIALECT: Dialect = asyncpg_dialect.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy's own
_TABLES: dict[type[Any], Table] = {
    Dispute: tables.dispute,
    Evidence: tables.evidence,
    Line: tables.line,
    Merchant: tables.merchant,
    Payment: tables.payment,
    Payout: tables.payout,
    Refund: tables.refund,
}
_FACTS = (Evidence, Line)  # inserted once, never changed
_PREFIXES: dict[type[Any], str] = {Dispute: "dp", Payment: "pay", Payout: "po", Refund: "ref"}
_T = TypeVar("_T")
_S = TypeVar("_S", Dispute, Payment, Payout, Refund)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered to a key, and to what."""

    fingerprint: str
    status: int
    body: str


class Desk:
    """A transaction at work. `now` is the PSP's business time, the same for all of it."""

    def __init__(self, connection: Connection, *, now: datetime, faults: Faults) -> None:
        self.connection = connection
        self.now = now
        self.faults = faults
        self.has_news = False

    # Finding ---------------------------------------------------------------------------------

    async def find(
        self, shape: type[_T], *, lock: bool = False, order: str = "", **where: Any
    ) -> list[_T]:
        """All of a kind that have these values, oldest first when `order` names a column."""
        query = _select(cast(Any, shape), tuple(where), order, lock)
        rows = await self.connection.fetch(query, *where.values())
        return [_read(row, shape) for row in rows]

    async def take(self, shape: type[_S], key: str, *, merchant: str | None = None) -> _S:
        """One of a kind, locked. Refusals: UNKNOWN_<KIND>, also for another merchant's."""
        found = await self.find(shape, lock=True, id=key)
        if not found or merchant not in (None, found[0].merchant):
            kind = shape.__name__
            raise Refusal(f"UNKNOWN_{kind.upper()}", f"There is no {kind.lower()} {key}.")
        return found[0]

    async def merchant(self, name: str) -> Merchant:
        (found,) = await self.find(Merchant, name=name)
        return found

    # Keeping ---------------------------------------------------------------------------------

    def new_id(self, shape: type[Stored]) -> str:
        return f"{_PREFIXES[shape]}_{new_uuid().hex}"

    async def keep(self, item: Stored | Evidence | Line | Merchant) -> None:
        """Inserts, or replaces what has the same key; evidence and lines are never replaced."""
        text, columns = _upsert(cast(Any, type(item)))
        row = asdict(item)
        self.has_news = True
        await self.connection.execute(text, *(row[column] for column in columns))

    async def add(self, item: _S) -> _S:
        """A new payment, refund or payout. Refusals: DUPLICATE_REFERENCE."""
        try:
            async with self.savepoint():
                await self.keep(item)
        except asyncpg.UniqueViolationError:
            message = f"The reference {item.reference} was used before."
            raise Refusal("DUPLICATE_REFERENCE", message) from None
        return item

    async def change(self, item: _S, **changes: Any) -> _S:
        """Raises the version of a locked item and tells its merchant so."""
        made = replace(cast(Any, item), version=item.version + 1, updated_at=self.now, **changes)
        await self.keep(made)
        await self.tell(made)
        return cast(_S, made)

    async def tell(self, item: Stored) -> None:
        """Leaves a notice about an item in the outbox."""
        due = datetime.now(UTC) + self.faults.notice_delay()
        await outbox.put(self.connection, item, now=self.now, due=due)

    async def book(
        self, item: Stored, kind: LineType, gross: Any, *, currency: str, fee: Any = 0
    ) -> None:
        """Moves the merchant's balance: a line of its settlement."""
        line = Line(
            id=f"ln_{new_uuid().hex}",
            merchant=item.merchant,
            at=self.now,
            type=kind,
            psp_id=item.id,
            reference=item.reference,
            currency=currency,
            gross=gross,
            fee=fee,
        )
        await self.keep(line)

    # Idempotency -----------------------------------------------------------------------------

    async def hold_key(self, merchant: str, key: str) -> None:
        """Makes whoever uses the same key at the same time wait for the end of this work."""
        name = f"{merchant}\n{key}"
        await self.connection.execute(
            "select pg_advisory_xact_lock(hashtextextended($1, 20260))", name
        )

    async def answer(self, merchant: str, key: str) -> Answer | None:
        row = await self.connection.fetchrow(
            "select fingerprint, status, body from sandbox.psp_answer"
            " where merchant = $1 and key = $2",
            merchant,
            key,
        )
        return Answer(**row) if row else None

    async def keep_answer(self, merchant: str, key: str, answer: Answer) -> None:
        await self.connection.execute(
            "insert into sandbox.psp_answer (merchant, key, fingerprint, status, body, at)"
            " values ($1, $2, $3, $4, $5, $6)",
            merchant,
            key,
            answer.fingerprint,
            answer.status,
            answer.body,
            self.now,
        )

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """What the block did is undone when it raises."""
        async with self.connection.transaction():
            yield


@cache
def _select(shape: type[Any], where: tuple[str, ...], order: str, lock: bool) -> str:
    named = " and ".join(f"{column} = ${number}" for number, column in enumerate(where, 1))
    query = f"select * from {_TABLES[shape].fullname} where {named}"  # noqa: S608 - our own names
    return query + (f" order by {order}" if order else "") + (" for update" if lock else "")


@cache
def _upsert(shape: type[Any]) -> tuple[str, tuple[str, ...]]:
    """The statement that inserts or replaces a row, and the columns its arguments stand for."""
    table = _TABLES[shape]
    statement = insert(table)
    if shape not in _FACTS:
        keys = [column.name for column in table.primary_key]
        others = {c.name: statement.excluded[c.name] for c in table.columns if c.name not in keys}
        statement = statement.on_conflict_do_update(index_elements=keys, set_=others)
    compiled: Any = statement.compile(dialect=_DIALECT)
    return str(compiled), tuple(compiled.positiontup)


@cache
def _enums(shape: type[Any]) -> dict[str, type[StrEnum]]:
    """Fields of a shape that are of a closed list."""
    found = {}
    for name, hint in get_type_hints(shape).items():
        for kind in get_args(hint) or (hint,):
            if isinstance(kind, type) and issubclass(kind, StrEnum):
                found[name] = kind
    return found


def _read(row: Any, shape: type[_T]) -> _T:
    enums = _enums(cast(Any, shape))
    named = {field.name: row[field.name] for field in fields(cast(Any, shape))}
    for name, kind in enums.items():
        if named[name] is not None:
            named[name] = kind(named[name])
    return shape(**named)
