"""Scalars and value objects of the API, each with one exact text form.

`SCALARS` goes into the schema's config, so that plain Python annotations (`datetime`, `Decimal`)
mean these scalars. A refused value raises with the rule, never with the value.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final, NewType, Self
from urllib.parse import urlsplit

import strawberry
from graphql import GraphQLError
from strawberry.scalars import JSON
from strawberry.types.scalar import ScalarDefinition

from domain.kernel.errors import Invalid
from domain.kernel.money import Money as Amount
from domain.kernel.money import from_minor, to_minor
from schema.shared.permission import public

Cursor = NewType("Cursor", str)
CurrencyCode = NewType("CurrencyCode", str)
CountryCode = NewType("CountryCode", str)
URL = NewType("URL", str)

MAX_DECIMALS: Final = 18
_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DECIMAL = re.compile(r"-?\d{1,38}(\.\d{1,18})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z][A-Z0-9]{2,9}", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)


def _text(value: object, rule: str) -> str:
    if not isinstance(value, str):
        raise GraphQLError(rule)
    return value


def _matching(shape: re.Pattern[str], rule: str) -> Callable[[object], str]:
    def parse(value: object) -> str:
        text = _text(value, rule)
        if not shape.fullmatch(text):
            raise GraphQLError(rule)
        return text

    return parse


_INSTANT_RULE = "Write an RFC 3339 instant with its offset, such as 2026-11-22T09:30:00Z."


def parse_instant(value: object) -> datetime:
    """An aware instant in UTC from RFC 3339 text with an offset."""
    text = _text(value, _INSTANT_RULE)
    try:
        if not _INSTANT.fullmatch(text):
            raise ValueError(text)
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise GraphQLError(_INSTANT_RULE) from None


def show_instant(value: datetime) -> str:
    """RFC 3339 in UTC with `Z` and exactly six decimals."""
    if value.tzinfo is None:
        raise ValueError("an instant without a time zone")
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


_DAY_RULE = "Write a date such as 2026-11-22."


def parse_day(value: object) -> date:
    """A calendar date from `YYYY-MM-DD`."""
    text = _text(value, _DAY_RULE)
    try:
        if not _DAY.fullmatch(text):
            raise ValueError(text)
        return date.fromisoformat(text)
    except ValueError:
        raise GraphQLError(_DAY_RULE) from None


_DECIMAL_RULE = 'Write a decimal as a string such as "12.50", with at most 18 decimals.'


def parse_decimal(value: object) -> Decimal:
    """A finite decimal from a plain JSON string; numbers are refused, since floats lose digits."""
    text = _text(value, _DECIMAL_RULE)
    if not _DECIMAL.fullmatch(text):
        raise GraphQLError(_DECIMAL_RULE)
    return Decimal(text)


def show_decimal(value: Decimal | int) -> str:
    """A plain decimal number as text. A float or more than 18 decimals is a bug of ours."""
    if isinstance(value, float | bool):
        raise ValueError("a float can't be shown as a decimal")
    number = Decimal(value)
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -MAX_DECIMALS:
        raise ValueError("not a decimal of at most 18 decimals")
    return format(number, "f")


_URL_RULE = "Write an absolute http or https address."


def parse_url(value: object) -> str:
    """An absolute http(s) address without user or password."""
    text = _text(value, _URL_RULE)
    try:
        parts = urlsplit(text)
        plain = (
            parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc
        )
    except ValueError:
        plain = False
    if not plain or len(text) > 2_048 or not text.isprintable() or " " in text:
        raise GraphQLError(_URL_RULE)
    return text


def _scalar(name: str, description: str, **how: Any) -> ScalarDefinition:
    made: ScalarDefinition = strawberry.scalar(name=name, description=description, **how)
    return made


SCALARS: Final[Mapping[object, ScalarDefinition]] = {
    datetime: _scalar(
        "DateTime",
        "An instant, RFC 3339 in UTC with `Z` and six decimals: `2026-11-22T09:30:00.000000Z`. "
        "Input may have another offset and fewer decimals.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=show_instant,
        parse_value=parse_instant,
    ),
    date: _scalar(
        "Date",
        "A calendar date, `YYYY-MM-DD`; for trading days see the brand's day boundary.",
        serialize=lambda value: value.isoformat(),
        parse_value=parse_day,
    ),
    Decimal: _scalar(
        "Decimal",
        'A decimal number, always as a JSON string such as `"12.50"`, with at most 18 decimals. '
        "No exponent. JSON numbers are refused, since floats lose digits.",
        serialize=show_decimal,
        parse_value=parse_decimal,
    ),
    Cursor: _scalar(
        "Cursor",
        "A position in one list or feed. Opaque: pass it back as it came.",
        serialize=str,
        parse_value=_matching(re.compile(r".{1,16384}", re.ASCII), "Pass a cursor as it came."),
    ),
    CurrencyCode: _scalar(
        "CurrencyCode",
        "A currency: ISO 4217 such as `USD`, or a coin such as `BTC`.",
        serialize=str,
        parse_value=_matching(_CURRENCY, "Write a currency code such as USD."),
    ),
    CountryCode: _scalar(
        "CountryCode",
        "A country, ISO 3166-1 alpha-2, such as `CY`.",
        serialize=str,
        parse_value=_matching(_COUNTRY, "Write a country code of two letters such as CY."),
    ),
    URL: _scalar(
        "URL",
        "An absolute http or https address.",
        serialize=str,
        parse_value=parse_url,
    ),
    JSON: _scalar(
        "JSON",
        "A JSON value whose shape depends on its place.",
        serialize=lambda value: value,
        parse_value=lambda value: value,
    ),
}


@strawberry.type(description="An amount of money in one currency.", directives=public())
class Money:
    amount: Decimal = strawberry.field(
        description="The amount, with exactly the currency's decimals."
    )
    currency_code: CurrencyCode = strawberry.field(description="The currency.")

    @classmethod
    def of(cls, amount_minor: int, currency: str) -> Self:
        """An amount of minor units."""
        return cls(amount=from_minor(amount_minor, currency), currency_code=CurrencyCode(currency))


@strawberry.input(description="An amount of money in one currency.")
class MoneyInput:
    amount: Decimal = strawberry.field(
        description="The amount, with no more decimals than the currency has."
    )
    currency_code: CurrencyCode = strawberry.field(description="The currency.")

    def to_amount(self, *path: str) -> Amount:
        """The amount in minor units. Refusals: INVALID at `path`."""
        try:
            return Amount(to_minor(self.amount, self.currency_code), self.currency_code)
        except Invalid as error:
            raise Invalid(error.code, error.message, path=(*path, "amount")) from error


@strawberry.enum(description="How precise a count is.")
class CountPrecision(Enum):
    EXACT = strawberry.enum_value("EXACT", description="That many.")
    AT_LEAST = strawberry.enum_value(
        "AT_LEAST", description="Counting stopped there; there are more."
    )


@strawberry.type(description="A number of objects, counted up to a cap.", directives=public())
class Count:
    value: int = strawberry.field(description="The number.")
    precision: CountPrecision = strawberry.field(description="Whether that is all.")
