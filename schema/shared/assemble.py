"""The one schema of the application, put together and checked at start-up.

`assemble` builds it from the contexts' roots, binds every type to its declaration, and refuses to
start on an unmarked field, an unknown name, or a filter or order that the declaration doesn't
offer. What it returns with the schema, `Reading`, goes into every context.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLObjectType, GraphQLSchema
from strawberry.schema.config import StrawberryConfig

from domain.reads import Cursors, Registry
from domain.reads.declare import Op
from domain.reads.registry import Linked
from domain.reads.tree import Shown
from schema.shared.context import Reading
from schema.shared.documents import ExecutableSchema
from schema.shared.errors import DomainErrors, coded
from schema.shared.follow import Follows
from schema.shared.page import ID_OF
from schema.shared.permission import OnDenied, check_schema_marked, judge_of, permission_check
from schema.shared.scalars import SCALARS
from schema.shared.selection import READS, Reads, Types, Variants
from schema.shared.snapshot import SnapshotPerResult
from schema.shared.straight import Straight

_DEFINITION = "strawberry-definition"


class BindingError(Exception):
    """A GraphQL type and its declaration don't fit; says which names."""


@dataclass(frozen=True, slots=True)
class Assembled:
    """The schema, and what every operation's context needs to read with it."""

    schema: ExecutableSchema
    reading: Reading


def assemble(
    registry: Registry,
    cursors: Cursors,
    *,
    query: type,
    mutation: type | None = None,
    subscription: type | None = None,
    types: Iterable[type] = (),
    on_denied: OnDenied | None = None,
) -> Assembled:
    """The schema over a linked registry. `on_denied` is told each permission a caller lacked.

    `types` are those that no field names but that `node` can return.
    Raises BindingError, UnmarkedField.
    """
    schema = ExecutableSchema(
        query=query,
        mutation=mutation,
        subscription=subscription,
        types=tuple(types),
        extensions=[DomainErrors, SnapshotPerResult, permission_check(on_denied)],
        straight=Straight(judge_of(on_denied), coded),
        config=StrawberryConfig(disable_field_suggestions=True, scalar_map=dict(SCALARS)),
    )
    check_schema_marked(schema)
    return Assembled(schema, Reading(registry, bind(schema._schema, registry), cursors))


def bind(schema: GraphQLSchema, registry: Registry) -> Types:
    """What each bound type's fields read. Raises BindingError."""
    found: dict[str, dict[str, GraphQLObjectType]] = {}
    told_by: dict[str, str] = {}
    reads: dict[tuple[str, str], Reads] = {}
    for type_ in schema.type_map.values():
        if not isinstance(type_, GraphQLObjectType) or type_.name.startswith("__"):
            continue
        origin = _origin(type_)
        entity = getattr(origin, "__entity__", None)
        for name, field in type_.fields.items():
            definition = field.extensions[_DEFINITION]
            said = (definition.metadata or {}).get(READS)
            where = f"{type_.name}.{name}"
            if isinstance(said, Follows) and said.entity is not None:
                _check_inputs(registry, said.entity, said, where)
            elif entity is not None:
                reads[type_.name, name] = _reads(registry, entity, definition, said, where)
        if entity is not None:
            by, kind = getattr(origin, "__when__", None) or ("", "")
            _check_variant(registry, entity, type_, by)
            others = found.setdefault(entity, {})
            if kind in others or told_by.setdefault(entity, by) != by:
                other = next(iter(others.values()))
                raise BindingError(f"{type_.name} and {other.name} are both {entity!r}")
            others[kind] = type_
    return Types({name: Variants(types, told_by[name]) for name, types in found.items()}, reads)


def _check_variant(registry: Registry, entity: str, type_: GraphQLObjectType, by: str) -> None:
    if by and by not in registry[entity].fields:
        raise BindingError(f"{type_.name}: {entity!r} has no field {by!r} to tell it by")


def _origin(type_: GraphQLObjectType) -> Any:
    return getattr(type_.extensions.get(_DEFINITION), "origin", None)


def _reads(registry: Registry, entity: str, definition: Any, said: Any, where: str) -> Reads:
    if entity not in registry:
        raise BindingError(f"{where}: nobody declares the entity {entity!r}")
    one, name = registry[entity], definition.python_name
    if isinstance(said, Follows):
        relation = said.relation or name
        if relation not in one.relations:
            raise BindingError(f"{where}: {entity!r} has no relation {relation!r}")
        _check_inputs(registry, one.relations[relation].target.name, said, where)
        return Reads(relations=(relation,))
    if isinstance(said, Reads):
        unknown = set(said.fields) - one.fields.keys() | set(said.relations) - one.relations.keys()
        if unknown:
            raise BindingError(f"{where}: {entity!r} has no {', '.join(sorted(unknown))}")
        return said
    if definition.base_resolver is not None:
        return Reads()
    if name not in one.fields:
        raise BindingError(f"{where}: {entity!r} has no field {name!r}")
    return Reads(fields=(name,), shows=Shown(name))


def _check_inputs(registry: Registry, entity: str, said: Follows, where: str) -> None:
    if entity not in registry:
        raise BindingError(f"{where}: nobody declares the entity {entity!r}")
    one = registry[entity]
    if said.filter is not None:
        _check_filter(registry, one, said.filter, where)
    if said.order is not None:
        _check_order(one, said.order, where)


def _check_filter(registry: Registry, one: Linked, given: Any, where: str) -> None:
    for field in given.__strawberry_definition__.fields:
        name = field.python_name
        ops = set(_ops(field))
        offered: Iterable[str]
        if name == "search" and one.declared.search is not None:
            offered = {Op.CONTAINS.value}
        elif name in one.filters:
            offered = {op.value for op in one.filters[name].ops}
        else:
            raise BindingError(f"{where}: {one.name!r} has no filter {name!r}")
        if ops - set(offered):
            raise BindingError(
                f"{where}: filter {name!r} offers no {', '.join(ops - set(offered))}"
            )
        id_of = field.metadata.get(ID_OF)
        if id_of is not None and id_of not in registry:
            raise BindingError(f"{where}: filter {name!r} takes ids of unknown {id_of!r}")


def _ops(field: Any) -> Iterator[str]:
    type_ = field.type
    while hasattr(type_, "of_type"):
        type_ = type_.of_type
    for each in type_.__strawberry_definition__.fields:
        yield each.python_name.rstrip("_")


def _check_order(one: Linked, given: Any, where: str) -> None:
    by_name = {each.python_name: each for each in given.__strawberry_definition__.fields}
    offered = {member.value for member in by_name["field"].type.wrapped_cls}
    if offered - one.orders.keys():
        missing = ", ".join(sorted(offered - one.orders.keys()))
        raise BindingError(f"{where}: {one.name!r} has no order {missing}")


__all__ = ["Assembled", "BindingError", "assemble", "bind"]
