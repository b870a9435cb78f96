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
    ColumnElement,
    FromClause,
    Integer,
    Select,
    TableValuedAlias,
    and_,
    any_,
    bindparam,
    column,
    false,
    func,
    literal_column,
    null,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import distinct_on

from domain.reads.conditions import allowed, bind_like
from domain.reads.declare import Expression
from domain.reads.record import relation_slot
from domain.reads.registry import Linked, LinkedRelation, Registry
from domain.reads.shape import Narrowing, PageShape

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
        .where(*allowed(one, narrowing), by == any_(keys))
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
        .ext(distinct_on(relation.theirs))
        .order_by(relation.theirs, one.key)
    )


def connection(registry: Registry, shape: PageShape) -> Statement:
    """A page of an entity. With cursors and `neighbours`, two flags precede the row's columns."""
    if not has_flags(shape):
        return page_rows(registry, shape, [])
    once = select(literal_column("1").label("once")).subquery("o")
    return _joined(registry, shape, [], start=once)


def related_many(registry: Registry, relation: LinkedRelation, shape: PageShape) -> Statement:
    """A page of children for every parent key in the bind `keys`, in one statement."""
    parents = _parents(relation)
    belongs = [relation.theirs == parents.c.parent]
    return _joined(registry, shape, belongs, start=parents, first=parents.c.parent)


def has_flags(shape: PageShape) -> bool:
    """Whether the two flags are there: is a row at or before `after`, at or past `before`?"""
    return shape.neighbours and (shape.after is not None or shape.before is not None)


def _parents(relation: LinkedRelation) -> TableValuedAlias:
    keys = bindparam("keys", type_=ARRAY(relation.own.type))
    parents = func.unnest(keys).table_valued(column("parent", relation.own.type), name="k")
    return parents.render_derived()


def _joined(
    registry: Registry,
    shape: PageShape,
    also: list[ColumnElement[bool]],
    *,
    start: FromClause,
    first: ColumnElement[Any] | None = None,
) -> Statement:
    """The page, and its flags when there are some, for every row of `start`, in page order."""
    one = registry[shape.entity]
    page = page_rows(registry, shape, also).lateral("p")
    chosen: list[Any] = [] if first is None else [first]
    source: FromClause = start
    if has_flags(shape):
        ascending = not shape.sort.descending
        for side, nulls, up in (("a", shape.after, ascending), ("b", shape.before, not ascending)):
            if nulls is None:
                chosen.append(false())
                continue
            probe = outside_row(registry, shape, side, up=up).where(*also).lateral(f"n{side}")
            source = source.outerjoin(probe, true())
            chosen.append(probe.c.one.is_not(null()))
        source = source.outerjoin(page, true())
    else:
        source = source.join(page, true())
    sorting = [page.c[f"s{at}"] for at in range(len(sort_columns(one, shape)))]
    order = [*([] if first is None else [first]), *_ordering(sorting, _goes_up(shape))]
    return select(*chosen, *page.c).select_from(source).order_by(*order)


def count(registry: Registry, one: Linked, narrowing: Narrowing) -> Statement:
    """How many rows there are, counting no further than the bind `size`."""
    rows = counted_rows(registry, one, narrowing, [])
    return select(func.count()).select_from(rows.subquery("r"))


def count_related(registry: Registry, relation: LinkedRelation, narrowing: Narrowing) -> Statement:
    """The same for every parent key in the bind `keys`."""
    parents = _parents(relation)
    rows = counted_rows(
        registry, relation.target, narrowing, [relation.theirs == parents.c.parent]
    ).correlate(parents)
    # Counted beside each parent: grouped by parents, the rows would be sorted by them.
    counted = select(func.count().label("n")).select_from(rows.subquery("r")).lateral("c")
    return select(parents.c.parent, counted.c.n).select_from(parents.join(counted, true()))


def tally(
    registry: Registry,
    one: Linked,
    asked: tuple[Sequence[str], Sequence[str], Sequence[str]],
    narrowing: Narrowing,
) -> Statement:
    """Rows counted by the values of fields, with sums and least values: `by`, count, the rest."""
    by, sums, least = ([one.fields[name].source for name in names] for names in asked)
    return (
        select(*by, func.count(), *map(func.sum, sums), *map(func.min, least))
        .select_from(one.declared.table)
        .where(*allowed(one, narrowing))
        .group_by(*by)
        .order_by(*by)
        .limit(bindparam("size", type_=Integer()))
    )


def counted_rows(
    registry: Registry, one: Linked, narrowing: Narrowing, also: list[ColumnElement[bool]]
) -> Statement:
    return (
        select(literal_column("1").label("one"))
        .select_from(one.declared.table)
        .where(*allowed(one, narrowing), *also)
        .limit(bindparam("size", type_=BigInteger()))
    )


def page_rows(registry: Registry, shape: PageShape, also: list[ColumnElement[bool]]) -> Statement:
    one = registry[shape.entity]
    keys = sort_columns(one, shape)
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
        .where(*allowed(one, shape.narrowing), *also, *bounds)
        .order_by(*_ordering(keys, up))
        .limit(bindparam("size", type_=Integer()))
    )


def outside_row(registry: Registry, shape: PageShape, side: str, *, up: bool) -> Statement:
    """One row at or before the cursor of a side, seen in that side's own direction."""
    one = registry[shape.entity]
    keys = sort_columns(one, shape)
    nulls = shape.after if side == "a" else shape.before
    assert nulls is not None, "asked for sides that have a cursor"
    outside = or_(_beyond(keys, nulls, side, up=not up), _same(keys, nulls, side))
    return (
        select(literal_column("1").label("one"))
        .select_from(one.declared.table)
        .where(*allowed(one, shape.narrowing), outside)
        .limit(1)
    )


def sort_columns(one: Linked, shape: PageShape) -> list[Expression]:
    return [*one.orders.get(shape.sort.name, ()), one.key]


def _goes_up(shape: PageShape) -> bool:
    return shape.sort.descending is shape.backward


def _ordering(keys: Sequence[Expression], up: bool) -> list[ColumnElement[Any]]:
    """Null is the largest value, which is what both directions do in Postgres by themselves."""
    return [each.asc() if up else each.desc() for each in keys]


def _is_nullable(expression: Expression) -> bool:
    return bool(getattr(expression, "nullable", True))


def _same(keys: Sequence[Expression], nulls: Sequence[bool], prefix: str) -> ColumnElement[bool]:
    return and_(
        *(
            each.is_(null()) if is_null else each == bind_like(each, f"{prefix}{at}")
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
        theirs = tuple_(*(bind_like(each, f"{prefix}{at + n}") for n, each in enumerate(rest)))
        return ours > theirs if up else ours < theirs
    last = at == len(keys) - 1
    deeper = None if last else _beyond(keys, nulls, prefix, up=up, at=at + 1)
    value = bind_like(here, f"{prefix}{at}")
    if nulls[at]:
        equal: ColumnElement[bool] = here.is_(null())
        further: ColumnElement[bool] = false() if up else here.is_not(null())
    else:
        equal = here == value
        further = or_(here > value, here.is_(null())) if up else here < value
    return further if deeper is None else or_(further, and_(equal, deeper))
