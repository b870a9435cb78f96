"""What a context says about the things the API shows: the words of a `reads.py`.

Declarations hold SQLAlchemy Core columns and names of other entities, nothing of GraphQL.
They are inert until `Registry.link` has resolved every name.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, TypeAlias
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, Table, Text, Uuid, bindparam, func

Expression: TypeAlias = ColumnElement[Any]

# Values of the viewer inside declared expressions. They are binds, so that one statement text
# serves every viewer with the same rights.
BRAND: Final[BindParameter[UUID]] = bindparam("brand_id", type_=Uuid())
VIEWER_ID: Final[BindParameter[UUID]] = bindparam("viewer_id", type_=Uuid())
VIEWER_CLIENT: Final[BindParameter[UUID]] = bindparam("viewer_client_id", type_=Uuid())
VIEWER_IB_PATH: Final[BindParameter[str]] = bindparam("viewer_ib_path", type_=Text())
_NOBODY: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who reads. `client_id` and `ib_path` are set for a client's and an ib's own session."""

    brand_id: UUID
    permissions: frozenset[str] = frozenset()
    id: UUID | None = None
    client_id: UUID | None = None
    ib_path: str | None = None

    def outline(self) -> "Viewer":
        """What a statement's text may depend on: the rights, and which values there are."""
        return Viewer(
            _NOBODY,
            self.permissions,
            id=self.id and _NOBODY,
            client_id=self.client_id and _NOBODY,
            ib_path=self.ib_path and "/",
        )

    def binds(self) -> dict[str, Any]:
        """The values that every derived statement may use."""
        return {
            "brand_id": self.brand_id,
            "viewer_id": self.id,
            "viewer_client_id": self.client_id,
            "viewer_ib_path": self.ib_path,
        }


@dataclass(frozen=True, slots=True)
class Mask:
    """Without the permission `needs` a reader gets `how(value)`; a null stays null.

    `said` is the same in SQL, for statements that write an answer by themselves; without it the
    field's masked form is not compiled.
    """

    needs: str
    how: Callable[[Any], Any]
    said: Callable[[Expression], Expression] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """Where a field comes from: a column or an expression over the entity's table."""

    source: Expression
    mask: Mask | None = None


class Op(StrEnum):
    """What a filter may ask of a column."""

    EQ = "eq"
    IN = "in"
    GTE = "gte"
    LT = "lt"
    CONTAINS = "contains"


@dataclass(frozen=True, slots=True, eq=False)
class FilterField:
    """A column that callers may filter by; without `ops`, those that fit the column's type."""

    column: Expression
    ops: frozenset[Op] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class SuffixSearch:
    """Search by part of a text through a table of suffixes `(brand_id, suffix, <key>)`.

    `suffix` is `collate "C"` and normalised as the term is here; `suffix ^@ term` is then an index
    condition even under row-level security. `covers` names the fields whose text went into the
    table: a viewer who gets one of them masked may not search, unless `kind` names a column that
    tells which field a suffix came from, which restricts the search to the fields in clear.
    """

    table: Table
    key: str
    covers: tuple[str, ...]
    kind: str | None = None
    normalise: Callable[[str], str] = field(default=lambda text: " ".join(text.lower().split()))
    shortest: int = 2


@dataclass(frozen=True, slots=True, eq=False)
class PartSearch:
    """Search by part of a text through a function `(brand, term, fields)` of the database, which
    gives the keys of what has the term in one of the fields.

    For tables too large to store every suffix of them: the function reads an index that no
    condition may use under row-level security, and must hold itself to the transaction's brand.
    What it finds is shown through the entity's own table and scopes. `covers` names the fields: a
    viewer searches those that it sees in clear.
    """

    function: str
    covers: tuple[str, ...]
    normalise: Callable[[str], str]
    shortest: int


