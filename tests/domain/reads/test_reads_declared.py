"""What can't work fails at start-up, with the name to look for."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Uuid,
    func,
)

from domain.reads import (
    DeclarationError,
    Entity,
    Extension,
    Field,
    FilterField,
    Many,
    Mask,
    One,
    Registry,
    SuffixSearch,
    Through,
    extend,
)
from tests.domain.reads import zoo

other = MetaData()
placeless = Table("placeless", other, Column("brand_id", Uuid, primary_key=True))
late = Table(
    "late", other,
    Column("id", Uuid, primary_key=True), Column("brand_id", Uuid, primary_key=True),
    info=zoo.BRAND,
)  # fmt: skip
loose = Table(
    "loose", other,
    Column("brand_id", Uuid, primary_key=True), Column("id", Uuid, primary_key=True),
    Column("loose_id", Uuid), Column("blob", LargeBinary), Column("n", Integer),
    Column("whole", Integer, nullable=False),
    ForeignKeyConstraint(["loose_id"], ["loose.id"]), info=zoo.BRAND,
)  # fmt: skip
LOOSE = Entity("loose", loose, {})


def pet(**changes: Any) -> Entity:
    return replace(zoo.PET, **changes)


def without(*names: str) -> list[Entity | Extension]:
    return [each for each in zoo.ALL if getattr(each, "name", "") not in names]


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ([*zoo.ALL, zoo.VET], "'vet' is declared twice"),
        ([*zoo.ALL, zoo.PETS], "person.pets is declared twice"),
        ([*zoo.ALL, extend("ghost", "pets", Many("pet", theirs="id"))], "'ghost'.*no such entity"),
        (without("vet"), "person.vet points at 'vet'"),
        ([*without("pet"), pet(key="nope")], "no key column 'nope'"),
        ([*without("pet"), pet(relations={"owner": One("person", own="nope")})], "no 'nope'"),
        ([*without("pet"), pet(relations={"owner": One("person")})], "neither own= nor theirs="),
        ([*without("pet"), pet(relations={"visits": Many("visit", theirs="x")})], "no 'x'"),
        ([*without("pet"), pet(relations={"name": One("person", own="person_id")})], "both a fie"),
        ([*without("pet"), pet(fields={"key": zoo.pet.c.name})], "pet.key is a reserved name"),
        ([*without("pet"), pet(fields={"_x": zoo.pet.c.name})], "pet._x is a reserved name"),
        ([*without("pet"), pet(default_order="-NOPE")], "no order 'NOPE'"),
        ([*without("pet"), pet(filters={"search": zoo.pet.c.name})], "made by search="),
        ([*without("pet"), pet(scopes=(Through("nobody"),))], "needs a One relation"),
        ([*without("pet"), pet(scopes=(Through("visits"),))], "needs a One relation"),
        ([Entity("x", placeless, {})], "no place in Table.info"),
        ([Entity("x", late, {})], "'late' is not led by brand_id"),
        ([replace(LOOSE, orders={"B": loose.c.blob})], "a cursor can't hold"),
        ([replace(LOOSE, relations={"up": One("loose", own="loose_id")})], "not led by brand_id"),
        (
            [
                replace(
                    LOOSE,
                    relations={"up": One("loose", own="n")},
                    scopes=(Through("up"),),
                )
            ],
            "round in a circle",
        ),
        (
            [*without("pet"), pet(search=SuffixSearch(zoo.person_search, "nope", ()))],
            "has no 'nope'",
        ),
        (
            [*without("pet"), pet(search=SuffixSearch(zoo.person_search, "person_id", ("fur",)))],
            "unknown field 'fur'",
        ),
    ],
)
def test_wrong_declarations_fail_the_start(
    declared: list[Entity | Extension], message: str
) -> None:
    with pytest.raises(DeclarationError, match=message):
        Registry(*declared).link()


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param({}, id="no such field"),
        pytest.param({"kept": loose.c.n}, id="it may be null"),
        pytest.param({"kept": loose.c.id}, id="it is no number"),
        pytest.param({"kept": func.coalesce(loose.c.whole, 0)}, id="it is no column"),
        pytest.param({"kept": Field(loose.c.whole, Mask("all", lambda _: 0))}, id="it is masked"),
    ],
)
def test_a_number_that_is_kept_is_a_plain_column(kept: dict[str, Any]) -> None:
    ties = {"down": Many("loose", theirs="id", kept="kept")}
    with pytest.raises(DeclarationError, match=r"loose\.down: 'kept' must be a column of numbers"):
        Registry(replace(LOOSE, fields=kept, relations=ties)).link()
    good = replace(LOOSE, fields={"kept": loose.c.whole}, relations=ties)
    assert Registry(good).link()["loose"].relations["down"].kept == "kept"


def test_bare_columns_get_what_fits_their_type() -> None:
    linked = Registry(*zoo.ALL).link()["person"]
    assert isinstance(linked.fields["name"], Field)
    assert isinstance(linked.filters["joined_at"], FilterField)
    assert sorted(linked.filters["joined_at"].ops) == ["gte", "lt"]
    assert sorted(linked.filters["rank"].ops) == ["eq", "gte", "in", "lt"]
    assert sorted(linked.filters["tags"].ops) == ["contains"]
    assert sorted(linked.filters["email"].ops) == ["eq", "in"]
    assert "person" in Registry(*zoo.ALL).link().names()
