"""What a whole operation asks, as a tree: the question that one statement answers.

Keys are the names in the answer. A tree holds no value of a caller: pages, ids and filters come
with each call, in the slots that nodes name. `base` and `unit` are what the row of an answer is
worth, as the cost of an operation counts it: `base` once wherever the key is shown, `unit` for
each object under it.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from domain.reads.declare import Selection


class Form(StrEnum):
    """How a value is written in JSON."""

    AS_IS = "as_is"
    INSTANT = "instant"
    TEXT = "text"
    TEXTS = "texts"


@dataclass(frozen=True, slots=True)
class Fixed:
    """The same for every row: a JSON text."""

    json: str


@dataclass(frozen=True, slots=True)
class KindName:
    """A text for each kind of row, by the field `by` that tells kinds apart."""

    by: str
    names: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class KeyText:
    """The global id made of the row's own key: `<prefix>_<32 hex digits>`."""

    prefix: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A field of the entity, masked where the viewer gets it masked."""

    field: str
    form: Form = Form.AS_IS


@dataclass(frozen=True, slots=True)
class Amount:
    """A decimal text from a field of minor units, with exactly the decimals of its currency."""

    minor: str
    currency: str


@dataclass(frozen=True, slots=True)
class Capped:
    """A number, no more than `cap`."""

    field: str
    cap: int


@dataclass(frozen=True, slots=True)
class Precision:
    """One of two words: whether a number is at most `cap`."""

    field: str
    cap: int
    exact: str
    more: str


Value: TypeAlias = Fixed | KindName | KeyText | Shown | Amount | Capped | Precision


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value. A plan gives up where a `required` one is null."""

    key: str
    value: Value
    required: bool
    base: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """A value object made of the row's own fields; null where the field `present` is."""

    key: str
    leaves: tuple[Leaf, ...]
    present: str
    required: bool
    base: int = 0


@dataclass(frozen=True, slots=True)
class Single:
    """The object that a relation to one leads to."""

    key: str
    relation: str
    thing: "Thing"
    required: bool
    base: int = 0
    unit: int = 0


@dataclass(frozen=True, slots=True)
class Several:
    """A plain list over a relation to many. `slot` says which page of the call it shows."""

    key: str
    relation: str
    slot: int
    thing: "Thing"
    base: int = 0
    unit: int = 0


class InfoPart(StrEnum):
    """What is known of a page's place in its list."""

    HAS_NEXT = "has_next"
    HAS_PREVIOUS = "has_previous"
    START = "first_at"
    END = "last_at"


class CountPart(StrEnum):
    """What is known of the number of rows: itself, and whether that is all."""

    VALUE = "value"
    PRECISION = "precision"


CURSOR: Final = "cursor"
"""A row's own position, told on its edge."""


@dataclass(frozen=True, slots=True)
class Told:
    """A value about a page instead of a row."""

    key: str
    what: InfoPart | CountPart | str
    words: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class Rows:
    """The page's rows."""

    key: str
    thing: "Thing"
    unit: int = 0


@dataclass(frozen=True, slots=True)
class Edges:
    """The page's rows, each beside its cursor."""

    key: str
    parts: "tuple[Told | Leaf | Rows, ...]"
    unit: int = 0


@dataclass(frozen=True, slots=True)
class About:
    """A value object about the page or the number of rows."""

    key: str
    parts: tuple[Told | Leaf, ...]
    counts: bool


PagePart: TypeAlias = Rows | Edges | About | Leaf


@dataclass(frozen=True, slots=True)
class Paged:
    """A connection: over a relation to many, or over a whole entity when there is no relation.

    `kept` is the parent's field in which the database keeps the number of rows, if there is one.
    """

    key: str
    entity: str
    relation: str
    slot: int
    parts: tuple[PagePart, ...]
    base: int = 0
    kept: str = ""

    @property
    def shows_rows(self) -> bool:
        """Whether anything but the count is asked."""
        return any(
            isinstance(each, Rows | Edges) or (isinstance(each, About) and not each.counts)
            for each in self.parts
        )

    @property
    def counts(self) -> bool:
        """Whether the number of rows is asked."""
        return any(isinstance(each, About) and each.counts for each in self.parts)

    @property
    def info(self) -> frozenset[str]:
        """Everything asked about the page's place."""
        return frozenset(
            str(told.what)
            for each in self.parts
            if isinstance(each, About) and not each.counts
            for told in each.parts
            if isinstance(told, Told)
        )


Node: TypeAlias = Leaf | Group | Single | Several | Paged


@dataclass(frozen=True, slots=True)
class Kind:
    """What is shown of rows of one kind; `value` is that of the field that tells kinds apart."""

    value: str
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Thing:
    """What is shown of an entity's rows. One kind without a value shows all rows alike."""

    entity: str
    kinds: tuple[Kind, ...]
    by: str = ""


@dataclass(frozen=True, slots=True)
class ByKey:
    """An object by the key in a slot; `thing` is None where no key can find anything."""

    key: str
    slot: int
    thing: Thing | None
    base: int = 0
    unit: int = 0


@dataclass(frozen=True, slots=True)
class ByKeys:
    """Objects by the keys in a slot, in order, null where there is none."""

    key: str
    slot: int
    things: tuple[Thing, ...]
    base: int = 0
    unit: int = 0


Root: TypeAlias = Leaf | ByKey | ByKeys | Paged


@dataclass(frozen=True, slots=True)
class Whole:
    """One operation."""

    roots: tuple[Root, ...]


def wanted(thing: Thing) -> Selection:
    """What to read of a thing's rows, of whichever kind they are."""
    fields: set[str] = {thing.by} if thing.by else set()
    relations: set[str] = set()
    for kind in thing.kinds:
        for node in kind.nodes:
            match node:
                case Leaf(value=value):
                    fields.update(_fields_of(value))
                case Group(leaves=leaves, present=present):
                    fields.add(present)
                    for leaf in leaves:
                        fields.update(_fields_of(leaf.value))
                case Paged(relation=name, kept=kept):
                    relations.add(name)
                    if kept and node.counts:
                        fields.add(kept)
                case Single(relation=name) | Several(relation=name):
                    relations.add(name)
    return Selection(frozenset(fields), frozenset(relations))


def _fields_of(value: Value) -> tuple[str, ...]:
    match value:
        case Shown(field=name) | Capped(field=name) | Precision(field=name):
            return (name,)
        case Amount(minor=minor, currency=currency):
            return (minor, currency)
        case KindName(by=by):
            return (by,)
        case _:
            return ()
