"""Statements that set for themselves whose rows they may touch: one trip, nothing left behind."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from tenants.enclosed import PlanBroke, PlanGaveUp, enclosed
from tenants.work import Database
from tests.factories import Brand, Factory, scope_of

SEEN = enclosed("select convert_to(string_agg(reference, ' '), 'UTF8') from client", 0)
SETTING = text("select current_setting('app.brand_id', true)")


@contextmanager
def queries(engine: AsyncEngine) -> Iterator[list[str]]:
    """What the driver sends meanwhile on connections that are lent."""
    sent: list[str] = []
    pool: Any = engine.pool
    lend = pool.lend

    def note(record: Any) -> None:
        sent.append(record.query)

    async def watched() -> Any:
        record = await lend()
        record.driver_connection.add_query_logger(note)
        return record

    pool.lend = watched
    try:
        yield sent
    finally:
        pool.lend = lend


async def test_it_is_one_trip_and_leaves_nothing_set(
    database: Database, engine: AsyncEngine, make: Factory, brand: Brand
) -> None:
    one = make.client(brand)
    with queries(engine) as sent:
        found = await database.whole(scope_of(brand, "brand_admin"), SEEN, [])
        await asyncio.sleep(0)  # the driver tells its loggers in the loop's next turn
    assert found == one.reference.encode()
    assert sent == [SEEN]
    async with engine.connect() as connection:
        assert (await connection.execute(SETTING)).scalar_one() in (None, "")


async def test_row_security_holds_within(
    database: Database, make: Factory, brand: Brand, brand_b: Brand
) -> None:
    """There is no predicate in the statement: each session sees its own rows all the same."""
    ib = make.ib(brand)
    mine, below = make.client(brand), make.client(brand, ib)
    make.client(brand_b)
    cases = [
        (scope_of(brand, "brand_admin"), {mine.reference, below.reference}),
        (scope_of(brand, client=mine), {mine.reference}),
        (scope_of(brand, ib=ib), {below.reference}),
        (scope_of(brand, "brand_admin"), {mine.reference, below.reference}),
    ]
    for scope, expected in cases:
        found = await database.whole(scope, SEEN, [])
        assert set(found.decode().split()) == expected


async def test_what_it_can_not_say_is_no_fault_and_a_wrong_text_is(
    database: Database, brand: Brand
) -> None:
    scope = scope_of(brand, "brand_admin")
    with pytest.raises(PlanGaveUp) as given_up:
        await database.whole(scope, enclosed("select ('!' || $1::text)::int::text::bytea", 1), [""])
    assert not isinstance(given_up.value, PlanBroke)
    with pytest.raises(PlanBroke):
        await database.whole(scope, enclosed("select nothing", 0), [])
    assert await database.whole(scope, SEEN, []) is None


async def test_a_path_that_is_none_reaches_no_database(database: Database, brand: Brand) -> None:
    scope = scope_of(brand, "brand_admin")
    object.__setattr__(scope, "ib_path", "'; drop table client")
    with pytest.raises(ValueError, match="hex ids"):
        await database.whole(scope, SEEN, [])
