"""The door for notices: `POST /notices/{context}/{provider}/{brand hex}_{connection hex}`.

A notice is proven over its raw bytes, kept and answered; what it means is found out by a job. Its
brand is that of the path, and only when a secret of that very connection signed it: the body says
nothing that is believed here.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import structlog
from prometheus_client import Counter
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from domain.compliance.identity import jobs as identity
from domain.compliance.identity import queries as kyc
from domain.compliance.identity import secrets as kyc_secrets
from domain.compliance.identity.adapters.registry import notices_of as kyc_notices_of
from domain.events.inbox import Received, record
from domain.kernel.errors import DomainError
from domain.payments.adapters.registry import notices_of
from domain.payments.notices import provider_of
from domain.payments.queries import find_connection
from domain.payments.secrets import open_notice_secrets
from tenants.context import ANONYMOUS, Scope, system_scope
from tenants.denials import Denials
from tenants.secrets import SecretUnreadable, Vault
from tenants.work import Database, ReadWork

LARGEST_BYTES = 64 * 1024
PATH = "/notices/{context}/{{provider}}/{{endpoint}}"
_ENDPOINT = re.compile(r"([0-9a-f]{32})_([0-9a-f]{32})", re.ASCII)
_log = structlog.get_logger(__name__)
_counted = Counter("backdesk_notices", "Notices of vendors, by what became of them", ["outcome"])


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Whoever may send us notices. `named` is the provider in its path, `provider` in the inbox;
    `prove` says which of its secrets signed a body and may raise SecretUnreadable."""

    brand_id: UUID
    id: UUID
    named: str
    provider: str
    prove: Callable[[Mapping[str, str], bytes, datetime], int | None]
    event_id: Callable[[bytes], str]


Lookup = Callable[[ReadWork, UUID, Vault], Awaitable[Endpoint | None]]
"""The endpoint of a connection of the work's brand; None when there is none."""


async def of_psp(work: ReadWork, connection_id: UUID, vault: Vault) -> Endpoint | None:
    """A merchant account of the cashier."""
    one = await find_connection(work, connection_id)
    if one is None:
        return None
    notices, provider = notices_of(one.kind), provider_of(one.kind)

    def prove(headers: Mapping[str, str], body: bytes, now: datetime) -> int | None:
        return notices.verify(headers, body, open_notice_secrets(vault, one), now=now)

    return Endpoint(
        one.brand_id, one.id, provider, provider, prove, lambda body: notices.read(body).event_id
    )


async def of_kyc(work: ReadWork, connection_id: UUID, vault: Vault) -> Endpoint | None:
    """An account at a KYC vendor."""
    one = await kyc.find_connection(work, connection_id)
    if one is None:
        return None
    notices = kyc_notices_of(one.kind)

    def prove(headers: Mapping[str, str], body: bytes, _now: datetime) -> int | None:
        return notices.verify(headers, body, kyc_secrets.open_notice_secrets(vault, one))

    return Endpoint(
        one.brand_id,
        one.id,
        one.kind.value.lower(),
        identity.provider_of(one.kind),
        prove,
        lambda body: notices.read(body).event_id,
    )


CONTEXTS: Mapping[str, Lookup] = {"payments": of_psp, "compliance": of_kyc}


@dataclass(frozen=True, slots=True)
class Door:
    """What proving and keeping a notice takes."""

    database: Database
    vault: Vault
    denials: Denials
    lookup: Lookup
    now: Callable[[], datetime]

    async def __call__(self, request: Request) -> Response:
        """200 when it is kept, however often it comes; 401 unproven, 404 for nobody, 413 too
        large, 503 when it could not be kept: the vendor sends it again."""
        try:
            body = await _read(request)
            if body is None:
                return _answer(413, "TOO_LARGE")
            endpoint = await self._whose(request)
            if endpoint is None:
                return _answer(404, "NOT_FOUND")
            return await self._judge(request, endpoint, body)
        except DomainError as error:
            _log.warning("notice_not_kept", code=error.code)
            return _answer(503, error.code)

    async def _whose(self, request: Request) -> Endpoint | None:
        found = _ENDPOINT.fullmatch(request.path_params["endpoint"])
        if found is None:
            return None
        brand_id, connection_id = UUID(hex=found[1]), UUID(hex=found[2])
        async with self.database.read(system_scope(brand_id)) as work:
            endpoint = await self.lookup(work, connection_id, self.vault)
        if endpoint is None or endpoint.named != request.path_params["provider"]:
            return None
        return endpoint

    async def _judge(self, request: Request, endpoint: Endpoint, body: bytes) -> Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            proven = endpoint.prove(headers, body, self.now())
        except SecretUnreadable:
            _log.error("notice_secret_unreadable", connection=endpoint.id.hex)
            return _answer(503, "UNAVAILABLE")
        if proven is None:
            await self._denied(request, endpoint)
            return _answer(401, "UNAUTHENTICATED")
        notice = Received(
            provider=endpoint.provider,
            event_id=endpoint.event_id(body),
            endpoint_id=endpoint.id,
            raw=body,
            verified_with=proven,
        )
        scope = system_scope(endpoint.brand_id)
        done = await self.database.write(scope, lambda work: record(work, notice))
        _counted.labels("kept" if done.value else "repeated").inc()
        return JSONResponse({"received": True})

    async def _denied(self, request: Request, endpoint: Endpoint) -> None:
        """One line of the audit trail at once, and one a minute for its repeats."""
        ip = request.client.host if request.client else None
        scope = Scope(endpoint.brand_id, ANONYMOUS, ip=ip)
        await self.denials.denied(scope, f"notice:{endpoint.id.hex}")


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
    """The routes of notices, one for each context that hears vendors. Signatures are as old as the
    real clock says, whatever a sandbox's clock shows."""
    return [
        Route(
            PATH.format(context=context),
            Door(database, vault, denials, lookup, now).__call__,
            methods=["POST"],
        )
        for context, lookup in CONTEXTS.items()
    ]
