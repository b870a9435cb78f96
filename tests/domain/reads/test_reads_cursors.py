"""Cursors: every text that Python accepts is one it made; plain SQL makes the same."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.kernel.errors import Invalid
from domain.reads import Cursors
from domain.reads.keyset import Plan, read_values, write_values
from tests.domain.reads.zoo import CURSORS

BRAND = UUID(int=5)
VALUES = {
    "instant": st.datetimes(timezones=st.just(UTC)),
    "date": st.dates(),
    "uuid": st.uuids(),
    "integer": st.integers(-(10**18), 10**18),
    "decimal": st.decimals(allow_nan=False, allow_infinity=False, places=6),
    "text": st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
}


@st.composite
def rows(draw: Any) -> tuple[Plan, tuple[Any, ...]]:
    kinds = tuple(draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=3)))
    values = tuple(draw(st.none() | VALUES[kind]) for kind in kinds)
    return Plan("thing", "NAME", kinds), values


@given(rows())
def test_what_is_written_is_read(row: tuple[Plan, tuple[Any, ...]]) -> None:
    plan, values = row
    cursor = CURSORS.write(plan, BRAND, values)
    assert CURSORS.read(plan, BRAND, cursor) == values
    for stranger, brand, key in (
        (Plan("other", plan.order, plan.kinds), BRAND, CURSORS),
        (Plan(plan.entity, "-NAME", plan.kinds), BRAND, CURSORS),
        (plan, UUID(int=6), CURSORS),
        (plan, BRAND, Cursors(b"o" * 32)),
    ):
        with pytest.raises(Invalid):
            key.read(stranger, brand, cursor)


@given(rows(), st.data())
def test_any_change_is_refused(row: tuple[Plan, tuple[Any, ...]], data: st.DataObject) -> None:
    plan, values = row
    cursor = CURSORS.write(plan, BRAND, values)
    at = data.draw(st.integers(0, len(cursor) - 1))
    letter = data.draw(st.sampled_from("AQgwb-_9=+/ \n.é\0"))
    changed = cursor[:at] + letter + cursor[at + 1 :]
    for wrong in (changed, cursor + letter, cursor[:at], cursor[:at] + letter + cursor[at:]):
        if wrong != cursor:
            with pytest.raises(Invalid) as refused:
                CURSORS.read(plan, BRAND, wrong)
            assert refused.value.code == "BAD_USER_INPUT"


@given(st.text(max_size=80) | st.binary(max_size=80).map(lambda b: urlsafe_b64encode(b).decode()))
def test_strange_texts_are_refused(wrong: str) -> None:
    with pytest.raises(Invalid):
        CURSORS.read(Plan("thing", "NAME", ("text", "uuid")), BRAND, wrong)


@given(st.binary(max_size=60), st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=2))
def test_values_have_one_form(body: bytes, kinds: list[str]) -> None:
    """Even under a right tag, only what `write_values` makes is read."""
    try:
        values = read_values(kinds, body)
    except (ValueError, OverflowError):
        return
    assert write_values(kinds, values) == body


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("integer", b"2:01,"),
        ("integer", b"2:-0,"),
        ("integer", b"02:11,"),
        ("integer", b"-1:1,"),
        ("integer", "2:\u0663,".encode()),
        ("decimal", b"3:1e5,"),
        ("decimal", b"3:NaN,"),
        ("date", b"10:2026-02-30,"),
        ("instant", b"22:9999999999999999999999,"),
        ("uuid", b"4:abcd,"),
        ("text", b"1:\0,"),
        ("text", b"1:a,~"),
        ("text", b"2:a,"),
        ("text", b"1:\xff,"),
        ("text", b""),
    ],
)
def test_wrong_values_are_refused(kind: str, body: bytes) -> None:
    with pytest.raises((ValueError, OverflowError)):
        read_values([kind], body)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="32"):
        Cursors(b"short")


async def test_plain_sql_makes_the_same_cursor(keeper: AsyncEngine) -> None:
    plan = Plan("thing", "NAME", ("instant", "text", "integer", "date", "decimal", "uuid"))
    at = datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    key, brand = uuid4(), uuid4()
    values = (at, "Zoë, 3:x", -5, date(2026, 2, 28), Decimal("1.50"), key)
    statement = text("""
        with parts(n, part) as (values
          (1, ((extract(epoch from cast(:at as timestamptz)) * 1000000)::bigint)::text),
          (2, cast(:name as text)), (3, cast(:number as bigint)::text),
          (4, cast(:day as date)::text), (5, cast(:amount as numeric)::text),
          (6, replace(cast(:key as uuid)::text, '-', ''))),
        body(bytes) as (
          select convert_to(string_agg(octet_length(part)::text || ':' || part || ',', ''
                                       order by n), 'UTF8') from parts)
        select rtrim(translate(encode(
          substr(sha256(sha256(cast(:secret as bytea) || cast(:plan as bytea)
                        || decode(replace(cast(:brand as uuid)::text, '-', ''), 'hex')) || bytes),
                 1, 16) || bytes, 'base64'), E'+/\\n', '-_'), '=') from body""")
    async with keeper.connect() as work:
        made = (
            await work.execute(
                statement,
                {
                    "at": at, "name": values[1], "number": -5, "day": values[3],
                    "amount": values[4], "key": key, "brand": brand,
                    "secret": CURSORS._key, "plan": plan.digest(),
                },
            )
        ).scalar_one()  # fmt: skip
    assert made == CURSORS.write(plan, brand, values)
    assert urlsafe_b64decode(made + "==")[16:].startswith(b"2:-1,")
