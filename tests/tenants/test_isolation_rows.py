"""Row-level security alone: what each kind of session sees when every application check is off.

The statements here have no predicate at all. Expected rows are worked out in Python from the rows
themselves, so that both directions are proved: nothing foreign, and everything of one's own.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import errors, sql
from psycopg.rows import dict_row
from sqlalchemy import Table

from api.embedded import Endpoints
from domain.clients import tables as clients
from tests.declared import brand_tables
from tests.factories import Factory
from tests.world import World, build

SESSIONS = ("staff", "client", "other client", "ib", "sub-ib", "other ib")
TABLES = {table.name: table for table in brand_tables()}


@pytest.fixture(scope="module")
def worlds(make: Factory) -> tuple[World, World]:
    """Two brands, full of rows."""
    return build(make), build(make)


@pytest.fixture(scope="module")
def app(endpoints: Endpoints) -> Iterator[psycopg.Connection[Any]]:
    """A bare connection of the role `app`: no engine, no work, no predicate."""
    with psycopg.connect(endpoints.url("app"), row_factory=dict_row) as connection:
        yield connection


@pytest.mark.parametrize("name", TABLES)
def test_a_session_sees_its_own_rows_and_no_others(
    name: str, worlds: tuple[World, World], app: psycopg.Connection[Any], superuser: Any
):
    table = TABLES[name]
    everything = all_rows(superuser, name)
    for world, other in (worlds, reversed(worlds)):
        foreign = [row for row in everything if row["brand_id"] == other.brand.id]
        assert foreign, "the test must be able to see a leak"
        for session in SESSIONS:
            with app.transaction(force_rollback=True):
                enter(app, world, session)
                seen = app.execute(sql.SQL("select * from {}").format(sql.Identifier(name)))
                rows = [key_of(table, row) for row in seen.fetchall()]
            expected = [
                key_of(table, row)
                for row in everything
                if row["brand_id"] == world.brand.id and visible(table, row, world, session)
            ]
            assert sorted(rows) == sorted(expected), (name, session)


@pytest.mark.parametrize("name", TABLES)
def test_without_a_brand_there_are_no_rows(name: str, worlds: Any, app: psycopg.Connection[Any]):
    query = sql.SQL("select 1 from {}").format(sql.Identifier(name))
    for brand in (None, "", "00000000-0000-0000-0000-000000000000", "' or true --"):
        with app.transaction(force_rollback=True):
            if brand is not None:
                app.execute("select set_config('app.brand_id', %s, true)", [brand])
            assert app.execute(query).fetchall() == [], (name, brand)


@pytest.mark.parametrize("name", TABLES)
def test_no_row_moves_to_another_brand_or_goes_with_it(
    name: str, worlds: tuple[World, World], app: psycopg.Connection[Any], superuser: Any
):
    """Writing without a predicate touches own rows only, and a row can't change its brand."""
    world, other = worlds
    table, rights = TABLES[name], TABLES[name].info["grants"]["app"]
    before = [row for row in all_rows(superuser, name) if row["brand_id"] == other.brand.id]
    target = sql.Identifier(name)
    if "update" in rights:
        with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
            move(app, world, sql.SQL("update {} set brand_id = %s").format(target), other.brand.id)
    if "insert" in rights:
        columns = sql.SQL(", ").join(
            sql.Identifier(c.name) for c in table.c if c.name != "brand_id"
        )
        copy = sql.SQL("insert into {t} (brand_id, {c}) select %s, {c} from {t} limit 1")
        with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
            move(app, world, copy.format(t=target, c=columns), other.brand.id)
    if "delete" in rights:
        with app.transaction(force_rollback=True):
            enter(app, world, "staff")
            gone = app.execute(sql.SQL("delete from {} returning brand_id").format(target))
            assert {row["brand_id"] for row in gone.fetchall()} == {world.brand.id}
    else:
        with pytest.raises(errors.InsufficientPrivilege):
            move(app, world, sql.SQL("delete from {} where brand_id = %s").format(target),
                 other.brand.id)  # fmt: skip
    after = [row for row in all_rows(superuser, name) if row["brand_id"] == other.brand.id]
    assert after == before


