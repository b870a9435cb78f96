"""From a connection to a `Scope`: the headers and socket parameters that say who is asking.

`Authorization: Bearer bk_…`, `Backdesk-Key: bk_pub_…`, `Backdesk-Brand` (operators only) and the
Host header; a socket may give the first three in its `connection_init` payload instead, where they
win over headers. The caller's address is the transport's: behind a proxy, uvicorn's proxy headers
settle it, where an operator trusts one.
"""

import time
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit
from uuid import UUID

from starlette.requests import HTTPConnection

from api.graphql.errors import EdgeRefusal
from domain.clients.actors import CLIENTS
from domain.ibs.actors import IBS
from domain.kernel.errors import DomainError, Unavailable
from tenants.actors import sources
from tenants.brands import BrandFacts, Directory, host_name
from tenants.context import Scope
from tenants.holders import find_origins
from tenants.identify import Asking, Identifier
from tenants.refusals import Unauthenticated
from tenants.token_use import TokenUse
from tenants.values import BrandStatus
from tenants.work import Database

ACTORS = sources(CLIENTS, IBS)
"""Every kind of actor that can sign in, where each stands."""

_ORIGINS_FRESH_S = 15.0
_HEADER_LENGTH_MAX = 300


def make_identifier(
    database: Database, directory: Directory, use: TokenUse | None = None
) -> Identifier:
    """The identifier of a serving process, over every kind of actor there is.

    Writes of this process judge the same actors anew; what they find outdated is forgotten here.
    """
    identifier = Identifier(database, directory, ACTORS, on_use=use.note if use else None)
    database.judge(ACTORS, identifier.forget)
    return identifier


async def authenticate(
    identifier: Identifier, connection: HTTPConnection, parameters: Mapping[str, str] | None = None
) -> Scope:
    """The scope of one operation. Raises `EdgeRefusal`: 401 with a challenge, 403 or 503."""
    try:
        return await identifier.identify(asking_of(connection, parameters))
    except Unauthenticated as refusal:
        challenge = {"WWW-Authenticate": 'Bearer realm="backdesk", error="invalid_token"'}
        raise EdgeRefusal(refusal.code, 401, refusal.message, headers=challenge) from refusal
    except Unavailable as refusal:
        raise EdgeRefusal(refusal.code, 503, refusal.message, retry_after=1.0) from refusal
    except DomainError as refusal:
        raise EdgeRefusal("FORBIDDEN", 403, refusal.message) from refusal


def asking_of(connection: HTTPConnection, parameters: Mapping[str, str] | None = None) -> Asking:
    """What a connection shows, with a socket's parameters in front of its headers."""
    headers: Mapping[str, str] = connection.headers
    shown = headers
    if parameters:
        given = {name.lower(): each for name, each in parameters.items() if isinstance(each, str)}
        shown = {**headers, **given}
    client = connection.client
    return Asking(
        authorization=_cut(shown.get("authorization")),
        publishable_key=_cut(shown.get("backdesk-key")),
        brand=_cut(shown.get("backdesk-brand")),
        host=headers.get("host"),
        origin=headers.get("origin"),
        ip=client.host if client else None,
        request_id=getattr(connection.state, "request_id", ""),
    )


def _cut(value: str | None) -> str | None:
    return None if value is None else value[: _HEADER_LENGTH_MAX + 1]


class Origins:
    """Which pages may call from a browser: the host itself, hosts of brands, origins of keys.

    On a claimed host only that brand's pages may; on a neutral host, those of any active brand: a
    preflight carries no token, and none of this gives a right. Keys are read per brand and trusted
    for 15 s.
    """

    def __init__(
        self,
        database: Database,
        directory: Directory,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._directory = directory
        self._monotonic = monotonic
        self._of_keys: dict[UUID, tuple[float, frozenset[str]]] = {}

    async def __call__(self, origin: str, connection: HTTPConnection, /) -> bool:
        """Whether a page of this origin may read our answers."""
        if _is_own(origin, connection):
            return True
        snapshot = await self._directory.current()
        claimed = snapshot.claimed_by(connection.headers.get("host"))
        asked = (claimed,) if claimed else tuple(snapshot.by_id.values())
        for brand in asked:
            if brand.status is BrandStatus.ACTIVE and await self._is_of(brand, origin):
                return True
        return False

    async def _is_of(self, brand: BrandFacts, origin: str) -> bool:
        parts = urlsplit(origin)
        if parts.scheme == "https" and parts.hostname in brand.hosts:
            return True
        read_at, origins = self._of_keys.get(brand.id, (float("-inf"), frozenset()))
        if self._monotonic() - read_at >= _ORIGINS_FRESH_S:
            read_at, origins = self._monotonic(), await find_origins(self._database, brand.id)
            self._of_keys[brand.id] = (read_at, origins)
        return origin in origins


def _is_own(origin: str, connection: HTTPConnection) -> bool:
    """Whether the page came from this very host and port."""
    host = connection.headers.get("host", "")
    parts = urlsplit(origin)
    return (
        parts.scheme in ("http", "https")
        and bool(host_name(host))
        and (parts.netloc.lower() == host.strip().lower())
    )
