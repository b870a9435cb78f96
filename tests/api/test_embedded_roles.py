"""The accounts of the database: what each may never be, and how an external database gets them."""

import os
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest
from psycopg import sql

from api.embedded import Endpoints, Home, SetupError, external
from api.embedded.endpoints import SERVING_ROLES, endpoints_of
from api.embedded.roles import (
    GUARDS,
    bootstrap,
    ensure_roles,
    find_role,
    missing_statements,
)
from tests.api.embedded import scratch_home

# Roles belong to the cluster that all test processes share, so the names are this one's.
PREFIX = f"abroad{os.getpid()}"


@pytest.fixture
def administrator(template: Endpoints) -> Iterator[psycopg.Connection]:
    """The superuser of the test cluster, outside every brand's database."""
    url = template.url("superuser", database="postgres")
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def foreign_url(template: Endpoints, administrator: psycopg.Connection) -> Iterator[dict[str, str]]:
    """Two URLs of one empty database: its owner may make roles, or may not."""
    socket = (template.options or {})["host"]
    keen, meek = f"{PREFIX}_keen", f"{PREFIX}_meek"
    administrator.execute(f"create role {keen} login createrole password 'pw'")
    administrator.execute(f"create role {meek} login password 'pw'")
    administrator.execute(f"create database {PREFIX} owner {keen}")
    yield {name: f"postgres://{name}:pw@/{PREFIX}?host={socket}" for name in (keen, meek)}
    administrator.execute(f"drop database {PREFIX} with (force)")
    for name in (*(f"{PREFIX}_{role}" for role in SERVING_ROLES), keen, meek):
        administrator.execute(f"drop role if exists {name}")


@pytest.fixture
def home() -> Iterator[Home]:
    with scratch_home() as made:
        yield made.create()


@pytest.mark.parametrize("role", ["owner", *SERVING_ROLES])
def test_no_role_is_more_than_it_must_be(template: Endpoints, role: str) -> None:
    with psycopg.connect(template.url(role)) as connection:
        row = connection.execute(
            "select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication, rolcanlogin"
            " from pg_roles where rolname = current_user"
        ).fetchone()
        assert row == (False, False, False, False, False, True)
        for setting, value in GUARDS[role].items():
            shown = connection.execute(f"show {setting}").fetchone()
            assert shown == (value,)


def test_the_owner_owns_the_database_and_the_others_nothing(template: Endpoints) -> None:
    with psycopg.connect(template.url("owner")) as connection:
        rows = connection.execute(
            "select pg_get_userbyid(datdba) from pg_database where datname = current_database()"
        ).fetchone()
        assert rows == (template.name("owner"),)
        for role in SERVING_ROLES:
            owned = connection.execute(
                "select count(*) from pg_class c join pg_roles r on r.oid = c.relowner"
                " where r.rolname = %s",
                [template.name(role)],
            ).fetchone()
            assert owned == (0,)


@pytest.mark.parametrize("role", SERVING_ROLES)
def test_serving_roles_make_nothing_in_public(template: Endpoints, role: str) -> None:
    with (
        psycopg.connect(template.url(role)) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("create table public.mine ()")


def test_the_database_is_closed_to_everybody_else(
    template: Endpoints, administrator: psycopg.Connection
) -> None:
    public = administrator.execute(
        "select count(*) from pg_database d, aclexplode(d.datacl) a"
        " where d.datname = %s and a.grantee = 0",
        [template.database],
    ).fetchone()
    assert public == (0,)


def test_repeating_the_bootstrap_changes_nothing(
    template: Endpoints, administrator: psycopg.Connection
) -> None:
    everyone = ("owner", *SERVING_ROLES)
    before = [find_role(administrator, template.name(role)) for role in everyone]
    assert missing_statements(administrator, template, everyone) == []
    bootstrap(template)
    assert [find_role(administrator, template.name(role)) for role in everyone] == before


def test_what_somebody_changed_is_set_right(
    template: Endpoints, administrator: psycopg.Connection
) -> None:
    own = replace(template, prefix=PREFIX)
    name = sql.Identifier(own.name("platform"))
    ensure_roles(administrator, own, ["platform"])
    administrator.execute(sql.SQL("alter role {} bypassrls createdb").format(name))
    administrator.execute(sql.SQL("alter role {} password 'other'").format(name))
    administrator.execute(sql.SQL("alter role {} set lock_timeout = '1h'").format(name))
    ensure_roles(administrator, own, ["platform"])
    state = find_role(administrator, own.name("platform"))
    assert state is not None
    assert (state.can_login, state.barred) == (True, ())
    assert state.settings == {f"{key}={value}" for key, value in GUARDS["platform"].items()}
    psycopg.connect(own.url("platform", database="template1")).close()
    administrator.execute(sql.SQL("drop role {}").format(name))


def test_an_owner_who_may_make_roles_makes_them(
    foreign_url: dict[str, str], home: Home, administrator: psycopg.Connection
) -> None:
    urls = endpoints_of(foreign_url[f"{PREFIX}_keen"], home, prefix=PREFIX)
    external.prepare(urls)
    external.prepare(urls)
    for role in SERVING_ROLES:
        with psycopg.connect(urls.url(role)) as connection:
            assert connection.info.user == f"{PREFIX}_{role}"
            state = find_role(connection, connection.info.user)
            assert state is not None
            assert state.barred == ()
    assert find_role(administrator, f"{PREFIX}_owner") is None
    assert urls.url("owner", driver="psycopg").startswith(
        f"postgresql+psycopg://{PREFIX}_keen:pw@/"
    )


def test_one_who_may_not_gets_the_sql_and_nothing_is_made(
    foreign_url: dict[str, str], home: Home, administrator: psycopg.Connection
) -> None:
    urls = endpoints_of(foreign_url[f"{PREFIX}_meek"], home, prefix=PREFIX)
    with pytest.raises(external.RolesMissing, match="run the SQL above as an administrator") as no:
        external.prepare(urls)
    assert find_role(administrator, f"{PREFIX}_app") is None
    assert len([each for each in no.value.statements if each.startswith("create role")]) == 5
    for statement in no.value.statements:
        administrator.execute(statement)
    external.prepare(urls)


def test_a_wrong_password_is_one_line(foreign_url: dict[str, str], home: Home) -> None:
    url = foreign_url[f"{PREFIX}_keen"].replace(":pw@", ":no@")
    with pytest.raises(SetupError, match=r"DATABASE_URL does not open .*: check the server") as no:
        external.prepare(endpoints_of(url, home))
    assert "\n" not in str(no.value)


def test_a_serving_role_is_no_owner(home: Home) -> None:
    urls = endpoints_of("postgresql://backdesk_app:x@/backdesk", home)
    with pytest.raises(SetupError, match="names a serving role: give the owner"):
        external.prepare(urls)
