"""A database that somebody else runs: `DATABASE_URL` is its owner's, the passwords are ours.

The serving roles are made when the owner may make roles; otherwise the exact SQL is printed for
whoever may.
"""

from __future__ import annotations

from typing import Any

import psycopg

from api.embedded.binaries import OLDEST_MAJOR
from api.embedded.endpoints import SERVING_ROLES, Endpoints
from api.embedded.problems import SetupError, first_cause
from api.embedded.roles import missing_statements


class RolesMissing(SetupError):
    """The owner may not make roles; `statements` is what an administrator has to run."""

    def __init__(self, statements: list[str]) -> None:
        super().__init__(
            "the owner of DATABASE_URL may not make the serving roles",
            "run the SQL above as an administrator, then start again",
        )
        self.statements = statements


def prepare(urls: Endpoints) -> None:
    """Make the serving roles what they must be, or refuse with the SQL that does it.

    Repeating it changes nothing. Refuses a server older than 15, an owner that is one of the
    serving roles, and a database that does not answer.
    """
    if urls.name("owner") in {urls.name(role) for role in SERVING_ROLES}:
        raise SetupError("DATABASE_URL names a serving role", "give the owner of the database")
    with connect_as_owner(urls) as connection:
        major = connection.info.server_version // 10000
        if major < OLDEST_MAJOR:
            raise SetupError(
                f"the server of DATABASE_URL is PostgreSQL {major}",
                f"use PostgreSQL {OLDEST_MAJOR} or newer",
            )
        needed = missing_statements(connection, urls, SERVING_ROLES)
        try:
            with connection.transaction():
                for statement in needed:
                    connection.execute(statement)
        except psycopg.errors.InsufficientPrivilege:
            raise RolesMissing([each.as_string(connection) + ";" for each in needed]) from None


def connect_as_owner(urls: Endpoints) -> psycopg.Connection[Any]:
    """A connection of the owner; refuses in one line when the server says no."""
    try:
        return psycopg.connect(urls.url("owner"), connect_timeout=10, autocommit=True)
    except psycopg.OperationalError as error:
        raise SetupError(
            f"DATABASE_URL does not open ({first_cause(error)})",
            "check the server, the account, the password",
        ) from None
