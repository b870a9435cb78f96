"""`GET /statements/{link}`: a wallet's statement as a file, for the link that the API gave out.

A browser opens it without a header; one that is sent must be that of whoever asked. Old, altered
and forged links, those of another actor or brand, and those of somebody who may not see the wallet
any more are one and the same 404. A file is written before the first byte of it is sent, so that a
slow reader holds no connection to the database.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from api.auth import authenticate
from api.graphql.errors import EdgeRefusal
from domain.kernel.clock import Clock, SystemClock
from domain.kernel.errors import DomainError
from domain.kernel.money import Money
from domain.payments.ledger.queries import Statement, statement_lines
from domain.payments.statements.files import write_csv
from domain.payments.statements.links import OpenedLink, StatementLinks
from domain.payments.statements.queries import statement_rows
from domain.payments.statements.rules import span_of
from domain.payments.statements.values import StatementFormat, StatementHead, StatementRow
from domain.reads import Reader, Record, select
from schema.shared.context import Reading, viewer_of
from tenants.actors import ActorSource
from tenants.brands import Directory
from tenants.context import ActorKind
from tenants.identify import Identifier
from tenants.judge import check, question
from tenants.work import Database, ReadWork

PDF_ROWS_MAX = 20_000
_IN_MEMORY = 1 << 20
_CHUNK = 1 << 16
_MEDIA = {
    StatementFormat.CSV: "text/csv; charset=utf-8",
    StatementFormat.PDF: "application/pdf",
}


@dataclass(frozen=True, slots=True)
class StatementDoor:
    """What the route is made of."""

    database: Database
    links: StatementLinks
    reading: Reading
    identifier: Identifier
    directory: Directory
    actors: Mapping[ActorKind, ActorSource]
    clock: Clock = field(default_factory=SystemClock)

    def routes(self) -> list[Route]:
        """The route to mount."""
        return [Route("/statements/{link}", self.download, methods=["GET"])]

    async def download(self, request: Request) -> Response:
        """The file behind a link."""
        opened = self.links.open(request.path_params["link"], now=self.clock.now())
        if opened is None or not await self._is_theirs(request, opened):
            return _not_found()
        file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - sent later
        try:
            async with self.database.read(opened.scope) as work:
                head = await self._written(work, opened, file)
        except _TooLong:
            file.close()
            message = f"More than {PDF_ROWS_MAX} lines: ask for CSV, or for fewer days."
            return PlainTextResponse(message, status_code=413)
        except DomainError:
            file.close()
            return _not_found()
        if head is None:
            file.close()
            return _not_found()
        form = opened.asked.format
        name = f"statement-{head.currency}-{head.start}-{head.end}.{form.lower()}"
        return StreamingResponse(
            _sent(file),
            media_type=_MEDIA[form],
            headers={
                "Content-Disposition": f'attachment; filename="{name}"',
                "Cache-Control": "private, no-store",
                "Referrer-Policy": "no-referrer",
                "X-Content-Type-Options": "nosniff",
            },
        )

    async def _is_theirs(self, request: Request, opened: OpenedLink) -> bool:
        """Whether host and header, where they name anybody, name whoever asked for the link."""
        claimed = (await self.directory.current()).claimed_by(request.headers.get("host"))
        if claimed is not None and claimed.id != opened.scope.brand_id:
            return False
        if "authorization" not in request.headers:
            return True
        try:
            scope = await authenticate(self.identifier, request)
        except EdgeRefusal:
            return False
        asked = opened.scope
        return (scope.brand_id, scope.actor.kind, scope.actor.id) == (
            asked.brand_id, asked.actor.kind, asked.actor.id,
        )  # fmt: skip

    async def _written(
        self, work: ReadWork, opened: OpenedLink, file: IO[bytes]
    ) -> StatementHead | None:
        """Write the file; its head, or None when the wallet is out of sight.

        Refusals: those of `tenants.judge` when whoever asked may not ask any more.
        """
        check(opened.scope, (await work.rows(question(opened.scope, self.actors)))[0])
        head = await self._head(work, opened)
        if head is None:
            return None
        span = span_of(head.start, head.end, head.time_zone)
        statement = await statement_lines(work, opened.asked.wallet_id, *span)
        if statement is None:
            return None
        balances = (statement.opening, statement.closing)
        if opened.asked.format is StatementFormat.CSV:
            await write_csv(file, head, balances, statement_rows(work, statement))
        else:
            await _write_pdf(work, file, head, statement, balances)
        file.seek(0)
        return head

    async def _head(self, work: ReadWork, opened: OpenedLink) -> StatementHead | None:
        """What stands above it, as far as whoever asked may see the wallet."""
        reader = Reader(
            work,
            self.reading.registry,
            viewer=viewer_of(opened.scope),
            cursors=self.reading.cursors,
        )
        asked = opened.asked
        wallet = await _one(reader, "wallet", asked.wallet_id, "currency", "client_id")
        if wallet is None or "wallets:read" not in opened.scope.permissions:
            return None
        want = select("reference", "name", relations=("legal_entity",))
        (client,) = await reader.load("client", [wallet.client_id], want)
        assert client is not None, "whoever sees a wallet sees its client"
        entity = await _one(reader, "legal_entity", client._to_legal_entity, "name")
        brand = await _one(reader, "brand", opened.scope.brand_id, "name", "time_zone")
        assert brand is not None, "everybody sees the own brand"
        return StatementHead(
            brand_name=brand.name,
            legal_entity="" if entity is None else entity.name,
            client_reference=client.reference,
            client_name=client.name,
            currency=wallet.currency,
            time_zone=brand.time_zone,
            start=asked.start,
            end=asked.end,
        )


class _TooLong(Exception):
    """More rows than a PDF is made of."""


async def _write_pdf(
    work: ReadWork,
    file: IO[bytes],
    head: StatementHead,
    statement: Statement,
    balances: tuple[Money, Money],
) -> None:
    rows = []
    async for row in statement_rows(work, statement):
        rows.append(row)
        if len(rows) > PDF_ROWS_MAX:
            raise _TooLong
    await asyncio.to_thread(_draw, file, head, balances, rows)


def _draw(
    file: IO[bytes],
    head: StatementHead,
    balances: tuple[Money, Money],
    rows: Sequence[StatementRow],
) -> None:
    # Most servers draw none: what does it is a tenth of their memory.
    from domain.payments.statements.pdf import write_pdf

    write_pdf(file, head, balances, rows)


async def _one(reader: Reader, entity: str, key: Any, *fields: str) -> Record | None:
    (found,) = await reader.load(entity, [key], select(*fields))
    return found


async def _sent(file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _not_found() -> Response:
    return PlainTextResponse("There is no such statement.", status_code=404)
