"""Papers over HTTP: raw bytes in once, sealed at rest, out for those who may; all else is 404."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
import uvicorn
from sqlalchemy import update
from starlette.applications import Starlette

from api.auth import make_identifier
from api.listening import OPTIONS
from api.papers import DRAINED_BYTES, PaperDoor
from domain.compliance.identity import tables
from domain.compliance.identity.commands.expect_document import (
    PaperWish,
    expect_document,
    forget_documents,
)
from domain.compliance.identity.commands.submit_case import SubmitWish, submit_case
from domain.compliance.identity.links import GOOD_FOR, LinkUse, PaperLinks
from domain.compliance.identity.papers import FILE_BYTES_MAX
from domain.compliance.identity.values import DocumentKind, MediaType
from domain.kernel.errors import DomainError
from tenants.brands import Directory
from tenants.context import Scope, system_scope
from tenants.secrets import Vault
from tenants.tables import audit, token
from tenants.work import Database
from tests.domain.compliance.kyc import ask_for
from tests.factories import Brand, Client, Factory, Token, scope_of

VAULT = Vault(bytes(range(32)))
LINKS = PaperLinks(VAULT)
PDF = b"%PDF-1.7 a bill for water"


@asynccontextmanager
async def served(app: Starlette) -> AsyncIterator[int]:
    """The port of a real server, as the application is served by."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, log_level="critical", lifespan="off", timeout_graceful_shutdown=1, **OPTIONS
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.005)
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await serving


@dataclass
class Desk:
    """A client with papers, over HTTP."""

    http: httpx.AsyncClient
    make: Factory
    database: Database
    brand: Brand
    client: Client
    session: Token
    app: Starlette

    def scope(self) -> Scope:
        return scope_of(self.brand, client=self.client, token_id=self.session.id)

    def staff(self, role: str = "compliance") -> Scope:
        return scope_of(self.brand, role, token_id=self.make.staff_token(self.brand, role).id)

    async def expect(self, content: bytes = PDF, **more: Any) -> UUID:
        wish = PaperWish(
            self.client.id, DocumentKind.UTILITY_BILL, "bill.pdf",
            more.pop("media_type", MediaType.PDF), len(content), **more,
        )  # fmt: skip
        done = await self.database.write(self.scope(), lambda work: expect_document(work, wish))
        return done.value

    def link(self, key: UUID, use: str = "upload", scope: Scope | None = None) -> str:
        return LINKS.make(scope or self.scope(), key, LinkUse(use), now=datetime.now(UTC))

    async def put(self, link: str, content: bytes = PDF, **headers: str) -> httpx.Response:
        return await self.http.put(f"/files/{link}", content=content, headers=headers)

    async def stored(self, **more: Any) -> UUID:
        key = await self.expect(**more)
        assert (await self.put(self.link(key))).status_code == 200
        return key

    def rows(self, table: Any) -> Any:
        return self.make.rows(table, self.brand)


@pytest_asyncio.fixture
async def desk(make: Factory, database: Database, brand: Brand) -> AsyncIterator[Desk]:
    ask_for(make, brand)
    directory = Directory(database)
    door = PaperDoor(database, VAULT, LINKS, make_identifier(database, directory), directory)
    app = Starlette(routes=door.routes())
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://api.example") as http:
        client = make.client(brand)
        yield Desk(http, make, database, brand, client, make.client_token(brand, client), app)


async def test_bytes_are_kept_sealed_and_come_out_as_they_went_in(desk: Desk):
    key = await desk.stored()
    (kept,) = desk.rows(tables.kyc_document_content)
    assert PDF not in kept.content_cipher
    (row,) = desk.rows(tables.kyc_document)
    assert (row.status, row.size, row.digest) == (
        "STORED", len(PDF), VAULT.digest(desk.brand.id, PDF),
    )  # fmt: skip
    found = await desk.http.get(f"/files/{desk.link(key, 'download', desk.staff())}")
    assert (found.status_code, found.content) == (200, PDF)
    assert found.headers["content-type"] == "application/pdf"
    assert found.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in found.headers["content-security-policy"]
    actions = [line.action for line in desk.rows(audit)]
    assert actions.count("kyc_document.store") == actions.count("kyc_document.read") == 1


async def test_a_link_is_used_once(desk: Desk):
    key = await desk.expect()
    link = desk.link(key)
    assert (await desk.put(link)).status_code == 200
    again = await desk.put(link)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "ALREADY_UPLOADED")


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (PDF + b"!", 400, "SIZE_DIFFERS"),
        (b"<html>" + b" " * (len(PDF) - 6), 415, "TYPE_DIFFERS"),
        (b"\xff\xd8\xff" + b" " * (len(PDF) - 3), 415, "TYPE_DIFFERS"),
        (b"x" * (FILE_BYTES_MAX + 1), 413, "TOO_LARGE"),
        (b"", 400, "SIZE_DIFFERS"),
    ],
)
async def test_what_was_not_announced_is_not_kept(desk: Desk, content, status, code):
    key = await desk.expect()
    answer = await desk.put(desk.link(key), content)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert desk.rows(tables.kyc_document_content) == []
    assert (await desk.put(desk.link(key))).status_code == 200, "the link is still good"


async def test_an_endless_body_is_cut_off(desk: Desk):
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b"%PDF-" + b"x" * 1_000_000

    key = await desk.expect()
    answer = await desk.http.put(f"/files/{desk.link(key)}", content=endless())
    assert answer.status_code == 413
    assert answer.headers["connection"] == "close"
    assert sent <= DRAINED_BYTES // 1_000_000 + 1


