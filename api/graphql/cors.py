"""CORS from the brand's own origins: no wildcard, no credentials, precise preflights.

Tokens travel in the Authorization header, so no cookie is ever at stake and
`Access-Control-Allow-Credentials` is never sent. An origin that is not allowed gets no CORS header:
its browser hides the answer, and a JSON POST never leaves it because the preflight is refused.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import Response

from api.graphql.context import OriginCheck

_REQUEST_HEADERS = (
    "Authorization",
    "Backdesk-Key",
    "Backdesk-Brand",
    "Content-Type",
    "Accept",
    "Last-Event-ID",
    "X-Request-Id",
)
_EXPOSED = (
    "X-Request-Id",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "Retry-After",
    "WWW-Authenticate",
)
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
PREFLIGHT_SECONDS = 600


class Cors:
    """Answers preflights and decorates answers for the origins `check` allows."""

    def __init__(self, check: OriginCheck, *, development: bool) -> None:
        self._check = check
        self._development = development

    async def allows(self, connection: HTTPConnection) -> bool:
        """Whether the page behind this request may call; requests of no page always may."""
        origin = connection.headers.get("origin")
        if origin is None or _is_same(origin, connection):
            return True
        if self._development and is_local(origin):
            return True
        return origin != "null" and await self._check(origin, connection)

    async def headers(self, connection: HTTPConnection) -> dict[str, str]:
        """The headers that let an allowed origin read the answer; none for any other."""
        origin = connection.headers.get("origin")
        if origin is None or not await self.allows(connection):
            return {}
        return {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Expose-Headers": ", ".join(_EXPOSED),
        }

    async def preflight(self, connection: HTTPConnection) -> Response:
        """204 with what the origin may send, or 403 without a CORS header."""
        vary = {"Vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"}
        if not await self.allows(connection):
            return Response(status_code=403, headers=vary)
        granted = {
            "Access-Control-Allow-Origin": connection.headers["origin"],
            "Access-Control-Allow-Methods": "GET, POST",
            "Access-Control-Allow-Headers": ", ".join(_REQUEST_HEADERS),
            "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
        }
        return Response(status_code=204, headers={**vary, **granted})


def is_preflight(headers: Mapping[str, str], method: str) -> bool:
    """Whether a browser asks if it may ask."""
    return (
        method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers
    )


def is_local(origin: str) -> bool:
    """Whether an origin is this machine, any port: a front end under development."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and parts.hostname in _LOCAL


def _is_same(origin: str, connection: HTTPConnection) -> bool:
    scheme = {"ws": "http", "wss": "https"}.get(connection.url.scheme, connection.url.scheme)
    return origin.lower() == f"{scheme}://{connection.headers.get('host', '')}".lower()
