"""Statements that are always the same, sent by the driver itself.

SQLAlchemy takes longer to bind a statement and to read its rows than the database takes to run one
of those that every write sends. They are compiled once, at their first use.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final
from weakref import WeakKeyDictionary

from asyncpg import Record
from sqlalchemy import ARRAY, JSON, Boolean, ClauseElement, Float, Numeric, TypeDecorator
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

_DIALECT: Final = PGDialect_asyncpg()  # type: ignore[no-untyped-call]


class Line(Record):
    """A row whose columns are attributes, too, as SQLAlchemy's are."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class Fixed:
    """A statement, and values of some of its parameters. Rows hold what the driver reads, so that
    a column of JSON is text."""

    def __init__(self, statement: ClauseElement, values: Mapping[str, Any] | None = None) -> None:
        self._statement = statement
        self._values = values or {}

    @cached_property
    def _compiled(self) -> tuple[str, tuple[str, ...], Mapping[str, Any]]:
        compiled: Any = self._statement.compile(dialect=_DIALECT)
        known = {key: one.value for key, one in compiled.binds.items() if not one.required}
        return str(compiled), tuple(compiled.positiontup), known

    @property
    def text(self) -> str:
        """The statement as the driver takes it, `$1` for its first parameter."""
        return self._compiled[0]

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """All values in the order of the parameters."""
        _, names, constants = self._compiled
        given = {**constants, **self._values, **values}
        return [given[name] for name in names]

    def of(self, **values: Any) -> "Fixed":
        """The same statement with these values; it is not compiled again."""
        made = Fixed(self._statement, {**self._values, **values})
        made.__dict__["_compiled"] = self._compiled
        return made


_FOUND: Final[WeakKeyDictionary[ClauseElement, Fixed | None]] = WeakKeyDictionary()


def fixed_of(statement: ClauseElement) -> Fixed | None:
    """A select that is kept, as the driver takes it: compiled once for as long as it is there.
    None where SQLAlchemy has a part in its values, on their way in or out."""
    if statement not in _FOUND:
        _FOUND[statement] = Fixed(statement) if _is_plain(statement) else None
    return _FOUND[statement]


def _is_plain(statement: Any) -> bool:
    compiled: Any = statement.compile(dialect=_DIALECT)
    if compiled.post_compile_params or compiled.literal_execute_params:
        return False
    values = (*compiled.binds.values(), *statement.selected_columns)
    return all(_is_the_drivers(each.type) for each in values)


def _is_the_drivers(type_: Any) -> bool:
    """Whether SQLAlchemy leaves values of a type as the driver takes and gives them."""
    if isinstance(type_, JSON | TypeDecorator):
        return False
    if isinstance(type_, ARRAY):
        return _is_the_drivers(type_.item_type)
    if isinstance(type_, Numeric | Float):  # numeric is read as Decimal, floats as float
        return type_.asdecimal is not isinstance(type_, Float)
    made = type_.dialect_impl(_DIALECT)
    return isinstance(type_, Boolean) or not (
        made.bind_processor(_DIALECT) or made.result_processor(_DIALECT, None)
    )
