"""Pages by key: where a page starts is a row's sort values, never an offset.

A cursor is `base64url(tag ‖ values)`: authenticated, not secret. The tag is the first 16 bytes of
`sha256(sha256(key ‖ plan ‖ brand) ‖ values)`; cut short, it can't be extended to a longer text, and
the inner digest, which SQL is given to write cursors, makes those of one list only. `plan` is a
digest of entity, order and direction. Everything is bytes that plain SQL can make as well:
a value is its text with its length before it (`3:abc,`), null is `~`; instants are microseconds
since 1970, uuids 32 hex digits, numbers and dates their plain text.
"""

import binascii
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from re import ASCII
from re import compile as pattern
from typing import Any, Final
from uuid import UUID

from domain.kernel.errors import Invalid

BAD_INPUT: Final = "BAD_USER_INPUT"
DEFAULT_SIZE: Final = 25
MAX_SIZE: Final = 100
_TAG = 16
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_BASE64URL = pattern(r"[A-Za-z0-9_-]{22,16384}", ASCII)
_INTEGER = pattern(r"0|-?[1-9][0-9]{0,37}", ASCII)
_DECIMAL = pattern(r"-?[0-9]{1,60}(\.[0-9]{1,60})?", ASCII)
_DATE = pattern(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", ASCII)
_HEX = pattern(r"[0-9a-f]{32}", ASCII)

Filters = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Page:
    """What a caller asks of a list. `order` is `NAME` or `-NAME`; empty is the entity's default.

    `neighbours` asks for exact knowledge of rows beyond the given cursors, which costs one probe
    of an index each; without it `has_previous` of a forward page is False (has_next of a
    backward one alike).
    """

    first: int | None = None
    last: int | None = None
    after: str | None = None
    before: str | None = None
    filter: Filters = field(default_factory=dict)
    order: str = ""
    neighbours: bool = True

    @property
    def backward(self) -> bool:
        """Whether the page is taken from the end of the range."""
        return self.last is not None

    def size(self) -> int:
        """Rows of the page, 1–100, 25 when neither `first` nor `last` is given.

        Refusals: BAD_USER_INPUT.
        """
        if self.first is not None and self.last is not None:
            raise Invalid(
                BAD_INPUT, "Ask for the first or the last rows, not both.", path=("last",)
            )
        name, size = ("last", self.last) if self.backward else ("first", self.first)
        if size is None:
            return DEFAULT_SIZE
        if not 1 <= size <= MAX_SIZE:
            raise Invalid(BAD_INPUT, f"{name} must be between 1 and {MAX_SIZE}.", path=(name,))
        return size


def _decode_decimal(text: str) -> Decimal:
    value = Decimal(text)
    if _plain(value) != text:
        raise ValueError(text)
    return value


def _plain(value: Decimal) -> str:
    return format(value, "f")


def _decode_date(text: str) -> date:
    return date.fromisoformat(text)


# kind → (write, shape of the text, read)
_KINDS: Final[Mapping[str, tuple[Callable[[Any], str], Any, Callable[[str], Any]]]] = {
    "instant": (
        lambda value: str((value - _EPOCH) // _MICROSECOND),
        _INTEGER,
        lambda text: _EPOCH + int(text) * _MICROSECOND,
    ),
    "uuid": (lambda value: str(value.hex), _HEX, lambda text: UUID(hex=text)),
    "integer": (str, _INTEGER, int),
    "decimal": (_plain, _DECIMAL, _decode_decimal),
    "date": (lambda value: str(value.isoformat()), _DATE, _decode_date),
    "text": (str, None, str),
}


def write_values(kinds: Sequence[str], values: Sequence[Any]) -> bytes:
    """The bytes of sort values, one kind each."""
    parts = []
    for kind, value in zip(kinds, values, strict=True):
        if value is None:
            parts.append(b"~")
            continue
        text = _KINDS[kind][0](value).encode()
        parts.append(b"%d:%s," % (len(text), text))
    return b"".join(parts)


def read_values(kinds: Sequence[str], body: bytes) -> tuple[Any, ...]:
    """The sort values in bytes that `write_values` made; ValueError for all others."""
    values: list[Any] = []
    at = 0
    for kind in kinds:
        if body[at : at + 1] == b"~":
            values.append(None)
            at += 1
            continue
        colon = body.index(b":", at)
        length = body[at:colon].decode("ascii")
        if not _INTEGER.fullmatch(length) or int(length) < 0:
            raise ValueError("length")
        end = colon + 1 + int(length)
        if body[end : end + 1] != b",":
            raise ValueError("end")
        values.append(_read_value(kind, body[colon + 1 : end].decode()))
        at = end + 1
    if at != len(body):
        raise ValueError("rest")
    return tuple(values)


def _read_value(kind: str, text: str) -> Any:
    _, shape, read = _KINDS[kind]
    if (shape is not None and not shape.fullmatch(text)) or "\0" in text:
        raise ValueError(text)
    return read(text)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a cursor belongs to: the sort of one entity."""

    entity: str
    order: str
    kinds: tuple[str, ...]

    def digest(self) -> bytes:
        """32 bytes that stand for the plan inside a tag."""
        return sha256("\n".join((self.entity, self.order, *self.kinds)).encode()).digest()


class Cursors:
    """Makes and reads the cursors of one installation. `key` is secret and at least 32 bytes."""

    def __init__(self, key: bytes) -> None:
        if len(key) < 32:
            raise ValueError("the cursor key needs at least 32 bytes")
        self._key = sha256(key).digest()

    def write(self, plan: Plan, brand_id: UUID, values: Sequence[Any]) -> str:
        """The cursor of a row with these sort values."""
        body = write_values(plan.kinds, values)
        return urlsafe_b64encode(self._tag(plan, brand_id, body) + body).rstrip(b"=").decode()

    def read(self, plan: Plan, brand_id: UUID, cursor: str) -> tuple[Any, ...]:
        """The sort values of a cursor that `write` made for this plan and brand.

        Refusals: BAD_USER_INPUT for every other text; it doesn't say which part was wrong.
        """
        try:
            if not _BASE64URL.fullmatch(cursor):
                raise ValueError("alphabet")
            raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            tag, body = raw[:_TAG], raw[_TAG:]
            if urlsafe_b64encode(raw).rstrip(b"=").decode() != cursor:
                raise ValueError("not canonical")
            if not hmac.compare_digest(tag, self._tag(plan, brand_id, body)):
                raise ValueError("tag")
            return read_values(plan.kinds, body)
        except (ValueError, OverflowError, binascii.Error) as error:
            raise Invalid(BAD_INPUT, "That cursor is not one of this list's.") from error

    def tag_key(self, plan: Plan, brand_id: UUID) -> bytes:
        """What tags are made with for one list of one brand, good for nothing else.

        A statement that writes cursors by itself is given this: `sha256(tag key ‖ values)`.
        """
        return sha256(self._key + plan.digest() + brand_id.bytes).digest()

    def _tag(self, plan: Plan, brand_id: UUID, body: bytes) -> bytes:
        return sha256(self.tag_key(plan, brand_id) + body).digest()[:_TAG]
