"""A large brand and smaller ones, in which every table has thousands of rows.

Clients, accounts, payments, ibs and leads are those of `backdesk demo --scale`. Every other table
is filled by copying the rows it has, whatever tables there are: a new one is covered without an
edit here. Copies have keys of their own; half of them belong to what the copied row belongs to,
which gets lists of thousands, half to all others in turn.
"""

import re
from collections.abc import Collection
from contextlib import suppress
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import CheckConstraint, Column, Table, UniqueConstraint
from sqlalchemy import types as kinds

from api.demo.scale import load_leads, load_people, load_tree
from api.demo.story import FIRST_NAMES, LAST_NAMES
from domain.clients.commands.fill_clients import Cast
from domain.payments.commands.import_payments import Till
from domain.payments.tables import payment_method
from tenants.filling import Stretch
from tenants.values import Role
from tenants.work import Database
from tests.declared import brand_tables
from tests.factories import Factory
from tests.world import World

ROWS = 1_300
"""How many copies a table gets that has fewer rows of the brand than that."""
NEIGHBOURS = 11
"""Brands with the same rows, so that none is a large part of a table."""
# What conditions of listed tables look at.
_BESIDE = frozenset({"ib_assignment", "kyc_proposal"})
# What a check between columns asks of copies.
_RULED = {
    ("trusted_document", "text"): "t.text || copy",
    ("trusted_document", "sha256"): "encode(sha256(convert_to(t.text || copy, 'UTF8')), 'hex')",
}
_LOGINS = 900_000_000


async def people(
    database: Database, make: Factory, world: World, number: int, clients: int
) -> None:
    """Fill a world's brand with clients, what they have, ibs and leads."""
    brand = world.brand
    method = make.rows(payment_method, brand)[0]
    cast = Cast(
        FIRST_NAMES, LAST_NAMES, f"{brand.slug}.example", f"+888{number:02d}", ["CY"], ["en"],
        [brand.staff[Role.SALES], brand.staff[Role.SUPPORT]],
    )  # fmt: skip
    whole = Stretch(1, number, 1, clients, clients)
    await load_tree(database, brand.id, whole, tops=2, domain=cast.domain)
    await load_people(
        database, brand.id, whole, cast, lambda _count: None,
        legal_entity_id=brand.legal_entity_id, server_id=brand.server_id,
        login=_LOGINS + number * 1_000_000, ibs=102, till=Till(method.id, method.connection_id),
    )  # fmt: skip
    await load_leads(database, brand.id, whole, cast, lambda _count: None)


def fill(connection: psycopg.Connection[Any], world: World) -> None:
    """Copy rows of the brand's thin tables. The connection is past row policies and triggers."""
    for table in brand_tables():
        if len(table.primary_key.columns) > 1:
            _copy(connection, table, world)


def surround(connection: psycopg.Connection[Any], world: World, listed: Collection[str]) -> None:
    """Give neighbours the brand's rows of tables that are listed, and make half of its tokens
    those of machines."""
    brand_id = world.brand.id
    connection.execute(
        "update token set kind = 'API', session_id = null where brand_id = %s and actor_kind ="
        " 'STAFF'", [brand_id],
    )  # fmt: skip
    for table in brand_tables():
        if len(table.primary_key.columns) == 1 or table.name not in {*listed, *_BESIDE}:
            continue
        names = ", ".join(one.name for one in table.columns if one.name != "brand_id")
        connection.execute(
            f"insert into {table.name} (brand_id, {names})"
            f" select md5('brand' || g.neighbour)::uuid, {names} from {table.name},"
            " generate_series(1, %s) g(neighbour) where brand_id = %s",
            [NEIGHBOURS, brand_id],
        )


