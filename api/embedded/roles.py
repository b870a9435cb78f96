"""The accounts of the database and what each may never be.

`owner` owns the database and runs migrations; `app`, `worker`, `platform`, `simulator` and
`sandbox` serve. None is a superuser, none bypasses row-level security, and the serving ones own
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from api.embedded.endpoints import SERVING_ROLES, Endpoints, Role

# Guards per role, in effect from the first statement of a session.
GUARDS: Mapping[Role, Mapping[str, str]] = {
    "owner": {"lock_timeout": "10s", "idle_in_transaction_session_timeout": "5min"},
    "app": {
        "statement_timeout": "15s",
        "lock_timeout": "3s",
        "idle_in_transaction_session_timeout": "15s",
    },
    "worker": {
        "statement_timeout": "2min",
        "lock_timeout": "10s",
        "idle_in_transaction_session_timeout": "1min",
    },
    "platform": {
        "statement_timeout": "15s",
        "lock_timeout": "3s",
        "idle_in_transaction_session_timeout": "15s",
    },
    "simulator": {
        "statement_timeout": "30s",
        "lock_timeout": "5s",
        "idle_in_transaction_session_timeout": "15s",
    },
    "sandbox": {
        "statement_timeout": "15s",
        "lock_timeout": "5s",
        "idle_in_transaction_session_timeout": "15s",
    },
}
_BARRED = ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb", "rolreplication")
_ATTRIBUTES = sql.SQL("LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION INHERIT")


@dataclass(frozen=True, slots=True)
class RoleState:
    """What the catalogue says about one role."""

    name: str
    can_login: bool
    barred: tuple[str, ...]
    settings: frozenset[str]


def bootstrap(endpoints: Endpoints) -> None:
    """Make the roles, the database and its first grants as superuser; repeating changes nothing."""
    with psycopg.connect(
        endpoints.url("superuser", database="postgres"), autocommit=True
    ) as connection:
        # Two starters at once: the second waits and finds everything made.
        connection.execute("select pg_advisory_lock(20260, 1)")
        ensure_roles(connection, endpoints, ("owner", *SERVING_ROLES))
        database = sql.Identifier(endpoints.database)
        found = connection.execute(
            "select 1 from pg_database where datname = %s", [endpoints.database]
        ).fetchone()
        if not found:
            connection.execute(
                sql.SQL("create database {} owner {}").format(
                    database, sql.Identifier(endpoints.name("owner"))
                )
            )
        for statement in database_grants(endpoints):
            connection.execute(statement)


def ensure_roles(
    connection: psycopg.Connection[Any], endpoints: Endpoints, roles: Iterable[Role]
) -> None:
    """Make each role or set it right: attributes, password, guards.

    Idempotent. What is already right is not touched, so a role with CREATEROLE alone can run it
    again over roles that it made.
    """
    for statement in missing_statements(connection, endpoints, roles):
        connection.execute(statement)


def missing_statements(
    connection: psycopg.Connection[Any], endpoints: Endpoints, roles: Iterable[Role]
) -> list[sql.Composed]:
    """The statements that are still needed for these roles to be as promised."""
    needed: list[sql.Composed] = []
    for role in roles:
        name = endpoints.name(role)
        state = find_role(connection, name)
        if state is None or state.barred or not state.can_login or not _can_enter(endpoints, role):
            verb = sql.SQL("create role {}" if state is None else "alter role {}")
            needed.append(
                sql.SQL("{} {} password {}").format(
                    verb.format(sql.Identifier(name)),
                    _ATTRIBUTES if state is None or state.barred else sql.SQL("login"),
                    sql.Literal(endpoints.passwords[role]),
                )
            )
        settings = state.settings if state else frozenset()
        needed += [
            sql.SQL("alter role {} set {} = {}").format(
                sql.Identifier(name), sql.Identifier(setting), sql.Literal(value)
            )
            for setting, value in GUARDS[role].items()
            if f"{setting}={value}" not in settings
        ]
    return needed


def database_grants(endpoints: Endpoints) -> list[sql.Composed]:
    """Who may enter the database: its owner and the serving roles, nobody else."""
    database = sql.Identifier(endpoints.database)
    roles = sql.SQL(", ").join(sql.Identifier(endpoints.name(role)) for role in SERVING_ROLES)
    return [
        sql.SQL("revoke all on database {} from public").format(database),
        sql.SQL("grant connect on database {} to {}").format(database, roles),
    ]


def find_role(connection: psycopg.Connection[Any], name: str) -> RoleState | None:
    """A role as the catalogue has it, or None."""
    columns = sql.SQL(", ").join(sql.Identifier("r", column) for column in _BARRED)
    row = connection.execute(
        sql.SQL(
            "select r.rolcanlogin, coalesce(s.setconfig, '{{}}'), {} from pg_roles r"
            " left join pg_db_role_setting s on s.setrole = r.oid and s.setdatabase = 0"
            " where r.rolname = %s"
        ).format(columns),
        [name],
    ).fetchone()
    if row is None:
        return None
    can_login, settings, *flags = row
    barred = tuple(column for column, flag in zip(_BARRED, flags, strict=True) if flag)
    return RoleState(name, can_login, barred, frozenset(settings))


def _can_enter(endpoints: Endpoints, role: Role) -> bool:
    """Whether the password of this home opens the role.

    A database that is missing or still closed to the role is asked about after the password.
    """
    try:
        with psycopg.connect(endpoints.url(role), connect_timeout=10):
            return True
    except psycopg.OperationalError as error:
        said = str(error)
        return f'database "{endpoints.database}"' in said
