"""Whole operations as one statement each: compiled once, bound per call.

A tree (`domain.reads.tree`) and the shapes of a call's pages decide the text; values are bound.
What a caller may not ask is refused here by the same functions that judge it for loaders.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final, TypeAlias
from uuid import UUID

from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from domain.reads.declare import Op, Selection, Viewer
from domain.reads.keyset import Cursors, Page
from domain.reads.registry import Linked, Registry
from domain.reads.shape import Condition, Narrowing, narrowing_of, question_of
from domain.reads.tree import (
    CURSOR,
    ByKey,
    ByKeys,
    Edges,
    InfoPart,
    Node,
    Paged,
    Root,
    Rows,
    Several,
    Single,
    Thing,
    Told,
    Whole,
    wanted,
)
from domain.reads.weave import Slot, Weaver
from domain.reads.wording import words_of

_VIEWER: Final = ("brand_id", "viewer_id", "viewer_client_id", "viewer_ib_path")
Convert: TypeAlias = Callable[[Any], Any]


@cache
def _dialect_of(major: int) -> PGDialect_asyncpg:
    made = PGDialect_asyncpg()  # type: ignore[no-untyped-call] # of SQLAlchemy
    made.server_version_info = (major,)
    return made


@dataclass(frozen=True, slots=True)
class Hole:
    """A value that is not there yet: where it stands, its name, and how the driver takes it."""

    at: int
    name: str
    convert: Convert | None

    def taken(self, value: Any) -> Any:
        """A value as the driver takes it."""
        return self.convert(value) if self.convert and value is not None else value


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement that answers an operation: a row with a value, see `Weaver.whole`.

    `text` numbers its parameters from `$1`; `values` gives them for a call.
    """

    text: str
    _names: tuple[tuple[str, Convert | None], ...]
    _fixed: Mapping[str, Any]

    @property
    def parameters(self) -> int:
        """How many values the text takes."""
        return len(self._names)

    def within(self, text: str) -> "Statement":
        """The same inside a statement that takes further parameters behind these."""
        return replace(self, text=text)

    def holes(self, names: frozenset[str]) -> tuple[Hole, ...]:
        """Where the parameters of these names stand."""
        return tuple(
            Hole(at, name, convert)
            for at, (name, convert) in enumerate(self._names)
            if name in names
        )

    def values(self, given: Mapping[str, Any]) -> list[Any]:
        """The values of the parameters in order."""
        fixed = self._fixed
        return [
            (convert(value) if convert and value is not None else value)
            for name, convert in self._names
            for value in (given[name] if name in given else fixed[name],)
        ]


@dataclass(frozen=True, slots=True)
class Place:
    """What one slot of a tree asks of each call's page."""

    entity: str
    want: Selection
    rows: bool = False
    counts: bool = False
    cursors: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A page that was judged: what it means for the text, and its values under their names."""

    slot: Slot
    binds: Mapping[str, Any]


KEYS: Final = Slot()
"""The slot of ids: they are values only."""


def places_of(tree: Whole) -> dict[int, Place]:
    """Every slot that takes a page, by its number."""
    found: dict[int, Place] = {}
    waiting: list[Root | Node] = list(tree.roots)
    while waiting:
        node = waiting.pop()
        match node:
            case Paged():
                found[node.slot] = _place_of(node)
            case Several(slot=slot, thing=thing):
                found[slot] = Place(thing.entity, wanted(thing), rows=True)
        for thing in _things(node):
            for kind in thing.kinds:
                waiting.extend(kind.nodes)
    return found


def _place_of(node: Paged) -> Place:
    want, cursors = Selection(), bool(node.info & {InfoPart.START, InfoPart.END})
    for thing in _things(node):
        want |= wanted(thing)
    for part in node.parts:
        if isinstance(part, Edges):
            cursors |= any(isinstance(one, Told) and one.what == CURSOR for one in part.parts)
    return Place(node.entity, want, node.shows_rows, node.counts, cursors)


def _things(node: Root | Node) -> list[Thing]:
    match node:
        case Single(thing=thing) | Several(thing=thing):
            return [thing]
        case ByKey(thing=thing):
            return [thing] if thing else []
        case ByKeys(things=things):
            return list(things)
        case Paged(parts=parts):
            inner = [p for e in parts if isinstance(e, Edges) for p in e.parts]
            return [each.thing for each in (*parts, *inner) if isinstance(each, Rows)]
        case _:
            return []


def call_of(
    registry: Registry,
    place: Place,
    page: Page,
    *,
    viewer: Viewer,
    cursors: Cursors,
    at: int,
    says_words: bool = True,
) -> Call:
    """A page for the slot `at`; where it `says_words`, those of filters are in the text. Refusals:
    BAD_USER_INPUT, FORBIDDEN, as for loaders."""
    one, binds = registry[place.entity], {}
    shape = counted = None
    if place.rows:
        question = question_of(one, page, place.want, viewer=viewer, cursors=cursors)
        shape = question.shape
        if says_words:
            narrowing = worded(one, shape.narrowing, question.binds)
            shape = replace(shape, narrowing=narrowing)
        binds = {name: value for name, value in question.binds.items() if name not in _VIEWER}
        binds["size"], binds["more"] = question.size, question.size + 1
        if place.cursors:
            binds["tag"] = cursors.tag_key(question.plan, viewer.brand_id)
    if place.counts:
        counted, values = narrowing_of(one, page.filter, viewer)
        if says_words:
            counted = worded(one, counted, values)
        binds |= values
    return Call(Slot(shape, counted), {f"s{at}_{name}": value for name, value in binds.items()})


def worded(one: Linked, narrowing: Narrowing, binds: Mapping[str, Any]) -> Narrowing:
    """The same with the words of filters that ask for one of a column's own few.

    They are the installation's and not a caller's: a statement for each lets the planner know how
    many rows have it, and keep what it made of that.
    """
    return replace(
        narrowing, conditions=tuple(_worded(one, c, binds) for c in narrowing.conditions)
    )


def _worded(one: Linked, condition: Condition, binds: Mapping[str, Any]) -> Condition:
    value = binds[condition.bind]
    if condition.op is Op.EQ and value in words_of(one.filters[condition.field].column):
        return replace(condition, word=str(value))
    return condition


def key_call(key: UUID | None, *, at: int) -> Call:
    """An id for the slot `at`."""
    return Call(KEYS, {f"s{at}_key": key})


def keys_call(keys: Sequence[UUID | None], kinds: Sequence[int], *, at: int) -> Call:
    """Ids for the slot `at`, each with the number of its thing."""
    return Call(KEYS, {f"s{at}_keys": list(keys), f"s{at}_kinds": list(kinds)})


def compiled(
    registry: Registry, viewer: Viewer, tree: Whole, slots: Sequence[Slot], major: int
) -> Statement:
    """The statement for a tree, as a Postgres of this version or a later one may be asked.

    Raises NotWoven for what has no form in SQL.
    """
    dialect = _dialect_of(major)
    made = Weaver(registry, viewer, slots).whole(tree).compile(dialect=dialect)
    names: list[tuple[str, Convert | None]] = []
    fixed: dict[str, Any] = {}
    for name in made.positiontup or ():
        bind = made.binds[name]
        names.append((bind.key, bind.type.dialect_impl(dialect).bind_processor(dialect)))
        if not bind.required:
            fixed[bind.key] = bind.effective_value
    return Statement(str(made), tuple(names), fixed)
