"""Statements sent ahead of one of the driver's own: one message to the server, one answer.

The driver sends a statement, waits, and sends the next. What a transaction begins with is several:
the begin, its settings, the first question. In between are some whose answer nobody needs. What it
ends with is two: its last statement, whose lock all works of a brand wait for, and the commit. They
are written as the protocol's own messages (parse, bind, execute) in front of a statement of the
driver's, whose sync ends them all. Behind a commit that one has no rows, so that the rows the
driver reads are those of the last statement.
"""

import struct
from collections.abc import Callable, Sequence
from datetime import MAXYEAR, MINYEAR, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, NamedTuple
from uuid import UUID

from tenants.driver import rows_of_prepared
from tenants.fixed import Line

_KEPT: Final = "prepared"
_LENGTH: Final = struct.Struct("!i")
_COUNT: Final = struct.Struct("!h")
_NULL: Final = _LENGTH.pack(-1)
_EXECUTE: Final = b"E" + _LENGTH.pack(9) + b"\0" + _LENGTH.pack(0)
_NO_ROWS: Final = "select 0::bigint as event_seq where false"
_OPENINGS_MAX: Final = 4_096
_BYTES_MAX: Final = 8_192


class Sent(NamedTuple):
    """A statement that goes ahead of another: its text, and its values as `written`."""

    text: str
    values: Sequence[bytes]


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + _LENGTH.pack(4 + len(body)) + body


def written(value: Any) -> bytes:
    """A value as the server reads it from text.

    Raises TypeError for what is left to the driver, and ValueError for no text.
    """
    if value is None:
        return _NULL
    told = _text(value).encode()
    return _LENGTH.pack(len(told)) + told


def _text(value: Any) -> str:
    kind = type(value)
    write = _WRITES.get(kind)
    if write is None:
        write = _WRITES[kind] = _write_of(kind)
    return write(value)


def _date(value: date) -> str:
    if value in (date.min, date.max):  # the driver's infinities
        raise TypeError("an end of time is not sent ahead")
    return value.isoformat()


def _instant(value: datetime) -> str:
    if value.tzinfo is None:
        raise TypeError("an instant without a zone is not sent ahead")
    if value.year in (MINYEAR, MAXYEAR):
        raise TypeError("an end of time is not sent ahead")
    return value.isoformat()


def _bytes(value: bytes) -> str:
    if len(value) > _BYTES_MAX:
        raise TypeError("so many bytes are not sent ahead: as text they are twice as many")
    return "\\x" + value.hex()


_TEXTS: Final[dict[type, Callable[[Any], str]]] = {
    str: str.__str__,  # of an enum's member its value
    UUID: str,
    bool: str,
    int: int.__repr__,
    Decimal: str,
    datetime: _instant,
    date: _date,
    bytes: _bytes,
}


_WRITES: Final = dict(_TEXTS)
"""The same, and every derived type that was met."""


def _write_of(derived: type) -> Callable[[Any], str]:
    """How a value of a derived type is written: an enum's member, the driver's UUID."""
    for kind, write in _TEXTS.items():
        if issubclass(derived, kind):
            return write
    raise TypeError(f"{derived.__name__} is not sent ahead")


def _bound(name: str, values: Sequence[bytes]) -> bytes:
    """Bind a prepared statement, values as text and rows as the driver reads them, and run it."""
    body = (
        b"\0" + name.encode() + b"\0" + _COUNT.pack(0) + _COUNT.pack(len(values)) + b"".join(values)
        + _COUNT.pack(1) + _COUNT.pack(1)
    )  # fmt: skip
    return _message(b"B", body) + _EXECUTE


@lru_cache(_OPENINGS_MAX)
def _unprepared(statement: str) -> bytes:
    parsed = b"\0" + statement.encode() + b"\0" + _COUNT.pack(0)
    return _message(b"P", parsed) + _message(b"B", b"\0\0" + _COUNT.pack(0) * 3) + _EXECUTE


_COMMIT: Final = _unprepared("commit")


def may_send_ahead(driver: Any) -> bool:
    """Whether statements stay prepared on a connection: not where a proxy passes it around."""
    return bool(driver._config.statement_cache_size)


async def begin_with(
    driver: Any, kept: dict[Any, Any], opening: Sequence[str], asked: tuple[str, Sequence[Any]]
) -> Sequence[Any]:
    """Send statements that take no values ahead of one that does; the rows of that one.

    The first that fails ends them all. Raises what the driver raises.
    """
    text, values = asked
    statement = await _prepared(driver, kept, text)
    driver._transport.write(b"".join(map(_unprepared, opening)))
    return await rows_of_prepared(driver, statement, values)


async def ask_with(
    driver: Any, kept: dict[Any, Any], ahead: Sequence[Sent], asked: tuple[str, Sequence[Any]]
) -> Sequence[Any]:
    """Send statements that have no rows ahead of one that may; the rows of that one.

    The first that fails ends them all. Raises what the driver raises.
    """
    text, values = asked
    statement = await _prepared(driver, kept, text)
    messages = await _messages(driver, kept, ahead)
    driver._transport.write(messages)
    return await rows_of_prepared(driver, statement, values)


async def commit_with(driver: Any, kept: dict[Any, Any], sent: Sequence[Sent]) -> Sequence[Any]:
    """Run statements, and commit. The last one may have rows, of one bigint: those rows.

    `kept` holds what is prepared on this connection. When a statement fails, nothing is committed
    and the transaction is a failed one. Raises what the driver raises.
    """
    none = await _prepared(driver, kept, _NO_ROWS)
    messages = await _messages(driver, kept, sent, with_rows=1)
    # Nothing is waited for between the two, so that they are one message.
    driver._transport.write(messages + _COMMIT)
    return await rows_of_prepared(driver, none, ())


async def _messages(
    driver: Any, kept: dict[Any, Any], sent: Sequence[Sent], *, with_rows: int = 0
) -> bytes:
    prepared = [await _prepared(driver, kept, one.text) for one in sent]
    if any(each.get_attributes() for each in prepared[: len(prepared) - with_rows]):
        raise RuntimeError("rows of what is sent ahead would be taken for those of the next one")
    return b"".join(
        _bound(each.get_name(), one.values) for each, one in zip(prepared, sent, strict=True)
    )


async def _prepared(driver: Any, kept: dict[Any, Any], text: str) -> Any:
    prepared = kept.setdefault(_KEPT, {})
    if text not in prepared:
        prepared[text] = await driver.prepare(text, record_class=Line)
    return prepared[text]
