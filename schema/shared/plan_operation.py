"""What all plans of one operation share, read off its document once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    Visitor,
    visit,
)

from schema.shared.selection import READS, Finds, Reads

DEFINITION: Final = "strawberry-definition"


@dataclass(frozen=True, slots=True, eq=False)
class PlanOperation:
    """An operation, its document's fragments, the variables that decide what runs, and its
    `node` and `nodes` fields with what they are."""

    node: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    flags: tuple[str, ...]
    finders: tuple[tuple[FieldNode, Any, Finds], ...]


def read_operation(
    schema: GraphQLSchema, document: DocumentNode, name: str | None
) -> PlanOperation:
    """The operation of that name, which the document is known to have."""
    fragments: dict[str, FragmentDefinitionNode] = {}
    node: OperationDefinitionNode | None = None
    for each in document.definitions:
        if isinstance(each, FragmentDefinitionNode):
            fragments[each.name.value] = each
        elif isinstance(each, OperationDefinitionNode) and name_of(each) == name:
            node = each
    assert node is not None, "the cost names operations of the document"
    flags = _Flags()
    visit(document, flags)
    finders = []
    root = schema.query_type
    assert root is not None, "there are queries"
    for one in _root_fields(node.selection_set, fragments, set()):
        definition = root.fields.get(one.name.value)
        said = definition and (definition.extensions[DEFINITION].metadata or {}).get(READS)
        if isinstance(said, Reads) and isinstance(said.shows, Finds):
            finders.append((one, definition, said.shows))
    return PlanOperation(node, fragments, tuple(sorted(flags.names)), tuple(finders))


def name_of(operation: OperationDefinitionNode) -> str | None:
    """An operation's name, None for one without."""
    return operation.name.value if operation.name else None


def variables_of(node: Any) -> set[str]:
    """The variables that a part of a document names, its own fragments only by name."""
    found = _Variables()
    visit(node, found)
    return found.names


def _root_fields(
    selections: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode], seen: set[str]
) -> Iterator[FieldNode]:
    """The fields at the root of an operation, whatever `@skip` and `@include` say."""
    for node in selections.selections:
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, InlineFragmentNode):
            yield from _root_fields(node.selection_set, fragments, seen)
        elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
            seen.add(node.name.value)
            inner = fragments[node.name.value].selection_set
            yield from _root_fields(inner, fragments, seen)


class _Flags(Visitor):
    """The variables that decide what runs."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: Any, *_: Any) -> None:
        for argument in node.arguments or ():
            if isinstance(argument.value, VariableNode):
                self.names.add(argument.value.name.value)


class _Variables(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_variable(self, node: Any, *_: Any) -> None:
        self.names.add(node.name.value)
