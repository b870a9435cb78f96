"""From a document to the tree of what it asks, where every field has said where it comes from.

`plan` walks one operation once, for one permission set, one set of `@skip`/`@include` values and
one kind of id in each `node`. What no declaration covers raises NotPlanned: the executor then
answers the whole operation. The cost plan of the document is walked beside it, so that the worth
of an answer can be counted without reading it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

import orjson
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from strawberry.utils.str_converters import to_camel_case

from domain.reads import Viewer
from domain.reads.tree import (
    CURSOR,
    About,
    ByKey,
    ByKeys,
    CountPart,
    Edges,
    Fixed,
    Group,
    InfoPart,
    KeyText,
    Kind,
    KindName,
    Leaf,
    Node,
    Paged,
    PagePart,
    Root,
    Rows,
    Several,
    Shown,
    Single,
    Thing,
    Told,
    Value,
    Whole,
)
from schema.shared.context import Reading
from schema.shared.cost_plan import Plan as CostPlan
from schema.shared.cost_plan import Price, Term
from schema.shared.follow import Follows, Way
from schema.shared.forms import NotPlanned, form_of
from schema.shared.scalars import CountPrecision
from schema.shared.selection import READS, Finds, MaskedNames, Parts, Reads

_DEFINITION: Final = "strawberry-definition"
_KEY_LENGTH: Final = 63
"""Names of columns are cut after that many bytes."""
PLACES_MAX: Final = 40
"""Lists and objects in one statement; an operation with more is left to the executor."""

_INFO: Final = {
    "hasNextPage": InfoPart.HAS_NEXT,
    "hasPreviousPage": InfoPart.HAS_PREVIOUS,
    "startCursor": InfoPart.START,
    "endCursor": InfoPart.END,
}
_COUNT: Final = {"value": CountPart.VALUE, "precision": CountPart.PRECISION}
_WORDS: Final = (CountPrecision.EXACT.name, CountPrecision.AT_LEAST.name)


class TypeName(Fixed):
    """The name of a type: the one text that differs between kinds of rows."""


_OPEN: Final = KindName("", ())


@dataclass(frozen=True, slots=True)
class Asked:
    """A field of the document that fills a slot: where its arguments stand, and what it follows."""

    node: FieldNode
    definition: Any
    over: Follows | Finds
    page_info: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Planned:
    """The tree of an operation, and for each of its slots what fills it."""

    tree: Whole
    asked: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Everything asked under one key: its nodes, and its terms in the cost plan."""

    key: str
    nodes: tuple[FieldNode, ...]
    terms: tuple[Term, ...]

    @property
    def name(self) -> str:
        return self.nodes[0].name.value

    @property
    def base(self) -> int:
        return sum(term.base for term in self.terms)

    @property
    def unit(self) -> int:
        return sum(term.unit for term in self.terms)


_Below: TypeAlias = tuple[Sequence[SelectionSetNode], Sequence[CostPlan]]


