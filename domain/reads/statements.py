"""The statements a shape stands for, as SQLAlchemy Core.

Each names `brand_id` on every brand table, binds arrays instead of lists, and has a limit. Lists
of children are lateral: one statement takes the first n of every parent. Results are read by
position: `parent`, the key, fields, own sides of relations, then sort values.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    Integer,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    column,
    exists,
    false,
    func,
    literal_column,
    null,
    or_,
    select,
    true,
    tuple_,
)

from domain.reads.declare import BRAND, Expression, Op, RowScope
from domain.reads.record import relation_slot
from domain.reads.registry import Linked, LinkedRelation, Registry
from domain.reads.shape import Condition, Narrowing, PageShape

Statement: TypeAlias = Select[*tuple[Any, ...]]


def names_read(fields: Sequence[str], relations: Sequence[str]) -> tuple[str, ...]:
    """Slots of a record in the order of the columns that `columns_read` selects after the key."""
    return (*fields, *(relation_slot(name) for name in relations))


def columns_read(
    one: Linked, fields: Sequence[str], relations: Sequence[str]
) -> list[ColumnElement[Any]]:
    """The key, then what `names_read` names."""
    sources = [
        one.key,
        *(one.fields[name].source for name in fields),
        *(one.relations[name].own for name in relations),
    ]
    return [source.label(f"c{at}") for at, source in enumerate(sources)]


def rows_by(
    registry: Registry, one: Linked, by: ColumnElement[Any], *, narrowing: Narrowing
) -> Statement:
    """Rows whose `by` is among the bind `keys`, first column `by` itself; add columns to taste."""
    keys = bindparam("keys", type_=ARRAY(by.type))
    return (
        select(by.label("parent"))
        .where(*_allowed(registry, one, narrowing), by == any_(keys))
        .limit(bindparam("size", type_=Integer()))
    )


def load(
    registry: Registry,
    one: Linked,
    names: tuple[Sequence[str], Sequence[str]],
    narrowing: Narrowing,
) -> Statement:
    """Objects by primary key."""
    return rows_by(registry, one, one.key, narrowing=narrowing).add_columns(
        *columns_read(one, *names)
    )


def related_one(
    registry: Registry,
    relation: LinkedRelation,
    names: tuple[Sequence[str], Sequence[str]],
    narrowing: Narrowing,
) -> Statement:
    """For each parent key the one target that refers to it; the lowest key if there were two."""
    one = relation.target
    return (
        rows_by(registry, one, relation.theirs, narrowing=narrowing)
        .add_columns(*columns_read(one, *names))
        .distinct(relation.theirs)
        .order_by(relation.theirs, one.key)
    )


def connection(registry: Registry, shape: PageShape) -> Statement:
    """A page of an entity. With cursors and `neighbours`, two flags precede the row's columns."""
    one = registry[shape.entity]
    page = _page(registry, shape, [])
    flags = _neighbours(registry, shape, [])
    if flags is None:
        return page
    inner, known = page.subquery("p"), flags.subquery("n")
    return (
        select(*known.c, *inner.c)
        .select_from(known.outerjoin(inner, true()))
        .order_by(*_ordering(_columns(inner, _sort_width(one, shape)), _goes_up(shape)))
    )


def related_many(registry: Registry, relation: LinkedRelation, shape: PageShape) -> Statement:
    """A page of children for every parent key in the bind `keys`, in one statement."""
    one = relation.target
    keys = bindparam("keys", type_=ARRAY(relation.own.type))
    parents = (
        func.unnest(keys)
        .table_valued(column("parent", relation.own.type), name="k")
        .render_derived()
    )
    belongs = [relation.theirs == parents.c.parent]
    inner = _page(registry, shape, belongs).lateral("p")
    flags = _neighbours(registry, shape, belongs)
    source = parents.join(inner, true()) if flags is None else None
    chosen: list[Any] = [parents.c.parent]
    if flags is not None:
        known = flags.lateral("n")
        chosen += list(known.c)
        source = parents.join(known, true()).outerjoin(inner, true())
    assert source is not None, "one of the two joins"
    ordering = _ordering(_columns(inner, _sort_width(one, shape)), _goes_up(shape))
    return select(*chosen, *inner.c).select_from(source).order_by(parents.c.parent, *ordering)


def count(registry: Registry, one: Linked, narrowing: Narrowing) -> Statement:
    """How many rows there are, counting no further than the bind `size`."""
    rows = _counted(registry, one, narrowing, [])
    return select(func.count()).select_from(rows.subquery("r"))


def count_related(registry: Registry, relation: LinkedRelation, narrowing: Narrowing) -> Statement:
    """The same for every parent key in the bind `keys`."""
    keys = bindparam("keys", type_=ARRAY(relation.own.type))
    parents = (
        func.unnest(keys)
        .table_valued(column("parent", relation.own.type), name="k")
        .render_derived()
    )
    rows = _counted(
        registry, relation.target, narrowing, [relation.theirs == parents.c.parent]
    ).correlate(parents)
    counted = select(func.count().label("n")).select_from(rows.subquery("r")).lateral("c")
    return select(parents.c.parent, counted.c.n).select_from(parents.join(counted, true()))


