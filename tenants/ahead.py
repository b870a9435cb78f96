"""Statements sent ahead of one of the driver's own: one message to the server, one answer.

The driver sends a statement, waits, and sends the next. What a transaction begins with is several:
the begin, its settings, the first question. What it ends with is two: its last statement, whose
lock all works of a brand wait for, and the commit. They are written as the protocol's own messages
(parse, bind, execute) in front of a statement of the driver's, whose sync ends them all. Behind a
commit that one has no rows, so that the rows the driver reads are those of the last statement.
"""

import struct
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from tenants.fixed import Line

_KEPT: Final = "prepared"
_LENGTH: Final = struct.Struct("!i")
_COUNT: Final = struct.Struct("!h")
_NULL: Final = _LENGTH.pack(-1)
_EXECUTE: Final = b"E" + _LENGTH.pack(9) + b"\0" + _LENGTH.pack(0)
_NO_ROWS: Final = "select 0::bigint as event_seq where false"


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + _LENGTH.pack(4 + len(body)) + body


def written(value: Any) -> bytes:
    """A value as the server reads it from text. Raises TypeError, and ValueError for no text."""
    if value is None:
        return _NULL
    if isinstance(value, str):
        told = value.encode()
    elif isinstance(value, datetime):
        told = value.isoformat().encode()
    elif isinstance(value, UUID | int) and not isinstance(value, bool):
        told = str(value).encode()
    else:
        raise TypeError(f"{type(value).__name__} is not sent ahead")
    return _LENGTH.pack(len(told)) + told


def _bound(name: str, values: Sequence[bytes]) -> bytes:
    """Bind a prepared statement, values as text and rows as the driver reads them, and run it."""
    body = (
        b"\0" + name.encode() + b"\0" + _COUNT.pack(0) + _COUNT.pack(len(values)) + b"".join(values)
        + _COUNT.pack(1) + _COUNT.pack(1)
    )  # fmt: skip
    return _message(b"B", body) + _EXECUTE


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
    found: Sequence[Any] = await statement.fetch(*values)
    return found


async def commit_with(
    driver: Any, kept: dict[Any, Any], text: str, values: Sequence[bytes]
) -> Sequence[Any]:
    """Run a statement whose rows have one bigint, and commit; its rows. Values are `written`.

    `kept` holds what is prepared on this connection. When the statement fails, nothing is
    committed and the transaction is a failed one. Raises what the driver raises.
    """
    last, none = await _prepared(driver, kept, text), await _prepared(driver, kept, _NO_ROWS)
    # Nothing is waited for between the two, so that they are one message.
    driver._transport.write(_bound(last.get_name(), values) + _COMMIT)
    found: Sequence[Any] = await none.fetch()
    return found


async def _prepared(driver: Any, kept: dict[Any, Any], text: str) -> Any:
    prepared = kept.setdefault(_KEPT, {})
    if text not in prepared:
        prepared[text] = await driver.prepare(text, record_class=Line)
    return prepared[text]
