"""Many rows in one statement of one array a column, the same for any number of them.

A list of VALUES would be compiled anew each time, which costs more than it takes to insert, and a
statement takes 32,767 parameters.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Protocol

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Integer,
    LargeBinary,
    Numeric,
    Table,
    Text,
    TypeDecorator,
    bindparam,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as PgUUID

_TYPED = (PgUUID, Date, DateTime, BigInteger, Integer, LargeBinary, Numeric, Boolean)


class Statements(Protocol):
    """The part of a work that inserting needs."""

    async def rows(self, statement: Any, parameters: Any = None) -> Sequence[Any]: ...


async def insert_rows(work: Statements, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all have the columns of the first; a column left out gets its default."""
    if rows:
        await work.rows(_insertion(table, tuple(rows[0]), "", ""), _arrays(table, rows))


async def insert_new(
    work: Statements, table: Table, rows: Sequence[Mapping[str, Any]], *, returning: str = "id"
) -> set[Any]:
    """Insert the rows that no unique key of the table is against; `returning` of those."""
    if not rows:
        return set()
    statement = _insertion(table, tuple(rows[0]), " on conflict do nothing", returning)
    return {row[0] for row in await work.rows(statement, _arrays(table, rows))}


async def upsert_rows(
    work: Statements,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    keys: tuple[str, ...],
    changed: tuple[str, ...],
    newest: str | None = None,
) -> None:
    """Insert rows, or take over the columns `changed` of those that are there under the same
    `keys`; with `newest`, a column, only where what is there is not newer."""
    if not rows:
        return
    taken = ", ".join(f"{one} = excluded.{one}" for one in changed)
    kept = f" where {table.name}.{newest} <= excluded.{newest}" if newest else ""
    conflict = f" on conflict ({', '.join(keys)}) do update set {taken}{kept}"
    await work.rows(_insertion(table, tuple(rows[0]), conflict, ""), _arrays(table, rows))


def _arrays(table: Table, rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    given = {name: [row[name] for row in rows] for name in rows[0]}
    for name in given.keys() & _documents(table):
        given[name] = [None if one is None else json.dumps(one) for one in given[name]]
    for name in given.keys() & _lists(table).keys():
        given[name] = [None if one is None else _literal(one) for one in given[name]]
    return given


def _literal(several: Sequence[Any]) -> str:
    """A list as Postgres reads it: arrays of arrays would lose their ends on the way."""
    quoted = (str(one).replace("\\", "\\\\").replace('"', '\\"') for one in several)
    return "{" + ",".join(f'"{one}"' for one in quoted) + "}"


@cache
def _insertion(table: Table, names: tuple[str, ...], conflict: str, returning: str) -> Any:
    casts = dict.fromkeys(_documents(table), "jsonb") | _lists(table)
    columns = ", ".join(names)
    values = ", ".join(f"cast({one} as {casts[one]})" if one in casts else one for one in names)
    arrays = ", ".join(f":{one}" for one in names)
    told = f" returning {returning}" if returning else ""
    statement = text(
        f"insert into {table.name} ({columns})"  # noqa: S608 - names of our own tables
        f" select {values} from unnest({arrays}) as added({columns}){conflict}{told}"
    )
    return statement.bindparams(*(bindparam(one, type_=_array(table.c[one])) for one in names))


def _array(column: Any) -> ARRAY[Any]:
    kind = column.type.impl if isinstance(column.type, TypeDecorator) else column.type
    return ARRAY(kind if isinstance(kind, _TYPED) else Text)


@cache
def _lists(table: Table) -> dict[str, str]:
    """The columns that hold lists, and of what type."""
    return {
        one.name: "uuid[]" if isinstance(one.type.item_type, PgUUID) else "text[]"
        for one in table.columns
        if isinstance(one.type, ARRAY)
    }


@cache
def _documents(table: Table) -> frozenset[str]:
    return frozenset(one.name for one in table.columns if isinstance(one.type, JSONB))
