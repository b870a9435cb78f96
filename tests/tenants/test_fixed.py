"""Statements sent by the driver itself behave like those that go through SQLAlchemy."""

import pytest
from sqlalchemy import Text, bindparam, literal, select, text
from sqlalchemy.exc import DBAPIError

from domain.kernel.errors import Unavailable
from tenants.connection import sqlstate
from tenants.fixed import Fixed
from tenants.values import Role

TWO = Fixed(
    select(bindparam("b", type_=Text).label("b"), bindparam("a", type_=Text).label("a"),
           literal("c").label("c"))
)  # fmt: skip


async def test_values_find_their_parameters_and_columns_their_names(database, brand, scope_for):
    async with database.read(scope_for(brand, Role.SALES)) as work:
        [row] = await work.rows(TWO, {"a": "1", "b": "2"})
        assert (row.a, row.b, row.c, tuple(row)) == ("1", "2", "c", ("2", "1", "c"))
        with pytest.raises(AttributeError):
            _ = row.d
        bound = TWO.of(a="3")
        assert bound.text is TWO.text
        assert tuple((await work.rows(bound, {"b": "4"}))[0]) == ("4", "3", "c")
        assert tuple((await work.rows(TWO.of(a="5", b="6")))[0]) == ("6", "5", "c")
        assert work.statements == 3
        with pytest.raises(KeyError):
            await work.rows(TWO, {"a": "1"})
        assert await work.rows(Fixed(text("set local work_mem = '8MB'"))) == []


async def test_what_the_server_refuses_is_told_as_sqlalchemy_tells_it(database, brand, scope_for):
    zero = Fixed(text("select 1 / cast(:by as int)"))

    async def command(work):
        await work.rows(zero, {"by": 0})

    with pytest.raises(DBAPIError) as raised:
        await database.write(scope_for(brand, Role.SALES), command)
    assert sqlstate(raised.value) == "22012"

    async def mistaken(work):
        await work.rows(zero, {"by": "none"})

    with pytest.raises(DBAPIError):
        await database.write(scope_for(brand, Role.SALES), mistaken)


async def test_a_connection_that_is_gone_is_unavailable_and_not_used_again(
    database, brand, scope_for, superuser
):
    pid = Fixed(text("select pg_backend_pid() as pid"))
    seen = []

    async def command(work):
        [row] = await work.rows(pid)
        seen.append(row.pid)
        superuser.execute("select pg_terminate_backend(%s)", [row.pid])
        await work.rows(pid)

    scope = scope_for(brand, Role.SALES)
    with pytest.raises(Unavailable):
        await database.write(scope, command)
    async with database.read(scope) as work:
        [row] = await work.rows(pid)
    assert row.pid != seen[0]
