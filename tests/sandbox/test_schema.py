"""The sandbox's schema: made as declared, entered by its own role only, facts unchangeable."""

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

import sandbox.kyc.tables
import sandbox.psp.tables  # noqa: F401 - fill the metadata
from api.embedded import Endpoints
from sandbox.tables import metadata
from tests import postgres

TABLES = [table.name for table in metadata.sorted_tables]


def test_the_migration_makes_what_is_declared(own_database: Endpoints) -> None:
    engine = create_engine(own_database.url("owner", driver="psycopg"))
    options = {
        "include_schemas": True,
        "compare_type": True,
        "include_name": lambda name, kind, _: kind != "schema" or name == "sandbox",
    }
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
    engine.dispose()


@pytest.mark.parametrize("role", ["app", "worker", "platform", "simulator"])
@pytest.mark.parametrize("table", TABLES)
def test_no_other_role_enters(own_database: Endpoints, role: str, table: str) -> None:
    with (
        psycopg.connect(own_database.url(role)) as connection,  # type: ignore[arg-type] # a role
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(f"select 1 from sandbox.{table}")


@pytest.mark.parametrize("table", ["psp_answer", "psp_evidence", "psp_line"])
@pytest.mark.parametrize("change", ["update sandbox.{0} set {1} = {1}", "delete from sandbox.{0}"])
def test_nobody_changes_facts(own_database: Endpoints, table: str, change: str) -> None:
    column = next(iter(metadata.tables[f"sandbox.{table}"].columns)).name
    with (
        psycopg.connect(own_database.url("sandbox")) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(change.format(table, column))


@pytest.mark.parametrize("table", TABLES)
def test_nothing_is_deleted(own_database: Endpoints, table: str) -> None:
    with (
        psycopg.connect(own_database.url("sandbox")) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(f"delete from sandbox.{table}")


def test_the_sandbox_enters_nothing_of_ours(own_database: Endpoints) -> None:
    with postgres.superuser(own_database) as connection:
        rows = connection.execute(
            "select table_name from information_schema.role_table_grants"
            " where grantee like '%sandbox' and table_schema <> 'sandbox'"
        ).fetchall()
    assert rows == []
