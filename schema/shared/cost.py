"""What a document may cost, from its text alone: price, depth, aliases, root fields, fragments.

One pass compiles every selection set and every fragment exactly once, so the work is linear in the
number of nodes however fragments nest; it runs before the standard validation rules, which are not.
Prices: scalars and value objects 0, an object 1, a connection 2 + page size × child, a plain list
10 × child (or as many as `points`, `ids` … ask for), a mutation 10. A field may declare its own
price, `strawberry.field(metadata={"cost": 5})`, and a list how long it can be: `{"most": 5}`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    value_from_ast_untyped,
)

from schema.shared.cost_compile import Compiler
from schema.shared.cost_plan import Plan, Price, Term, Variables
from schema.shared.cost_refusals import bad_input, too_costly


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """The shape a document may have (§1.8 of the GraphQL page of the design)."""

    tokens: int = 2_000
    depth: int = 12
    introspection_depth: int = 20
    aliases: int = 15
    directives: int = 20
    fragments: int = 30
    repeats: int = 5
    root_fields: int = 20
    mutations: int = 5
    sign_ins: int = 1
    sign_in_fields: frozenset[str] = frozenset({"sessionCreate"})


LIMITS = DocumentLimits()
TRUSTED_BUDGET = 10_000
"""The most an operation may cost that staff ask for, or that a brand trusts its front ends with."""


@dataclass(frozen=True, slots=True)
class OperationCost:
    """One operation of a document: its kind, its compiled price, what it touches."""

    name: str | None
    kind: OperationType
    selection: Plan
    defaults: Mapping[str, Any]
    introspects: bool
    fixed: int | None

    def cost(self, price: Price, variables: Variables) -> int:
        """The most this operation can cost with these variables."""
        if self.fixed is not None:
            return self.fixed
        return price.of_plan(self.selection, {**self.defaults, **variables})


@dataclass(frozen=True, slots=True)
class DocumentCost:
    """The measured document; made once per text by `measure`, shared by all its requests."""

    operations: Mapping[str | None, OperationCost]
    price: Price = field(repr=False)

    def operation(self, name: str | None) -> OperationCost:
        """The operation to run. Refuses an unknown name, or none where several are defined."""
        if name:
            chosen = self.operations.get(name)
            if chosen is None:
                raise bad_input("Unknown operation named in operationName.")
            return chosen
        if len(self.operations) != 1:
            raise bad_input("Must provide operationName when there are several operations.")
        return next(iter(self.operations.values()))

    def cost(self, operation_name: str | None, variables: Variables | None) -> int:
        """The price of one operation with these variables, page sizes as asked for."""
        return self.operation(operation_name).cost(self.price, variables or {})

    def greatest(self) -> int:
        """The price of its dearest operation, with the variables' defaults."""
        return max(one.cost(self.price, {}) for one in self.operations.values())

    def spent(self, operation_name: str | None, answer: Mapping[str, Any] | None) -> int:
        """What the rows really returned are worth: pages counted by their length."""
        if not answer:
            return 0
        return self.price.of_answer(self.operation(operation_name).selection, answer)


def measure(
    schema: GraphQLSchema, document: DocumentNode, limits: DocumentLimits = LIMITS
) -> DocumentCost:
    """Compile a parsed document into its price.

    Refuses with COST_TOO_HIGH what exceeds a limit of shape, with BAD_USER_INPUT a document whose
    fragments turn in a circle, that repeats a name, or that holds no operation.
    """
    definitions = document.definitions
    operations = [node for node in definitions if isinstance(node, OperationDefinitionNode)]
    fragments = _fragments(definitions, limits)
    compiler = Compiler(schema, fragments, limits.repeats)
    compiled = [(node, compiler.operation(node)) for node in operations]
    plans = compiler.fragments()
    if compiler.aliases > limits.aliases:
        raise too_costly(f"Too many aliases (limit {limits.aliases}).")
    if compiler.directives > limits.directives:
        raise too_costly(f"Too many directives (limit {limits.directives}).")
    price = Price(plans)
    measured: dict[str | None, OperationCost] = {}
    for node, plan in compiled:
        name = node.name.value if node.name else None
        if name in measured:
            raise bad_input("Operation names must be unique.")
        measured[name] = _measure_operation(name, node, plan, price, limits)
    if not measured:
        raise bad_input("The document holds no operation.")
    return DocumentCost(operations=measured, price=price)


def _fragments(
    definitions: tuple[Any, ...], limits: DocumentLimits
) -> dict[str, FragmentDefinitionNode]:
    nodes = [node for node in definitions if isinstance(node, FragmentDefinitionNode)]
    if len(nodes) > limits.fragments:
        raise too_costly(f"Too many fragments (limit {limits.fragments}).")
    fragments = {node.name.value: node for node in nodes}
    if len(fragments) != len(nodes):
        raise bad_input("Fragment names must be unique.")
    return fragments


def _measure_operation(
    name: str | None,
    node: OperationDefinitionNode,
    plan: Plan,
    price: Price,
    limits: DocumentLimits,
) -> OperationCost:
    roots = price.terms(plan)
    _limit_roots(node.operation, roots, limits)
    for term in roots:
        allowed = limits.introspection_depth if term.introspective else limits.depth
        if price.depth(term) > allowed:
            raise too_costly(f"The operation is nested too deeply (limit {allowed}).")
    defaults = {
        definition.variable.name.value: value_from_ast_untyped(definition.default_value)
        for definition in node.variable_definitions or ()
        if definition.default_value is not None
    }
    varies = price.varies(plan)
    return OperationCost(
        name=name,
        kind=node.operation,
        selection=plan,
        defaults=defaults,
        introspects=any(term.introspective for term in roots),
        fixed=None if varies else price.of_plan(plan, {}),
    )


def _limit_roots(kind: OperationType, roots: tuple[Term, ...], limits: DocumentLimits) -> None:
    mutating = kind is OperationType.MUTATION
    most = limits.mutations if mutating else limits.root_fields
    if len(roots) > most:
        raise too_costly(f"Too many root fields (limit {most}).")
    sign_ins = sum(term.name in limits.sign_in_fields for term in roots)
    if mutating and sign_ins > limits.sign_ins:
        raise too_costly(f"Too many sign-ins in one operation (limit {limits.sign_ins}).")


__all__ = ["LIMITS", "TRUSTED_BUDGET", "DocumentCost", "DocumentLimits", "OperationCost", "measure"]
