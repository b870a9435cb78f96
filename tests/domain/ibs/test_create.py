"""Putting ibs into the tree: paths, levels, codes, and what an ib can see of it."""

from typing import Any
from uuid import UUID

import psycopg
import pytest

from domain.ibs.commands.create_ib import NewIb, create_ib
from domain.ibs.tables import ib as ib_table
from domain.kernel.errors import DomainError
from domain.kernel.ids import new_uuid
from tenants.tables import audit, event
from tenants.work import Database, WriteWork
from tests.factories import Brand, Factory, scope_of


async def create(database: Database, brand: Brand, **fields: Any) -> UUID:
    wanted = NewIb(**({"code": "north", "name": "North", "email": "n@ib.example"} | fields))

    async def command(work: WriteWork) -> UUID:
        return await create_ib(work, wanted)

    return (await database.write(scope_of(brand, "brand_admin"), command)).value


async def test_an_ib_hangs_below_its_parent(
    database: Database, make: Factory, brand: Brand
) -> None:
    top = await create(database, brand)
    below = await create(database, brand, code="north-1", parent_id=top)
    rows = {row.id: row for row in make.rows(ib_table, brand)}
    assert (rows[top].path, rows[top].level, rows[top].parent_id) == (f"{top.hex}/", 1, None)
    assert rows[below].path == f"{top.hex}/{below.hex}/"
    assert (rows[below].level, rows[below].parent_id, rows[below].code) == (2, top, "NORTH-1")
    written = make.rows(event, brand)
    assert [(row.topic, row.kind, row.ib_path) for row in written] == [
        ("IB", "created", rows[top].path),
        ("IB", "created", rows[below].path),
    ]
    assert len(make.rows(audit, brand)) == 2


async def test_of_one_instant_the_first_made_is_the_oldest(
    database: Database, make: Factory, brand: Brand
) -> None:
    """A line that is put in at once has one time; lists are ordered by that, then by id."""
    codes = [f"NORTH-{n}" for n in range(12)]

    async def command(work: WriteWork) -> None:
        for code in codes:
            await create_ib(work, NewIb(code=code, name=code, email=f"{code}@ib.example"))

    await database.write(scope_of(brand, "brand_admin"), command)
    rows = make.rows(ib_table, brand)
    assert len({row.created_at for row in rows}) == 1
    assert [row.code for row in sorted(rows, key=lambda row: row.id)] == codes


async def test_a_code_is_taken_once_per_brand(
    database: Database, make: Factory, brand: Brand, brand_b: Brand
) -> None:
    await create(database, brand)
    await create(database, brand_b)
    with pytest.raises(DomainError) as caught:
        await create(database, brand, code=" NORTH ")
    assert (caught.value.code, caught.value.path) == ("CODE_TAKEN", ("input", "code"))
    assert len(make.rows(ib_table, brand)) == len(make.rows(event, brand)) == 1


async def test_unknown_foreign_and_suspended_parents_are_refused(
    database: Database,
    make: Factory,
    brand: Brand,
    brand_b: Brand,
    superuser: psycopg.Connection[Any],
) -> None:
    for parent_id in (new_uuid(), make.ib(brand_b).id):
        with pytest.raises(DomainError) as caught:
            await create(database, brand, parent_id=parent_id)
        assert (caught.value.code, caught.value.path) == ("NOT_FOUND", ("input", "parentId"))
    suspended = make.ib(brand)
    superuser.execute("update ib set status = 'SUSPENDED' where id = %s", [suspended.id])
    with pytest.raises(DomainError) as caught:
        await create(database, brand, parent_id=suspended.id)
    assert caught.value.code == "PARENT_SUSPENDED"
    assert len(make.rows(event, brand)) == len(make.rows(audit, brand)) == 0


@pytest.mark.parametrize("field", ["code", "name", "email"])
async def test_a_field_that_cannot_be_is_refused(
    field: str, database: Database, make: Factory, brand: Brand
) -> None:
    with pytest.raises(DomainError) as caught:
        await create(database, brand, **{field: "\0"})
    assert (caught.value.code, caught.value.path) == ("INVALID", ("input", field))
    assert not make.rows(ib_table, brand)
