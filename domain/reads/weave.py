"""One statement for a whole operation: its rows, nested as the tree says, written as JSON.

Each list and each object is a lateral sub-select over the same page, load or count that loaders
send (`domain.reads.statements`), so that both paths agree on which rows there are and how they
lie. Columns of an outer level are named by text, never by table: every level reads its own.

    select coalesce('[' || string_agg(                          -- a list: its JSON, a text,
      '{"level":' || q1.c1::text || ',"pets":' || x3.j || '}', ',') || ']', '[]') j,
      sum(…) w                                                  -- and its worth
    from (<the page's rows>) q1
      cross join lateral (<a list below>) x3
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Cast,
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
    Join,
    Level,
    NotWoven,
    Piece,
    Weight,
    joined_to,
    level,
    listed,
    number,
    plus,
    renamed,
    summed,
)
from domain.reads.record import relation_slot
from domain.reads.registry import Linked, Registry
from domain.reads.shape import Narrowing, PageShape, scopes_of
from domain.reads.spelling import NULL, Spelt, object_of, plain_text, sure, text_of, value_of
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
from domain.reads.wording import amount, hex_of, instant, quoted, refusal


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
        shown = object_of([(root.key, piece.json) for root, piece in pieces])
        weight = plus(*(root.base for root in tree.roots), *(piece.weight for _, piece in pieces))
        text = text_of((cast(number(weight), Text()), " ", *shown))
        once = select(literal_column("1").label("once")).subquery("once")
        joins = [each for _, piece in pieces for each in piece.joins]
        source = joined_to(once, joins)
        bytes_ = func.convert_to(text, quoted("UTF8"), type_=LargeBinary())
        return select(bytes_).select_from(source)

    def name(self, letter: str) -> str:
        """A name that nothing else in the statement has."""
        self._names += 1
        return f"{letter}{self._names}"

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
        return Piece((_json_in(made),), _weight_in(made), (Join(made),))

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
        Not so where the values of a filter decide which path is good: those are worth a plan.
        """
        rows = statements.page_rows(self.registry, shape, belongs)
        if not shape.narrowing.is_steady:
            return renamed(rows, slot, size)
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
        texts = ((test, text_of(piece.json)) for test, piece in pieces)
        return Piece(
            (case(*texts, else_=refusal(rows.key, Text())),),
            case(*((test, number(piece.weight)) for test, piece in pieces), else_=number(0)),
            tuple(join for _, piece in pieces for join in piece.joins),
        )

    def _root(self, root: Root) -> Piece:
        match root:
            case Leaf(value=Fixed(json=text)):
                return Piece((text,))
            case ByKey(thing=None):
                return Piece((NULL,))
            case ByKey(thing=Thing() as thing, slot=slot, unit=unit):
                key = bindparam(f"s{slot}_key", type_=Uuid())
                one = self.registry[thing.entity]
                return self._found(thing, [one.key == key], unit, NULL)
            case ByKeys():
                return self._by_keys(root)
            case Paged():
                return paged(self, root, [])
        raise NotWoven(root.key)

    def _found(self, thing: Thing, conditions: list[Any], unit: int, absent: Expression) -> Piece:
        """The object with the lowest key for which the conditions hold, or else `absent`."""
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
            select(text_of(piece.json).label("j"), number(plus(unit, piece.weight)).label("w"))
            .select_from(joined_to(rows.subquery(below.name), piece.joins))
            .lateral(self.name("x"))
        )
        weight = func.coalesce(_weight_in(found), number(0), type_=BigInteger())
        return Piece(sure((_json_in(found),), absent), weight, (Join(found, outer=True),))

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
            found = self._found(thing, [one.key == key, of_kind], root.unit, NULL)
            pieces.append((of_kind, found))
        tests = [(test, text_of(piece.json)) for test, piece in pieces]
        each = Piece(
            (case(*tests, else_=NULL) if tests else NULL,),
            plus(*(piece.weight for _, piece in pieces)),
            tuple(join for _, piece in pieces for join in piece.joins),
        )
        order: Expression = literal_column(f"{given}.n")
        made = (
            select(listed(each, order).label("j"), number(summed(each.weight)).label("w"))
            .select_from(joined_to(rows, each.joins))
            .lateral(self.name("x"))
        )
        return Piece((_json_in(made),), _weight_in(made), (Join(made),))

    def _kind(self, kind: Kind, rows: Level, also: tuple[Any, ...]) -> Piece:
        """The fields of a kind; what hangs on them is only looked for where `also` holds."""
        pieces = [(node, self._node(node, rows, also)) for node in kind.nodes]
        shown = object_of([(node.key, piece.json) for node, piece in pieces])
        weight = plus(*(node.base for node in kind.nodes), *(piece.weight for _, piece in pieces))
        return Piece(shown, weight, tuple(join for _, piece in pieces for join in piece.joins))

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
                return paged(self, node, [*also, self._belongs(node.relation, rows)], rows)

    def _belongs(self, relation: str, rows: Level) -> Any:
        return rows.one.relations[relation].theirs == rows[relation_slot(relation)]

    def _single(self, node: Single, rows: Level, also: tuple[Any, ...]) -> Piece:
        absent = refusal(rows.key, Text()) if node.required else NULL
        belongs = [self._belongs(node.relation, rows), *also]
        return self._found(node.thing, belongs, node.unit, absent)

    def _several(self, node: Several, rows: Level, also: tuple[Any, ...]) -> Piece:
        shape = self.slots[node.slot].page
        assert shape is not None, "a plain list shows rows"
        one = self.registry[node.thing.entity]
        below = self.level(one, shape.fields, shape.relations)
        inner = self.rows(node.slot, shape, [*also, self._belongs(node.relation, rows)])
        piece = self.thing(node.thing, below)
        whole = Piece(piece.json, plus(node.unit, piece.weight), piece.joins)
        return self.aggregated(inner, below, whole)

    def _group(self, group: Group, rows: Level) -> Piece:
        shown = object_of(
            [(leaf.key, self._leaf(leaf, rows, known=group.present)) for leaf in group.leaves]
        )
        if not _may_be_null(rows.one, group.present):
            return Piece(shown)
        absent = refusal(rows.key, Text()) if group.required else NULL
        test = rows[group.present].is_(null())
        return Piece((case((test, absent), else_=text_of(shown)),))

    def _leaf(self, leaf: Leaf, rows: Level, known: str = "") -> Spelt:
        """A value; what of it may be null is said. The field `known` is not."""
        shown = self._value(leaf.value, rows)
        if not self._is_unsure(leaf.value, rows, known):
            return shown
        return sure(shown, refusal(rows.key, Text()) if leaf.required else NULL)

    def _is_unsure(self, value: Value, rows: Level, known: str) -> bool:
        match value:
            case Shown(field=name, form=form):
                # A mask may give nothing, and there is no text of an infinite instant.
                fields: tuple[str, ...] = (name,)
                if form is Form.INSTANT or name in rows.one.masked_for(self._viewer):
                    return True
            case Amount(minor=minor, currency=currency):
                fields = (minor, currency)
            case _:
                return False
        return any(_may_be_null(rows.one, name) for name in fields if name != known)

    def _value(self, value: Value, rows: Level) -> Spelt:
        match value:
            case Fixed(json=text):
                return (text,)
            case KindName(by=by, names=names):
                tests = [(rows[by] == quoted(kind), quoted(name)) for kind, name in names]
                return plain_text(case(*tests, else_=refusal(rows.key, Text())))
            case KeyText(prefix=prefix):
                return (f'"{prefix}_', hex_of(rows.key), '"')
            case Shown():
                return self._shown(value, rows)
            case Amount(minor=minor, currency=currency):
                return plain_text(amount(rows[minor], rows[currency]))
            case Capped(field=name, cap=cap):
                return value_of(func.least(rows[name], number(cap), type_=BigInteger()))
            case Precision(field=name, cap=cap):
                exact = rows[name] <= number(cap)
                return plain_text(case((exact, quoted(value.exact)), else_=quoted(value.more)))

    def _shown(self, value: Shown, rows: Level) -> Spelt:
        raw, source = rows[value.field], rows.one.fields[value.field].source
        mask = rows.one.fields[value.field].mask
        if mask is not None and value.field in rows.one.masked_for(self._viewer):
            if mask.said is None:
                raise NotWoven(f"{rows.one.name}.{value.field} has no mask in SQL")
            raw = source = mask.said(raw)
        match value.form:
            case Form.INSTANT:
                return plain_text(instant(raw))
            case Form.TEXT:
                return value_of(cast(raw, Text()), cast(source, Text()))
            case Form.TEXTS:
                has_hole = func.array_position(raw, null()).is_not(null())
                return value_of(case((has_hole, refusal(rows.key, raw.type)), else_=raw))
            case _:
                return value_of(raw, source)


def _may_be_null(one: Linked, field: str) -> bool:
    source = one.fields[field].source
    return bool(getattr(source.clause if isinstance(source, Cast) else source, "nullable", True))


def _json_in(made: Any) -> Expression:
    return literal_column(f"{made.name}.j", Text())


def _weight_in(made: Any) -> Weight:
    return literal_column(f"{made.name}.w", BigInteger())


__all__ = ["NotWoven", "Slot", "Weaver"]
