"""What all plans of one operation share, read off its document once."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
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
    `node` and `nodes` fields with what they are.

    `ids` are the variables that say which object a `node` field means and nothing else, `others`
    all the others: calls that agree in those ask the same of another object.
    """

    node: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    flags: tuple[str, ...]
    finders: tuple[tuple[FieldNode, Any, Finds], ...]
    ids: tuple[str, ...]
    others: tuple[str, ...]


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
    defined = [each.variable.name.value for each in node.variable_definitions or ()]
    ids = _ids_alone(document, finders)
    return PlanOperation(
        node,
        fragments,
        tuple(sorted(flags.names)),
        tuple(finders),
        ids=tuple(name for name in defined if name in ids),
        others=tuple(name for name in defined if name not in ids),
    )


def id_variable(node: FieldNode) -> str | None:
    """The variable that says which object a `node` field means, if one does."""
    for argument in node.arguments or ():
        if argument.name.value == "id" and isinstance(argument.value, VariableNode):
            return argument.value.name.value
    return None


def _ids_alone(
    document: DocumentNode, finders: Sequence[tuple[FieldNode, Any, Finds]]
) -> frozenset[str]:
    """The variables that stand in `node(id:)` and nowhere else in a document."""
    everywhere = _Variables()
    for definition in document.definitions:
        visit(definition.selection_set, everywhere)  # type: ignore[attr-defined] # executable
        for directive in definition.directives or ():  # type: ignore[attr-defined]
            visit(directive, everywhere)
    within = Counter(id_variable(node) for node, _, shows in finders if shows is Finds.NODE)
    return frozenset(
        name for name, count in within.items() if name and everywhere.counted[name] == count
    )


def name_of(operation: OperationDefinitionNode) -> str | None:
    """An operation's name, None for one without."""
    return operation.name.value if operation.name else None


def variables_of(node: Any) -> set[str]:
    """The variables that a part of a document names, its own fragments only by name."""
    found = _Variables()
    visit(node, found)
    return set(found.counted)


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
    """How often each variable is named."""

    def __init__(self) -> None:
        super().__init__()
        self.counted: Counter[str] = Counter()

    def enter_variable(self, node: Any, *_: Any) -> None:
        self.counted[node.name.value] += 1
