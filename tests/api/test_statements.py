"""Statements: what they say, to the cent, and to whom; every other link is one and the same 404."""

import csv
import io
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
import pytest_asyncio
from pypdf import PdfReader
from sqlalchemy import update
from starlette.applications import Starlette

from api import statements
from api.auth import ACTORS, make_identifier
from api.statements import StatementDoor
from domain.kernel.ids import encode_id
from domain.payments.ledger.queries import balances
from domain.payments.ledger.tables import ledger_account
from domain.payments.ledger.values import LedgerAccountKind
from domain.payments.statements.links import GOOD_FOR, StatementLinks
from domain.payments.statements.rules import span_of
from domain.payments.statements.values import StatementAsked, StatementFormat
from schema.root import build
from schema.shared.assemble import Assembled
from tenants.brands import Directory
from tenants.context import Scope
from tenants.secrets import Vault
from tenants.tables import token
from tenants.work import Database
from tests.domain.payments.till import Till
from tests.domain.payments.withdrawals.counter import Counter
from tests.factories import Brand, Client, Factory, Token, rights_of, scope_of
from tests.schema.people import SECRET

VAULT = Vault(bytes(range(32)))
LINKS = StatementLinks(VAULT)
ZONE = "Europe/Nicosia"  # of every brand that the factory makes


@dataclass
class Desk:
    """A client with money, asking for statements over HTTP."""

    http: httpx.AsyncClient
    counter: Counter
    session: Token

    @property
    def till(self) -> Till:
        return self.counter.till

    def scope(self, client: Client | None = None, session: Token | None = None) -> Scope:
        """As the API has it when the client asks."""
        return scope_of(
            self.till.brand, client=client or self.counter.client,
            token_id=(session or self.session).id,
        )  # fmt: skip

    def link(
        self, scope: Scope | None = None, *, form: str = "CSV", asked_at: datetime | None = None
    ) -> str:
        today = datetime.now(ZoneInfo(ZONE)).date()
        asked = StatementAsked(
            self.counter.wallet_id(), today - timedelta(days=3), today, StatementFormat(form)
        )
        made_at = asked_at or datetime.now(UTC)
        return LINKS.make(scope or self.scope(), asked, now=made_at)

    async def get(self, link: str, **headers: str) -> httpx.Response:
        return await self.http.get(f"/statements/{link}", headers=headers)


@pytest.fixture(scope="module")
def assembled() -> Assembled:
    return build(SECRET)


@pytest_asyncio.fixture
async def desk(
    make: Factory, database: Database, brand: Brand, assembled: Assembled
) -> AsyncIterator[Desk]:
    directory = Directory(database)
    door = StatementDoor(
        database, LINKS, assembled.reading, make_identifier(database, directory), directory, ACTORS
    )
    transport = httpx.ASGITransport(app=Starlette(routes=door.routes()))
    async with httpx.AsyncClient(transport=transport, base_url="http://api.example") as http:
        counter = Counter(Till(make, database, brand).open()).open()
        yield Desk(http, counter, make.client_token(brand, counter.client))


@pytest_asyncio.fixture
async def moved(desk: Desk) -> list[dict[str, Any]]:
    """Three movements of the wallet: +1,000.00, +50.00 and -20.00."""
    till, client = desk.till, desk.counter.client
    deposits = [till.payment(client, 100_000, reference="=1+1"), till.payment(client, 5_000)]
    for row in deposits:
        await till.move(
            till.clearing(), till.wallet(client), row["amount_minor"],
            key=f"deposit:{row['id'].hex}", client_id=client.id,
        )  # fmt: skip
    revenue = till.house(LedgerAccountKind.FEE_REVENUE)
    await till.move(till.wallet(client), revenue, 2_000, client_id=client.id)
    return deposits


def lines(response: httpx.Response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(response.text)))


async def test_a_csv_says_each_posting_and_the_balances(desk: Desk, moved: Any) -> None:
    response = await desk.get(desk.link())
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["cache-control"] == "private, no-store"
    opening, *rows, closing = lines(response)
    assert (opening["kind"], opening["balance"]) == ("OPENING_BALANCE", "0.00")
    assert (closing["kind"], closing["balance"]) == ("CLOSING_BALANCE", "1030.00")
    assert [(one["amount"], one["balance"]) for one in rows] == [
        ("1000.00", "1000.00"), ("50.00", "1050.00"), ("-20.00", "1030.00"),
    ]  # fmt: skip
    assert [one["reference"] for one in rows] == ["'=1+1", moved[1]["reference"], ""]
    assert {one["currency"] for one in rows} == {"USD"}
    offset = datetime.now(ZoneInfo(ZONE)).strftime("%z")
    assert all(one["at"].replace(":", "").endswith(offset) for one in rows)


async def test_a_statement_is_what_the_ledger_says(
    desk: Desk, moved: Any, database: Database
) -> None:
    today = datetime.now(ZoneInfo(ZONE)).date()
    start, end = span_of(today - timedelta(days=3), today, ZONE)
    key = desk.counter.wallet_id()
    async with database.read(desk.scope()) as work:
        before = (await balances(work, [key], at=start))[key]
        after = (await balances(work, [key], at=end))[key]
    opening, *_, closing = lines(await desk.get(desk.link()))
    assert (opening["balance"], closing["balance"]) == (
        f"{before.amount_minor / 100:.2f}", f"{after.amount_minor / 100:.2f}",
    )  # fmt: skip


