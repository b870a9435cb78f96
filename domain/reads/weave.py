"""One statement for a whole operation: its rows, nested as the tree says, written as JSON.

Each list and each object is a lateral sub-select over the same page, load or count that loaders
send (`domain.reads.statements`), so that both paths agree on which rows there are and how they
lie. Columns of an outer level are named by text, never by table: every level reads its own.

    select coalesce(json_agg(o2), '[]') j, sum(…) w          -- a list: its JSON and its worth
    from (<the page's rows>) q1
      cross join lateral (<a list below>) x3
      cross join lateral (select q1.c1 "name", x3.j "pets") o2
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Integer,
    LargeBinary,
    Select,
    Text,
    Uuid,
    bindparam,
    case,
    cast,
    column,
    func,
    literal_column,
    null,
    select,
)

from domain.reads import statements
from domain.reads.conditions import allowed
from domain.reads.declare import Expression, Viewer
from domain.reads.keyset import MAX_SIZE
from domain.reads.pieces import (
    JSON_TYPE,
    Join,
    Level,
    NotWoven,
    Piece,
    Weight,
    joined_to,
    json_of,
    level,
    listed,
    number,
    plus,
    record,
    renamed,
    row_of,
    summed,
)
from domain.reads.record import relation_slot
from domain.reads.registry import Linked, Registry
from domain.reads.shape import Narrowing, PageShape, scopes_of
from domain.reads.tree import (
    Amount,
    ByKey,
    ByKeys,
    Capped,
    Fixed,
    Form,
    Group,
    KeyText,
    Kind,
    KindName,
    Leaf,
    Node,
    Paged,
    Precision,
    Root,
    Several,
    Shown,
    Single,
    Thing,
    Value,
    Whole,
    wanted,
)
from domain.reads.weave_page import paged
from domain.reads.wording import amount, hex_of, instant, joined, json_text, quoted, refusal


@dataclass(frozen=True, slots=True)
class Slot:
    """What of a call decides the text: the page's shape when rows are asked, and which rows count
    when their number is."""

    page: PageShape | None = None
    counted: Narrowing | None = None


class Weaver:
    """Weaves one tree for one kind of viewer and one kind of call. Used once.

    Raises NotWoven.
    """

    def __init__(self, registry: Registry, viewer: Viewer, slots: Sequence[Slot]) -> None:
        self.registry = registry
        self.slots = slots
        self._viewer = viewer
        self._names = 0

    def whole(self, tree: Whole) -> Select[Any]:
        """One row with one column: the worth of the answer, a space, and its JSON, as UTF-8."""
        pieces = [(root, self._root(root)) for root in tree.roots]
        shown = self.record([(root.key, piece.json) for root, piece in pieces])
        weight = plus(*(root.base for root in tree.roots), *(piece.weight for _, piece in pieces))
        text = joined(
            cast(number(weight), Text()), quoted(" "), cast(json_of(row_of(shown)), Text())
        )
        once = select(literal_column("1").label("once")).subquery("once")
        joins = [each for _, piece in pieces for each in piece.joins]
        source = joined_to(once, [*joins, Join(shown)])
        bytes_ = func.convert_to(text, quoted("UTF8"), type_=LargeBinary())
        return select(bytes_).select_from(source)

    def name(self, letter: str) -> str:
        """A name that nothing else in the statement has."""
        self._names += 1
        return f"{letter}{self._names}"

    def record(self, columns: Sequence[tuple[str, Expression]]) -> Any:
        """A row whose columns have the names of an answer."""
        return record(self.name("o"), columns)

    def aggregated(
        self, rows: Select[Any], below: Level, piece: Piece, order: Expression | None = None
    ) -> Piece:
        """A plain list of what `piece` says of each row."""
        source = joined_to(rows.subquery(below.name), piece.joins)
        weight = summed(piece.weight)
        made = (
            select(listed(piece, order).label("j"), number(weight).label("w"))
            .select_from(source)
            .lateral(self.name("x"))
        )
        return Piece(_json_in(made), _weight_in(made), (Join(made),))

    def level(self, one: Linked, fields: Sequence[str], relations: Sequence[str]) -> Level:
        """A new level over rows of an entity."""
        return level(self.name("q"), one, fields, relations)

    def rows(
        self, slot: int, shape: PageShape, belongs: list[Any], *, size: str = "size"
    ) -> Select[Any]:
        """The page's own rows, of one parent when they hang on one.

        A limit that is bound tells the planner nothing: it expects a tenth of the table, finds
        that a plan for the very number would be cheaper, and plans the statement anew for each
        call, which takes longer than running it. So the most that a page may have limits it first.
        """
        rows = statements.page_rows(self.registry, shape, belongs)
        most = rows.limit(number(MAX_SIZE + 1)).subquery(self.name("m"))
        page: Select[Any] = select(*most.c).limit(bindparam("size", type_=Integer()))
        return renamed(page, slot, size)

    def thing(self, thing: Thing, rows: Level) -> Piece:
        """An object out of a level's row: the fields of its kind."""
        if not thing.by:
            return self._kind(thing.kinds[0], rows, ())
        by = rows[thing.by]
        pieces: list[tuple[Any, Piece]] = []
        for kind in thing.kinds:
            of_kind = by == quoted(kind.value)
            pieces.append((of_kind, self._kind(kind, rows, (of_kind,))))
        fails = func.to_json(refusal(rows.key, Text()), type_=JSON_TYPE)
        return Piece(
            case(*((test, piece.json) for test, piece in pieces), else_=fails),
            case(*((test, number(piece.weight)) for test, piece in pieces), else_=number(0)),
            tuple(join for _, piece in pieces for join in piece.joins),
        )

    def _root(self, root: Root) -> Piece:
        match root:
            case Leaf(value=Fixed(json=text)):
                return Piece(json_text(text))
            case ByKey(thing=None):
                return Piece(null())
            case ByKey(thing=Thing() as thing, slot=slot, unit=unit):
                key = bindparam(f"s{slot}_key", type_=Uuid())
                one = self.registry[thing.entity]
                return self._found(thing, [one.key == key], unit)
            case ByKeys():
                return self._by_keys(root)
            case Paged():
                return paged(self, root, [])
        raise NotWoven(root.key)

    def _found(self, thing: Thing, conditions: list[Any], unit: int) -> Piece:
        """The object with the lowest key for which the conditions hold, or null."""
        one, want = self.registry[thing.entity], wanted(thing)
        names = tuple(sorted(want.fields)), tuple(sorted(want.relations))
        seen = Narrowing(scopes_of(one, self._viewer))
        rows = (
            select(*statements.columns_read(one, *names))
            .where(*allowed(one, seen), *conditions)
            .order_by(one.key)
            .limit(literal_column("1"))
        )
        below = self.level(one, *names)
        piece = self.thing(thing, below)
        found = (
            select(piece.json.label("j"), number(plus(unit, piece.weight)).label("w"))
            .select_from(joined_to(rows.subquery(below.name), piece.joins))
            .lateral(self.name("x"))
        )
        weight = func.coalesce(_weight_in(found), number(0), type_=BigInteger())
        return Piece(_json_in(found), weight, (Join(found, outer=True),))

    def _by_keys(self, root: ByKeys) -> Piece:
        given, prefix = self.name("u"), f"s{root.slot}_"
        arrays = func.unnest(
            bindparam(f"{prefix}keys", type_=ARRAY(Uuid())),
            bindparam(f"{prefix}kinds", type_=ARRAY(Integer())),
        )
        rows = arrays.table_valued(
            column("key", Uuid()), column("kind", Integer()), with_ordinality="n"
        ).render_derived(name=given)
        key = literal_column(f"{given}.key", Uuid())
        kind = literal_column(f"{given}.kind", Integer())
        pieces: list[tuple[Any, Piece]] = []
        for at, thing in enumerate(root.things):
            of_kind = kind == literal_column(str(at), Integer())
            one = self.registry[thing.entity]
            pieces.append((of_kind, self._found(thing, [one.key == key, of_kind], root.unit)))
        tests = [(test, piece.json) for test, piece in pieces]
        each = Piece(
            case(*tests, else_=null()) if tests else literal_column("null::json", JSON_TYPE),
            plus(*(piece.weight for _, piece in pieces)),
            tuple(join for _, piece in pieces for join in piece.joins),
        )
        order: Expression = literal_column(f"{given}.n")
        made = (
            select(listed(each, order).label("j"), number(summed(each.weight)).label("w"))
            .select_from(joined_to(rows, each.joins))
            .lateral(self.name("x"))
        )
        return Piece(_json_in(made), _weight_in(made), (Join(made),))

    def _kind(self, kind: Kind, rows: Level, also: tuple[Any, ...]) -> Piece:
        """The fields of a kind; what hangs on them is only looked for where `also` holds."""
        pieces = [(node, self._node(node, rows, also)) for node in kind.nodes]
        if not pieces:
            return Piece(json_text("{}"))
        shown = self.record([(node.key, piece.json) for node, piece in pieces])
        weight = plus(*(node.base for node in kind.nodes), *(piece.weight for _, piece in pieces))
        joins = [join for _, piece in pieces for join in piece.joins]
        row = row_of(shown)
        return Piece(json_of(row), weight, (*joins, Join(shown)), row)

    def _node(self, node: Node, rows: Level, also: tuple[Any, ...]) -> Piece:
        match node:
            case Leaf():
                return Piece(self._leaf(node, rows))
            case Group():
                return self._group(node, rows)
            case Single():
                return self._single(node, rows, also)
            case Several():
                return self._several(node, rows, also)
            case Paged():
                return paged(self, node, [*also, self._belongs(node.relation, rows)])

    def _belongs(self, relation: str, rows: Level) -> Any:
        return rows.one.relations[relation].theirs == rows[relation_slot(relation)]

    def _single(self, node: Single, rows: Level, also: tuple[Any, ...]) -> Piece:
        piece = self._found(node.thing, [self._belongs(node.relation, rows), *also], node.unit)
        if not node.required:
            return piece
        fails = func.to_json(refusal(rows.key, Text()), type_=JSON_TYPE)
        sure = func.coalesce(piece.json, fails, type_=JSON_TYPE)
        return Piece(sure, piece.weight, piece.joins)

    def _several(self, node: Several, rows: Level, also: tuple[Any, ...]) -> Piece:
        shape = self.slots[node.slot].page
        assert shape is not None, "a plain list shows rows"
        one = self.registry[node.thing.entity]
        below = self.level(one, shape.fields, shape.relations)
        inner = self.rows(node.slot, shape, [*also, self._belongs(node.relation, rows)])
        piece = self.thing(node.thing, below)
        whole = Piece(piece.json, plus(node.unit, piece.weight), piece.joins, piece.row)
        return self.aggregated(inner, below, whole)

    def _group(self, group: Group, rows: Level) -> Piece:
        shown = self.record([(leaf.key, self._value(leaf.value, rows)) for leaf in group.leaves])
        made, joins = json_of(row_of(shown)), (Join(shown),)
        if not _may_be_null(rows.one, group.present):
            return Piece(made, joins=joins)
        fails = func.to_json(refusal(rows.key, Text()), type_=JSON_TYPE)
        absent = rows[group.present].is_(null())
        return Piece(case((absent, fails if group.required else null()), else_=made), joins=joins)

    def _leaf(self, leaf: Leaf, rows: Level) -> Expression:
        shown = self._value(leaf.value, rows)
        value = leaf.value
        if leaf.required and isinstance(value, Shown) and _may_be_null(rows.one, value.field):
            return func.coalesce(shown, refusal(rows.key, shown.type), type_=shown.type)
        return shown

    def _value(self, value: Value, rows: Level) -> Expression:
        match value:
            case Fixed(json=text):
                return json_text(text)
            case KindName(by=by, names=names):
                tests = [(rows[by] == quoted(kind), quoted(name)) for kind, name in names]
                return case(*tests, else_=refusal(rows.key, Text()))
            case KeyText(prefix=prefix):
                return joined(quoted(f"{prefix}_"), hex_of(rows.key))
            case Shown():
                return self._shown(value, rows)
            case Amount(minor=minor, currency=currency):
                return amount(rows[minor], rows[currency])
            case Capped(field=name, cap=cap):
                return func.least(rows[name], number(cap), type_=BigInteger())
            case Precision(field=name, cap=cap):
                exact = rows[name] <= number(cap)
                return case((exact, quoted(value.exact)), else_=quoted(value.more))

    def _shown(self, value: Shown, rows: Level) -> Expression:
        raw = rows[value.field]
        mask = rows.one.fields[value.field].mask
        if mask is not None and value.field in rows.one.masked_for(self._viewer):
            if mask.said is None:
                raise NotWoven(f"{rows.one.name}.{value.field} has no mask in SQL")
            raw = mask.said(raw)
        match value.form:
            case Form.INSTANT:
                return instant(raw)
            case Form.TEXT:
                return cast(raw, Text())
            case Form.TEXTS:
                has_hole = func.array_position(raw, null()).is_not(null())
                return case((has_hole, refusal(rows.key, raw.type)), else_=raw)
            case _:
                return raw


def _may_be_null(one: Linked, field: str) -> bool:
    return bool(getattr(one.fields[field].source, "nullable", True))


def _json_in(made: Any) -> Expression:
    return literal_column(f"{made.name}.j", JSON_TYPE)


def _weight_in(made: Any) -> Weight:
    return literal_column(f"{made.name}.w", BigInteger())


__all__ = ["NotWoven", "Slot", "Weaver"]