@dataclass(frozen=True, slots=True)
class One:
    """A relation to at most one `target`: our column `own` holds its column `theirs` (its key).

    `own` may also name a field of ours, an expression that finds the key.
    """

    target: str
    own: str | None = None
    theirs: str | None = None


@dataclass(frozen=True, slots=True)
class Many:
    """A relation to many `target`s: their column `theirs` holds our column `own` (our key).

    `kept` names a field of ours, a column never null and not masked, in which the database keeps
    how many there are.
    """

    target: str
    theirs: str
    own: str | None = None
    kept: str = ""


Relation: TypeAlias = One | Many


@dataclass(frozen=True, slots=True, eq=False)
class RowScope:
    """Narrows the rows of an entity in every statement on it.

    Applies to viewers for whom `when` holds and who lack the permission `unless`; both absent
    means everybody. `when` may look at which values a viewer has, not at the values: statements
    are shared by viewers alike. `where` uses the binds above for the viewer's own values.
    """

    where: ColumnElement[bool]
    unless: str | None = None
    when: Callable[[Viewer], bool] | None = None

    def applies_to(self, viewer: Viewer) -> bool:
        """Whether this viewer is narrowed."""
        if self.unless is not None and self.unless in viewer.permissions:
            return False
        return self.when is None or self.when(viewer)


@dataclass(frozen=True, slots=True)
class Through:
    """The scopes of a `One` relation's target hold for us too: no account without its client."""

    relation: str


def own_rows(table: Table, client: str = "client_id") -> tuple[RowScope, ...]:
    """A client sees rows whose column `client` is its own id, an ib those under its `ib_path`.

    Row-level security says the same; said here as well it can use indexes.
    """
    return (
        RowScope(table.c[client] == VIEWER_CLIENT, when=lambda v: v.client_id is not None),
        RowScope(
            func.starts_with(table.c.ib_path, VIEWER_IB_PATH),
            when=lambda v: v.ib_path is not None and v.client_id is None,
        ),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Entity:
    """One thing the API shows. Names are Python's; `name` is also the prefix of its ids.

    `fields`, `filters` and `orders` take a bare column where nothing more is to be said. Orders
    are lists of columns, all in one direction; the key is added as tie-break. NULL counts as the
    largest value, as in a plain Postgres index. `default_order` is `NAME` or `-NAME`; without it
    the first order, without orders the key, ascending.
    """

    name: str
    table: Table
    fields: Mapping[str, Field | Expression]
    key: str = "id"
    relations: Mapping[str, Relation] = field(default_factory=dict)
    filters: Mapping[str, FilterField | Expression] = field(default_factory=dict)
    orders: Mapping[str, Expression | Sequence[Expression]] = field(default_factory=dict)
    default_order: str = ""
    search: SuffixSearch | PartSearch | None = None
    scopes: tuple[RowScope | Through, ...] = ()


@dataclass(frozen=True, slots=True)
class Extension:
    """A relation that an upper context attaches to a lower entity."""

    entity: str
    relation: str
    value: Relation


def extend(entity: str, relation: str, value: Relation) -> Extension:
    """Attach `relation` to an entity of a lower context: `extend("client", "accounts", Many(…))`.

    Put the result beside the entities of your own context; an unknown entity fails the start.
    """
    return Extension(entity, relation, value)


def columns(table: Table, *names: str) -> dict[str, Field | Expression]:
    """Fields that are columns of the same name."""
    return {name: table.c[name] for name in names}


@dataclass(frozen=True, slots=True)
class Selection:
    """What to read of one entity: its fields, and the relations that will be followed from it."""

    fields: frozenset[str] = frozenset()
    relations: frozenset[str] = frozenset()

    def __or__(self, other: "Selection") -> "Selection":
        return Selection(self.fields | other.fields, self.relations | other.relations)


def select(*fields: str, relations: Sequence[str] = ()) -> Selection:
    """A selection written by hand: `select("name", "email", relations=("accounts",))`."""
    return Selection(frozenset(fields), frozenset(relations))
