"""The simulator's schema: made as declared, entered by its own role only, facts unchangeable."""

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from api.embedded import Endpoints
from simulator.tables import metadata
from tests import postgres


def test_the_migration_makes_what_is_declared(own_database: Endpoints) -> None:
    engine = create_engine(own_database.url("owner", driver="psycopg"))
    options = {
        "include_schemas": True,
        "compare_type": True,
        "include_name": lambda name, kind, _: kind != "schema" or name == "simulator",
    }
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
    engine.dispose()


@pytest.mark.parametrize("role", ["app", "worker", "platform"])
@pytest.mark.parametrize("table", [table.name for table in metadata.sorted_tables])
def test_no_other_role_enters(own_database: Endpoints, role: str, table: str) -> None:
    with (
        psycopg.connect(own_database.url(role)) as connection,  # type: ignore[arg-type] # a role
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(f"select 1 from simulator.{table}")


@pytest.mark.parametrize("table", ["deal", "operation"])
@pytest.mark.parametrize("change", ["update simulator.{} set at = at", "delete from simulator.{}"])
def test_nobody_changes_facts(own_database: Endpoints, table: str, change: str) -> None:
    with (
        psycopg.connect(own_database.url("simulator")) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(change.format(table))


def test_the_simulator_enters_nothing_of_ours(own_database: Endpoints) -> None:
    with postgres.superuser(own_database) as connection:
        rows = connection.execute(
            "select table_name from information_schema.role_table_grants"
            " where grantee like '%simulator' and table_schema <> 'simulator'"
        ).fetchall()
    assert rows == []
