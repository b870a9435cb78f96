"""Compiles selection sets into plans: which fields, at what price, how many of each.

Each selection set and each fragment is visited once. Counting of aliases, directives and repeated
response keys happens on the way. A fragment that contains itself is refused here, because prices
of such a document have no end; all other faults are left to the standard validation rules.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLArgument,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_composite_type,
    is_interface_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
    value_from_ast_untyped,
)

from schema.shared.cost_plan import Plan, Term, Wanted, count
from schema.shared.cost_refusals import bad_input, too_costly

VALUE_TYPES = frozenset({"Money", "Count", "PageInfo"})
"""Value objects: they come with their owner's row, so they are free."""

PAGED = ("Connection", "Page")
LIST_SIZE = 10
PAGE_SIZE = 25
PRICE_OF_PAGE = 2
PRICE_OF_MUTATION = 10
PRICE_OF_INTROSPECTION = {"__schema": 100, "__type": 10}
NESTING = 64
"""Selection sets inside each other, inline fragments included: bounds our own recursion."""


@dataclass(frozen=True, slots=True)
class _Rate:
    """How a field is charged; see `Term`."""

    base: int
    unit: int
    sizes: tuple[Wanted, ...] = ()


_FREE = _Rate(0, 0)


class Compiler:
    """Compiles one document; counts its aliases and directives as it goes."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        repeats: int,
    ) -> None:
        self.aliases = 0
        self.directives = 0
        self._schema = schema
        self._fragments = fragments
        self._repeats = repeats
        self._spread_by: dict[str, set[str]] = {}
        self._spreading: set[str] = set()

    def operation(self, node: OperationDefinitionNode) -> Plan:
        """The plan of one operation's root selection set."""
        self.directives += len(node.directives or ())
        for variable in node.variable_definitions or ():
            self.directives += len(variable.directives or ())
        root = self._schema.get_root_type(node.operation)
        mutating = node.operation is OperationType.MUTATION
        return self._plan(node.selection_set, root, 0, mutating=mutating)

    def fragments(self) -> dict[str, Plan]:
        """The plans of all fragments by name. Refuses those that contain themselves."""
        plans = {}
        for name, node in self._fragments.items():
            self.directives += len(node.directives or ())
            condition = self._schema.get_type(node.type_condition.name.value)
            self._spreading = self._spread_by.setdefault(name, set())
            root = self._schema.mutation_type
            mutating = root is not None and condition is root
            plans[name] = self._plan(node.selection_set, condition, 0, mutating=mutating)
        self._refuse_circles()
        return plans

    def _refuse_circles(self) -> None:
        done: set[str] = set()
        for start in self._spread_by:
            path: list[tuple[str, Iterator[str]]] = [(start, iter(self._spread_by[start]))]
            above = {start}
            while path and start not in done:
                name, rest = path[-1]
                following = next(rest, None)
                if following is None:
                    path.pop()
                    above.discard(name)
                    done.add(name)
                elif following in above:
                    raise bad_input(f"Cannot spread fragment '{following}' within itself.")
                elif following not in done and following in self._spread_by:
                    above.add(following)
                    path.append((following, iter(self._spread_by[following])))

    def _plan(
        self,
        selection_set: SelectionSetNode,
        parent: GraphQLNamedType | None,
        nesting: int,
        *,
        mutating: bool = False,
    ) -> Plan:
        spreads: dict[str, None] = {}
        keys: Counter[str] = Counter()
        terms = []
        for node, owner, depth in self._fields(selection_set, parent, nesting, spreads):
            term = self._term(node, owner, depth, mutating=mutating)
            keys[term.key] += 1
            if keys[term.key] > self._repeats:
                raise too_costly(f"The same field is repeated too often (limit {self._repeats}).")
            terms.append(term)
        self._spreading.update(spreads)
        return Plan(terms=tuple(terms), spreads=tuple(spreads))

    def _fields(
        self,
        selection_set: SelectionSetNode,
        parent: GraphQLNamedType | None,
        nesting: int,
        spreads: dict[str, None],
    ) -> Iterator[tuple[FieldNode, GraphQLNamedType | None, int]]:
        """The fields of one selection set with their parent type; inline fragments folded in."""
        if nesting > NESTING:
            raise too_costly(f"The operation is nested too deeply (limit {NESTING}).")
        for selection in selection_set.selections:
            self.directives += len(selection.directives or ())
            if isinstance(selection, FieldNode):
                yield selection, parent, nesting
            elif isinstance(selection, FragmentSpreadNode):
                spreads[selection.name.value] = None
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                inner = self._schema.get_type(condition.name.value) if condition else parent
                yield from self._fields(selection.selection_set, inner, nesting + 1, spreads)

    def _term(
        self, node: FieldNode, parent: GraphQLNamedType | None, nesting: int, *, mutating: bool
    ) -> Term:
        name = node.name.value
        key = node.alias.value if node.alias else name
        self.aliases += key != name
        definition = _definition(self._schema, parent, name)
        returned = get_named_type(definition.type) if definition else None
        child = None
        if node.selection_set:
            child = self._plan(node.selection_set, returned, nesting + 1)
        introspective = name in PRICE_OF_INTROSPECTION or _is_introspection(parent)
        rate = _introspection_rate(name) if introspective else _FREE
        if definition is not None and not introspective:
            rate = _rate(node, parent, definition, mutating=mutating)
        return Term(name, key, rate.base, rate.unit, rate.sizes, child, introspective)


