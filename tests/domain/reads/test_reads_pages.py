"""Pages by key against an oracle in memory: random rows, orders, cursors and walks."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.reads import Page, PageResult, Record, select
from tests.domain.reads import zoo
from tests.domain.reads.zoo_database import Reading

START = datetime(2026, 1, 1, tzinfo=UTC)
FIELDS = ("name", "joined_at", "seen_at", "born", "rank", "score", "email")
ORDERS = {
    "JOINED_AT": ("joined_at",),
    "SEEN_AT": ("seen_at",),
    "RANK_AND_BORN": ("rank", "born"),
    "NAME": ("name",),
    "SCORE": ("score",),
    "EMAIL": ("email",),
}
STEADY = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)

instants = st.integers(0, 3).map(lambda n: START + timedelta(microseconds=n))
rows = st.fixed_dictionaries(
    {
        "name": st.text("aZ é,:~", max_size=3),
        "joined_at": instants,
        "seen_at": st.none() | instants,
        "born": st.none() | st.sampled_from([date(1999, 12, 31), date(2000, 1, 1)]),
        "rank": st.none() | st.integers(-1, 1),
        "score": st.none() | st.sampled_from([Decimal("1.5"), Decimal("-0.25"), Decimal("10")]),
        "email": st.none() | st.text("ab", max_size=2),
    }
)
orders = st.tuples(st.sampled_from(sorted(ORDERS)), st.booleans())


async def put(keeper: AsyncEngine, brand: UUID, given_rows: Sequence[dict[str, Any]]) -> list[Any]:
    stored = [{"brand_id": brand, "id": uuid4(), **row} for row in given_rows]
    if stored:
        async with keeper.connect() as work:
            await work.execute(insert(zoo.person), stored)
    return stored


def in_order(stored: Sequence[dict[str, Any]], order: tuple[str, bool]) -> list[UUID]:
    """Keys as the API must show them: null is the largest value, the id breaks ties."""
    name, descending = order

    def key(row: dict[str, Any]) -> Any:
        values = [row[column] for column in ORDERS[name]]
        return [(value is None, value or 0 if value is None else value) for value in values], row[
            "id"
        ]

    return [row["id"] for row in sorted(stored, key=key, reverse=descending)]


def label(order: tuple[str, bool]) -> str:
    return f"-{order[0]}" if order[1] else order[0]


def keys(page: PageResult) -> list[UUID]:
    return [record.key for record in page.records]


@STEADY
@given(data=st.lists(rows, max_size=9), order=orders, size=st.integers(1, 4), back=st.booleans())
async def test_a_walk_sees_each_row_once(
    keeper: AsyncEngine,
    reading: Reading,
    data: list[dict[str, Any]],
    order: tuple[str, bool],
    size: int,
    back: bool,
) -> None:
    brand = uuid4()
    expected = in_order(await put(keeper, brand, data), order)
    seen: list[UUID] = []
    cursor: str | None = None
    async with reading(zoo.boss(brand)) as (reader, sent):
        for _ in range(len(data) + 2):
            page = await reader.connection(
                "person",
                Page(last=size, before=cursor, order=label(order))
                if back
                else Page(first=size, after=cursor, order=label(order)),
                select("name"),
            )
            assert len(page.records) <= size
            seen = [*keys(page), *seen] if back else [*seen, *keys(page)]
            if not (page.has_previous if back else page.has_next):
                break
            cursor = page.cursor(0 if back else -1)
        assert seen == expected
        assert len(sent) == max(1, -(-len(data) // size))


@STEADY
@given(
    data=st.lists(rows, min_size=1, max_size=8),
    order=orders,
    size=st.integers(1, 3),
    ends=st.tuples(st.none() | st.integers(0, 7), st.none() | st.integers(0, 7)),
    options=st.tuples(st.booleans(), st.booleans()),
)
async def test_any_window_and_its_neighbours(
    keeper: AsyncEngine,
    reading: Reading,
    data: list[dict[str, Any]],
    order: tuple[str, bool],
    size: int,
    ends: tuple[int | None, int | None],
    options: tuple[bool, bool],
) -> None:
    back, drop = options
    brand = uuid4()
    expected = in_order(await put(keeper, brand, data), order)
    after, before = (None if at is None else at % len(expected) for at in ends)
    async with reading(zoo.boss(brand)) as (reader, _):
        whole = await reader.connection("person", Page(order=label(order)), select("name"))
    cursors = [whole.cursor(at) for at in range(len(expected))]
    left = list(expected)
    if drop and after is not None:
        # A cursor stays a position when its row is gone.
        async with keeper.connect() as work:
            await work.execute(delete(zoo.person).where(zoo.person.c.id == expected[after]))
        left.remove(expected[after])
    place = {key: at for at, key in enumerate(expected)}
    low, high = -1 if after is None else after, len(expected) if before is None else before
    window = [key for key in left if low < place[key] < high]
    chosen = window[-size:] if back else window[:size]
    async with reading(zoo.boss(brand)) as (reader, sent):
        page = await reader.connection(
            "person",
            Page(
                first=None if back else size,
                last=size if back else None,
                after=None if after is None else cursors[after],
                before=None if before is None else cursors[before],
                order=label(order),
            ),
            select("name"),
        )
        assert keys(page) == chosen
        more = len(window) > size
        outside_low = after is not None and any(place[key] <= low for key in left)
        outside_high = before is not None and any(place[key] >= high for key in left)
        assert page.has_previous == (more if back else outside_low)
        assert page.has_next == (outside_high if back else more)
        assert len(sent) == 1


@STEADY
@given(
    data=st.lists(rows, min_size=2, max_size=8),
    late=st.lists(rows, max_size=4),
    order=orders,
    size=st.integers(1, 3),
)
async def test_rows_that_arrive_meanwhile_disturb_nothing(
    keeper: AsyncEngine,
    reading: Reading,
    data: list[dict[str, Any]],
    late: list[dict[str, Any]],
    order: tuple[str, bool],
    size: int,
) -> None:
    brand = uuid4()
    stored = await put(keeper, brand, data)
    seen: list[UUID] = []
    cursor: str | None = None
    for step in range(len(data) + len(late) + 2):
        async with reading(zoo.boss(brand)) as (reader, _):
            page = await reader.connection(
                "person", Page(first=size, after=cursor, order=label(order)), select("name")
            )
        seen += keys(page)
        if not page.has_next:
            break
        cursor = page.cursor(len(page.records) - 1)
        await put(keeper, brand, late[step : step + 1])
    assert len(seen) == len(set(seen))
    first = {row["id"] for row in stored}
    assert [key for key in seen if key in first] == in_order(stored, order)


@STEADY
@given(
    weights=st.lists(st.lists(st.none() | st.integers(0, 2), max_size=5), min_size=1, max_size=4),
    size=st.integers(1, 3),
    back=st.booleans(),
    descending=st.booleans(),
)
async def test_children_of_each_parent_are_walked_alike(
    keeper: AsyncEngine,
    reading: Reading,
    weights: list[list[int | None]],
    size: int,
    back: bool,
    descending: bool,
) -> None:
    brand = uuid4()
    parents = await put(keeper, brand, [_person() for _ in weights])
    expected: dict[UUID, list[UUID]] = {}
    for parent, of_parent in zip(parents, weights, strict=True):
        beasts = [
            {"brand_id": brand, "id": uuid4(), "person_id": parent["id"], "name": "x", "weight": w}
            for w in of_parent
        ]
        if beasts:
            async with keeper.connect() as work:
                await work.execute(insert(zoo.pet), beasts)
        beasts.sort(key=lambda row: (row["weight"] is None, row["weight"] or 0, row["id"]))
        expected[parent["id"]] = [row["id"] for row in beasts]  # type: ignore[misc]
        if descending:
            expected[parent["id"]].reverse()
    order = "-WEIGHT" if descending else "WEIGHT"
    async with reading(zoo.boss(brand)) as (reader, sent):
        pages = await reader.related_many(
            "person",
            "pets",
            list(expected),
            page=Page(last=size, order=order) if back else Page(first=size, order=order),
            want=select("weight"),
        )
        for page, (key, whole) in zip(pages, expected.items(), strict=True):
            assert keys(page) == (whole[-size:] if back else whole[:size])
            assert (page.has_previous if back else page.has_next) is (len(whole) > size)
            if page.records:
                cursor = page.cursor(0 if back else len(page.records) - 1)
                (rest,) = await reader.related_many(
                    "person",
                    "pets",
                    [key],
                    page=Page(last=9, before=cursor, order=order)
                    if back
                    else Page(first=9, after=cursor, order=order),
                    want=select("weight"),
                )
                assert keys(rest) == (whole[:-size] if back else whole[size:])
                assert (rest.has_next if back else rest.has_previous) is True
    assert len(sent) == 1 + sum(bool(whole) for whole in expected.values())


def _person() -> dict[str, Any]:
    return {"name": "p", "joined_at": START}


@pytest.mark.parametrize("order", ["JOINED_AT", "-SEEN_AT", "RANK_AND_BORN", "-SCORE", "NAME"])
async def test_a_cursor_fits_its_brand_order_and_direction_only(
    keeper: AsyncEngine, reading: Reading, order: str
) -> None:
    from domain.kernel.errors import Invalid

    red, blue = uuid4(), uuid4()
    await put(keeper, red, [_person()])
    async with reading(zoo.boss(red)) as (reader, _):
        page = await reader.connection("person", Page(order=order), select("name"))
        cursor = page.cursor(0)
        other = order.removeprefix("-") if order.startswith("-") else f"-{order}"
        for wrong in (other, "EMAIL", "-EMAIL"):
            with pytest.raises(Invalid, match="cursor"):
                await reader.connection("person", Page(order=wrong, after=cursor), select("name"))
    async with reading(zoo.boss(blue)) as (reader, _):
        with pytest.raises(Invalid, match="cursor"):
            await reader.connection("person", Page(order=order, after=cursor), select("name"))


async def test_records_are_not_shared_between_operations(
    keeper: AsyncEngine, reading: Reading
) -> None:
    brand = uuid4()
    (row,) = await put(keeper, brand, [_person()])
    found: list[Record | None] = []
    for _ in range(2):
        async with reading(zoo.boss(brand)) as (reader, _):
            found += await reader.load("person", [row["id"]], select("name"))
    assert found[0] is not found[1]
