"""Which values of the database a compiled plan can write as their GraphQL type would.

What is not listed here is left to the executor, which answers it or says what is wrong.
"""

from typing import Any, Final

from graphql import (
    GraphQLEnumType,
    is_enum_type,
    is_list_type,
    is_non_null_type,
)
from sqlalchemy import ARRAY, BigInteger, Boolean, Date, DateTime, Integer, Numeric, String, Uuid

from domain.reads.declare import Expression
from domain.reads.tree import Form
from schema.shared.scalars import MAX_DECIMALS


class NotPlanned(Exception):
    """The operation asks something that no declaration covers; the executor answers it."""


_TEXTS: Final = frozenset({"String", "ID", "CurrencyCode", "CountryCode", "URL", "Cursor"})


def form_of(type_: Any, source: Expression) -> Form:
    """How a column is written for a GraphQL type. Raises NotPlanned where it can't be."""
    bare = type_.of_type if is_non_null_type(type_) else type_
    if is_list_type(bare):
        return _form_of_list(bare.of_type, source)
    if is_enum_type(bare):
        return _checked(Form.AS_IS, _is_text(source) and _shows_itself(bare), bare)
    kind, at = source.type, bare.name
    if at in _TEXTS:
        return _checked(Form.AS_IS, _is_text(source), bare)
    if at == "Int":
        small = isinstance(kind, Integer) and not isinstance(kind, BigInteger)
        return _checked(Form.AS_IS, small, bare)
    if at == "Boolean":
        return _checked(Form.AS_IS, isinstance(kind, Boolean), bare)
    if at == "DateTime":
        return _checked(Form.INSTANT, isinstance(kind, DateTime) and kind.timezone, bare)
    if at == "Date":
        return _checked(Form.AS_IS, isinstance(kind, Date), bare)
    if at == "Decimal":
        return _checked(Form.TEXT, _is_exact(kind), bare)
    raise NotPlanned(f"no form for {bare}")


def _form_of_list(item: Any, source: Expression) -> Form:
    bare = item.of_type if is_non_null_type(item) else item
    texts = isinstance(source.type, ARRAY) and isinstance(source.type.item_type, String)
    shown = bare.name == "String" or (is_enum_type(bare) and _shows_itself(bare))
    return _checked(Form.TEXTS, texts and shown and is_non_null_type(item), item)


def _checked(form: Form, fits: bool, type_: Any) -> Form:
    if not fits:
        raise NotPlanned(f"no form for {type_}")
    return form


def _is_text(source: Expression) -> bool:
    return isinstance(source.type, String) and not isinstance(source.type, Uuid)


def _is_exact(kind: Any) -> bool:
    if isinstance(kind, Integer):
        return True
    return isinstance(kind, Numeric) and kind.scale is not None and kind.scale <= MAX_DECIMALS


def _shows_itself(enum: GraphQLEnumType) -> bool:
    """Whether every value is stored as the name that the API gives it."""
    return all(
        str(getattr(each.value, "value", each.value)) == name for name, each in enum.values.items()
    )
