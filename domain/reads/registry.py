"""All declarations, linked: every name resolved once at start-up, or the start fails.

A `Linked` entity is what the statements are derived from. Nothing here runs per request except
dictionary look-ups.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from sqlalchemy import ARRAY, Column, ColumnElement, Date, DateTime, Integer, Numeric, String, Uuid
from sqlalchemy.sql import visitors

from domain.reads.declare import (
    Entity,
    Expression,
    Extension,
    Field,
    FilterField,
    Many,
    Op,
    PartSearch,
    Relation,
    RowScope,
    Viewer,
)
from domain.reads.record import RESERVED, Record, record_class, relation_slot

T = TypeVar("T")

STATEMENT_CACHE: Final = 2_048
_PLACES = frozenset({"brand", "reference", "local"})


class DeclarationError(Exception):
    """A declaration that can't work; raised at start-up with the name to look for."""


@dataclass(frozen=True, slots=True, eq=False)
class LinkedRelation:
    """A relation with both ends resolved: `own` on our table equals `theirs` on the target's."""

    name: str
    many: bool
    target: "Linked"
    own: ColumnElement[Any]
    theirs: Column[Any]
    kept: str = ""

    @property
    def by_key(self) -> bool:
        """Whether the target is found by its primary key."""
        return self.theirs is self.target.key


@dataclass(slots=True, eq=False)
class Linked:
    """One entity, ready to derive statements from. `brand` is None for reference tables."""

    declared: Entity
    name: str
    key: Column[Any]
    brand: Column[Any] | None
    fields: dict[str, Field]
    filters: dict[str, FilterField]
    orders: dict[str, tuple[Expression, ...]]
    relations: dict[str, LinkedRelation] = field(default_factory=dict)
    record: type[Record] = Record
    _masked: dict[frozenset[str], tuple[str, ...]] = field(default_factory=dict)

    def masked_for(self, viewer: Viewer) -> tuple[str, ...]:
        """Names of the fields this viewer gets in masked form."""
        known = self._masked.get(viewer.permissions)
        if known is None:
            known = tuple(
                name
                for name, each in self.fields.items()
                if each.mask is not None and each.mask.needs not in viewer.permissions
            )
            if len(self._masked) >= 256:
                self._masked.clear()
            self._masked[viewer.permissions] = known
        return known

    def is_hidden(self, expression: Expression, viewer: Viewer) -> bool:
        """Whether an expression reads a column that this viewer only sees masked."""
        masked = self.masked_for(viewer)
        if not masked:
            return False
        hidden = set().union(*(columns_of(self.fields[name].source) for name in masked))
        return bool(hidden & columns_of(expression))


class Registry:
    """Every entity and extension of the application.

    `Registry(*clients.READS, *accounts.READS).link()` once at start-up; then read-only but for the
    bounded cache of statements.
    """

    def __init__(self, *declared: Entity | Extension) -> None:
        self._entities = [each for each in declared if isinstance(each, Entity)]
        self._extensions = [each for each in declared if isinstance(each, Extension)]
        self._linked: dict[str, Linked] = {}
        self._statements: OrderedDict[object, Any] = OrderedDict()

    def link(self) -> "Registry":
        """Resolve every name. Raises DeclarationError for the first one that can't be."""
        linked: dict[str, Linked] = {}
        for entity in self._entities:
            if entity.name in linked:
                raise DeclarationError(f"entity {entity.name!r} is declared twice")
            linked[entity.name] = _link_entity(entity)
        relations = {entity.name: dict(entity.relations) for entity in self._entities}
        for extension in self._extensions:
            _attach(relations, extension)
        for name, declared in relations.items():
            one = linked[name]
            for relation, value in declared.items():
                one.relations[relation] = _link_relation(linked, one, relation, value)
            one.record = _make_record(one)
        for one in linked.values():
            _check_scopes(one, ())
            _check_search(one)
        self._linked = linked
        return self

    def __getitem__(self, name: str) -> Linked:
        """The entity of that name; a KeyError here is a bug of ours, not of a caller."""
        return self._linked[name]

    def __contains__(self, name: object) -> bool:
        return name in self._linked

    def names(self) -> Iterable[str]:
        """Names of all entities."""
        return self._linked.keys()

    def statement(self, shape: object, build: Callable[[], T]) -> T:
        """The statement for a shape, built at most once while it stays among the last used."""
        known: T | None = self._statements.get(shape)
        if known is not None:
            self._statements.move_to_end(shape)
            return known
        built = build()
        self._statements[shape] = built
        if len(self._statements) > STATEMENT_CACHE:
            self._statements.popitem(last=False)
        return built