async def test_a_pdf_names_the_brand_its_entity_and_every_line(desk: Desk, moved: Any) -> None:
    for _ in range(60):
        await desk.till.deposit(desk.counter.client, 100)
    response = await desk.get(desk.link(form="PDF"))
    assert response.headers["content-type"] == "application/pdf"
    pages = PdfReader(io.BytesIO(response.content)).pages
    texts = [page.extract_text() for page in pages]
    assert len(pages) == 2
    assert f"Brand {desk.till.brand.slug}" in texts[0]
    assert f"Entity of Brand {desk.till.brand.slug}" in texts[0]
    assert desk.counter.client.reference in texts[0]
    for number, text in enumerate(texts, 1):
        assert f"Page {number} of 2" in text
    whole = "\n".join(texts)
    assert len(re.findall(r"\b1\.00\b", whole)) == 60
    assert ("Opening balance" in texts[0], "Closing balance" in texts[1]) == (True, True)
    assert "1090.00" in texts[1]


async def test_a_pdf_has_an_end(desk: Desk, moved: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "PDF_ROWS_MAX", 2)
    response = await desk.get(desk.link(form="PDF"))
    assert response.status_code == 413
    assert "ask for CSV" in response.text
    assert (await desk.get(desk.link())).status_code == 200


async def test_the_header_may_be_left_out_and_must_be_ones_own(
    desk: Desk, moved: Any, make: Factory, brand_b: Brand
) -> None:
    brand, link = desk.till.brand, desk.link()
    own = await desk.get(link, authorization=f"Bearer {desk.session.text}")
    assert own.status_code == 200
    other = make.client_token(brand, make.client(brand))
    staff = make.staff_token(brand, "finance")
    foreign = make.staff_token(brand_b, "finance")
    refused = [
        await desk.get(link, authorization=f"Bearer {one.text}") for one in (other, staff, foreign)
    ]
    refused.append(await desk.get(link, authorization="Bearer nonsense"))
    refused.append(await desk.get(link, host=brand_b.host))
    assert {(one.status_code, one.text) for one in refused} == {
        (404, "There is no such statement.")
    }


def spoiled(link: str) -> Iterator[str]:
    """A link with one letter changed in each part of it, cut, or made up."""
    for at in (0, 10, 25, 40, 60, len(link) // 2, len(link) - 2):
        yield f"{link[:at]}{'A' if link[at] != 'A' else 'B'}{link[at + 1 :]}"
    yield from (link[:-4], link[:20], "A", "x" * 5_000, f"{link}AAAA", "*" * 80)


async def test_every_other_link_is_the_same_nothing(
    desk: Desk, moved: Any, make: Factory, brand_b: Brand
) -> None:
    brand = desk.till.brand
    stranger = make.client(brand)
    elsewhere = make.client(brand_b)
    strange = [
        desk.scope(stranger, make.client_token(brand, stranger)),
        scope_of(brand_b, client=elsewhere, token_id=make.client_token(brand_b, elsewhere).id),
        scope_of(brand, "sales", token_id=make.staff_token(brand, "sales").id),
        scope_of(
            brand, client=desk.counter.client, token_id=desk.session.id,
            permissions=rights_of("client") - {"wallets:read"},
        ),
    ]  # fmt: skip
    old = desk.link(asked_at=datetime.now(UTC) - GOOD_FOR - timedelta(seconds=1))
    wrong_key = StatementLinks(Vault(bytes(32)))
    today = datetime.now(ZoneInfo(ZONE)).date()
    forged = wrong_key.make(
        desk.scope(),
        StatementAsked(desk.counter.wallet_id(), today, today, StatementFormat.CSV),
        now=datetime.now(UTC),
    )
    links = [*(desk.link(one) for one in strange), old, forged, *spoiled(desk.link())]
    answers = {(one.status_code, one.text) for one in [await desk.get(link) for link in links]}
    assert answers == {(404, "There is no such statement.")}
    assert (await desk.get(desk.link())).status_code == 200


async def test_a_link_dies_with_its_session(desk: Desk, moved: Any, make: Factory) -> None:
    link = desk.link()
    assert (await desk.get(link)).status_code == 200
    make.run(
        desk.till.brand,
        update(token)
        .where(token.c.brand_id == desk.till.brand.id, token.c.id == desk.session.id)
        .values(revoked_at=datetime.now(UTC)),
    )
    assert (await desk.get(link)).status_code == 404


async def test_accounts_of_the_house_have_no_statement(desk: Desk, moved: Any) -> None:
    brand = desk.till.brand
    session = desk.till.make.staff_token(brand, "finance")
    finance = scope_of(brand, "finance", token_id=session.id)
    today = datetime.now(ZoneInfo(ZONE)).date()
    found = {}
    for row in desk.till.make.rows(ledger_account, brand):
        asked = StatementAsked(row.id, today, today, StatementFormat.CSV)
        link = LINKS.make(finance, asked, now=datetime.now(UTC))
        found[row.kind] = (await desk.get(link)).status_code
    assert found == {"CLIENT_WALLET": 200, "PSP_CLEARING": 404, "FEE_REVENUE": 404}


def test_a_link_tells_nothing(desk: Desk) -> None:
    """Neither who asked nor for what: a log of addresses is no list of people."""
    scope = desk.scope()
    asked = StatementAsked(desk.session.id, date(2026, 1, 1), date(2026, 1, 2), StatementFormat.CSV)
    link = LINKS.make(scope, asked, now=datetime.now(UTC))
    opened = LINKS.open(link, now=datetime.now(UTC))
    assert opened is not None
    assert opened.asked == asked
    assert opened.scope.permissions <= scope.permissions
    assert re.fullmatch(r"[A-Za-z0-9_-]+", link)
    assert encode_id("client", desk.counter.client.id)[7:] not in link
