"""The parts that a woven statement is made of: levels of rows, joins, what rows are worth."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    cast,
    func,
    literal_column,
    true,
)
from sqlalchemy.sql import visitors
from sqlalchemy.sql.selectable import LateralFromClause

from domain.reads.declare import Expression
from domain.reads.record import relation_slot
from domain.reads.registry import Linked
from domain.reads.spelling import Spelt, list_of

Weight: TypeAlias = int | Expression
"""What rows are worth: a number, or an expression over them."""

_OF_A_SLOT: Final = re.compile(r"size|term|clear|[abf]\d+")


class NotWoven(Exception):
    """The tree asks something that has no form in SQL; the executor answers it."""


@dataclass(frozen=True, slots=True)
class Join:
    """A lateral beside a level's rows; `outer` where it may find nothing."""

    lateral: LateralFromClause
    outer: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an answer: its JSON, what it is worth, and what must be joined for both."""

    json: Spelt
    weight: Weight = 0
    joins: tuple[Join, ...] = ()


@dataclass(frozen=True, slots=True)
class Level:
    """Rows of an entity under a name of their own, and where each slot of a record lies in them."""

    name: str
    one: Linked
    places: Mapping[str, tuple[str, Any]]

    def __getitem__(self, slot: str) -> Expression:
        return self.column(*self.places[slot])

    def column(self, name: str, type_: Any = None) -> Expression:
        """A column of these rows, by its name alone: no table comes with it."""
        return literal_column(f"{self.name}.{name}", type_)

    @property
    def key(self) -> Expression:
        """The rows' own key."""
        return self.column("c0", self.one.key.type)


def level(name: str, one: Linked, fields: Sequence[str], relations: Sequence[str]) -> Level:
    """The level over rows that were selected by `statements.columns_read`."""
    places = {
        field: (f"c{at}", one.fields[field].source.type) for at, field in enumerate(fields, 1)
    }
    for at, relation in enumerate(relations, 1 + len(fields)):
        places[relation_slot(relation)] = (f"c{at}", one.relations[relation].own.type)
    return Level(name, one, places)


def listed(piece: Piece, order: Expression | None = None) -> Expression:
    """All of them as a JSON list, in the order they come in, or in another one."""
    return list_of(piece.json, order)


def joined_to(source: FromClause, joins: Sequence[Join]) -> FromClause:
    """Rows with what hangs on them, in this order."""
    for each in joins:
        source = source.join(each.lateral, true(), isouter=each.outer)
    return source


def plus(*weights: Weight) -> Weight:
    """The sum of what one row is worth."""
    fixed = sum(each for each in weights if isinstance(each, int))
    total: Weight = fixed
    for each in weights:
        if not isinstance(each, int):
            total = each if isinstance(total, int) and total == 0 else number(total) + each
    return total


def summed(weight: Weight) -> Weight:
    """What all rows of an aggregate are worth."""
    if isinstance(weight, int):
        # An aggregate even of nothing: the sub-select has one row whatever else it selects.
        return literal_column(f"count(*) * {weight}", BigInteger())
    return func.coalesce(cast(func.sum(weight), BigInteger()), number(0), type_=BigInteger())


def number(weight: Weight) -> ColumnElement[Any]:
    """A weight as an expression."""
    return literal_column(str(weight), BigInteger()) if isinstance(weight, int) else weight


def renamed(statement: Any, slot: int, size: str = "size") -> Select[Any]:
    """The statement with its call's values under the names of one slot."""

    def rename(bind: Any) -> None:
        if _OF_A_SLOT.fullmatch(bind.key):
            bind.key = f"s{slot}_{size if bind.key == 'size' else bind.key}"

    found: Select[Any] = visitors.cloned_traverse(statement, {}, {"bindparam": rename})
    return found
