"""The door for notices of PSPs: `POST /notices/payments/{provider}/{brand hex}_{connection hex}`.

A notice is proven over its raw bytes, kept and answered; what it means is found out by a job. Its
brand is that of the path, and only when a secret of that very connection signed it: the body says
nothing that is believed here.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import structlog
from prometheus_client import Counter
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from domain.events.inbox import Received, record
from domain.kernel.errors import DomainError
from domain.payments.adapters.registry import notices_of
from domain.payments.notices import provider_of
from domain.payments.queries import Connection, find_connection
from domain.payments.secrets import open_notice_secrets
from tenants.context import ANONYMOUS, Scope, system_scope
from tenants.denials import Denials
from tenants.secrets import SecretUnreadable, Vault
from tenants.work import Database

LARGEST_BYTES = 64 * 1024
PATH = "/notices/payments/{provider}/{endpoint}"
_ENDPOINT = re.compile(r"([0-9a-f]{32})_([0-9a-f]{32})", re.ASCII)
_log = structlog.get_logger(__name__)
_counted = Counter("backdesk_notices", "Notices of PSPs, by what became of them", ["outcome"])


@dataclass(frozen=True, slots=True)
class Door:
    """What proving and keeping a notice takes."""

    database: Database
    vault: Vault
    denials: Denials
    now: Callable[[], datetime]

    async def __call__(self, request: Request) -> Response:
        """200 when it is kept, however often it comes; 401 unproven, 404 for nobody, 413 too
        large, 503 when it could not be kept: the PSP sends it again."""
        try:
            body = await _read(request)
            if body is None:
                return _answer(413, "TOO_LARGE")
            connection = await self._whose(request)
            if connection is None:
                return _answer(404, "NOT_FOUND")
            return await self._judge(request, connection, body)
        except DomainError as error:
            _log.warning("notice_not_kept", code=error.code)
            return _answer(503, error.code)

    async def _whose(self, request: Request) -> Connection | None:
        found = _ENDPOINT.fullmatch(request.path_params["endpoint"])
        if found is None:
            return None
        brand_id, connection_id = UUID(hex=found[1]), UUID(hex=found[2])
        async with self.database.read(system_scope(brand_id)) as work:
            connection = await find_connection(work, connection_id)
        if connection is None or provider_of(connection.kind) != request.path_params["provider"]:
            return None
        return connection

    async def _judge(self, request: Request, connection: Connection, body: bytes) -> Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        notices = notices_of(connection.kind)
        try:
            secrets = open_notice_secrets(self.vault, connection)
        except SecretUnreadable:
            _log.error("notice_secret_unreadable", connection=connection.id.hex)
            return _answer(503, "UNAVAILABLE")
        proven = notices.verify(headers, body, secrets, now=self.now())
        if proven is None:
            await self._denied(request, connection)
            return _answer(401, "UNAUTHENTICATED")
        notice = Received(
            provider=provider_of(connection.kind),
            event_id=notices.read(body).event_id,
            endpoint_id=connection.id,
            raw=body,
            verified_with=proven,
        )
        scope = system_scope(connection.brand_id)
        done = await self.database.write(scope, lambda work: record(work, notice))
        _counted.labels("kept" if done.value else "repeated").inc()
        return JSONResponse({"received": True})

    async def _denied(self, request: Request, connection: Connection) -> None:
        """One line of the audit trail at once, and one a minute for its repeats."""
        ip = request.client.host if request.client else None
        scope = Scope(connection.brand_id, ANONYMOUS, ip=ip)
        await self.denials.denied(scope, f"notice:{connection.id.hex}")


async def _read(request: Request) -> bytes | None:
    """The raw bytes, or None as soon as they are too many."""
    told = request.headers.get("content-length", "")
    if told.isdigit() and int(told) > LARGEST_BYTES:
        return None
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST_BYTES:
                return None
    except ClientDisconnect:
        return None
    return bytes(body)


def _answer(status: int, code: str) -> Response:
    _counted.labels(code.lower()).inc()
    return JSONResponse({"error": {"code": code}}, status_code=status)


def notice_routes(
    database: Database,
    vault: Vault,
    denials: Denials,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> list[Route]:
    """The route of notices. Signatures are as old as the real clock says, whatever a sandbox's
    clock shows."""
    return [Route(PATH, Door(database, vault, denials, now).__call__, methods=["POST"])]