@pytest.mark.parametrize("name", TABLES)
def test_nobody_empties_a_table(name: str, app: psycopg.Connection[Any]):
    """TRUNCATE would ignore row security."""
    with pytest.raises(errors.InsufficientPrivilege), app.transaction():
        app.execute(sql.SQL("truncate {} cascade").format(sql.Identifier(name)))


def test_a_reference_to_another_brand_is_as_unknown_as_to_nothing(
    worlds: tuple[World, World], app: psycopg.Connection[Any]
):
    """A foreign client and a client that never was get the same refusal: no oracle."""
    world, other = worlds
    said = []
    for client_id in (other.client("alone").id, UUID(int=7)):
        statement = sql.SQL(
            "insert into client_note (brand_id, id, client_id, body, created_at)"
            " values (%s, gen_random_uuid(), {}, 'x', now())"
        )
        with pytest.raises(errors.ForeignKeyViolation) as refused:
            move(app, world, statement.format(client_id), world.brand.id)
        said.append((refused.value.sqlstate, refused.value.diag.constraint_name))
    assert said[0] == said[1]


def test_the_same_email_lives_in_two_brands(worlds: tuple[World, World], make: Factory):
    """A global unique key would answer "taken" for another brand's client."""
    email = worlds[0].client("alone").email
    twin = make.client(worlds[1].brand, email=email)
    found = [row for row in make.rows(clients.client, worlds[1].brand) if row.email == email]
    assert [row.id for row in found] == [twin.id]


def test_copy_and_explain_show_own_rows_only(
    worlds: tuple[World, World], app: psycopg.Connection[Any]
):
    world, other = worlds
    with app.transaction(force_rollback=True):
        enter(app, world, "staff")
        with app.cursor().copy("copy (select * from client) to stdout") as copied:
            text = b"".join(bytes(part) for part in copied).decode()
    assert str(world.client("alone").id) in text
    assert str(other.client("alone").id) not in text


def test_row_security_can_not_be_switched_off(app: psycopg.Connection[Any]):
    with app.transaction(force_rollback=True):
        app.execute("set local row_security = off")
        with pytest.raises(errors.InsufficientPrivilege):
            app.execute("select 1 from client")


def enter(app: psycopg.Connection[Any], world: World, session: str) -> None:
    """Set what the work sets for such a session."""
    settings = {"app.brand_id": str(world.brand.id)}
    match session:
        case "client":
            settings["app.client_id"] = str(world.client("north").id)
        case "other client":
            settings["app.client_id"] = str(world.client("alone").id)
        case "ib":
            settings["app.ib_path"] = world.ibs["north"].path
        case "sub-ib":
            settings["app.ib_path"] = world.ibs["north_child"].path
        case "other ib":
            settings["app.ib_path"] = world.ibs["south"].path
    for name, value in settings.items():
        app.execute("select set_config(%s, %s, true)", [name, value])


def visible(table: Table, row: dict[str, Any], world: World, session: str) -> bool:
    """Whether the session may see a row of its brand, from what the table says about itself."""
    kind = table.info["visible_to"]
    if session == "staff" or kind == "brand":
        return True
    if session in ("client", "other client"):
        wanted = world.client("north" if session == "client" else "alone").id
        return kind in ("client", "own") and row[table.info["client_column"]] == wanted
    root = {"ib": "north", "sub-ib": "north_child", "other ib": "south"}[session]
    if kind not in ("client", "ib"):
        return False
    return bool(row[table.info["ib_column"]].startswith(world.ibs[root].path))


def move(
    app: psycopg.Connection[Any], world: World, statement: sql.Composed, brand_id: UUID
) -> None:
    """Try a statement as the brand's staff and undo it."""
    with app.transaction(force_rollback=True):
        enter(app, world, "staff")
        app.execute(statement, [brand_id])


def all_rows(superuser: psycopg.Connection[Any], name: str) -> list[dict[str, Any]]:
    """Every row of every brand."""
    with superuser.cursor(row_factory=dict_row) as cursor:
        query = sql.SQL("select * from {} order by 1, 2").format(sql.Identifier(name))
        if len(TABLES[name].c) == 1:
            query = sql.SQL("select * from {}").format(sql.Identifier(name))
        return list(cursor.execute(query).fetchall())


def key_of(table: Table, row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(row[column.name]) for column in table.primary_key.columns)
