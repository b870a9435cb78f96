"""Every list that the API can be asked for: each connection, by each filter and in each order.

Out of the SDL itself, so that a new list, filter or order is asked without an edit here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLObjectType,
    get_named_type,
    is_non_null_type,
)

from domain.kernel.ids import encode_id, new_uuid
from domain.reads.registry import LinkedRelation
from schema.shared.assemble import Assembled
from schema.shared.follow import Follows, Way
from schema.shared.page import ID_OF
from schema.shared.selection import READS

_DEFINITION = "strawberry-definition"
_NEVER, _ALWAYS = "2001-01-01T00:00:00Z", "2099-01-01T00:00:00Z"


@dataclass(frozen=True)
class Listing:
    """A field that lists: where it is, and from which relation of the type's entity, if any."""

    type: GraphQLObjectType
    name: str
    field: Any
    entity: str
    relation: LinkedRelation | None = None
    is_paged: bool = True
    kind: str | None = None
    """What a parent's deciding field says, where several types show its entity."""
    within: str = ""
    """The field of the type that can be found by id, where this one can't be."""

    def __str__(self) -> str:
        return f"{self.type.name}.{self.name}"


@dataclass(frozen=True)
class Asked:
    """A page of a listing: its arguments as text, empty for the plain one."""

    listing: Listing
    arguments: str = ""

    def __str__(self) -> str:
        return f"{self.listing}({self.arguments})"

    @property
    def is_of_few(self) -> bool:
        """Whether one condition says which rows of the brand are shown; below an object the list
        is one of its own, which a filter then narrows."""
        return self.listing.relation is None

    def document(self, parent: str | None) -> str:
        """The query; `parent` is the id of the object that a nested list hangs on."""
        one = self.listing
        shown = f"({self.arguments})" if self.arguments else ""
        page = "nodes { __typename } pageInfo { endCursor hasNextPage } totalCount { value }"
        asked = f"page: {one.name}{shown} {{ {page if one.is_paged else '__typename'} }}"
        if one.relation is None:
            return f"{{ {asked} }}"
        if one.within:
            owner, field = one.within.split(".")
            return f'{{ node(id: "{parent}") {{ ... on {owner} {{ {field} {{ {asked} }} }} }} }}'
        return f'{{ node(id: "{parent}") {{ ... on {one.type.name} {{ {asked} }} }} }}'


def listings(assembled: Assembled) -> list[Listing]:
    """Every connection of the schema, and every plain list of what hangs on an object."""
    schema, reading = assembled.schema._schema, assembled.reading
    shown = {
        type_.name: (entity, variants, value)
        for entity, variants in reading.types.by_entity.items()
        for value, type_ in variants.types.items()
    }
    found = []
    for type_ in schema.type_map.values():
        if not isinstance(type_, GraphQLObjectType):
            continue
        for name, field in type_.fields.items():
            said = _said(field)
            lists = isinstance(said, Follows) and said.way in (Way.PAGED, Way.LISTED)
            assert lists or not get_named_type(field.type).name.endswith("Connection")
            if not lists:
                continue
            if said.entity is not None:
                found.append(Listing(type_, name, field, said.entity))
                continue
            entity, variants, value = shown[type_.name]
            python = field.extensions[_DEFINITION].python_name
            found.append(
                Listing(
                    type_, name, field, entity,
                    reading.registry[entity].relations[said.relation or python],
                    said.way is Way.PAGED, value if variants.by else None,
                    _within(schema, type_),
                )
            )  # fmt: skip
    return found


def _within(schema: Any, type_: GraphQLObjectType) -> str:
    """Where an object is found that has no id of its own: on which type, under which field."""
    if "Node" in {one.name for one in type_.interfaces}:
        return ""
    return next(
        f"{owner.name}.{name}"
        for owner in schema.type_map.values()
        if isinstance(owner, GraphQLObjectType)
        for name, field in owner.fields.items()
        if get_named_type(field.type) is type_
        and isinstance(said := _said(field), Follows)
        and said.way is Way.ONE
        and "Node" in {one.name for one in owner.interfaces}
    )


def pages(listing: Listing) -> Iterator[Asked]:
    """What is asked of a listing: itself, its other end, each filter, each order both ways."""
    yield Asked(listing)
    if not listing.is_paged:
        return
    yield Asked(listing, "last: 5")
    for name in _values_of(listing, "orderBy", "field"):
        for way in ("ASC", "DESC"):
            yield Asked(listing, f"orderBy: {{field: {name}, direction: {way}}}")
    if "filter" in listing.field.args:
        for name, comparison in listing.field.args["filter"].type.fields.items():
            made = comparison.extensions[_DEFINITION]
            for condition in _conditions(comparison.type, made.metadata or {}):
                yield Asked(listing, f"filter: {{{name}: {{{condition}}}}}")


def _values_of(listing: Listing, argument: str, name: str) -> Sequence[str]:
    if argument not in listing.field.args:
        return ()
    enum = get_named_type(get_named_type(listing.field.args[argument].type).fields[name].type)
    return [*enum.values]


def _conditions(comparison: Any, metadata: Any) -> Iterator[str]:
    """Each operator, with values that few rows have or none: those need a path of their own."""
    for name, field in comparison.fields.items():
        bare = field.type.of_type if is_non_null_type(field.type) else field.type
        inner = get_named_type(bare)
        samples = _samples(inner, name, metadata)
        for value in samples[:1] if name == "in" else samples:
            yield f"{name}: {value if name != 'in' else f'[{value}]'}"


def _samples(type_: Any, op: str, metadata: Any) -> Sequence[str]:
    if isinstance(type_, GraphQLEnumType):
        return [*type_.values]
    match type_.name:
        case "ID":
            return [f'"{encode_id(metadata[ID_OF], new_uuid())}"']
        case "DateTime":
            return [f'"{_ALWAYS if op == "gte" else _NEVER}"']
        case "Date":
            return [f'"{(_NEVER if op == "lt" else _ALWAYS)[:10]}"']
        case "Boolean":
            return ["true", "false"]
        case "Int" | "Decimal":
            return ["-1" if op == "lt" else "987654321"]
        case _:
            return ['"987654321"']


def _said(field: Any) -> Any:
    made = field.extensions.get(_DEFINITION)
    return (made.metadata or {}).get(READS) if made is not None else None
