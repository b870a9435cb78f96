"""Migrations: repeatable, one runner at a time, never backwards by accident."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from alembic import command
from api.embedded import Endpoints, SetupError
from api.embedded.migrate import configure, migrate, owner_connection, standing
from tests.factories import Factory


def test_a_second_run_finds_nothing_to_do(empty_database: Endpoints) -> None:
    stands, wanted = standing(empty_database)
    assert stands == wanted
    assert set(migrate(empty_database)) == wanted


def test_two_runners_at_once_end_at_the_same_place(empty_database: Endpoints) -> None:
    _, wanted = standing(empty_database)
    with ThreadPoolExecutor(2) as pool:
        ends = list(pool.map(lambda _: set(migrate(empty_database)), range(2)))
    assert ends == [wanted, wanted]


def test_a_database_of_a_newer_program_is_refused(empty_database: Endpoints) -> None:
    with psycopg.connect(empty_database.url("owner")) as connection:
        connection.execute("update alembic_version set version_num = '9999'")
    with pytest.raises(SetupError, match=r"by a newer backdesk \(9999\): update this checkout"):
        migrate(empty_database)


def test_a_database_that_does_not_answer_is_one_line(empty_database: Endpoints) -> None:
    with pytest.raises(SetupError, match="does not let its owner in"):
        migrate(empty_database.within("no_such_database"))


RELEASED = "0005"
"""The head of the first release: whoever runs that comes from there."""


def test_the_first_release_is_brought_here_with_its_rows(empty_database: Endpoints) -> None:
    _downgrade(empty_database, RELEASED)
    with Factory.connected(empty_database) as make:
        brand = make.brand()
        client = make.client(brand)
        account = make.account(brand, client)
    assert standing(empty_database)[0] == {RELEASED}
    migrate(empty_database)
    with psycopg.connect(empty_database.url("superuser"), autocommit=True) as connection:
        risk = connection.execute("select risk from client where id = %s", [client.id]).fetchone()
        assert risk == ("LOW",)
        found = connection.execute("select id from trading_account").fetchall()
        assert found == [(account.id,)]
        unchecked = connection.execute(
            "select conname from pg_constraint where not convalidated"
        ).fetchall()
        assert unchecked == []
        # Policies from before migration 0019 and after it read alike.
        policies = connection.execute(
            "select distinct qual like '(NULLIF(%, false) IS NOT NULL)' from pg_policies"
            " where policyname not in ('heads', 'definers')"
        ).fetchall()
        assert policies == [(True,)]


def test_clients_of_before_are_counted_and_may_be_again(empty_database: Endpoints) -> None:
    _downgrade(empty_database, "0025")
    with Factory.connected(empty_database) as make:
        brands = [make.brand(), make.brand()]
        ibs = [(brand, make.ib(brand)) for brand in brands]
        empty = make.ib(brands[0])
        for brand, ib in (ibs[0], ibs[0], ibs[1]):
            make.client(brand, ib)
        make.client(brands[0])
    expected = {ibs[0][1].id: 2, ibs[1][1].id: 1, empty.id: 0}
    for _ in range(2):
        migrate(empty_database)
        with psycopg.connect(empty_database.url("superuser"), autocommit=True) as connection:
            assert (
                dict(connection.execute("select id, client_count from ib").fetchall()) == expected
            )
            # As one that was stopped before its end.
            connection.execute("update ib set client_count = 7")
            connection.execute("update alembic_version set version_num = '0025'")


def test_a_busy_table_stops_a_migration_whole_within_a_second(empty_database: Endpoints) -> None:
    _downgrade(empty_database, RELEASED)
    with psycopg.connect(empty_database.url("superuser")) as busy:
        busy.execute("lock table client in access share mode")
        with pytest.raises(OperationalError, match="lock timeout"):
            migrate(empty_database)
        before, wanted = standing(empty_database)
        assert before != wanted
    assert set(migrate(empty_database)) == wanted


def test_an_extension_that_can_not_be_added_is_one_line(empty_database: Endpoints) -> None:
    _downgrade(empty_database, "0023")
    with psycopg.connect(empty_database.url("superuser"), autocommit=True) as connection:
        connection.execute("drop extension pg_trgm")
        name, owner = empty_database.database, empty_database.name("owner")
        connection.execute(f"alter database {name} owner to current_user")
        connection.execute(f"grant connect on database {name} to {owner}")
    with pytest.raises(SetupError, match=r"extension .*contrib"):
        migrate(empty_database)


def _downgrade(endpoints: Endpoints, to: str) -> None:
    config = configure()
    with owner_connection(endpoints) as connection:
        config.attributes.update(connection=connection, role_prefix=endpoints.prefix)
        command.downgrade(config, to)
