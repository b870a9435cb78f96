"""The board: one page for whoever runs a brand, over the public API and nothing else.

`page/` holds it as it is served: no build step, no file of anybody else. The page asks `/graphql`
as any front end does, with the token that somebody typed, which stays in that tab. The policy below
lets it load its own files and talk to its own server; it writes no markup out of text.
"""

import re
from hashlib import sha256
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

PATH = "/board"
_PAGE = Path(__file__).parent / "page"
_INDEX = "index.html"
_DOCUMENTS = re.compile(r'^export const \w+ =\s+"([^"\\]+)";$', re.MULTILINE)
_MEDIA = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
"""Forms go nowhere by themselves: what is typed leaves in the body of a request, never in a URL."""
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Kept, and asked for each time whether it is still so.
    "Cache-Control": "no-cache",
}


class _Asset:
    """A file of the page as it is sent, read once."""

    def __init__(self, path: Path) -> None:
        self._body = path.read_bytes()
        self._media = _MEDIA[path.suffix]
        self._headers = {**_HEADERS, "ETag": f'"{sha256(self._body).hexdigest()[:32]}"'}

    async def __call__(self, request: Request) -> Response:
        """The file; 304 to whoever has it already."""
        known = request.headers.get("if-none-match", "")
        if self._headers["ETag"] in (each.strip().removeprefix("W/") for each in known.split(",")):
            return Response(status_code=304, headers=self._headers)
        return Response(self._body, media_type=self._media, headers=self._headers)


def board_routes() -> list[BaseRoute]:
    """The page at `/board`, and its files below."""
    files = sorted(path for path in _PAGE.iterdir() if path.name != _INDEX)
    return [
        Route(PATH, _Asset(_PAGE / _INDEX).__call__),
        *(Route(f"{PATH}/{path.name}", _Asset(path).__call__) for path in files),
    ]


def own_documents() -> list[str]:
    """What the page sends before anybody has signed in, to the letter."""
    return _DOCUMENTS.findall((_PAGE / "documents.js").read_text(encoding="utf-8"))
