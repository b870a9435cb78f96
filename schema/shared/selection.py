"""From a resolver's `info` to what must be read: fields asked, through fragments and conditions.

A field of a bound type reads the entity's field of the same name unless its metadata says
otherwise (`Reads`). So only asked columns are read, and a relation's key only when it is followed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeAlias, cast

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    InlineFragmentNode,
    SelectionNode,
    VariableNode,
    is_abstract_type,
)

from domain.reads.declare import Selection
from domain.reads.tree import Value

READS: Final = "reads"
Info: TypeAlias = GraphQLResolveInfo[Any]


@dataclass(frozen=True, slots=True)
class Parts:
    """A value object out of a record's fields, by the names that GraphQL gives its own.

    It is null where the field `present` is.
    """

    values: Mapping[str, Value]
    present: str


@dataclass(frozen=True, slots=True)
class MaskedNames:
    """The names of the fields that the viewer gets masked."""


class Finds(StrEnum):
    """A root field that finds an object of any type by its global id, or several."""

    NODE = "node"
    NODES = "nodes"


Shows: TypeAlias = Value | Parts | MaskedNames | Finds


@dataclass(frozen=True, slots=True)
class Reads:
    """What a GraphQL field reads of its record, and what it shows of that.

    `shows` is None for what only Python can work out: operations that ask it are not compiled.
    """

    fields: tuple[str, ...] = ()
    relations: tuple[str, ...] = ()
    shows: Shows | None = None


@dataclass(frozen=True, slots=True)
class Variants:
    """The object types that show an entity: one, or one for each value of its field `by`."""

    types: Mapping[str, GraphQLObjectType]
    by: str = ""

    def name_of(self, record: Any) -> str:
        """The GraphQL name of a record's type."""
        return self.types[getattr(record, self.by) if self.by else ""].name


@dataclass(frozen=True, slots=True)
class Types:
    """The object types of each bound entity, and what each field of a type reads."""

    by_entity: Mapping[str, Variants]
    reads: Mapping[tuple[str, str], Reads]

    def name_of(self, record: Any) -> str:
        """The GraphQL name of a record's type."""
        return self.by_entity[record.entity].name_of(record)


def asked(
    info: Info, type_: GraphQLObjectType | GraphQLInterfaceType, nodes: Iterable[Any]
) -> Iterator[FieldNode]:
    """Field nodes directly below `nodes` that run on an object of `type_`, fragments opened."""
    for node in nodes:
        if node.selection_set is not None:
            yield from _opened(info, type_, node.selection_set.selections)


def _opened(
    info: Info,
    type_: GraphQLObjectType | GraphQLInterfaceType,
    selections: Iterable[SelectionNode],
) -> Iterator[FieldNode]:
    for node in selections:
        if not _runs(info, node):
            continue
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, FragmentSpreadNode):
            fragment = info.fragments[node.name.value]
            if _fits(info.schema, fragment.type_condition.name.value, type_):
                yield from _opened(info, type_, fragment.selection_set.selections)
        elif isinstance(node, InlineFragmentNode):
            condition = node.type_condition
            if condition is None or _fits(info.schema, condition.name.value, type_):
                yield from _opened(info, type_, node.selection_set.selections)


def _fits(
    schema: GraphQLSchema, condition: str, type_: GraphQLObjectType | GraphQLInterfaceType
) -> bool:
    if condition == type_.name:
        return True
    wanted = schema.get_type(condition)
    return is_abstract_type(wanted) and schema.is_sub_type(wanted, type_)


def _runs(info: Info, node: SelectionNode) -> bool:
    """Whether `@skip` and `@include` let a selection run with this operation's variables."""
    for directive in node.directives or ():
        wanted = {"include": True, "skip": False}.get(directive.name.value)
        for argument in directive.arguments or ():
            value = argument.value
            if isinstance(value, VariableNode):
                # Strawberry hands resolvers the plain coerced values.
                given = cast("Mapping[str, Any]", info.variable_values).get(value.name.value)
            else:
                given = getattr(value, "value", None)
            if wanted is not None and given is not wanted:
                return False
    return True


def selection_of(info: Info, types: Types, entity: str, nodes: Iterable[Any]) -> Selection:
    """What to read of `entity` for the fields asked below `nodes`, of whichever type it is."""
    variants = types.by_entity[entity]
    nodes = list(nodes)
    fields: set[str] = {variants.by} if variants.by else set()
    relations: set[str] = set()
    for type_ in variants.types.values():
        for node in asked(info, type_, nodes):
            reads = types.reads.get((type_.name, node.name.value))
            if reads is not None:
                fields.update(reads.fields)
                relations.update(reads.relations)
    return Selection(frozenset(fields), frozenset(relations))


@dataclass(frozen=True, slots=True)
class PageAsked:
    """What was asked of a connection: of its nodes, and which of its own parts."""

    want: Selection
    rows: bool
    page_info: frozenset[str]


def page_asked(info: Info, types: Types, entity: str, nodes: Iterable[Any]) -> PageAsked:
    """What the selection below a connection field needs."""
    connection = _named(info.return_type)
    names: set[str] = set()
    page_info: set[str] = set()
    below: list[FieldNode] = []
    for node in asked(info, connection, nodes):
        name = node.name.value
        names.add(name)
        if name == "nodes":
            below.append(node)
        elif name == "edges":
            edge = _named(connection.fields[name].type)
            below += [each for each in asked(info, edge, [node]) if each.name.value == "node"]
        elif name == "pageInfo":
            inner = _named(connection.fields[name].type)
            page_info.update(each.name.value for each in asked(info, inner, [node]))
    return PageAsked(
        want=selection_of(info, types, entity, below),
        rows=bool(names & {"nodes", "edges", "pageInfo"}),
        page_info=frozenset(page_info),
    )


def _named(type_: Any) -> Any:
    while hasattr(type_, "of_type"):
        type_ = type_.of_type
    return type_
