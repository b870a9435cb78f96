"""Functions that run as their owner: the restrictions of clients and ibs are not theirs, the
brand is. Tried with a function of each kind on a database of its own."""

from typing import Any

import psycopg
import pytest
from psycopg import errors

from api.embedded import Endpoints
from tests.factories import Factory
from tests.postgres import superuser as connect_superuser

COUNT = """
create function {name}() returns bigint language plpgsql security definer
set search_path = public, pg_temp as $$ begin return (select count(*) from client); end $$
"""


@pytest.fixture
def place(empty_database: Endpoints) -> Any:
    """A database with two brands: three clients in the first, one in the second."""
    with Factory.connected(empty_database) as make:
        brand, other = make.brand(), make.brand()
        clients = [make.client(brand) for _ in range(3)]
        make.client(other)
    return empty_database, brand, clients


def count(endpoints: Endpoints, settings: dict[str, str], query: str) -> int:
    with psycopg.connect(endpoints.url("app")) as connection:
        for name, value in settings.items():
            connection.execute("select set_config(%s, %s, true)", [name, value])
        row = connection.execute(query).fetchone()
        assert row is not None
        return int(row[0])


def test_a_definer_keeps_the_brand_and_loses_the_session(place: Any):
    endpoints, brand, clients = place
    with psycopg.connect(endpoints.url("owner"), autocommit=True) as owner:
        owner.execute(COUNT.format(name="count_as_owner"))
        owner.execute(f"grant execute on function count_as_owner() to {endpoints.name('app')}")
    session = {"app.brand_id": str(brand.id), "app.client_id": str(clients[0].id)}
    assert count(endpoints, session, "select count(*) from client") == 1
    assert count(endpoints, session, "select count_as_owner()") == 3
    assert count(endpoints, {}, "select count_as_owner()") == 0


def test_why_no_definer_may_belong_to_a_superuser(place: Any):
    """It would see every brand; `tests/house/test_catalogue.py` forbids it."""
    endpoints, brand, _ = place
    with connect_superuser(endpoints) as connection:
        connection.execute(COUNT.format(name="count_as_superuser"))
        connection.execute(
            f"grant execute on function count_as_superuser() to {endpoints.name('app')}"
        )
    assert count(endpoints, {"app.brand_id": str(brand.id)}, "select count_as_superuser()") == 4


def test_the_queue_is_reached_through_one_function_only(endpoints: Endpoints):
    """The worker may add a job; the app may neither add nor read one."""
    call = "select jobs.defer('default', 'nothing', 'lock', '{}'::jsonb)"
    with psycopg.connect(endpoints.url("worker")) as worker:
        assert worker.execute(call).fetchone() is not None
        worker.rollback()
    for query in (call, "select 1 from jobs.procrastinate_jobs", "select 1 from simulator.account"):
        with (
            psycopg.connect(endpoints.url("app")) as app,
            pytest.raises(errors.InsufficientPrivilege),
        ):
            app.execute(query)


def test_the_app_becomes_nobody_else(endpoints: Endpoints):
    for role in ("owner", "worker", "platform", "simulator", "sandbox", "superuser"):
        with (
            psycopg.connect(endpoints.url("app")) as app,
            pytest.raises((errors.InsufficientPrivilege, errors.InvalidParameterValue)),
        ):
            app.execute(f"set role {endpoints.name(role)}")


def test_the_app_makes_nothing(endpoints: Endpoints):
    for statement in (
        "create table mine (id int)",
        "create schema mine",
        "create function mine() returns int language sql as 'select 1'",
        "create view mine as select 1",
        "create extension dblink",
        "alter table client no force row level security",
        "alter table client disable row level security",
        "drop policy brand on client",
        "create policy mine on client using (true)",
        "alter role current_user bypassrls",
        "copy client to program 'true'",
    ):
        with (
            psycopg.connect(endpoints.url("app")) as app,
            pytest.raises(errors.InsufficientPrivilege),
        ):
            app.execute(statement)
