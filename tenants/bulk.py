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
    BindParameter,
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

from tenants.fixed import Fixed

_TYPED = (PgUUID, Date, DateTime, BigInteger, Integer, LargeBinary, Numeric, Boolean)


class Statements(Protocol):
    """The part of a work that inserting needs."""

    async def rows(self, statement: Any, parameters: Any = None) -> Sequence[Any]: ...


class Inserting(Statements, Protocol):
    """One that can put off what has no rows."""

    async def later(self, statement: Fixed, parameters: Any = None) -> None: ...


async def insert_rows(work: Inserting, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all have the columns of the first; a column left out gets its default.

    One alone goes with the next statement, which raises what the server refuses of it.
    """
    names = tuple(rows[0]) if rows else ()
    if len(rows) == 1:
        await work.later(_insertion_of_one(table, names), cells(table, names, rows[0]))
    elif rows:
        await work.rows(_insertion(table, names, "", ""), arrays(table, names, rows))


async def insert_new(
    work: Statements, table: Table, rows: Sequence[Mapping[str, Any]], *, returning: str = "id"
) -> set[Any]:
    """Insert the rows that no unique key of the table is against; `returning` of those."""
    if not rows:
        return set()
    statement = _insertion(table, tuple(rows[0]), " on conflict do nothing", returning)
    return {row[0] for row in await work.rows(statement, arrays(table, tuple(rows[0]), rows))}


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
    await work.rows(
        _insertion(table, tuple(rows[0]), conflict, ""), arrays(table, tuple(rows[0]), rows)
    )


def arrays(
    table: Table, names: Sequence[str], rows: Sequence[Mapping[str, Any]], prefix: str = ""
) -> dict[str, list[Any]]:
    """What `spread` takes for these rows."""
    given = {name: [row[name] for row in rows] for name in names}
    casts = _casts(table)
    for name in given.keys() & casts.keys():
        write = json.dumps if casts[name] == "jsonb" else _literal
        given[name] = [None if one is None else write(one) for one in given[name]]
    return {f"{prefix}{name}": cells for name, cells in given.items()}


def single(
    table: Table, names: Sequence[str], prefix: str = ""
) -> tuple[list[str], list[BindParameter[Any]]]:
    """A row as parameters of a statement, for what is nearly always one: its columns' values, and
    the parameters with their types. `cells` is what they take."""
    casts = _casts(table)
    parameters = [bindparam(f"{prefix}{one}", type_=_kind(table.c[one])) for one in names]
    values = [
        f"cast(:{prefix}{one} as {casts[one]})" if one in casts else f":{prefix}{one}"
        for one in names
    ]
    return values, parameters


def cells(
    table: Table, names: Sequence[str], row: Mapping[str, Any], prefix: str = ""
) -> dict[str, Any]:
    """What `single` takes for a row."""
    given = {f"{prefix}{name}": row[name] for name in names}
    for name, cast in _casts(table).items():
        value = row.get(name)
        if value is not None:
            given[f"{prefix}{name}"] = json.dumps(value) if cast == "jsonb" else _literal(value)
    return given


def spread(
    table: Table, names: Sequence[str], prefix: str = ""
) -> tuple[str, list[str], list[BindParameter[Any]]]:
    """Rows of a statement's arrays, one parameter a column: what to select from (its name is
    `added`), the columns' values, and the parameters with their types."""
    casts = _casts(table)
    parameters = [bindparam(f"{prefix}{one}", type_=_array(table.c[one])) for one in names]
    source = ", ".join(f":{prefix}{one}" for one in names)
    values = [
        f"cast(added.{one} as {casts[one]})" if one in casts else f"added.{one}" for one in names
    ]
    return f"unnest({source}) as added({', '.join(names)})", values, parameters


def _literal(several: Sequence[Any]) -> str:
    """A list as Postgres reads it: arrays of arrays would lose their ends on the way."""
    quoted = (str(one).replace("\\", "\\\\").replace('"', '\\"') for one in several)
    return "{" + ",".join(f'"{one}"' for one in quoted) + "}"


@cache
def _insertion_of_one(table: Table, names: tuple[str, ...]) -> Fixed:
    values, parameters = single(table, names)
    statement = f"insert into {table.name} ({', '.join(names)}) values ({', '.join(values)})"  # noqa: S608 - names of our own tables
    return Fixed(text(statement).bindparams(*parameters))


@cache
def _insertion(table: Table, names: tuple[str, ...], conflict: str, returning: str) -> Fixed:
    source, values, parameters = spread(table, names)
    told = f" returning {returning}" if returning else ""
    statement = text(
        f"insert into {table.name} ({', '.join(names)})"  # noqa: S608 - names of our own tables
        f" select {', '.join(values)} from {source}{conflict}{told}"
    )
    return Fixed(statement.bindparams(*parameters))


def _array(column: Any) -> ARRAY[Any]:
    return ARRAY(_kind(column))


def _kind(column: Any) -> Any:
    kind = column.type.impl if isinstance(column.type, TypeDecorator) else column.type
    return kind if isinstance(kind, _TYPED) else Text


@cache
def _casts(table: Table) -> dict[str, str]:
    """The columns that travel as text, and what each is there: documents and lists."""
    found = {one.name: "jsonb" for one in table.columns if isinstance(one.type, JSONB)}
    for one in table.columns:
        if isinstance(one.type, ARRAY):
            found[one.name] = "uuid[]" if isinstance(one.type.item_type, PgUUID) else "text[]"
    return found
