"""Connections inside a woven statement: rows, edges, what is known of the page, and the count.

A page's rows are read as loaders read them. They are numbered only where the answer tells
something of their place; one more than the page holds is read only where it tells whether there
are more.
"""

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    FromClause,
    Integer,
    LargeBinary,
    Select,
    Text,
    bindparam,
    case,
    cast,
    false,
    func,
    literal_column,
    select,
)

from domain.reads import statements
from domain.reads.declare import Expression
from domain.reads.engine import COUNT_CAP
from domain.reads.pieces import (
    Join,
    Level,
    NotWoven,
    Piece,
    Weight,
    joined_to,
    listed,
    number,
    plus,
    renamed,
    summed,
)
from domain.reads.registry import kind_of
from domain.reads.shape import Narrowing
from domain.reads.spelling import Spelt, object_of, plain_text, sure
from domain.reads.tree import About, CountPart, Edges, Fixed, InfoPart, Leaf, Paged, Rows, Told
from domain.reads.wording import cursor, quoted

if TYPE_CHECKING:
    from domain.reads.weave import Weaver


def paged(weaver: "Weaver", node: Paged, belongs: list[Any], parents: Level | None = None) -> Piece:
    """A connection over the rows for which `belongs` holds, to a row of `parents` if any."""
    joins: list[Join] = []
    told: dict[str, Expression] = {}
    weight: Weight = 0
    if node.shows_rows:
        page = _Page(weaver, node, belongs)
        made = page.made()
        joins.append(Join(made))
        weight = literal_column(f"{made.name}.w", BigInteger())
        told |= {name: literal_column(f"{made.name}.{name}") for name in page.columns}
    if node.counts:
        narrowing = weaver.slots[node.slot].counted
        assert narrowing is not None, "the number was asked"
        if parents is not None and node.kept and narrowing.is_all:
            told |= _capped(parents[node.kept])
        else:
            counted = _counted(weaver, node, narrowing, belongs)
            joins.append(Join(counted))
            told |= {str(part): literal_column(f"{counted.name}.{part}") for part in CountPart}
    columns: list[tuple[str, Spelt]] = []
    for at, part in enumerate(node.parts):
        match part:
            case Rows() | Edges():
                columns.append((part.key, (told[f"p{at}"],)))
            case About():
                about = object_of([(each.key, _shown(each, told)) for each in part.parts])
                columns.append((part.key, about))
            case Leaf(value=Fixed(json=text)):
                columns.append((part.key, (text,)))
            case _:
                raise NotWoven(part.key)
    return Piece(object_of(columns), weight, tuple(joins))


def _shown(part: Told | Leaf, told: dict[str, Expression]) -> Spelt:
    if isinstance(part, Leaf):
        return _fixed(part)
    value = told[str(part.what)]
    match part.what:
        case InfoPart.START | InfoPart.END:
            return sure(plain_text(value))
        case CountPart.PRECISION:
            return plain_text(case((value, quoted(part.words[0])), else_=quoted(part.words[1])))
        case _:
            return (cast(value, Text()),)


def _fixed(leaf: Leaf) -> Spelt:
    if not isinstance(leaf.value, Fixed):
        raise NotWoven(leaf.key)
    return (leaf.value.json,)


def _counted(weaver: "Weaver", node: Paged, narrowing: Narrowing, belongs: list[Any]) -> Any:
    one = weaver.registry[node.entity]
    rows = statements.counted_rows(weaver.registry, one, narrowing, belongs)
    inner = renamed(rows.limit(number(COUNT_CAP + 1)), node.slot).subquery(weaver.name("r"))
    found = literal_column("count(*)", BigInteger())
    told = [each.label(part) for part, each in _capped(found).items()]
    return select(*told).select_from(inner).lateral(weaver.name("x"))


def _capped(found: Expression) -> dict[str, Expression]:
    return {
        CountPart.VALUE: func.least(found, number(COUNT_CAP)),
        CountPart.PRECISION: found <= number(COUNT_CAP),
    }


