"""Which form an answer takes, from the request's Accept header.

JSON with status 200 is the default. `application/graphql-response+json` gets real statuses. An
event stream is chosen only when nothing JSON is accepted: common clients list
`text/event-stream` on every query, and want JSON.
"""

from enum import Enum


class Media(Enum):
    """The forms an answer can take; the value is its content type."""

    JSON = "application/json; charset=utf-8"
    RESPONSE = "application/graphql-response+json; charset=utf-8"
    EVENTS = "text/event-stream; charset=utf-8"


_JSON = ("application/json", "application/*", "*/*")
_PLAIN = frozenset({"application/json", "*/*", "application/json, */*"})
_RESPONSE = "application/graphql-response+json"
_EVENTS = "text/event-stream"


def negotiate(accept: str | None) -> Media | None:
    """The form to answer in; None when no form this API speaks is acceptable (406)."""
    if accept is None or accept in _PLAIN or not accept.strip():
        return Media.JSON
    weights = _weights(accept)
    json = max((weights.get(kind, 0.0) for kind in _JSON), default=0.0)
    response = weights.get(_RESPONSE, 0.0)
    if response > 0 and response >= json:
        return Media.RESPONSE
    if json > 0:
        return Media.JSON
    return Media.EVENTS if weights.get(_EVENTS, 0.0) > 0 else None


def accepts_page(accept: str | None) -> bool:
    """Whether a browser asks for a page: `text/html` is named."""
    return "text/html" in _weights(accept or "")


def _weights(accept: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for part in accept.split(","):
        kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if kind and _readable(parameters):
            weights[kind] = max(weights.get(kind, 0.0), _weight(parameters))
    return weights


def _readable(parameters: list[str]) -> bool:
    """We only write UTF-8."""
    charsets = [text[8:].strip('" ') for text in parameters if text.startswith("charset=")]
    return all(charset in {"utf-8", "utf8"} for charset in charsets)


def _weight(parameters: list[str]) -> float:
    for text in parameters:
        if text.startswith("q="):
            try:
                return min(max(float(text[2:]), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0