def _definition(
    schema: GraphQLSchema, parent: GraphQLNamedType | None, name: str
) -> GraphQLField | None:
    if parent is None or not is_composite_type(parent):
        return None
    return schema.get_field(parent, name)


def _is_introspection(parent: GraphQLNamedType | None) -> bool:
    return parent is not None and parent.name.startswith("__")


def _introspection_rate(name: str) -> _Rate:
    return _Rate(base=PRICE_OF_INTROSPECTION.get(name, 0), unit=0)


def _rate(
    node: FieldNode, parent: GraphQLNamedType | None, definition: GraphQLField, *, mutating: bool
) -> _Rate:
    returned = get_named_type(definition.type)
    declared = _declared(definition)
    if mutating:
        return _Rate(base=PRICE_OF_MUTATION if declared is None else declared, unit=0)
    composite = is_object_type(returned) or is_interface_type(returned)
    if not composite and not is_composite_type(returned):
        return _Rate(base=declared or 0, unit=0)
    unit = 0 if returned.name in VALUE_TYPES or returned.name.endswith("Edge") else 1
    if _is_list(definition):
        inside_page = parent is not None and parent.name.endswith(PAGED)
        sizes = () if inside_page else _sizes(node, definition, _most(definition) or LIST_SIZE)
        return _Rate(base=declared or 0, unit=unit, sizes=sizes)
    if returned.name.endswith(PAGED):
        base = PRICE_OF_PAGE if declared is None else declared
        return _Rate(base=base, unit=0, sizes=_sizes(node, definition, PAGE_SIZE))
    return _Rate(base=0, unit=unit) if declared is None else _Rate(base=declared, unit=0)


def _is_list(definition: GraphQLField) -> bool:
    bare = definition.type.of_type if is_non_null_type(definition.type) else definition.type
    return is_list_type(bare)


def _declared(definition: GraphQLField) -> int | None:
    """The price a field's own declaration names: `strawberry.field(metadata={"cost": 5})`."""
    return _said(definition, "cost")


def _most(definition: GraphQLField) -> int | None:
    """How long a plain list can be at most, by its declaration: `metadata={"most": 5}`."""
    return _said(definition, "most")


def _said(definition: GraphQLField, name: str) -> int | None:
    strawberry_field = definition.extensions.get("strawberry-definition")
    metadata = getattr(strawberry_field, "metadata", None) or {}
    number = metadata.get(name)
    return number if isinstance(number, int) else None


def _sizes(node: FieldNode, definition: GraphQLField, otherwise: int) -> tuple[Wanted, ...]:
    """The arguments that say how many: first, last, points, and lists of ids."""
    given = {argument.name.value: argument.value for argument in node.arguments or ()}
    sizes = []
    for name, argument in definition.args.items():
        if not _says_how_many(name):
            continue
        fallback = count(_default(argument))
        value = given.get(name)
        if value is None:
            if fallback is not None:
                sizes.append(Wanted(None, fallback))
        elif isinstance(value, VariableNode):
            sizes.append(Wanted(value.name.value, otherwise if fallback is None else fallback))
        else:
            counted = count(value_from_ast_untyped(value))
            sizes.append(Wanted(None, otherwise if counted is None else counted))
    return tuple(sizes) or (Wanted(None, otherwise),)


def _default(argument: GraphQLArgument) -> object:
    """An argument's default, whichever of its three forms the schema was built with."""
    if argument.default is None:
        return argument.default_value
    literal = argument.default.literal
    return argument.default.value if literal is None else value_from_ast_untyped(literal)


def _says_how_many(name: str) -> bool:
    return name in {"first", "last", "points", "ids"} or name.endswith("Ids")