class Planner:
    """Plans one operation. Used once. Raises NotPlanned."""

    def __init__(
        self,
        schema: GraphQLSchema,
        reading: Reading,
        *,
        viewer: Viewer,
        fragments: Mapping[str, FragmentDefinitionNode],
        price: Price,
    ) -> None:
        self._schema = schema
        self._types = reading.types
        self._registry = reading.registry
        self._viewer = viewer
        self._fragments = fragments
        self._price = price
        self._flags: Mapping[str, Any] = {}
        self._found: Mapping[int, tuple[str, ...]] = {}
        self._asked: list[Asked] = []
        self._slots: dict[tuple[Any, ...], int] = {}
        self._places = 0

    def plan(
        self,
        operation: OperationDefinitionNode,
        cost: CostPlan,
        *,
        flags: Mapping[str, Any],
        found: Mapping[int, tuple[str, ...]],
    ) -> Planned:
        """The tree. `found` holds, by the id of each `node` field's node, the entities its ids
        name that the viewer may see."""
        self._flags, self._found = flags, found
        root = self._schema.query_type
        assert root is not None, "there are queries"
        below: _Below = ([operation.selection_set], [cost])
        roots = tuple(self._root(root, each) for each in self._chosen(root, below))
        return Planned(Whole(roots), tuple(self._asked))

    def _root(self, root: GraphQLObjectType, chosen: _Chosen) -> Root:
        if chosen.name == "__typename":
            return self._typename(root, chosen)
        definition, said = self._said(root, chosen)
        if isinstance(said, Follows) and said.entity is not None:
            return self._paged(chosen, definition, said, ("", said.entity))
        shows = said.shows if isinstance(said, Reads) else None
        if not isinstance(shows, Finds):
            raise NotPlanned(f"{root.name}.{chosen.name}")
        entities = self._found[id(chosen.nodes[0])]
        things = []
        for entity in entities:
            variants = self._types.by_entity[entity]
            things.append(self._thing(entity, tuple(variants.types.values()), chosen))
        slot = self._slot(chosen, definition, shows, ("", ""))
        if shows is Finds.NODES:
            return ByKeys(chosen.key, slot, tuple(things), chosen.base, chosen.unit)
        thing = things[0] if things else None
        return ByKey(chosen.key, slot, thing, chosen.base, chosen.unit)

    def _chosen(self, type_: GraphQLObjectType, below: _Below) -> list[_Chosen]:
        """What runs on an object of a type, by key, in the order of the answer."""
        by_key: dict[str, list[FieldNode]] = {}
        seen: set[str] = set()
        for each in below[0]:
            for node in self._opened(type_, each, seen):
                key = (node.alias or node.name).value
                by_key.setdefault(key, []).append(node)
        terms: dict[str, list[Term]] = {}
        for plan in below[1]:
            for term in self._price.terms(plan):
                terms.setdefault(term.key, []).append(term)
        if any(len(key) > _KEY_LENGTH for key in by_key):
            raise NotPlanned("a key longer than a column's name")
        return [
            _Chosen(key, tuple(nodes), tuple(terms.get(key, ()))) for key, nodes in by_key.items()
        ]

    def _opened(
        self, type_: GraphQLObjectType, selections: SelectionSetNode, seen: set[str]
    ) -> Iterator[FieldNode]:
        for node in selections.selections:
            if not self._runs(node):
                continue
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, FragmentSpreadNode):
                name = node.name.value
                if name in seen:
                    continue
                seen.add(name)
                fragment = self._fragments[name]
                if self._fits(fragment.type_condition.name.value, type_):
                    yield from self._opened(type_, fragment.selection_set, seen)
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                if condition is None or self._fits(condition.name.value, type_):
                    yield from self._opened(type_, node.selection_set, seen)

    def _fits(self, condition: str, type_: GraphQLObjectType) -> bool:
        wanted: Any = self._schema.get_type(condition)
        return wanted is type_ or (
            not is_object_type(wanted) and self._schema.is_sub_type(wanted, type_)
        )

    def _runs(self, node: Any) -> bool:
        for directive in node.directives or ():
            wanted = {"include": True, "skip": False}.get(directive.name.value)
            if wanted is None:
                raise NotPlanned(f"@{directive.name.value}")
            value = directive.arguments[0].value
            name = getattr(value, "name", None)
            given = value.value if name is None else self._flags.get(name.value)
            if given is not wanted:
                if given is not (not wanted):
                    raise NotPlanned(f"@{directive.name.value} without a value")
                return False
        return True

    def _below(self, chosen: _Chosen) -> _Below:
        selections = [each.selection_set for each in chosen.nodes if each.selection_set]
        return selections, [term.child for term in chosen.terms if term.child]

    def _said(self, type_: GraphQLObjectType, chosen: _Chosen) -> tuple[Any, Any]:
        definition = type_.fields[chosen.name]
        field = definition.extensions[_DEFINITION]
        return definition, (field.metadata or {}).get(READS)

    def _thing(self, entity: str, types: tuple[GraphQLObjectType, ...], chosen: _Chosen) -> Thing:
        """What is asked of an entity's rows that have one of these types."""
        self._places += 1
        if self._places > PLACES_MAX:
            raise NotPlanned("too many lists and objects")
        below, variants = self._below(chosen), self._types.by_entity[entity]
        kinds = {value: type_ for value, type_ in variants.types.items() if type_ in types}
        if not variants.by:
            return Thing(entity, (Kind("", self._nodes(entity, kinds[""], below)),))
        built = {value: self._nodes(entity, type_, below) for value, type_ in kinds.items()}
        alike = {_untyped(nodes) for nodes in built.values()}
        if len(alike) == 1 and len(kinds) == len(variants.types):
            names = tuple((value, type_.name) for value, type_ in kinds.items())
            word = KindName(variants.by, names)
            nodes = tuple(_typed(node, word) for node in next(iter(alike)))
            return Thing(entity, (Kind("", nodes),))
        shown = tuple(Kind(value, nodes) for value, nodes in built.items())
        return Thing(entity, shown, variants.by)

    def _types_of(self, definition: Any) -> tuple[GraphQLObjectType, ...]:
        named: Any = get_named_type(definition.type)
        if is_object_type(named):
            return (named,)
        return tuple(self._schema.get_possible_types(named))

    def _nodes(self, entity: str, type_: GraphQLObjectType, below: _Below) -> tuple[Node, ...]:
        return tuple(self._node(entity, type_, each) for each in self._chosen(type_, below))

    def _node(self, entity: str, type_: GraphQLObjectType, chosen: _Chosen) -> Node:
        if chosen.name == "__typename":
            return self._typename(type_, chosen)
        definition, said = self._said(type_, chosen)
        if isinstance(said, Follows):
            relation = self._types.reads[type_.name, chosen.name].relations[0]
            link = self._registry[entity].relations[relation]
            node = self._following(chosen, definition, said, (relation, link.target.name))
            return replace(node, kept=link.kept) if isinstance(node, Paged) else node
        shows = self._types.reads[type_.name, chosen.name].shows
        required = is_non_null_type(definition.type)
        match shows:
            case Parts():
                return self._group(entity, chosen, definition, shows)
            case MaskedNames():
                masked = self._registry[entity].masked_for(self._viewer)
                names = [to_camel_case(each) for each in masked]
                return Leaf(chosen.key, Fixed(orjson.dumps(names).decode()), True, chosen.base)
            case None | Finds():
                raise NotPlanned(f"{type_.name}.{chosen.name}")
        value = self._value(entity, definition.type, shows)
        return Leaf(chosen.key, value, required, chosen.base)

    def _following(
        self, chosen: _Chosen, definition: Any, over: Follows, leads: tuple[str, str]
    ) -> Node:
        relation, target = leads
        if over.way is Way.PAGED:
            return self._paged(chosen, definition, over, leads)
        thing = self._thing(target, self._types_of(definition), chosen)
        if over.way is Way.ONE:
            required = is_non_null_type(definition.type)
            return Single(chosen.key, relation, thing, required, chosen.base, chosen.unit)
        slot = self._slot(chosen, definition, over, leads)
        return Several(chosen.key, relation, slot, thing, chosen.base, chosen.unit)

    def _group(self, entity: str, chosen: _Chosen, definition: Any, parts: Parts) -> Node:
        named: Any = get_named_type(definition.type)
        leaves = []
        for each in self._chosen(named, self._below(chosen)):
            if each.name == "__typename":
                leaves.append(self._typename(named, each))
                continue
            value = self._value(entity, named.fields[each.name].type, parts.values[each.name])
            leaves.append(Leaf(each.key, value, True))
            if each.base or each.unit:
                raise NotPlanned("a part that costs something")
        if chosen.unit or is_list_type(definition.type):
            raise NotPlanned(f"a {named.name} that costs something")
        required = is_non_null_type(definition.type)
        return Group(chosen.key, tuple(leaves), parts.present, required, chosen.base)

    def _value(self, entity: str, type_: Any, value: Value) -> Value:
        """A declared value in the form that its GraphQL type has in JSON."""
        match value:
            case Shown(field=name):
                source = self._registry[entity].fields[name].source
                return replace(value, form=form_of(type_, source))
            case KeyText(prefix=""):
                return KeyText(entity)
            case _:
                return value

    def _paged(
        self, chosen: _Chosen, definition: Any, over: Follows, leads: tuple[str, str]
    ) -> Paged:
        relation, entity = leads
        named: Any = get_named_type(definition.type)
        parts: list[PagePart] = []
        info: frozenset[str] = frozenset()
        for each in self._chosen(named, self._below(chosen)):
            match each.name:
                case "__typename":
                    parts.append(self._typename(named, each))
                case "nodes":
                    parts.append(self._rows(entity, named, each))
                case "edges":
                    parts.append(self._edges(entity, named, each))
                case "pageInfo":
                    about = self._about(named, each, _INFO, counts=False)
                    told = {one.what for one in about.parts if isinstance(one, Told)}
                    info |= {name for name, what in _INFO.items() if what in told}
                    parts.append(about)
                case "totalCount":
                    parts.append(self._about(named, each, _COUNT, counts=True))
                case _:
                    raise NotPlanned(f"{named.name}.{each.name}")
        slot = self._slot(chosen, definition, over, leads, info)
        return Paged(chosen.key, entity, relation, slot, tuple(parts), chosen.base)

    def _rows(self, entity: str, page: GraphQLObjectType, chosen: _Chosen) -> Rows:
        types = self._types_of(page.fields[chosen.name])
        return Rows(chosen.key, self._thing(entity, types, chosen), chosen.unit)

    def _edges(self, entity: str, page: GraphQLObjectType, chosen: _Chosen) -> Edges:
        edge: Any = get_named_type(page.fields[chosen.name].type)
        parts: list[Told | Leaf | Rows] = []
        for each in self._chosen(edge, self._below(chosen)):
            match each.name:
                case "__typename":
                    parts.append(self._typename(edge, each))
                case "cursor":
                    parts.append(Told(each.key, CURSOR))
                case "node":
                    parts.append(self._rows(entity, edge, each))
                case _:
                    raise NotPlanned(f"{edge.name}.{each.name}")
        return Edges(chosen.key, tuple(parts), chosen.unit)

    def _about(
        self,
        page: GraphQLObjectType,
        chosen: _Chosen,
        known: Mapping[str, InfoPart] | Mapping[str, CountPart],
        *,
        counts: bool,
    ) -> About:
        named: Any = get_named_type(page.fields[chosen.name].type)
        parts: list[Told | Leaf] = []
        for each in self._chosen(named, self._below(chosen)):
            if each.name == "__typename":
                parts.append(self._typename(named, each))
            else:
                parts.append(Told(each.key, known[each.name], _WORDS))
        return About(chosen.key, tuple(parts), counts)

    def _typename(self, type_: GraphQLObjectType, chosen: _Chosen) -> Leaf:
        return Leaf(chosen.key, TypeName(f'"{type_.name}"'), True)

    def _slot(
        self,
        chosen: _Chosen,
        definition: Any,
        over: Follows | Finds,
        leads: tuple[str, str],
        info: frozenset[str] = frozenset(),
    ) -> int:
        """The slot of a field: the same one wherever the same nodes lead the same way."""
        key = (*leads, *map(id, chosen.nodes))
        known = self._slots.get(key)
        if known is None:
            known = self._slots[key] = len(self._asked)
            self._asked.append(Asked(chosen.nodes[0], definition, over, info))
        return known


def _untyped(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """Nodes with their type names left open, to see whether kinds differ in nothing else."""
    return tuple(_typename_left_open(node) for node in nodes)


def _typename_left_open(node: Node) -> Node:
    if isinstance(node, Leaf) and isinstance(node.value, TypeName):
        return replace(node, value=_OPEN)
    return node


def _typed(node: Node, word: KindName) -> Node:
    if isinstance(node, Leaf) and node.value == _OPEN:
        return replace(node, value=word)
    return node