class _Page:
    """The aggregate over a connection's rows: each asked form of them, and what is told of it."""

    def __init__(self, weaver: "Weaver", node: Paged, belongs: list[Any]) -> None:
        shape = weaver.slots[node.slot].page
        assert shape is not None, "rows were asked"
        self._weaver, self._node, self._shape, self._belongs = weaver, node, shape, belongs
        one = weaver.registry[node.entity]
        self._rows = weaver.level(one, shape.fields, shape.relations)
        self._joins: list[Join] = []
        self._weights: list[Weight] = []
        self._is_numbered = bool(node.info) or shape.backward
        beyond = InfoPart.HAS_PREVIOUS if shape.backward else InfoPart.HAS_NEXT
        self._reads_more = beyond in node.info
        self.columns = self._parts()

    def made(self) -> Any:
        """The one row of it: `columns`, and `w` for what the rows are worth."""
        weight = number(summed(plus(*self._weights))).label("w")
        shown = [each.label(name) for name, each in self.columns.items()]
        source = joined_to(self._source(), self._joins)
        made = select(*shown, weight).select_from(source)
        if self._reads_more:
            made = made.where(self._at("n") <= self._size())
        return made.lateral(self._weaver.name("x"))

    def _parts(self) -> dict[str, Expression]:
        columns: dict[str, Expression] = {}
        # Rows of a backward page come last first.
        order = self._at("n").desc() if self._shape.backward else None
        for at, part in enumerate(self._node.parts):
            match part:
                case Rows():
                    columns[f"p{at}"] = listed(self._object(part), order)
                case Edges():
                    columns[f"p{at}"] = listed(self._edge(part), order)
                case _:
                    pass
        return columns | {str(asked): self._info(asked) for asked in sorted(self._node.info)}

    def _source(self) -> FromClause:
        size = "more" if self._reads_more else "size"
        rows: Select[Any] = self._weaver.rows(
            self._node.slot, self._shape, self._belongs, size=size
        )
        if not self._is_numbered:
            return rows.subquery(self._rows.name)
        inner = rows.subquery(self._weaver.name("p"))
        place: Any = literal_column("row_number() over ()").label("n")
        read: Any = literal_column("count(*) over ()").label("m")
        return select(*inner.c, place, read).subquery(self._rows.name)

    def _at(self, name: str) -> Expression:
        return self._rows.column(name, BigInteger())

    def _size(self) -> Expression:
        return bindparam(f"s{self._node.slot}_size", type_=Integer())

    def _object(self, rows: Rows) -> Piece:
        piece = self._weaver.thing(rows.thing, self._rows)
        self._joins += piece.joins
        self._weights += [rows.unit, piece.weight]
        return piece

    def _edge(self, edges: Edges) -> Piece:
        self._weights.append(edges.unit)
        columns: list[tuple[str, Spelt]] = []
        for part in edges.parts:
            match part:
                case Rows():
                    columns.append((part.key, self._object(part).json))
                case Told():
                    columns.append((part.key, sure(plain_text(self._cursor()))))
                case Leaf():
                    columns.append((part.key, _fixed(part)))
        return Piece(object_of(columns))

    def _cursor(self) -> Expression:
        keys = statements.sort_columns(self._rows.one, self._shape)
        kinds = [kind_of(each) or "" for each in keys]
        values = [self._rows.column(f"s{at}", each.type) for at, each in enumerate(keys)]
        tag_key = bindparam(f"s{self._node.slot}_tag", type_=LargeBinary())
        return cursor(tag_key, kinds, values)

    def _info(self, asked: str) -> Expression:
        backward = self._shape.backward
        match asked:
            case InfoPart.START | InfoPart.END:
                is_first_read = backward is (asked == InfoPart.END)
                last = func.least(self._at("m"), self._size(), type_=BigInteger())
                at = number(1) if is_first_read else last
                return func.max(self._cursor()).filter(self._at("n") == at)
            case InfoPart.HAS_NEXT | InfoPart.HAS_PREVIOUS:
                if backward is (asked == InfoPart.HAS_PREVIOUS):
                    return func.coalesce(func.bool_or(self._at("m") > self._size()), false())
                return self._neighbour("b" if backward else "a")
        raise NotWoven(asked)

    def _neighbour(self, side: str) -> Expression:
        """Whether a row lies at or before the cursor that the page begins after."""
        shape = self._shape
        if (shape.after if side == "a" else shape.before) is None:
            return false()
        up = shape.sort.descending is not (side == "a")
        probe = statements.outside_row(self._weaver.registry, shape, side, up=up)
        return renamed(probe.where(*self._belongs), self._node.slot).exists()
