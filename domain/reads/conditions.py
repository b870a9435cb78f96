"""Which rows a statement may touch: brand, row scopes, the caller's filter and search."""

from typing import Any

from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    Select,
    Text,
    any_,
    bindparam,
    column,
    exists,
    func,
    literal_column,
    select,
)

from domain.reads.declare import BRAND, Expression, Op, PartSearch, RowScope
from domain.reads.registry import Linked
from domain.reads.shape import Condition, Narrowing
from domain.reads.wording import quoted


def allowed(one: Linked, narrowing: Narrowing) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if one.brand is not None:
        conditions.append(one.brand == BRAND)
    conditions += _scoped(one, frozenset(narrowing.scopes))
    conditions += [_filtered(one, each) for each in narrowing.conditions]
    if narrowing.search:
        conditions.append(_searched(one))
    return conditions


def _scoped(one: Linked, applying: frozenset[tuple[str, int]]) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    for index, scope in enumerate(one.declared.scopes):
        if isinstance(scope, RowScope):
            if (one.name, index) in applying:
                conditions.append(scope.where)
            continue
        relation = one.relations[scope.relation]
        target = relation.target
        inner = _scoped(target, applying)
        if not inner:
            continue
        brand = [] if target.brand is None else [target.brand == BRAND]
        probe: Select[*tuple[Any, ...]] = select(literal_column("1")).select_from(
            target.declared.table
        )
        conditions.append(
            exists(
                probe.where(*brand, relation.theirs == relation.own, *inner).correlate(
                    one.declared.table
                )
            )
        )
    return conditions


def _filtered(one: Linked, condition: Condition) -> ColumnElement[bool]:
    source = one.filters[condition.field].column
    value = bind_like(source, condition.bind)
    if condition.word is not None:
        value = quoted(condition.word)
    if condition.op is Op.IN:
        return source == any_(bindparam(condition.bind, type_=ARRAY(source.type)))
    if condition.op is Op.GTE:
        return source >= value
    if condition.op is Op.LT:
        return source < value
    if condition.op is Op.EQ:
        return source == value
    if isinstance(source.type, ARRAY):
        return bindparam(condition.bind, type_=source.type.item_type) == any_(source)
    term = func.lower(bindparam(condition.bind, type_=Text()))
    return func.strpos(func.lower(source), term) > 0


def _searched(one: Linked) -> ColumnElement[bool]:
    search = one.declared.search
    assert search is not None, "the shape asked for a search"
    if isinstance(search, PartSearch):
        given = (BRAND, bindparam("term", type_=Text()), bindparam("clear", type_=ARRAY(Text())))
        hits = getattr(func, search.function)(*given)
        found = hits.table_valued(column("key", one.key.type), name="hit").render_derived()
        return one.key.in_(select(found.c.key))
    table = search.table
    conditions: list[ColumnElement[bool]] = [
        table.c.suffix.op("^@", return_type=Boolean())(bindparam("term", type_=Text()))
    ]
    if one.brand is not None:
        conditions.insert(0, table.c.brand_id == BRAND)
    if search.kind is not None:
        kinds = bindparam("clear", type_=ARRAY(Text()))
        conditions.append(table.c[search.kind] == any_(kinds))
    return one.key.in_(select(table.c[search.key]).where(*conditions))


def bind_like(expression: Expression, name: str) -> ColumnElement[Any]:
    return bindparam(name, type_=expression.type)
