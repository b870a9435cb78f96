"""Connections and inputs in the SDL, filters as the engine gets them, bindings checked."""

from dataclasses import replace
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
import strawberry

from domain.kernel.ids import encode_id
from domain.reads import Many, Registry, extend
from schema.shared.assemble import Assembled, BindingError, assemble
from schema.shared.bind import Node, bound, computed, connection, many, one, value
from schema.shared.nodes import NodeQueries
from schema.shared.page import (
    Choice,
    Connection,
    IdFilter,
    IntFilter,
    OrderDirection,
    condition,
    filter_values,
    order_input,
    order_text,
)
from tests.domain.reads import zoo
from tests.schema.shared import petshop

CONNECTION = '''
"""A page of a list."""
type PersonConnection @public {
  """The page's rows with their cursors."""
  edges: [PersonEdge!]!

  """The page's rows."""
  nodes: [Person!]!

  """Where the page lies in the list."""
  pageInfo: PageInfo!

  """How many rows the list has, counted up to 10,000 and only when asked."""
  totalCount: Count!
}
'''


def test_the_sdl_of_a_connection(assembled: Assembled) -> None:
    sdl = assembled.schema.as_str()
    assert CONNECTION in sdl
    for line in (
        "type PersonEdge @public {",
        "  node: Person!",
        "  cursor: Cursor!",
        "    first: Int\n",
        "    after: Cursor\n",
        "    filter: PersonFilter\n",
        "    orderBy: PersonOrder\n",
        "input PersonOrder {",
        "  direction: OrderDirection! = ASC",
        "enum PersonOrderField {",
        "  in: [Int!]",
        "interface Node @public {",
        "  errors: [PetRenameError!]!",
        "type PetRenameError implements UserError @public {",
        "  code: PetRenameErrorCode!",
    ):
        assert line in sdl, line
    assert "totalCount: Count!" in sdl


def test_everything_is_described(assembled: Assembled) -> None:
    from graphql import (
        GraphQLEnumType,
        GraphQLInputObjectType,
        GraphQLInterfaceType,
        GraphQLObjectType,
    )

    roots = {"Query", "Mutation", "Subscription"}
    for type_ in assembled.schema._schema.type_map.values():
        if type_.name.startswith("__") or type_.name in roots:
            continue
        assert type_.description, type_.name
        members: Any = {}
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            members = type_.fields
        elif isinstance(type_, GraphQLEnumType):
            members = type_.values
        for name, member in members.items():
            assert member.description, f"{type_.name}.{name}"
            for argument, given in getattr(member, "args", {}).items():
                assert given.description, f"{type_.name}.{name}({argument})"


@strawberry.enum
class Size(Enum):
    BIG = "big"


@strawberry.input
class ThingFilter:
    size: Choice[Size] | None = condition("Size.")
    owner_id: IdFilter | None = condition("Owner.", id_of="person")
    rank: IntFilter | None = condition("Rank.")


def test_filters_become_values() -> None:
    key = UUID(int=9)
    good, other = encode_id("person", key), encode_id("vet", key)
    assert filter_values(None) == {}
    assert filter_values(ThingFilter()) == {}
    ids: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"eq": good}, {"eq": key}),
        ({"eq": other}, {"in": []}),
        ({"eq": "junk"}, {"in": []}),
        ({"in_": [good, other, "x"]}, {"in": [key]}),
        ({"eq": None}, {"eq": None}),
        ({"in_": None}, {"in": None}),
    ]
    for given, expected in ids:
        assert filter_values(ThingFilter(owner_id=IdFilter(**given))) == {"owner_id": expected}
    both = ThingFilter(size=Choice(eq=Size.BIG, in_=[Size.BIG]), rank=IntFilter(gte=1))
    assert filter_values(both) == {"size": {"eq": "big", "in": ["big"]}, "rank": {"gte": 1}}
    assert filter_values(ThingFilter(rank=None)) == {}


def test_orders_become_texts() -> None:
    order = order_input("Some", {"NAME": "By name."})
    field = order.__annotations__["field"].NAME
    assert order_text(None) == ""
    assert order_text(order(field=field)) == "NAME"
    assert order_text(order(field=field, direction=OrderDirection.DESC)) == "-NAME"


def build(linked: Registry, query: type) -> Assembled:
    return assemble(linked, zoo.CURSORS, query=query)


def query_of(cls: type) -> type:
    @strawberry.type
    class Query(NodeQueries):
        things: Connection[cls] = connection("pet", "Things.", needs="public")  # type: ignore[valid-type]

    return Query


def pet_type(**members: Any) -> type:
    annotations = {name: kind for name, (kind, _) in members.items()}
    fields = {name: made for name, (_, made) in members.items()}
    cls = type("Thing", (Node,), {"__annotations__": annotations, "__module__": __name__, **fields})
    return bound("pet", "A thing.", needs="public")(cls)


@strawberry.input
class WrongOps:
    weight: petshop.TagFilter | None = condition("Weight.")


@strawberry.input
class WrongName:
    height: IntFilter | None = condition("Height.")


VISITS: Any = Connection[petshop.Visit]


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"colour": (str, value("Colour."))}, "'pet' has no field 'colour'"),
        ({"colour": (str, value("Colour.", reads="hue"))}, "'pet' has no hue"),
        ({"x": (str, computed("X.", str, reads=("name", "hue")))}, "'pet' has no hue"),
        ({"vet": (str, one("Vet."))}, "'pet' has no relation 'vet'"),
        ({"x": (str, many("V.", relation="visitors"))}, "no relation 'visitors'"),
        (
            {
                "visits": (
                    Connection[petshop.Visit],
                    many("V.", order=order_input("V1", {"X": "x"})),
                )
            },
            "'visit' has no order X",
        ),
    ],
)
def test_types_that_do_not_fit_fail_the_start(
    linked: Registry, members: dict[str, Any], message: str
) -> None:
    with pytest.raises(BindingError, match=message):
        build(linked, query_of(pet_type(**members)))


@pytest.mark.parametrize(
    ("given", "message"), [(WrongOps, "offers no contains"), (WrongName, "no filter 'height'")]
)
def test_filters_that_do_not_fit_fail_the_start(linked: Registry, given: Any, message: str) -> None:
    @strawberry.type
    class Query:
        pets: Connection[petshop.Pet] = connection("pet", "P.", needs="public", filter=given)

    with pytest.raises(BindingError, match=message):
        build(linked, Query)


def test_an_entity_nobody_declares_fails_the_start(linked: Registry) -> None:
    @strawberry.type
    class Query:
        ghosts: Connection[petshop.Vet] = connection("ghost", "G.", needs="public", filter=WrongOps)

    with pytest.raises(BindingError, match="'ghost'"):
        build(linked, Query)


def test_two_types_of_one_entity_fail_the_start(linked: Registry) -> None:
    @bound("vet", "A second one.", needs="public")
    class Doctor(Node):
        name: str = value("Name.")

    @strawberry.type
    class Query:
        vets: Connection[petshop.Vet] = connection("vet", "V.", needs="public")
        doctors: Connection[Doctor] = connection("vet", "V.", needs="public")

    with pytest.raises(BindingError, match="both 'vet'"):
        build(linked, Query)


def test_extensions_are_shown_where_they_were_attached(linked: Registry) -> None:
    assert linked["person"].relations["pets"].target.name == "pet"
    again = Registry(*zoo.ALL, extend("vet", "people", Many("person", theirs="vet_id"))).link()
    assert again["vet"].relations["people"].many
    assert replace(zoo.VET).relations == {}
