"""Row policies must not mislead the planner: it expects the rows that are there, and reads an
index in its order instead of sorting a brand's rows for each page."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from api.embedded import Endpoints
from tests.factories import Brand, Factory
from tests.postgres import superuser

ROWS = 2_000
NOBODY = "'00000000-0000-0000-0000-000000000000'"
PAGE = (
    "select id from client where brand_id = %s order by created_at desc, id desc limit 50",
    "select id from client where brand_id = %s",
)


@pytest.fixture
def app(empty_database: Endpoints) -> Iterator[tuple[psycopg.Connection[Any], Brand]]:
    """The role `app` in a transaction of a brand with many clients."""
    with Factory.connected(empty_database) as make:
        brand = make.brand()
    with superuser(empty_database) as connection:
        connection.execute(
            "insert into client (brand_id, id, reference, version, kind, status, legal_entity_id,"
            " name, email, country, language, created_at)"
            " select %s, gen_random_uuid(), n::text, 1, 'INDIVIDUAL', 'ACTIVE', %s, 'C', n::text,"
            " 'CY', 'en', now() - n * interval '1 minute' from generate_series(1, %s) n",
            [brand.id, brand.legal_entity_id, ROWS],
        )
        connection.execute("vacuum analyze client")
    with psycopg.connect(empty_database.url("app")) as connection:
        connection.execute(f"set local app.brand_id = '{brand.id}'")
        yield connection, brand


def plan(app: tuple[psycopg.Connection[Any], Brand], statement: str) -> dict[str, Any]:
    connection, brand = app
    row = connection.execute(f"explain (format json) {statement}", [brand.id]).fetchone()
    assert row is not None
    found: dict[str, Any] = row[0][0]["Plan"]
    return found


def test_a_page_is_read_in_the_order_of_its_index(app: Any) -> None:
    assert "Sort" not in json.dumps(plan(app, PAGE[0]))


def test_the_planner_expects_the_rows_that_are_there(app: Any) -> None:
    assert plan(app, PAGE[1])["Plan Rows"] > ROWS * 0.95


def test_the_clients_of_an_ib_are_counted_in_an_index_alone(app: Any) -> None:
    """Row security asks for each client's path: an index that lacks it is no help for counting."""
    counted = f"select count(*) from client where brand_id = %s and ib_id = {NOBODY}"
    assert "Index Only Scan" in json.dumps(plan(app, counted))