def columns_of(expression: Expression) -> set[Any]:
    """Every table column an expression reads."""
    return {
        each
        for each in visitors.iterate(expression)
        if isinstance(each, Column) and each.table is not None
    }


def _link_entity(entity: Entity) -> Linked:
    table = entity.table
    place = table.info.get("place")
    if place not in _PLACES:
        raise DeclarationError(f"table {table.name!r} has no place in Table.info: {place!r}")
    brand = table.c.get("brand_id") if place == "brand" else None
    if place == "brand":
        key = list(table.primary_key.columns)
        if brand is None or not key or key[0] is not brand:
            raise DeclarationError(f"the primary key of {table.name!r} is not led by brand_id")
    if entity.key not in table.c:
        raise DeclarationError(f"{entity.name!r} has no key column {entity.key!r}")
    fields = {
        name: value if isinstance(value, Field) else Field(value)
        for name, value in entity.fields.items()
    }
    for name in fields:
        if name in RESERVED or name.startswith("_"):
            raise DeclarationError(f"{entity.name}.{name} is a reserved name")
    filters = {name: _link_filter(entity, name, value) for name, value in entity.filters.items()}
    orders = {name: _sequence(value) for name, value in entity.orders.items()}
    default = entity.default_order.removeprefix("-")
    if default and default not in orders:
        raise DeclarationError(f"{entity.name!r} has no order {default!r} to be its default")
    for name, expressions in orders.items():
        for expression in expressions:
            if kind_of(expression) is None:
                raise DeclarationError(
                    f"order {name} of {entity.name!r} sorts by {expression.type}, "
                    "which a cursor can't hold"
                )
    return Linked(entity, entity.name, table.c[entity.key], brand, fields, filters, orders)


def _sequence(value: Expression | Iterable[Expression]) -> tuple[Expression, ...]:
    return (value,) if isinstance(value, ColumnElement) else tuple(value)


def _link_filter(entity: Entity, name: str, value: FilterField | Expression) -> FilterField:
    declared = value if isinstance(value, FilterField) else FilterField(value)
    if name == "search":
        raise DeclarationError(f"filter 'search' of {entity.name!r} is made by search=…")
    ops = declared.ops or _default_ops(declared.column)
    return FilterField(declared.column, frozenset(ops))


def _default_ops(column: Expression) -> frozenset[Op]:
    if isinstance(column.type, ARRAY):
        return frozenset({Op.CONTAINS})
    if isinstance(column.type, DateTime):
        return frozenset({Op.GTE, Op.LT})
    if isinstance(column.type, Integer | Numeric | Date):
        return frozenset({Op.EQ, Op.IN, Op.GTE, Op.LT})
    return frozenset({Op.EQ, Op.IN})


_KINDS: Final[tuple[tuple[type[Any], str], ...]] = (
    (DateTime, "instant"),
    (Date, "date"),
    (Uuid, "uuid"),
    (Integer, "integer"),
    (Numeric, "decimal"),
    (String, "text"),
)


def kind_of(expression: Expression) -> str | None:
    """How a cursor writes a value of this type; None for types it can't hold."""
    return next((kind for type_, kind in _KINDS if isinstance(expression.type, type_)), None)


