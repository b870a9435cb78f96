"""Loaders, children per parent, counts, masks, scopes: right rows in exact statement counts."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.kernel.errors import Forbidden, Invalid
from domain.reads import Page, Registry, Viewer, select
from tests.domain.reads import zoo
from tests.domain.reads.zoo_database import Reading

START = datetime(2026, 1, 1, tzinfo=UTC)


async def put(keeper: AsyncEngine, table: Any, *rows: dict[str, Any]) -> None:
    # One statement per row: rows of one call may name different columns.
    async with keeper.begin() as work:
        for row in rows:
            await work.execute(insert(table).values(**row))


async def people(keeper: AsyncEngine, brand: UUID, number: int, **more: Any) -> list[UUID]:
    keys = [uuid4() for _ in range(number)]
    await put(keeper, zoo.person, *(
        {"brand_id": brand, "id": key, "name": f"Ann {at}", "email": f"ann{at}@x.test",
         "joined_at": START + timedelta(hours=at), **more}
        for at, key in enumerate(keys)
    ))  # fmt: skip
    return keys


async def pets(keeper: AsyncEngine, brand: UUID, person: UUID, number: int) -> list[UUID]:
    keys = [uuid4() for _ in range(number)]
    await put(keeper, zoo.pet, *(
        {"brand_id": brand, "id": key, "person_id": person, "name": f"Rex {at}", "weight": at}
        for at, key in enumerate(keys)
    ))  # fmt: skip
    return keys


async def test_load_keeps_order_and_shows_foreign_as_absent(
    keeper: AsyncEngine, reading: Reading, fresh: UUID
) -> None:
    mine = await people(keeper, fresh, 2)
    other = await people(keeper, zoo.BLUE, 1)
    async with reading(zoo.boss(fresh)) as (reader, sent):
        found = await reader.load(
            "person", [mine[1], other[0], uuid4(), mine[0], mine[1]], select("name", "shout")
        )
        names = [each and each.name for each in found]
        assert names == ["Ann 1", None, None, "Ann 0", "Ann 1"]
        assert found[0] is not None
        assert found[0].shout == "Ann 1!"
        assert found[0] is found[4], "one record per object and operation"
        assert len(sent) == 1
        with pytest.raises(AttributeError, match=r"email.*not loaded"):
            _ = found[0].email


async def test_second_look_reads_only_what_is_missing(
    keeper: AsyncEngine, reading: Reading, fresh: UUID
) -> None:
    first, second = await people(keeper, fresh, 2)
    async with reading(zoo.boss(fresh)) as (reader, sent):
        await reader.load("person", [first], select("name"))
        await reader.load("person", [first], select("name"))
        assert len(sent) == 1
        again = await reader.load("person", [first, second], select("name", "rank"))
        assert [each.rank for each in again if each] == [None, None]
        assert len(sent) == 2
        assert await reader.load("person", [uuid4()], select("name")) == [None]


@pytest.mark.parametrize("size", [1, 40])
async def test_a_tree_costs_one_statement_a_level(
    keeper: AsyncEngine, reading: Reading, fresh: UUID, size: int
) -> None:
    keys = await people(keeper, fresh, size)
    for key in keys:
        for one in await pets(keeper, fresh, key, 2):
            await put(keeper, zoo.visit,
                      {"brand_id": fresh, "id": uuid4(), "pet_id": one, "at": START})  # fmt: skip
    async with reading(zoo.boss(fresh)) as (reader, sent):
        top = await reader.connection("person", Page(first=50), select("name", relations=["pets"]))
        middle = await reader.related_many(
            "person", "pets", [each._to_pets for each in top.records],
            page=Page(first=5), want=select("name", relations=["visits"]),
        )  # fmt: skip
        leaves = await reader.related_many(
            "pet", "visits", [each._to_visits for page in middle for each in page.records],
            page=Page(first=5), want=select("at"),
        )  # fmt: skip
        assert sum(len(page.records) for page in leaves) == size * 2
        assert len(sent) == 3
        assert all("brand_id" in each for each in sent)
        assert all("LIMIT" in each for each in sent)


async def test_first_n_of_every_parent(keeper: AsyncEngine, reading: Reading, fresh: UUID) -> None:
    keys = await people(keeper, fresh, 3)
    for number, key in zip((0, 2, 5), keys, strict=True):
        await pets(keeper, fresh, key, number)
    async with reading(zoo.boss(fresh)) as (reader, sent):
        pages = await reader.related_many(
            "person", "pets", [*keys, keys[2]], want=select("weight"),
            page=Page(first=2, order="-WEIGHT", filter={"weight": {"lt": 4}}),
        )  # fmt: skip
        shown = [[each.weight for each in page.records] for page in pages]
        assert shown == [[], [1, 0], [3, 2], [3, 2]]
        assert [page.has_next for page in pages] == [False, False, True, True]
        further = await reader.related_many(
            "person", "pets", [keys[1], keys[2]], want=select("weight"),
            page=Page(first=2, order="-WEIGHT", after=pages[2].cursor(1)),
        )  # fmt: skip
        assert [[each.weight for each in page.records] for page in further] == [[1, 0], [1, 0]]
        assert [page.has_previous for page in further] == [False, True]
        assert len(sent) == 2
        counts = await reader.count_related("person", "pets", keys, cap=3)
        assert [(each.value, each.exact) for each in counts] == [(0, True), (2, True), (3, False)]
        assert len(sent) == 3


async def test_relations_to_one(keeper: AsyncEngine, reading: Reading, fresh: UUID) -> None:
    vet = uuid4()
    await put(keeper, zoo.vet, {"brand_id": fresh, "id": vet, "name": "Dr Oz"})
    (key,) = await people(keeper, fresh, 1, vet_id=vet, species_code=f"s-{fresh}")
    await put(keeper, zoo.species, {"code": f"s-{fresh}", "title": "Cat"})
    one, two = await pets(keeper, fresh, key, 2)
    await put(keeper, zoo.passport,
              {"brand_id": fresh, "id": uuid4(), "pet_id": one, "number": "P1"})  # fmt: skip
    async with reading(zoo.boss(fresh)) as (reader, sent):
        (person,) = await reader.load("person", [key], select(relations=["vet", "species"]))
        assert person is not None
        (doctor,) = await reader.related_one("person", "vet", [person._to_vet], select("name"))
        (kind,) = await reader.related_one(
            "person", "species", [person._to_species], select("title")
        )
        papers = await reader.related_one("pet", "passport", [two, one], select("number"))
        assert doctor is not None
        assert kind is not None
        assert (doctor.name, kind.title) == ("Dr Oz", "Cat")
        assert [each and each.number for each in papers] == [None, "P1"]
        assert len(sent) == 4


async def test_a_relation_to_one_that_an_expression_finds(
    keeper: AsyncEngine, reading: Reading, fresh: UUID
) -> None:
    (key,) = await people(keeper, fresh, 1)
    seen, unseen = await pets(keeper, fresh, key, 2)
    visits = [
        {"brand_id": fresh, "id": uuid4(), "pet_id": seen, "at": START + timedelta(days=day)}
        for day in (1, 3, 2)
    ]
    await put(keeper, zoo.visit, *visits)
    async with reading(zoo.boss(fresh)) as (reader, sent):
        first, second = await reader.load("pet", [seen, unseen], select(relations=["last_visit"]))
        assert first is not None
        assert second is not None
        assert second._to_last_visit is None
        (last,) = await reader.related_one(
            "pet", "last_visit", [first._to_last_visit], select("at")
        )
        assert last is not None
        assert last.at == START + timedelta(days=3)
        assert len(sent) == 2


async def test_counts_stop_at_their_cap(keeper: AsyncEngine, reading: Reading, fresh: UUID) -> None:
    await people(keeper, fresh, 5)
    await people(keeper, zoo.BLUE, 3)
    async with reading(zoo.boss(fresh)) as (reader, _):
        assert await reader.count("person") == (await reader.count("person", cap=5))
        counted = await reader.count("person", cap=4)
        assert (counted.value, counted.exact) == (4, False)
        late = {"joined_at": {"gte": START + timedelta(hours=3)}}
        assert (await reader.count("person", late)).value == 2


async def test_rows_are_counted_and_added_up_by_what_they_say(
    keeper: AsyncEngine, reading: Reading, fresh: UUID
) -> None:
    await people(keeper, fresh, 3, rank=7, score=2)
    await people(keeper, fresh, 2, rank=8)
    await people(keeper, zoo.BLUE, 4, rank=8)
    async with reading(zoo.boss(fresh)) as (reader, sent):
        found = await reader.tally("person", ["rank"], sums=["score"], least=["joined_at"])
        assert [(one.by, one.count, one.sums, one.least) for one in found] == [
            ((7,), 3, (6,), (START,)), ((8,), 2, (None,), (START,)),
        ]  # fmt: skip
        late = {"joined_at": {"gte": START + timedelta(hours=1)}}
        found = await reader.tally("person", ["rank"], filters=late)
        assert [(one.by, one.count) for one in found] == [((7,), 2), ((8,), 1)]
        assert len(sent) == 2


async def test_filters(keeper: AsyncEngine, reading: Reading, fresh: UUID) -> None:
    await people(keeper, fresh, 3, rank=7, tags=["vip", "eu"])
    await people(keeper, fresh, 1, rank=8)
    asked = [
        ({"rank": {"eq": 7}}, 3),
        ({"rank": {"in": [7, 8]}}, 4),
        ({"rank": {"in": []}}, 0),
        ({"rank": {"gte": 7, "lt": 8}}, 3),
        ({"name": {"contains": "NN 2"}}, 1),
        ({"name": {"contains": "%"}}, 0),
        ({"tags": {"contains": "vip"}}, 3),
        ({"rank": {"eq": 7}, "name": {"eq": "Ann 0"}}, 1),
    ]
    async with reading(zoo.boss(fresh)) as (reader, _):
        for filters, number in asked:
            page = await reader.connection("person", Page(filter=filters), select("name"))
            assert len(page.records) == number, filters


@pytest.mark.parametrize(
    ("page", "at"),
    [
        (Page(first=0), "first"),
        (Page(first=101), "first"),
        (Page(last=-1), "last"),
        (Page(first=1, last=1), "last"),
        (Page(order="HEIGHT"), "orderBy"),
        (Page(filter={"height": {"eq": 1}}), "filter"),
        (Page(filter={"rank": {"contains": 1}}), "filter"),
        (Page(filter={"rank": {"eq": None}}), "filter"),
        (Page(filter={"rank": {"in": [1, None]}}), "filter"),
        (Page(filter={"rank": {"in": list(range(101))}}), "filter"),
        (Page(filter={"search": {"contains": " a "}}), "filter"),
        (Page(filter={"search": {"eq": "ann"}}), "filter"),
        (Page(filter={"search": {"contains": "an\0n"}}), "filter"),
        (Page(filter={"search": {"contains": "an\ud800n"}}), "filter"),
        (Page(filter={"name": {"eq": "\0"}}), "filter"),
        (Page(filter={"name": {"in": ["a", "\udfff"]}}), "filter"),
    ],
)
async def test_impossible_pages_are_refused_before_any_statement(
    reading: Reading, page: Page, at: str
) -> None:
    async with reading(zoo.boss()) as (reader, sent):
        with pytest.raises(Invalid) as refused:
            await reader.connection("person", page, select("name"))
        assert refused.value.code == "BAD_USER_INPUT"
        assert refused.value.path[0] == at
        assert sent == []


async def test_twenty_five_when_nothing_is_said(
    keeper: AsyncEngine, reading: Reading, fresh: UUID
) -> None:
    await people(keeper, fresh, 30)
    async with reading(zoo.boss(fresh)) as (reader, _):
        page = await reader.connection("person", Page(), select("name"))
        assert len(page.records) == 25
        assert page.records[0].name == "Ann 29", "newest first by default"
        assert page.has_next
        assert not page.has_previous


async def test_masks(keeper: AsyncEngine, reading: Reading, fresh: UUID) -> None:
    (key,) = await people(keeper, fresh, 1)
    (blank,) = await people(keeper, fresh, 1, email=None)
    viewer = Viewer(fresh, frozenset({"people:all"}))
    async with reading(viewer) as (reader, sent):
        shown, empty = await reader.load("person", [key, blank], select("email", "name"))
        assert shown is not None
        assert empty is not None
        assert (shown.email, shown.name, shown.masked_fields) == ("a***", "Ann 0", ("email",))
        assert empty.email is None
        before = len(sent)
        for page in (
            Page(order="EMAIL"),
            Page(order="-EMAIL"),
            Page(filter={"email": {"eq": "ann0@x.test"}}),
            Page(filter={"email": {"in": ["ann0@x.test"]}}),
        ):
            with pytest.raises(Forbidden):
                await reader.connection("person", page, select("name"))
            with pytest.raises(Forbidden):
                await reader.related_many("pet", "person", [key], page=page, want=select("name"))
        with pytest.raises(Forbidden):
            await reader.count("person", {"email": {"eq": "ann0@x.test"}})
        with pytest.raises(Forbidden):
            await reader.tally("person", ["email"])
        assert len(sent) == before
    async with reading(zoo.boss(fresh)) as (reader, _):
        (clear,) = await reader.load("person", [key], select("email"))
        assert clear is not None
        assert (clear.email, clear.masked_fields) == ("ann0@x.test", ())


async def test_search_sees_only_fields_in_clear(
    keeper: AsyncEngine, reading: Reading, fresh: UUID
) -> None:
    one, two = await people(keeper, fresh, 2)
    await put(keeper, zoo.person_search, *(
        {"brand_id": fresh, "suffix": suffix, "person_id": key, "kind": kind}
        for key, kind, whole in (
            (one, "name", "ann pole"), (two, "name", "bo mole"), (two, "email", "pole@x.test"),
        )
        for suffix in (whole[at:] for at in range(len(whole)))
    ))  # fmt: skip

    async def found(viewer: Viewer, term: str) -> set[UUID]:
        async with reading(viewer) as (reader, sent):
            page = await reader.connection(
                "person", Page(filter={"search": {"contains": term}}), select("name")
            )
            assert len(sent) == 1
            return {each.key for each in page.records}

    staff = Viewer(fresh, frozenset({"people:all"}))
    assert await found(zoo.boss(fresh), " POLE ") == {one, two}
    assert await found(staff, "pole") == {one}
    assert await found(zoo.boss(fresh), "ole") == {one, two}
    assert await found(zoo.boss(fresh), "nn  po") == {one}
    assert await found(zoo.boss(fresh), "p%le") == set()
    assert await found(zoo.boss(zoo.BLUE), "pole") == set()


async def test_row_scopes_narrow_every_statement(
    keeper: AsyncEngine, reading: Reading, fresh: UUID
) -> None:
    mine, other = uuid4(), uuid4()
    await put(keeper, zoo.vet, *({"brand_id": fresh, "id": each, "name": "v"}
                                for each in (mine, other)))  # fmt: skip
    (seen,) = await people(keeper, fresh, 1, vet_id=mine)
    (hidden,) = await people(keeper, fresh, 1, vet_id=other)
    (pet,) = await pets(keeper, fresh, seen, 1)
    (stray,) = await pets(keeper, fresh, hidden, 1)
    viewer = Viewer(fresh, frozenset(), id=mine)
    async with reading(viewer) as (reader, _):
        loaded = await reader.load("person", [seen, hidden], select("name"))
        assert [each is not None for each in loaded] == [True, False]
        page = await reader.connection("person", Page(), select("name"))
        assert [each.key for each in page.records] == [seen]
        assert (await reader.count("person")).value == 1
        beasts = await reader.load("pet", [pet, stray], select("name"))
        assert [each is not None for each in beasts] == [True, False]
        children = await reader.related_many(
            "person", "pets", [seen, hidden], page=Page(), want=select("name")
        )
        assert [len(each.records) for each in children] == [1, 0]
        counted = await reader.count_related("person", "pets", [seen, hidden])
        assert [each.value for each in counted] == [1, 0]
        assert (await reader.count("visit")).value == 0
    async with reading(zoo.boss(fresh)) as (reader, _):
        assert (await reader.count("person")).value == 2
        assert (await reader.count("pet")).value == 2


async def test_clients_and_ibs_see_their_own(
    keeper: AsyncEngine, reading: Reading, fresh: UUID
) -> None:
    me = uuid4()
    await people(keeper, fresh, 1, client_id=me, ib_path="aa/bb/")
    await people(keeper, fresh, 1, client_id=uuid4(), ib_path="aa/")
    await people(keeper, fresh, 1, client_id=uuid4(), ib_path="ab/")
    rights = frozenset({"people:all"})
    for viewer, number in (
        (Viewer(fresh, rights, client_id=me), 1),
        (Viewer(fresh, rights, ib_path="aa/"), 2),
        (Viewer(fresh, rights, ib_path="aa/bb/"), 1),
        (Viewer(fresh, rights, ib_path="b/"), 0),
    ):
        async with reading(viewer) as (reader, _):
            assert (await reader.count("person")).value == number


async def test_a_brand_never_shows_in_another(
    keeper: AsyncEngine, reading: Reading, fresh: UUID
) -> None:
    keys = await people(keeper, fresh, 3)
    for key in keys:
        await pets(keeper, fresh, key, 2)
    stranger = zoo.boss(uuid4())
    async with reading(stranger) as (reader, _):
        assert (await reader.connection("person", Page(), select("name"))).records == []
        assert await reader.load("person", keys, select("name")) == [None] * 3
        children = await reader.related_many(
            "person", "pets", keys, page=Page(), want=select("name")
        )
        assert all(each.records == [] for each in children)
        assert (await reader.count("pet")).value == 0


async def test_equal_shapes_share_a_statement(reading: Reading, linked: Registry) -> None:
    built: list[object] = []
    statement = linked.statement("same", lambda: built.append(1) or "text")
    assert linked.statement("same", lambda: built.append(1) or "text") is statement
    assert built == [1]
