"""How SQL writes what Python would: the texts of values and cursors inside an answer.

Each function takes expressions and gives one; `schema.shared.scalars` and `domain.reads.keyset`
say the same in Python, and the tests compare both over many values.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ColumnElement,
    Integer,
    LargeBinary,
    Numeric,
    Table,
    Text,
    case,
    cast,
    extract,
    func,
    literal_column,
    null,
)
from sqlalchemy.types import TypeEngine

from domain.kernel.money import odd_scales
from domain.reads.declare import Expression

_MICROSECONDS: Final = literal_column("1000000", Integer())
_FIRST: Final = literal_column("1", Integer())
_TAG_BYTES: Final = literal_column("16", Integer())


def quoted(text: str) -> ColumnElement[str]:
    """A text of ours (never a caller's) inside a statement."""
    doubled = text.replace("'", "''")
    return literal_column(f"'{doubled}'::text", Text())


def words_of(source: Expression) -> tuple[str, ...]:
    """The only words that a column may hold, by `tenants.database.one_of`; none if any may be."""
    return _words_in(source) if isinstance(source, Column) else ()


@cache
def _words_in(source: Column[Any]) -> tuple[str, ...]:
    for each in source.table.constraints if isinstance(source.table, Table) else ():
        name, words = each.info.get("one_of", ("", ()))
        if name == source.name:
            return tuple(words)
    return ()


def joined(*parts: Expression) -> ColumnElement[str]:
    """Texts in a row; null when one is."""
    first, *rest = parts
    whole: ColumnElement[Any] = first
    for part in rest:
        whole = whole.op("||", return_type=Text())(part)
    return whole


def hex_of(key: Expression) -> ColumnElement[str]:
    """The 32 hex digits of a uuid: of its bytes, for its text has dashes to take out again."""
    return func.encode(func.uuid_send(key, type_=LargeBinary()), quoted("hex"), type_=Text())


def instant(at: Expression) -> ColumnElement[str]:
    """RFC 3339 in UTC with `Z` and six decimals."""
    shape = quoted('YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    return func.to_char(func.timezone(quoted("UTC"), at), shape, type_=Text())


def amount(minor: Expression, currency: Expression) -> ColumnElement[str]:
    """Minor units as a decimal with exactly the currency's decimals.

    A numeric product has the decimals of both factors, so that the factor says them.
    """
    unit = cast(_ODD_UNITS.op("->", return_type=JSON())(currency), Numeric())
    return cast(cast(minor, Numeric()) * func.coalesce(unit, _unit(2), type_=Numeric()), Text())


def _unit(scale: int) -> ColumnElement[Any]:
    return literal_column(_unit_text(scale) + "::numeric", Numeric())


def _unit_text(scale: int) -> str:
    return format(Decimal(1).scaleb(-scale), "f")


_ODD_UNITS: Final[ColumnElement[Any]] = literal_column(
    "'{"
    + ", ".join(f'"{code}": {_unit_text(scale)}' for code, scale in sorted(odd_scales().items()))
    + "}'::jsonb",
    JSON(),
)
"""One look-up for each amount, and one expression to set up for each statement, not one a scale."""


def refusal(key: Expression, type_: TypeEngine[Any]) -> Expression:
    """An expression that fails where it is reached (22011): the executor says what is wrong.

    It reads a column, since a constant would be worked out, and fail, while planning.
    """
    minus_one = literal_column("-1", Integer())
    return cast(func.substr(cast(key, Text()), _FIRST, minus_one, type_=Text()), type_)


def cursor(
    tag_key: Expression, kinds: Sequence[str], values: Sequence[Expression]
) -> ColumnElement[str]:
    """The cursor of a row, byte for byte as `Cursors.write` makes it."""
    parts = [_part(kind, value) for kind, value in zip(kinds, values, strict=True)]
    body = func.convert_to(joined(*parts), quoted("UTF8"), type_=LargeBinary())
    both = tag_key.op("||", return_type=LargeBinary())(body)
    tag = func.substr(func.sha256(both), _FIRST, _TAG_BYTES, type_=LargeBinary())
    whole = tag.op("||", return_type=LargeBinary())(body)
    base64 = func.encode(whole, quoted("base64"), type_=Text())
    # Of `+/`, line end and `=`, two have a counterpart and the others go.
    return func.translate(base64, literal_column("E'+/\\n='"), quoted("-_"), type_=Text())


def _part(kind: str, value: Expression) -> ColumnElement[str]:
    text = _CURSOR_TEXTS[kind](value)
    length = cast(func.octet_length(text, type_=Integer()), Text())
    sized = joined(length, quoted(":"), text, quoted(","))
    return case((value.is_(null()), quoted("~")), else_=sized)


def _microseconds(at: Expression) -> ColumnElement[str]:
    return cast(cast(extract("epoch", at) * _MICROSECONDS, BigInteger()), Text())


_CURSOR_TEXTS: Final[Mapping[str, Any]] = {
    "instant": _microseconds,
    "uuid": hex_of,
    "integer": lambda value: cast(value, Text()),
    "decimal": lambda value: cast(value, Text()),
    "date": lambda value: func.to_char(value, quoted("YYYY-MM-DD"), type_=Text()),
    "text": lambda value: value,
}
