"""Which permissions a document needs, at which paths, under which variables.

One walk over the syntax tree with the schema's types; each fragment is walked once, and needs are
reduced at every level, so the work stays linear however fragments nest. Types that only frame a
fragment count too: who may not see clients may not ask `... on Client { __typename }`.
"""

import weakref
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    value_from_ast_untyped,
)

_MAX_GUARDS: Final = 8

Path: TypeAlias = tuple[str, ...]
# Variables and the values they must have for a field to run at all.
Guards: TypeAlias = frozenset[tuple[str, bool]]


@dataclass(frozen=True, slots=True)
class Need:
    """A permission, the first path that needs it, and when that path runs."""

    permission: str
    path: Path
    guards: Guards


@dataclass(frozen=True, slots=True)
class Marks:
    """Permissions of every field and type of one schema."""

    fields: Mapping[tuple[str, str], frozenset[str]]
    types: Mapping[str, frozenset[str]]


class Analysis:
    """The needs of every operation of one document; each fragment is walked once per type."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, marks: Marks) -> None:
        self._schema = schema
        self._marks = marks
        self._fragments = {
            each.name.value: each
            for each in document.definitions
            if isinstance(each, FragmentDefinitionNode)
        }
        self._walked: dict[str, list[Need]] = {}
        self._operations: dict[str | None, tuple[OperationDefinitionNode, list[Need]]] = {}
        for each in document.definitions:
            if isinstance(each, OperationDefinitionNode):
                root = schema.get_root_type(each.operation)
                found = self._walk(each.selection_set, root) if root else []
                self._operations[each.name.value if each.name else None] = (each, found)

    def needs(self, operation: str | None, variables: Mapping[str, Any]) -> list[Need]:
        """What the operation needs with these variables, one need for each permission."""
        if operation in self._operations:
            node, found = self._operations[operation]
        else:
            node, found = next(iter(self._operations.values()))
        values = _with_defaults(node, variables)
        first: dict[str, Need] = {}
        for need in found:
            if all(values.get(name) is wanted for name, wanted in need.guards):
                first.setdefault(need.permission, need)
        return list(first.values())

    def _walk(self, selections: SelectionSetNode, parent: GraphQLNamedType) -> list[Need]:
        found: list[Need] = []
        for node in selections.selections:
            guards = _guards(node.directives or ())
            if guards is None:
                continue
            found += [
                Need(need.permission, need.path, need.guards | guards)
                for need in self._of(node, parent)
            ]
        return _fewest(found)

    def _of(self, node: Any, parent: GraphQLNamedType) -> Iterable[Need]:
        if isinstance(node, FragmentSpreadNode):
            return self._fragment(node.name.value)
        if isinstance(node, InlineFragmentNode):
            condition = node.type_condition
            inner = self._schema.get_type(condition.name.value) if condition else parent
            return self._narrowed(node.selection_set, inner or parent)
        assert isinstance(node, FieldNode), "the three kinds of a selection"
        return self._field(node, parent)

    def _fragment(self, name: str) -> list[Need]:
        known = self._walked.get(name)
        if known is None:
            self._walked[name] = []
            node = self._fragments[name]
            type_ = self._schema.get_type(node.type_condition.name.value)
            assert type_ is not None, "the document was validated"
            known = self._walked[name] = self._narrowed(node.selection_set, type_)
        return known

    def _narrowed(self, selections: SelectionSetNode, type_: GraphQLNamedType) -> list[Need]:
        return [*self._of_type(type_), *self._walk(selections, type_)]

    def _of_type(self, type_: GraphQLNamedType) -> list[Need]:
        required = self._marks.types.get(type_.name, frozenset())
        return [Need(each, (), frozenset()) for each in sorted(required)]

    def _field(self, node: FieldNode, parent: GraphQLNamedType) -> list[Need]:
        name = node.name.value
        if name.startswith("__"):
            return []
        here = (node.alias or node.name).value
        required = self._marks.fields.get((parent.name, name), frozenset())
        found = [Need(each, (here,), frozenset()) for each in sorted(required)]
        if node.selection_set is not None:
            assert isinstance(parent, GraphQLObjectType | GraphQLInterfaceType), "has fields"
            result = get_named_type(parent.fields[name].type)
            inner = self._narrowed(node.selection_set, result)
            found += [Need(each.permission, (here, *each.path), each.guards) for each in inner]
        return found


def _fewest(found: list[Need]) -> list[Need]:
    """Without what follows from the rest, so that nested fragments can't multiply needs.

    A permission needed under very many different guards counts as always needed.
    """
    kept: dict[str, dict[Guards, Need]] = {}
    for need in found:
        of_permission = kept.setdefault(need.permission, {})
        if any(guards <= need.guards for guards in of_permission):
            continue
        of_permission[need.guards] = need
        if not need.guards or len(of_permission) > _MAX_GUARDS:
            kept[need.permission] = {frozenset(): Need(need.permission, need.path, frozenset())}
    return [need for of_permission in kept.values() for need in of_permission.values()]


def _guards(directives: Iterable[DirectiveNode]) -> Guards | None:
    """When a selection runs; None for never."""
    found: set[tuple[str, bool]] = set()
    for directive in directives:
        wanted = {"include": True, "skip": False}.get(directive.name.value)
        if wanted is None:
            continue
        for argument in directive.arguments or ():
            if isinstance(argument.value, VariableNode):
                found.add((argument.value.name.value, wanted))
            elif (
                isinstance(argument.value, BooleanValueNode) and argument.value.value is not wanted
            ):
                return None
    return frozenset(found)


def _with_defaults(
    node: OperationDefinitionNode, variables: Mapping[str, Any]
) -> Mapping[str, Any]:
    defaults = {
        each.variable.name.value: value_from_ast_untyped(each.default_value)
        for each in node.variable_definitions or ()
        if each.default_value is not None
    }
    return {**defaults, **variables}


_KNOWN: Final[dict[tuple[int, int], tuple[weakref.ref[DocumentNode], Analysis]]] = {}


def analysis_of(schema: GraphQLSchema, document: DocumentNode, marks: Marks) -> Analysis:
    """The analysis of a document, kept for as long as the document itself is."""
    key = (id(document), id(schema))
    known = _KNOWN.get(key)
    if known is not None and known[0]() is document:
        return known[1]
    made = Analysis(schema, document, marks)
    _KNOWN[key] = (weakref.ref(document, lambda _: _KNOWN.pop(key, None)), made)
    return made
