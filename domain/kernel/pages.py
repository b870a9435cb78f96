"""Where people may be sent: the brand's own pages, and those of this machine in development."""

from typing import Final
from urllib.parse import urlencode, urlsplit, urlunsplit

_LOCAL: Final = ("localhost", "127.0.0.1", "::1")


def is_own_page(
    url: str, *, hosts: frozenset[str], origins: frozenset[str], allow_local: bool
) -> bool:
    """Whether somebody may be sent to this address: over https on a host of the brand, an origin of
    its publishable keys, or, in development, a page of this machine."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or "@" in parts.netloc or "\\" in url or parts.scheme not in ("http", "https"):
        return False
    if f"{parts.scheme}://{parts.netloc}".lower() in origins:
        return True
    if parts.scheme == "https":
        return host in hosts and port in (None, 443)
    return allow_local and host in _LOCAL


def page_told(url: str, **told: str) -> str:
    """An address with something more in its query; what stands there stays."""
    parts = urlsplit(url)
    query = "&".join(filter(None, (parts.query, urlencode(told))))
    return urlunsplit(parts._replace(query=query))
