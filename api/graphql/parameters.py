"""The parameters of an operation, taken from a request; malformed ones are 400, 408, 413 or 415.

Bodies are counted as they stream. What no resolver could use is refused here once: NUL characters
(PostgreSQL text can't hold them) and lists longer than 200 items.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request

MAX_BODY = 256 * 1024
BODY_SECONDS = 10.0
MAX_ITEMS = 200
_PATIENCE = 1024 * 1024
_NUL = re.compile(r"\x00|\\u(0000|\{0+\})")


class Malformed(Exception):
    """The request holds no operation that could be run. `status` is 400, 408, 413 or 415."""

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class Parameters:
    """One operation as asked for: by its document's text, or by the id of a trusted document."""

    query: str | None
    variables: dict[str, Any]
    operation_name: str | None
    document_id: str | None = None


async def read_post(
    request: Request, *, max_body: int = MAX_BODY, seconds: float = BODY_SECONDS
) -> Parameters:
    """The operation of a POST request.

    The body is never buffered past `max_body` bytes, and has to be there within `seconds`.
    """
    _require_json(request)
    try:
        async with asyncio.timeout(seconds):
            body = await _read_body(request, max_body)
    except TimeoutError:
        raise Malformed("The body took too long.", status=408) from None
    try:
        decoded = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Malformed("The body is not valid JSON.") from None
    return check(decoded)


def read_get(request: Request) -> Parameters:
    """The operation of a GET request: `variables` and `extensions` are JSON texts."""
    decoded: dict[str, Any] = dict(request.query_params)
    for name in ("variables", "extensions"):
        if decoded.get(name):
            try:
                decoded[name] = orjson.loads(decoded[name])
            except orjson.JSONDecodeError:
                raise Malformed(f"The parameter {name} is not valid JSON.") from None
        else:
            decoded.pop(name, None)
    return check(decoded)


def check(decoded: object) -> Parameters:
    """Parameters out of a decoded JSON value of any shape."""
    if isinstance(decoded, list):
        raise Malformed("Batching is off: send one operation a request.")
    if not isinstance(decoded, dict):
        raise Malformed("The body must be a JSON object.")
    query, document_id = _document(decoded.get("query"), decoded.get("documentId"))
    operation_name = decoded.get("operationName")
    if not isinstance(operation_name, str | None):
        raise Malformed("The parameter operationName must be a string.")
    for name in ("variables", "extensions"):
        if not isinstance(decoded.get(name), dict | None):
            raise Malformed(f"The parameter {name} must be an object.")
    variables = decoded.get("variables") or {}
    # Both are rare, and looking for them is as good as free.
    if query and ("\0" in query or "\\u" in query) and _NUL.search(query):
        raise Malformed("NUL characters are not allowed.")
    _check_values(variables)
    return Parameters(query, variables, operation_name or None, document_id)


def _document(query: object, document_id: object) -> tuple[str | None, str | None]:
    """Which document is asked for: a text or an id, never both."""
    if query is not None and document_id is not None:
        raise Malformed("Send query or documentId, not both.")
    name, given = ("query", query) if document_id is None else ("documentId", document_id)
    if not isinstance(given, str) or not given:
        raise Malformed(f"The parameter {name} must be a non-empty string.")
    return (given, None) if document_id is None else (None, given)


def _check_values(variables: Mapping[str, Any]) -> None:
    waiting: list[Any] = [variables]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            if "\0" in value:
                raise Malformed("NUL characters are not allowed.")
        elif isinstance(value, list):
            if len(value) > MAX_ITEMS:
                raise Malformed(f"A list in variables is longer than {MAX_ITEMS} items.")
            waiting.extend(value)
        elif isinstance(value, dict):
            waiting.extend(value)
            waiting.extend(value.values())


def _require_json(request: Request) -> None:
    kind = request.headers.get("content-type", "")
    if kind != "application/json" and not _is_json(kind):
        raise Malformed("Send application/json in UTF-8.", status=415)
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Malformed("Send the body without Content-Encoding.", status=415)


def _is_json(content_type: str) -> bool:
    kind, *parameters = (piece.strip().lower() for piece in content_type.split(";"))
    charsets = [text[8:].strip('" ') for text in parameters if text.startswith("charset=")]
    return kind == "application/json" and all(each in {"utf-8", "utf8"} for each in charsets)


async def _read_body(request: Request, max_body: int) -> bytes:
    """The body, if it is small enough.

    One too large is read on for a while and thrown away: a client that still writes would lose
    the answer to a connection reset. Past `_PATIENCE` bytes it does.
    """
    body, length, more = bytearray(), 0, True
    while more and length <= max_body + _PATIENCE:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise Malformed("The body ended early.")
        chunk: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        length += len(chunk)
        if length <= max_body:
            body += chunk
    if length > max_body:
        raise Malformed(f"The body is larger than {max_body} bytes.", status=413)
    return bytes(body)
