"""Promises of the transaction boundary that need several works at once, or a moved clock."""

import asyncio
from datetime import timedelta

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from tenants import tables
from tenants.log import Change, Event
from tenants.tables import brand_counter
from tenants.values import Role


def take(brand_id, name):
    counter = insert(brand_counter).values(brand_id=brand_id, name=name, value=1)
    return counter.on_conflict_do_update(
        index_elements=["brand_id", "name"], set_={"value": brand_counter.c.value + 1}
    )


async def test_the_head_row_is_locked_last_whatever_order_commands_take(
    database, brand, make, scope_for, superuser
):
    """Works that record first and lock afterwards can't deadlock over the head row.

    Each records an event at its very beginning, then takes a row that others take too. Were the
    head taken when the event is recorded, those holding the row would wait for it in a circle.
    """
    scope = scope_for(brand, Role.SALES)
    before = superuser.execute(
        "select deadlocks from pg_stat_database where datname = current_database()"
    ).fetchone()

    async def record_first(work):
        work.emit(Event(topic="CLIENT", kind="recorded"))
        work.audit(Change("thing.record"))
        await work.rows(take(brand.id, "shared"))
        await asyncio.sleep(0.005)

    async def lock_first(work):
        await work.rows(take(brand.id, "shared"))
        await asyncio.sleep(0.005)
        work.emit(Event(topic="CLIENT", kind="locked"))

    works = [record_first if number % 2 else lock_first for number in range(24)]
    done = await asyncio.gather(*(database.write(scope, one) for one in works))
    assert sorted(one.seq for one in done) == list(range(1, 25))
    (counter,) = make.rows(brand_counter, brand)
    assert counter.value == 24
    assert [row.seq for row in make.rows(tables.audit, brand)] == list(range(1, 13))
    after = superuser.execute(
        "select deadlocks from pg_stat_database where datname = current_database()"
    ).fetchone()
    assert after == before


async def test_opposite_orders_of_rows_deadlock_and_are_retried(database, brand, make, scope_for):
    """Two works that lock two rows crosswise both succeed, each exactly once."""
    scope = scope_for(brand, Role.SALES)
    met = asyncio.Barrier(2)
    attempts = []

    def crosswise(first, second):
        async def command(work):
            attempts.append(first)
            await work.rows(take(brand.id, first))
            if len(attempts) <= 2:
                await met.wait()
            await work.rows(take(brand.id, second))
            work.emit(Event(topic="CLIENT", kind=first))

        return command

    done = await asyncio.gather(
        database.write(scope, crosswise("a", "b")), database.write(scope, crosswise("b", "a"))
    )
    assert sorted(one.seq for one in done) == [1, 2]
    assert [row.value for row in make.rows(brand_counter, brand)] == [2, 2]
    assert len(attempts) == 3
    assert len(make.rows(tables.event, brand)) == 2


async def test_a_sandbox_moves_its_own_time_and_not_the_databases(database, brand, make, scope_for):
    make.run(brand, update(tables.brand_state).values(clock_offset_ms=86_400_000))

    async def look(work):
        return work.now() - work.database_now()

    found = await database.write(scope_for(brand, Role.SALES), look)
    assert found.value == timedelta(days=1)
