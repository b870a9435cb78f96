"""Migrations, run in this process as the owner, one runner at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from alembic import command
from api.embedded.endpoints import Endpoints
from api.embedded.problems import SetupError, first_cause

SCRIPTS = Path(__file__).parents[2] / "alembic"
_LOCK = "hashtext('backdesk.migrate')"


def migrate(urls: Endpoints, *, to: str = "head", scripts: Path = SCRIPTS) -> list[str]:
    """Bring the database to revision `to`; returns the revisions it stands at afterwards.

    A second runner waits for the first and finds nothing to do. Refuses a database that a newer
    program migrated, because going back is never automatic.
    """
    with owner_connection(urls) as connection:
        config = configure(scripts)
        config.attributes["connection"] = connection
        config.attributes["role_prefix"] = urls.prefix
        config.attributes["owner"] = urls.name("owner")
        connection.execute(text(f"select pg_advisory_lock({_LOCK})"))
        connection.commit()
        try:
            _refuse_unknown(connection, config)
            command.upgrade(config, to)
        except DBAPIError as error:
            if "extension" not in str(error.orig):
                raise
            raise SetupError(
                f"Postgres does not add what we need ({str(error.orig).splitlines()[0]})",
                "install its contrib package, and let the owner create in its database",
            ) from None
        finally:
            # A failed revision leaves the transaction broken; the lock must still be freed.
            connection.rollback()
            connection.execute(text(f"select pg_advisory_unlock({_LOCK})"))
            connection.commit()
        return list(MigrationContext.configure(connection).get_current_heads())


def standing(urls: Endpoints, *, scripts: Path = SCRIPTS) -> tuple[set[str], set[str]]:
    """The revisions the database stands at, and those the program wants."""
    wanted = set(ScriptDirectory.from_config(configure(scripts)).get_heads())
    with owner_connection(urls) as connection:
        return set(MigrationContext.configure(connection).get_current_heads()), wanted


def configure(scripts: Path = SCRIPTS) -> Config:
    """Alembic's configuration, built in code: there is no ini file to keep true."""
    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


@contextmanager
def owner_connection(urls: Endpoints) -> Iterator[Connection]:
    """A sync connection of the owner; refuses in one line when the database does not answer."""
    engine = create_engine(urls.url("owner", driver="psycopg"), poolclass=NullPool)
    try:
        connection = engine.connect()
    except OperationalError as error:
        raise SetupError(
            f"the database does not let its owner in ({first_cause(error.orig or error)})",
            "check DATABASE_URL and the server",
        ) from None
    with connection:
        yield connection


def _refuse_unknown(connection: Connection, config: Config) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    unknown = set(MigrationContext.configure(connection).get_current_heads()) - known
    connection.rollback()
    if unknown:
        raise SetupError(
            f"the database was migrated by a newer backdesk ({', '.join(sorted(unknown))})",
            "update this checkout",
        )
