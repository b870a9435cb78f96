"""Migrations: repeatable, one runner at a time, never backwards by accident."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from api.embedded import Endpoints, SetupError
from api.embedded.migrate import migrate, standing


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