async def test_who_sends_too_much_over_a_socket_reads_the_answer(desk: Desk):
    """Raw, since clients of HTTP may read early: all is sent before anything is looked at."""
    path = f"/files/{desk.link(await desk.expect())}"
    too_much = b"x" * (2 * FILE_BYTES_MAX)
    pieces = b"%x\r\n%s\r\n0\r\n\r\n" % (len(too_much), too_much)
    bodies = {
        f"Content-Length: {len(too_much)}": too_much,
        "Transfer-Encoding: chunked": pieces,
        f"Content-Length: {DRAINED_BYTES + 1}\r\nExpect: 100-continue": b"",
    }
    async with served(desk.app) as port:
        for header, body in bodies.items():
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"PUT {path} HTTP/1.1\r\nHost: api.example\r\n{header}\r\n\r\n".encode())
            writer.write(body)
            await writer.drain()
            told = (await asyncio.wait_for(reader.read(), 30)).decode()
            writer.close()
            assert told.startswith("HTTP/1.1 413 "), header
            assert '"code":"TOO_LARGE"' in told
            assert "connection: close" in told.lower()
    assert desk.rows(tables.kyc_document_content) == []


async def test_links_are_of_one_use_for_one_person_and_ten_minutes(desk: Desk, brand_b: Brand):
    key = await desk.stored()
    fresh = await desk.expect()
    old = LINKS.make(desk.scope(), fresh, LinkUse.UPLOAD, now=datetime.now(UTC) - GOOD_FOR)
    other = desk.make.client(desk.brand)
    headers = {"authorization": f"Bearer {desk.make.client_token(desk.brand, other).text}"}
    for link in (old, desk.link(fresh, "download"), "x", "é", "a" * 5_000):
        assert (await desk.put(link)).status_code == 404, link[:20]
    assert (await desk.put(desk.link(fresh), **headers)).status_code == 404
    assert (await desk.put(desk.link(fresh), host=brand_b.host)).status_code == 404
    # A client may not open what it brought: its browser has it.
    assert (await desk.http.get(f"/files/{desk.link(key, 'download')}")).status_code == 404
    assert (await desk.http.get(f"/files/{desk.link(fresh, 'download')}")).status_code == 404
    finance = desk.staff("finance")
    assert (await desk.http.get(f"/files/{desk.link(key, 'download', finance)}")).status_code == 404
    own = {"authorization": f"Bearer {desk.session.text}"}
    assert (await desk.put(desk.link(fresh), **own)).status_code == 200


async def test_a_revoked_session_uploads_nothing(desk: Desk):
    key = await desk.expect()
    link = desk.link(key)
    ended = update(token).where(token.c.brand_id == desk.brand.id, token.c.id == desk.session.id)
    desk.make.run(desk.brand, ended.values(revoked_at=datetime.now(UTC)))
    assert (await desk.put(link)).status_code == 404


async def test_another_clients_paper_is_out_of_reach(desk: Desk):
    """A link can't be made for it by the API; were there one, row-level security says no."""
    key = await desk.expect()
    other = desk.make.client(desk.brand)
    session = desk.make.client_token(desk.brand, other)
    foreign = scope_of(desk.brand, client=other, token_id=session.id)
    assert (await desk.put(desk.link(key, scope=foreign))).status_code == 409
    assert desk.rows(tables.kyc_document)[0].status == "EXPECTED"


# Proofs by papers -----------------------------------------------------------------------------


async def submitted(desk: Desk, *keys: UUID) -> UUID:
    wish = SubmitWish(desk.client.id, "ADDRESS", document_ids=keys)
    done = await desk.database.write(desk.scope(), lambda work: submit_case(work, wish))
    return UUID(done.value["case"])


async def refused(desk: Desk, *keys: UUID) -> str:
    with pytest.raises(DomainError) as raised:
        await submitted(desk, *keys)
    return raised.value.code


async def test_papers_make_a_case_that_waits_for_people(desk: Desk):
    today = datetime.now(UTC).date()
    key = await desk.stored(issued_on=today - timedelta(days=90))
    case_id = await submitted(desk, key)
    (case,) = desk.rows(tables.kyc_case)
    assert (case.id, case.status, case.how) == (case_id, "ON_HOLD", "DOCUMENTS")
    assert desk.rows(tables.kyc_document)[0].case_id == case_id
    more = await desk.stored(issued_on=today)
    assert await submitted(desk, more) == case_id, "while it is open, papers are added"
    assert await refused(desk, key) == "DOCUMENT_INVALID", "used before"


async def test_papers_that_do_not_do(desk: Desk):
    today = datetime.now(UTC).date()
    expected = await desk.expect(issued_on=today)
    old = await desk.stored(issued_on=today - timedelta(days=91))
    undated = await desk.stored()
    for keys in ((), (expected,), (old,), (undated,), (UUID(int=1),)):
        assert await refused(desk, *keys) == "DOCUMENT_INVALID"
    expired = await desk.stored(issued_on=today, expires_on=today)
    past = update(tables.kyc_document).where(tables.kyc_document.c.brand_id == desk.brand.id)
    desk.make.run(desk.brand, past.values(expires_on=today - timedelta(days=1)))
    assert await refused(desk, expired) == "DOCUMENT_INVALID"
    assert desk.rows(tables.kyc_case) == []


async def test_papers_that_nobody_uses_are_bounded_and_forgotten(
    desk: Desk, worker_database: Database
):
    for _ in range(20):
        await desk.expect()
    with pytest.raises(DomainError) as raised:
        await desk.expect()
    assert raised.value.code == "UPLOAD_LIMIT"
    later = datetime.now(UTC) + timedelta(hours=1)
    done = await worker_database.write(
        system_scope(desk.brand.id), lambda work: forget_documents(work, before=later)
    )
    assert done.value == 20
    await desk.expect()
