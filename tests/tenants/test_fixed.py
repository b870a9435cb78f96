"""Statements sent by the driver itself behave like those that go through SQLAlchemy."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from uuid import UUID

import pytest
from sqlalchemy import (
    ARRAY,
    JSON,
    DateTime,
    Float,
    Interval,
    Numeric,
    Text,
    Uuid,
    bindparam,
    literal,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError

from domain.kernel.errors import Unavailable
from domain.payments.ledger.tables import Minor
from tenants.connection import sqlstate
from tenants.fixed import Fixed, fixed_of
from tenants.values import Role

NEW, AT = UUID(int=7), datetime(2026, 3, 4, 5, 6, 7, 8, tzinfo=UTC)
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


VALUES = [
    (literal(None, Text), True), (literal("é"), True), (literal(7), True), (literal(True), True),
    (literal(D("1.50"), Numeric), True), (literal(1.5, Float), True), (literal(NEW, Uuid), True),
    (literal(AT, DateTime(timezone=True)), True), (literal([NEW], ARRAY(Uuid)), True),
    (literal(7, Minor), False), (literal([7], ARRAY(Minor)), False),
    (literal(timedelta(days=2), Interval), False), (literal({"a": 1}, JSON), False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "is_plain"), VALUES, ids=lambda one: str(getattr(one, "type", ""))
)
async def test_a_kept_select_reads_what_sqlalchemy_reads(
    database, brand, scope_for, value, is_plain
):
    kept = select(value.label("v"))
    assert (fixed_of(kept) is not None) is is_plain
    assert fixed_of(kept) is fixed_of(kept)
    async with database.read(scope_for(brand, Role.SALES)) as work:
        [(found,)] = await work.kept_rows(kept)
        [(expected,)] = await work.rows(kept)
    assert (found, type(found)) == (expected, type(expected))


def test_what_is_only_known_when_it_is_sent_stays_with_sqlalchemy():
    assert fixed_of(select(literal(1)).where(literal(1).in_([1, 2]))) is None


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