def _attach(relations: Mapping[str, dict[str, Relation]], extension: Extension) -> None:
    if extension.entity not in relations:
        raise DeclarationError(
            f"extend({extension.entity!r}, {extension.relation!r}): no such entity"
        )
    own = relations[extension.entity]
    if extension.relation in own:
        raise DeclarationError(f"{extension.entity}.{extension.relation} is declared twice")
    own[extension.relation] = extension.value


def _link_relation(
    linked: Mapping[str, Linked], one: Linked, name: str, value: Relation
) -> LinkedRelation:
    where = f"{one.name}.{name}"
    if name in one.fields or name in RESERVED:
        raise DeclarationError(f"{where} is both a field and a relation")
    target = linked.get(value.target)
    if target is None:
        raise DeclarationError(f"{where} points at {value.target!r}, which nobody declares")
    many = isinstance(value, Many)
    own = value.own or (one.key.name if many or value.theirs else None)
    if own is None:
        raise DeclarationError(f"{where} says neither own= nor theirs=")
    theirs = value.theirs or target.key.name
    worked_out = None if many else one.fields.get(own)
    for side, column in ((one, own), (target, theirs)):
        if column not in side.declared.table.c and (side is target or worked_out is None):
            raise DeclarationError(f"{where}: {side.declared.table.name!r} has no {column!r}")
    other = target.declared.table.c[theirs]
    ours = one.declared.table.c.get(own) if worked_out is None else worked_out.source
    assert ours is not None, "looked for above"
    _check_brand_led(where, one, target, (ours, other))
    kept = value.kept if isinstance(value, Many) else ""
    if kept and not _keeps_a_number(one.fields.get(kept)):
        raise DeclarationError(
            f"{where}: {kept!r} must be a column of numbers, never null, unmasked"
        )
    return LinkedRelation(name, many, target, ours, other, kept)


def _keeps_a_number(kept: Field | None) -> bool:
    """Of a null the least of it and a cap would be the cap."""
    source = kept.source if kept is not None and kept.mask is None else None
    return isinstance(source, Column) and isinstance(source.type, Integer) and not source.nullable


def _check_brand_led(
    where: str, one: Linked, target: Linked, ends: tuple[ColumnElement[Any], Column[Any]]
) -> None:
    """A foreign key between two brand tables that leaves out the brand can cross brands."""
    if one.brand is None or target.brand is None:
        return
    for table, end in ((one.declared.table, ends[0]), (target.declared.table, ends[1])):
        for key in table.foreign_key_constraints:
            columns = list(key.columns)
            if end in columns and columns[0].name != "brand_id":
                raise DeclarationError(f"{where} follows a foreign key not led by brand_id")


def _make_record(one: Linked) -> type[Record]:
    slots = (*one.fields, *(relation_slot(name) for name in one.relations))
    return record_class(one.name, slots)


def _check_scopes(one: Linked, above: tuple[str, ...]) -> None:
    if one.name in above:
        raise DeclarationError(f"row scopes go round in a circle: {' → '.join((*above, one.name))}")
    for scope in one.declared.scopes:
        if isinstance(scope, RowScope):
            continue
        relation = one.relations.get(scope.relation)
        if relation is None or relation.many:
            raise DeclarationError(
                f"{one.name!r}: Through({scope.relation!r}) needs a One relation"
            )
        _check_scopes(relation.target, (*above, one.name))


def _check_search(one: Linked) -> None:
    search = one.declared.search
    if search is None:
        return
    for name in search.covers:
        if name not in one.fields:
            raise DeclarationError(f"the search of {one.name!r} covers unknown field {name!r}")
    if isinstance(search, PartSearch):
        return
    if search.table.info.get("place") == "brand" and one.brand is None:
        raise DeclarationError(f"the search of {one.name!r} is per brand, the entity is not")
    for column in ("suffix", search.key, *((search.kind,) if search.kind else ())):
        if column not in search.table.c:
            raise DeclarationError(f"search table {search.table.name!r} has no {column!r}")


__all__ = ["DeclarationError", "Linked", "LinkedRelation", "Registry", "columns_of", "kind_of"]
