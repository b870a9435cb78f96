"""Every declared table is placed, and the migrations make exactly what is declared."""

import re
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, create_engine, text

from api.embedded import Endpoints
from tests.declared import brand_tables
from tests.postgres import superuser as connect_superuser

PLACES = {"brand", "reference", "local"}
# Tables whose rows belong to no brand or are data about brands; each was thought about.
SHARED = {
    "reference": {
        "asset", "brand", "brand_country", "brand_host", "country", "jurisdiction", "kyc_policy",
        "legal_entity", "platform_grant", "platform_group", "platform_server", "platform_symbol",
        "psp",
        "sanctions_entry", "sanctions_name", "sanctions_version",
    },
    "local": {"operator", "operator_token", "platform_cursor", "quarantine"},
}  # fmt: skip
VISIBLE = {"brand", "client", "own", "ib", "staff", "log"}

COLUMNS = """
    select c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
           pg_get_expr(d.adbin, d.adrelid)
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
    where c.relnamespace = %s::regnamespace and c.relkind in ('r', 'p')
"""
CONSTRAINTS = """
    select c.conrelid::regclass::text, c.conname, pg_get_constraintdef(c.oid), true, null
    from pg_constraint c where c.connamespace = %s::regnamespace and c.contype not in ('n', 't')
"""
INDEXES = """
    select c.relname, i.relname, pg_get_indexdef(i.oid), x.indisunique, null
    from pg_index x join pg_class i on i.oid = x.indexrelid join pg_class c on c.oid = x.indrelid
    where c.relnamespace = %s::regnamespace
"""


def test_every_table_has_a_place(metadata: MetaData):
    places = {table.name: table.info.get("place") for table in metadata.tables.values()}
    assert set(places.values()) <= PLACES, places


def test_tables_without_isolation_are_the_reviewed_ones(metadata: MetaData):
    """A new shared table is a decision: say in review why its rows belong to no brand."""
    for place, expected in SHARED.items():
        found = {t.name for t in metadata.tables.values() if t.info["place"] == place}
        assert found == expected, place


def test_brand_tables_lead_with_the_brand():
    for table in brand_tables():
        assert next(iter(table.primary_key.columns)).name == "brand_id", table.name
        assert table.info["visible_to"] in VISIBLE, table.name


def test_who_may_see_a_table_can_be_told_from_its_rows():
    """Row security for clients and ibs judges a row by its own columns alone."""
    for table in brand_tables():
        wanted: set[str] = set()
        if table.info["visible_to"] == "client":
            wanted = {table.info["client_column"], table.info["ib_column"]}
        elif table.info["visible_to"] == "ib":
            wanted = {table.info["ib_column"]}
        assert wanted <= set(table.columns.keys()), table.name
        if "client_id" in table.columns and table.info["visible_to"] == "brand":
            pytest.fail(f"{table.name} names a client and hides from none")


def test_alembic_finds_nothing_to_migrate(metadata: MetaData, endpoints: Endpoints):
    engine = create_engine(endpoints.url("owner", driver="psycopg"))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "compare_server_default": True,
                "include_object": lambda _o, name, kind, *_: (
                    (kind, name) != ("table", "alembic_version")
                ),
            },
        )
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_migrations_make_what_is_declared_to_the_letter(
    metadata: MetaData, empty_database: Endpoints
):
    """Also checks, defaults and key orders, which Alembic does not compare."""
    engine = create_engine(empty_database.url("superuser", driver="psycopg"))
    with engine.begin() as connection:
        connection.execute(text("create schema declared"))
        connection.execute(text("set local search_path = declared, public"))
        metadata.create_all(connection, checkfirst=False)
    engine.dispose()
    with connect_superuser(empty_database) as connection:
        migrated = catalogue(connection, "public")
        declared = catalogue(connection, "declared")
    migrated = {row for row in migrated if row[0] != "alembic_version"}
    assert migrated - declared == set(), "migrated and not declared"
    assert declared - migrated == set(), "declared and not migrated"


def catalogue(connection: psycopg.Connection[Any], schema: str) -> set[tuple[Any, ...]]:
    """Columns, constraints and indexes of a schema as Postgres writes them."""
    connection.execute("set search_path = pg_catalog")
    found: set[tuple[Any, ...]] = set()
    for query in (COLUMNS, CONSTRAINTS, INDEXES):
        for row in connection.execute(query, [schema]):
            found.add(tuple(_without(schema, value) for value in row))
    return found


def _without(schema: str, value: Any) -> Any:
    return re.sub(rf"\b({schema}|public)\.", "", value) if isinstance(value, str) else value
