"""A query for what a mutation's payload asks of one object, so that its plans are those of queries.

`mutation { clientUpdate(…) { client { name } } }` becomes, for the payload's object,
`query ($key: ID!) { node(id: $key) { ... on Client { name } } }`, with the fragments and variables
that are named below it and no others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    NamedTypeNode,
    NameNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    visit,
)

from schema.shared.cost import measure
from schema.shared.documents import Prepared
from schema.shared.plan_operation import PlanOperation, variables_of

_FIELD: Final = "node"
_HEAD: Final = b'{"node":'


@dataclass(frozen=True, slots=True, eq=False)
class Below:
    """The query, and the variables it takes: those of the mutation, and the object's id."""

    prepared: Prepared
    names: frozenset[str]
    key: str

    def variables(self, given: Mapping[str, Any], global_id: str) -> dict[str, Any]:
        """The query's variables out of the mutation's."""
        taken = {name: each for name, each in given.items() if name in self.names}
        return {**taken, self.key: global_id}


def object_in(data: bytes) -> bytes:
    """The object alone, out of the query's answer."""
    assert data.startswith(_HEAD), "the answer of one field"
    return data[len(_HEAD) : -1]


def query_below(
    schema: GraphQLSchema,
    within: PlanOperation,
    nodes: Sequence[FieldNode],
    type_name: str,
    *,
    of: Prepared,
) -> Below:
    """The query for what `nodes` ask of an object of a type.

    Refuses, by a GraphQLError, what is too large to be a query of its own.
    """
    asked = tuple(
        InlineFragmentNode(type_condition=_type(type_name), selection_set=each.selection_set)
        for each in nodes
        if each.selection_set is not None
    )
    fragments = _fragments_below(asked, within.fragments)
    names = set().union(*map(variables_of, (*asked, *fragments)))
    key = "key"
    while key in names:
        key += "_"
    own = VariableDefinitionNode(variable=_variable(key), type=NonNullTypeNode(type=_type("ID")))
    declared = [
        each for each in within.node.variable_definitions or () if each.variable.name.value in names
    ]
    # A field for each node: fields of one key are merged, and priced one by one.
    fields = tuple(
        FieldNode(
            name=_name(_FIELD),
            arguments=(ArgumentNode(name=_name("id"), value=_variable(key)),),
            selection_set=SelectionSetNode(selections=(each,)),
        )
        for each in asked
    )
    operation = OperationDefinitionNode(
        operation=OperationType.QUERY,
        variable_definitions=(*declared, own),
        selection_set=SelectionSetNode(selections=fields),
    )
    document = DocumentNode(definitions=(operation, *fragments))
    # It weighs what its document weighs, whose nodes it is made of.
    prepared = Prepared(of.digest, document, measure(schema, document), of.tokens)
    return Below(prepared, frozenset(names), key)


def _fragments_below(
    asked: Sequence[InlineFragmentNode], known: Mapping[str, FragmentDefinitionNode]
) -> list[FragmentDefinitionNode]:
    """The fragments that are spread below, in fragments too, each once."""
    found: dict[str, FragmentDefinitionNode] = {}
    waiting: list[Any] = [*asked]
    while waiting:
        spreads = _Spreads()
        visit(waiting.pop(), spreads)
        for name in spreads.names:
            if name not in found:
                found[name] = known[name]
                waiting.append(known[name])
    return list(found.values())


def _name(text: str) -> NameNode:
    return NameNode(value=text)


def _type(name: str) -> NamedTypeNode:
    return NamedTypeNode(name=_name(name))


def _variable(name: str) -> VariableNode:
    return VariableNode(name=_name(name))


class _Spreads(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> None:
        self.names.append(node.name.value)