def _copy(connection: psycopg.Connection[Any], table: Table, world: World) -> None:
    brand_id, north = world.brand.id, world.client("north").id
    row = connection.execute(
        f"select count(*) from {table.name} where brand_id = %s", [brand_id]
    ).fetchone()
    assert row is not None
    assert row[0] > 0, f"tests.world made no row of {table.name}"
    if row[0] >= ROWS:
        return
    first = f"t.{_client(table)} = %(north)s desc nulls last," if _client(table) else ""
    keys = ", ".join(f"t.{one.name} desc" for one in table.primary_key.columns)
    names = [one.name for one in table.columns]
    unique = _unique(table)
    values = [_value(table, one, unique) for one in table.columns]
    connection.execute(
        f"insert into {table.name} ({', '.join(names)})"
        f" select {', '.join(values)} from (select * from {table.name} t"
        f" where t.brand_id = %(brand)s order by {first} {keys} limit 1) t,"
        f" generate_series(1, %(rows)s) as g(copy) on conflict do nothing",
        {"brand": brand_id, "north": north, "rows": ROWS},
    )
    for column in table.columns:
        _vary(connection, table, column, brand_id)


def _vary(
    connection: psycopg.Connection[Any], table: Table, column: Column[Any], brand_id: UUID
) -> None:
    """Give some copies another value of a closed list, where nothing else is against it."""
    values = _closed(table, column)
    if values is None or column.name in _unique(table):
        return
    for at, value in enumerate(values):
        with suppress(psycopg.errors.IntegrityError):
            connection.execute(
                f"update {table.name} t set {column.name} = %s from (select ctid,"
                f" row_number() over () as n from {table.name} where brand_id = %s) x"
                " where x.ctid = t.ctid and x.n %% %s = %s",
                [value, brand_id, 16 * len(values), 16 * at],
            )


def _client(table: Table) -> str | None:
    return "client_id" if "client_id" in table.c else None


def _unique(table: Table) -> set[str]:
    """Columns of which some must differ from copy to copy."""
    found: set[str] = {one.name for one in table.primary_key.columns}
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            found |= {one.name for one in constraint.columns}
    for index in table.indexes:
        if index.unique:
            found |= {one.name for one in index.columns}
    return found - {"brand_id"}


def _value(table: Table, column: Column[Any], unique: set[str]) -> str:
    """A column of copy `n`, as SQL over the copied row `t`."""
    own = f"t.{column.name}"
    if column.name == "brand_id":
        return own
    if ruled := _RULED.get((table.name, column.name)):
        return ruled
    target = _referred(table, column)
    if target is not None and target is not table:
        one = "id" if "id" in target.c else next(iter(target.primary_key.columns.keys()))
        them = f"from {target.name} where brand_id = %(brand)s"
        all_ = f"(select array_agg({one} order by {one}) {them})"
        nth = f"({all_})[1 + copy %% cardinality({all_})]"
        if column.name in unique:
            return nth
        return f"case when {own} is not null and copy %% 8 = 0 then {nth} else {own} end"
    is_unique = column.name in unique
    match column.type:
        case kinds.UUID() if is_unique or column.name == "id":
            made = f"md5('{table.name}' || copy || {own})::uuid"
            return f"case when {own} is not null then {made} end"
        case kinds.Integer() | kinds.Numeric() if is_unique:
            them = f"from {table.name} where brand_id = %(brand)s"
            return f"copy + (select max({column.name}) {them})"
        case kinds.Text() if is_unique and _closed(table, column) is None:
            ending = "/" if column.name == "path" else ""
            return f"{own} || copy || '{ending}'"
        case kinds.DateTime():
            return f"{own} - copy * interval '1 minute'"
        case kinds.Date():
            return f"{own} - copy"
        case _:
            return own


def _closed(table: Table, column: Column[Any]) -> list[str] | None:
    """The closed list that a column's values are of."""
    for constraint in table.constraints:
        if isinstance(constraint, CheckConstraint):
            text = str(constraint.sqltext)
            if text.startswith(f"{column.name} in ("):
                return re.findall(r"'([^']+)'", text)
    return None


def _referred(table: Table, column: Column[Any]) -> Table | None:
    """The brand's table that a column refers to."""
    for constraint in table.foreign_key_constraints:
        target = constraint.referred_table
        names = [one.parent.name for one in constraint.elements]
        if target.info["place"] == "brand" and column.name in names and "id" in target.c:
            element = next(one for one in constraint.elements if one.parent is column)
            if element.column.name == "id":
                return target
    return None
