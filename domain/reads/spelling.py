"""JSON spelt as text: what an answer is joined from.

`row_to_json` asks the catalogue how each column of each row is written; texts that are joined ask
nothing, and those of ours between two values become one. A null would take everything around it
along: whatever may be one is said by `sure`.
"""

import re
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from sqlalchemy import (
    Boolean,
    Cast,
    ColumnElement,
    Integer,
    Numeric,
    String,
    Text,
    Uuid,
    cast,
    func,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from domain.reads.declare import Expression
from domain.reads.wording import joined, quoted, words_of

Spelt: TypeAlias = tuple[str | Expression, ...]
"""Texts in a row, ours as they are."""

NULL: Final = quoted("null")
_HAS_SCALARS: Final = 17
_PLAIN: Final = re.compile(r"[\w .:/-]*", re.ASCII)


def text_of(spelt: Spelt) -> ColumnElement[str]:
    """The whole text. Joined by halves: each part is copied a few times however many there are."""
    parts: list[str | Expression] = []
    for part in spelt:
        last = parts[-1] if parts else None
        if isinstance(part, str) and isinstance(last, str):
            parts[-1] = last + part
        else:
            parts.append(part)
    return _halved([quoted(part) if isinstance(part, str) else part for part in parts])


def _halved(parts: list[Expression]) -> ColumnElement[str]:
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    return joined(_halved(parts[:half]), _halved(parts[half:]))


def object_of(fields: Sequence[tuple[str, Spelt]]) -> Spelt:
    """An object; names are those of GraphQL, which need no escaping."""
    parts: list[str | Expression] = []
    for at, (name, value) in enumerate(fields):
        parts += [f'{"," if at else ""}"{name}":', *value]
    return ("{", *parts, "}")


def list_of(each: Spelt, order: Expression | None = None) -> ColumnElement[str]:
    """A list of what each row gives, in the order they come in, or in another one."""
    comma: Any = quoted(",")
    within = comma if order is None else aggregate_order_by(comma, order)
    rows: Expression = func.string_agg(text_of(each), within, type_=Text())
    return func.coalesce(joined(quoted("["), rows, quoted("]")), quoted("[]"), type_=Text())


def sure(spelt: Spelt, absent: Expression = NULL) -> Spelt:
    """The same, or `absent` where it is null."""
    return (func.coalesce(text_of(spelt), absent, type_=Text()),)


def plain_text(text: Expression) -> Spelt:
    """A text in which nothing needs escaping."""
    return ('"', text, '"')


def value_of(value: Expression, source: Expression | None = None) -> Spelt:
    """A value as `to_json` writes it, more cheaply where the type, or the `source`, tells how."""
    if isinstance(value.type, Integer | Boolean):
        return (cast(value, Text()),)
    if isinstance(value.type, Uuid):
        return plain_text(cast(value, Text()))
    if source is not None and _is_plain(source):
        return plain_text(value)
    if isinstance(value.type, String):
        return (_Escaped(value),)
    return (cast(func.to_json(value), Text()),)


class _Escaped(FunctionElement[str]):
    """A text between quotes, escaped. From Postgres 17 on there is what does no more than that;
    `to_json` first finds out, for each row, what it was given."""

    inherit_cache = True
    type = Text()


@compiles(_Escaped)
def _escaped(element: _Escaped, compiler: Any, **how: Any) -> str:
    version = getattr(compiler.dialect, "server_version_info", None) or (0,)
    function = "json_scalar" if version[0] >= _HAS_SCALARS else "to_json"
    return f"CAST({function}({compiler.process(element.clauses, **how)}) AS TEXT)"


def _is_plain(source: Expression) -> bool:
    """Whether a text can only be digits, or one of a few words without anything to escape."""
    if isinstance(source, Cast):
        return isinstance(source.type, Text) and isinstance(source.clause.type, Integer | Numeric)
    words = words_of(source)
    return bool(words) and all(_PLAIN.fullmatch(word) for word in words)
