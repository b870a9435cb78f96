"""An ib's row says how many clients it introduced: kept by the database, whoever adds them."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import delete, update

from api.embedded import Endpoints
from api.embedded.postmaster import wait_until
from domain.clients.tables import client
from domain.ibs.tables import ib
from tests.factories import Brand, Factory, Ib

_ADD = (
    "insert into client (brand_id, id, reference, version, kind, status, legal_entity_id, name,"
    " email, country, language, created_at, ib_id, ib_path)"
    " select %(brand)s, gen_random_uuid(), gen_random_uuid(), 1, 'INDIVIDUAL', 'ACTIVE',"
    " %(entity)s, 'K', gen_random_uuid() || '@people.example', 'CY', 'en', now(), u.id, u.path"
    " from unnest(%(ibs)s::uuid[], %(paths)s::text[]) with ordinality u (id, path, n)"
)


def kept(make: Factory, brand: Brand) -> dict[UUID, int]:
    return {row.id: row.client_count for row in make.rows(ib, brand)}


def counted(make: Factory, brand: Brand) -> dict[UUID, int]:
    found = Counter(row.ib_id for row in make.rows(client, brand))
    return {row.id: found[row.id] for row in make.rows(ib, brand)}


def batch(brand: Brand, ibs: list[Ib | None]) -> dict[str, Any]:
    """Values of `_ADD` for a client of each."""
    return {
        "brand": brand.id, "entity": brand.legal_entity_id,
        "ibs": [one and one.id for one in ibs], "paths": [one.path if one else "" for one in ibs],
    }  # fmt: skip


@pytest.fixture
def app(endpoints: Endpoints) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(endpoints.url("app")) as connection:
        yield connection


def enter(connection: psycopg.Connection[Any], brand: Brand, ib_path: str = "") -> None:
    for name, value in (("brand_id", str(brand.id)), ("ib_path", ib_path)):
        connection.execute("select set_config(%s, %s, true)", [f"app.{name}", value])


def test_a_client_counts_for_its_ib_alone(make: Factory, brand: Brand):
    other = make.brand()
    top, beside, foreign = make.ib(brand), make.ib(brand), make.ib(other)
    below = make.ib(brand, top)
    for each in (top, below, below, None):
        make.client(brand, each)
    make.client(other, foreign)
    assert kept(make, brand) == {top.id: 1, below.id: 2, beside.id: 0}
    assert kept(make, other) == {foreign.id: 1}


def test_a_batch_counts_once_for_each_of_its_clients(make: Factory, brand: Brand, app):
    ibs = [make.ib(brand) for _ in range(3)]
    enter(app, brand)
    app.execute(_ADD, batch(brand, [ibs[0], ibs[2], None, ibs[0], ibs[2], ibs[0]]))
    app.commit()
    assert kept(make, brand) == {ibs[0].id: 3, ibs[1].id: 0, ibs[2].id: 2}
    enter(app, brand)
    app.execute(_ADD, batch(brand, [ibs[1]]))
    app.rollback()
    assert kept(make, brand)[ibs[1].id] == 0


def test_a_client_that_moves_or_goes_is_counted_where_it_is(make: Factory, brand: Brand):
    old, new = make.ib(brand), make.ib(brand)
    clients = [make.client(brand, one) for one in (old, old, old, None)]

    def move(at: int, to: Ib | None) -> dict[UUID, int]:
        moved = update(client).where(client.c.brand_id == brand.id, client.c.id == clients[at].id)
        make.run(brand, moved.values(ib_id=to.id if to else None))
        return kept(make, brand)

    assert move(0, new) == {old.id: 2, new.id: 1}
    assert move(0, new) == {old.id: 2, new.id: 1}, "it was there"
    assert move(1, None) == {old.id: 1, new.id: 1}
    assert move(3, old) == {old.id: 2, new.id: 1}
    make.run(brand, update(client).where(client.c.brand_id == brand.id).values(name="Renamed"))
    make.run(brand, delete(client).where(client.c.brand_id == brand.id, client.c.ib_id == old.id))
    assert kept(make, brand) == {old.id: 0, new.id: 1} == counted(make, brand)


def test_no_client_comes_in_by_an_ib_that_is_out_of_sight(make: Factory, brand: Brand, app):
    own, other = make.ib(brand), make.ib(brand)
    enter(app, brand, own.path)
    values = batch(brand, [other]) | {"paths": [own.path]}
    with pytest.raises(psycopg.Error, match="out of sight") as refusal:
        app.execute(_ADD, values)
    assert refusal.value.sqlstate == "IB001"
    app.rollback()
    assert make.rows(client, brand) == []
    assert kept(make, brand) == {own.id: 0, other.id: 0}


def test_batches_in_opposite_orders_wait_for_each_other_and_lose_nothing(
    make: Factory, brand: Brand, app, endpoints: Endpoints, superuser: psycopg.Connection[Any]
):
    one, two = make.ib(brand), make.ib(brand)
    enter(app, brand)
    app.execute(_ADD, batch(brand, [one, two]))
    with ThreadPoolExecutor() as threads, psycopg.connect(endpoints.url("app")) as second:

        def add() -> None:
            enter(second, brand)
            second.execute(_ADD, batch(brand, [two, one, two]))
            second.commit()

        adding = threads.submit(add)

        def waits() -> bool:
            asked = "select wait_event_type from pg_stat_activity where pid = %s"
            found = superuser.execute(asked, [second.info.backend_pid]).fetchone()
            superuser.rollback()
            return found == ("Lock",)

        assert wait_until(waits, seconds=60)
        app.commit()
        adding.result(timeout=60)
    assert kept(make, brand) == {one.id: 2, two.id: 3} == counted(make, brand)
