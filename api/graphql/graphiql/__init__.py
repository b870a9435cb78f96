"""The GraphiQL page of development servers, from our own files: nothing is fetched elsewhere.

`static/` holds GraphiQL, React and graphql-ws as their makers publish them (all MIT; licences and
versions in `static/LICENSES.md`). The policy below lets the page load those files and talk to its
own server, and nothing else.
"""

from pathlib import Path

from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles

_STATIC = Path(__file__).parent / "static"

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "font-src 'self' data:",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""CodeMirror writes style attributes, hence 'unsafe-inline' for styles; scripts are files only."""


def page() -> FileResponse:
    """The page itself."""
    return FileResponse(
        _STATIC / "index.html",
        media_type="text/html",
        headers={
            "Content-Security-Policy": POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
            "Vary": "Accept, Origin",
        },
    )


def assets() -> StaticFiles:
    """The files the page loads."""
    return StaticFiles(directory=_STATIC)
