"""`PUT /files/{link}` and `GET /files/{link}`: the bytes of a paper, for the link the API gave out.

Raw bytes, no form: their number is what was announced, and they begin as their type does. They are
read with a cap, sealed, and written once. Old, altered and forged links, those of another actor or
brand, and those of somebody who may not any more are one and the same 404.
"""

import asyncio
from dataclasses import dataclass, field
from http import HTTPStatus

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api.auth import authenticate
from api.graphql.errors import EdgeRefusal
from domain.compliance.identity.commands.read_document import read_document
from domain.compliance.identity.commands.store_document import store_document
from domain.compliance.identity.links import LinkUse, PaperLink, PaperLinks
from domain.compliance.identity.papers import FILE_BYTES_MAX
from domain.kernel.clock import Clock, SystemClock
from domain.kernel.errors import Busy, Conflict, DomainError, Invalid, Unavailable
from domain.kernel.ids import encode_id
from tenants.brands import Directory
from tenants.identify import Identifier
from tenants.secrets import Vault
from tenants.work import Database

DRAINED_BYTES = 4 * FILE_BYTES_MAX
"""How much of a body that is too large is read, so that its sender gets the answer."""
DRAINED_SECONDS = 20
_NEEDS = {LinkUse.UPLOAD: "kyc:submit", LinkUse.DOWNLOAD: "kyc:documents"}


@dataclass(frozen=True, slots=True)
class PaperDoor:
    """What the routes are made of."""

    database: Database
    vault: Vault
    links: PaperLinks
    identifier: Identifier
    directory: Directory
    clock: Clock = field(default_factory=SystemClock)

    def routes(self) -> list[Route]:
        """The routes to mount."""
        return [
            Route("/files/{link}", self.upload, methods=["PUT"]),
            Route("/files/{link}", self.download, methods=["GET"]),
        ]

    async def upload(self, request: Request) -> Response:
        """204 when it is kept; 409 when the link was used, 413 too large, 415 another type."""
        opened = await self._opened(request, LinkUse.UPLOAD)
        if opened is None:
            return _failed(404, "NOT_FOUND", "There is no such upload.")
        content = await _read(request)
        if content is None:
            message = f"A file has at most {FILE_BYTES_MAX} bytes."
            return _failed(413, "TOO_LARGE", message, headers={"Connection": "close"})
        try:
            await self.database.write(
                opened.scope,
                lambda work: store_document(work, self.vault, opened.document_id, content),
            )
        except (Busy, Unavailable) as error:
            return _failed(503, error.code, error.message)
        except Conflict as error:
            return _failed(409, error.code, error.message)
        except Invalid as error:
            status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
            if error.code == "SIZE_DIFFERS":
                status = HTTPStatus.BAD_REQUEST
            return _failed(status, error.code, error.message)
        except DomainError:
            return _failed(404, "NOT_FOUND", "There is no such upload.")
        return JSONResponse({"documentId": encode_id("kyc_document", opened.document_id)})

    async def download(self, request: Request) -> Response:
        """The bytes as they came; each look is in the audit trail."""
        opened = await self._opened(request, LinkUse.DOWNLOAD)
        if opened is None:
            return _failed(404, "NOT_FOUND", "There is no such file.")
        try:
            done = await self.database.write(
                opened.scope, lambda work: read_document(work, self.vault, opened.document_id)
            )
        except (Busy, Unavailable) as error:
            return _failed(503, error.code, error.message)
        except DomainError:
            return _failed(404, "NOT_FOUND", "There is no such file.")
        return Response(
            done.value.content,
            media_type=done.value.media_type,
            headers={
                "Content-Disposition": f'attachment; filename="{opened.document_id.hex}"',
                "Content-Security-Policy": "default-src 'none'; sandbox",
                "Cache-Control": "private, no-store",
                "Referrer-Policy": "no-referrer",
                "X-Content-Type-Options": "nosniff",
            },
        )

    async def _opened(self, request: Request, use: LinkUse) -> PaperLink | None:
        """What the link is for, if it is for that and host and header name nobody else."""
        opened = self.links.open(request.path_params["link"], now=self.clock.now())
        if opened is None or opened.use is not use:
            return None
        if _NEEDS[use] not in opened.scope.permissions:
            return None
        claimed = (await self.directory.current()).claimed_by(request.headers.get("host"))
        if claimed is not None and claimed.id != opened.scope.brand_id:
            return None
        if "authorization" not in request.headers:
            return opened
        try:
            scope = await authenticate(self.identifier, request)
        except EdgeRefusal:
            return None
        asked = opened.scope
        same = (scope.brand_id, scope.actor.kind, scope.actor.id) == (
            asked.brand_id, asked.actor.kind, asked.actor.id,
        )  # fmt: skip
        return opened if same else None


async def _read(request: Request) -> bytes | None:
    """The raw bytes, or None when they are too many or the sender is gone.

    What is too much is read and thrown away, up to a limit: whoever is answered while still sending
    sees a connection that was reset, and no answer. Who waits to be told to go on is told at once.
    """
    told = request.headers.get("content-length", "")
    is_too_much = told.isdigit() and int(told) > FILE_BYTES_MAX
    if is_too_much and (int(told) > DRAINED_BYTES or "expect" in request.headers):
        return None
    body, read = bytearray(), 0
    try:
        async with asyncio.timeout(None) as limit:
            async for chunk in request.stream():
                read += len(chunk)
                is_too_much = is_too_much or read > FILE_BYTES_MAX
                if not is_too_much:
                    body += chunk
                elif read > DRAINED_BYTES:
                    return None
                elif limit.when() is None:
                    body.clear()
                    limit.reschedule(asyncio.get_running_loop().time() + DRAINED_SECONDS)
    except (ClientDisconnect, TimeoutError):
        return None
    return None if is_too_much else bytes(body)


def _failed(
    status: int, code: str, message: str, *, headers: dict[str, str] | None = None
) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, status, headers)