def _counted(
    registry: Registry, one: Linked, narrowing: Narrowing, also: list[ColumnElement[bool]]
) -> Statement:
    return (
        select(literal_column("1").label("one"))
        .select_from(one.declared.table)
        .where(*_allowed(registry, one, narrowing), *also)
        .limit(bindparam("size", type_=BigInteger()))
    )


def _page(registry: Registry, shape: PageShape, also: list[ColumnElement[bool]]) -> Statement:
    one = registry[shape.entity]
    keys = _sort_columns(one, shape)
    up = _goes_up(shape)
    bounds: list[ColumnElement[bool]] = []
    ascending = not shape.sort.descending
    if shape.after is not None:
        bounds.append(_beyond(keys, shape.after, "a", up=ascending))
    if shape.before is not None:
        bounds.append(_beyond(keys, shape.before, "b", up=not ascending))
    chosen = columns_read(one, shape.fields, shape.relations)
    sorting = [each.label(f"s{at}") for at, each in enumerate(keys)]
    return (
        select(*chosen, *sorting)
        .where(*_allowed(registry, one, shape.narrowing), *also, *bounds)
        .order_by(*_ordering(keys, up))
        .limit(bindparam("size", type_=Integer()))
    )


def _neighbours(
    registry: Registry, shape: PageShape, also: list[ColumnElement[bool]]
) -> Statement | None:
    """Whether rows exist at or before `after`, and at or past `before`; None when not asked."""
    if not shape.neighbours or (shape.after is None and shape.before is None):
        return None
    one = registry[shape.entity]
    keys = _sort_columns(one, shape)
    ascending = not shape.sort.descending
    flags: list[ColumnElement[Any]] = []
    for nulls, prefix, up in ((shape.after, "a", ascending), (shape.before, "b", not ascending)):
        if nulls is None:
            flags.append(false().label(f"n{prefix}"))
            continue
        outside = or_(_beyond(keys, nulls, prefix, up=not up), _same(keys, nulls, prefix))
        probe: Statement = (
            select(literal_column("1"))
            .select_from(one.declared.table)
            .where(*_allowed(registry, one, shape.narrowing), *also, outside)
        )
        flags.append(exists(probe).label(f"n{prefix}"))
    return select(*flags)


def _sort_columns(one: Linked, shape: PageShape) -> list[Expression]:
    return [*one.orders.get(shape.sort.name, ()), one.key]


def _sort_width(one: Linked, shape: PageShape) -> int:
    return len(_sort_columns(one, shape))


def _goes_up(shape: PageShape) -> bool:
    return shape.sort.descending is shape.backward


def _columns(source: Any, width: int) -> list[Expression]:
    return [source.c[f"s{at}"] for at in range(width)]


def _ordering(keys: Sequence[Expression], up: bool) -> list[ColumnElement[Any]]:
    """Null is the largest value, which is what both directions do in Postgres by themselves."""
    return [each.asc() if up else each.desc() for each in keys]


def _bind(expression: Expression, name: str) -> ColumnElement[Any]:
    return bindparam(name, type_=expression.type)


def _is_nullable(expression: Expression) -> bool:
    return bool(getattr(expression, "nullable", True))


def _same(keys: Sequence[Expression], nulls: Sequence[bool], prefix: str) -> ColumnElement[bool]:
    return and_(
        *(
            each.is_(null()) if is_null else each == _bind(each, f"{prefix}{at}")
            for at, (each, is_null) in enumerate(zip(keys, nulls, strict=True))
        )
    )


def _beyond(
    keys: Sequence[Expression], nulls: Sequence[bool], prefix: str, *, up: bool, at: int = 0
) -> ColumnElement[bool]:
    """Rows past a cursor in one direction, null being the largest value.

    A row comparison, which an index serves, wherever it says the same: downwards once no value
    of the cursor is null, upwards once no column can be.
    """
    rest, here = keys[at:], keys[at]
    plain = not any(nulls[at:])
    if plain and (not up or not any(_is_nullable(each) for each in rest)):
        ours = tuple_(*rest)
        theirs = tuple_(*(_bind(each, f"{prefix}{at + n}") for n, each in enumerate(rest)))
        return ours > theirs if up else ours < theirs
    last = at == len(keys) - 1
    deeper = None if last else _beyond(keys, nulls, prefix, up=up, at=at + 1)
    value = _bind(here, f"{prefix}{at}")
    if nulls[at]:
        equal: ColumnElement[bool] = here.is_(null())
        further: ColumnElement[bool] = false() if up else here.is_not(null())
    else:
        equal = here == value
        further = or_(here > value, here.is_(null())) if up else here < value
    return further if deeper is None else or_(further, and_(equal, deeper))


def _allowed(registry: Registry, one: Linked, narrowing: Narrowing) -> list[ColumnElement[bool]]:
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
        probe: Statement = select(literal_column("1")).select_from(target.declared.table)
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
    value = _bind(source, condition.bind)
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
