"""What can be done to clients through the API: success, each refusal, denials, what is left."""

from typing import Any

import pytest
from sqlalchemy import update

from domain.clients.jobs import send_verification
from domain.clients.tables import client as client_table
from domain.clients.tables import client_note
from domain.clients.values import Mail
from domain.events.jobs import JobRun
from domain.kernel.ids import encode_id, new_uuid
from tenants import tables
from tenants.context import ANONYMOUS, Scope
from tenants.tokens import NO_BRAND, parse
from tenants.work import Database
from tests.factories import Brand, Client, Factory, rights_of, scope_of
from tests.schema.people import PASSWORDS, Ask

REGISTER = """mutation ($input: ClientRegisterInput!) { clientRegister(input: $input) {
  accepted errors { code path message } } }"""
VERIFY = """mutation ($input: EmailVerifyInput!) { emailVerify(input: $input) {
  tokens { sessionId accessToken refreshToken } errors { code path } } }"""
UPDATE = """mutation ($input: ClientUpdateInput!) { clientUpdate(input: $input) {
  client { id version name phone language country tags } errors { code path } } }"""
ASSIGN = """mutation ($input: ClientAssignInput!) { clientAssign(input: $input) {
  client { version owner { id } } errors { code path } } }"""
NOTE = """mutation ($input: ClientNoteCreateInput!) { clientNoteCreate(input: $input) {
  note { id body client { id } author { id } } errors { code path } } }"""
FORM = {
    "name": "Ann Lee",
    "email": "ann@new.example",
    "password": "correct horse battery",
    "country": "CY",
}
WRITTEN = (
    client_table, client_note, tables.credential, tables.event, tables.audit, tables.session,
    tables.token, tables.brand_counter,
)  # fmt: skip


def counts(make: Factory, *brands: Brand) -> list[int]:
    return [len(make.rows(table, brand)) for brand in brands for table in WRITTEN]


async def test_registration_answers_alike_for_new_and_known_addresses(
    ask: Ask, make: Factory, brand: Brand
) -> None:
    known = make.client(brand)
    answers = [
        (await ask(REGISTER, scope_of(brand), input=FORM | {"email": email})).only()
        for email in (FORM["email"], known.email)
    ]
    assert answers == [{"accepted": True, "errors": []}] * 2
    assert len(make.rows(client_table, brand)) == 2


async def test_new_and_known_addresses_cost_the_same_hash(
    ask: Ask, make: Factory, brand: Brand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hash takes some 50 ms, all else some 5: both registrations are of one class of time."""
    hashed: list[str] = []
    plain = PASSWORDS.hash

    async def counted(password: str) -> str:
        hashed.append(password)
        return await plain(password)

    monkeypatch.setattr(PASSWORDS, "hash", counted)
    statements = []
    for email in (make.client(brand).email, "new@cost.example"):
        answer = await ask(REGISTER, scope_of(brand), input=FORM | {"email": email})
        statements.append(answer.statements)
    assert hashed == [FORM["password"]] * 2
    known, new = statements
    assert known == new


async def test_the_address_of_another_brands_client_is_free(
    ask: Ask, make: Factory, brand: Brand, brand_b: Brand
) -> None:
    known = make.client(brand_b)
    before = counts(make, brand_b)
    assert (await ask(REGISTER, scope_of(brand), input=FORM | {"email": known.email})).only()
    assert [row.email for row in make.rows(client_table, brand)] == [known.email]
    assert counts(make, brand_b) == before


@pytest.mark.parametrize(
    ("changed", "code", "path"),
    [
        ({"email": "ann"}, "INVALID", ["input", "email"]),
        ({"name": " "}, "INVALID", ["input", "name"]),
        ({"phone": "123"}, "INVALID", ["input", "phone"]),
        ({"language": "xx"}, "INVALID", ["input", "language"]),
        ({"password": "short"}, "PASSWORD_WEAK", ["input", "password"]),
        ({"country": "KP"}, "COUNTRY_NOT_ALLOWED", ["input", "country"]),
        ({"ibCode": "NOBODY"}, "IB_UNKNOWN", ["input", "ibCode"]),
    ],
)
async def test_a_registration_that_cannot_be_leaves_nothing(
    changed: dict[str, str], code: str, path: list[str], ask: Ask, make: Factory, brand: Brand
) -> None:
    answer = await ask(REGISTER, scope_of(brand), input=FORM | changed)
    assert [(one["code"], one["path"]) for one in answer.only()["errors"]] == [(code, path)]
    assert answer.only()["accepted"] is False
    assert counts(make, brand) == [0] * len(WRITTEN)


async def test_a_flood_of_registrations_is_throttled(ask: Ask, brand: Brand) -> None:
    for _ in range(6):
        await ask(REGISTER, scope_of(brand), input=FORM)
    answer = await ask(REGISTER, scope_of(brand), input=FORM)
    assert [one["code"] for one in answer.only()["errors"]] == ["THROTTLED"]


async def test_a_session_counts_for_nothing_when_somebody_registers(
    ask: Ask, make: Factory, brand: Brand
) -> None:
    asking = scope_of(brand, client=make.client(brand))
    assert (await ask(REGISTER, asking, input=FORM)).only()["accepted"]
    assert [row.actor_kind for row in make.rows(tables.audit, brand)] == ["ANONYMOUS"]


async def test_without_a_brand_nobody_registers(ask: Ask) -> None:
    nowhere = Scope(NO_BRAND, ANONYMOUS)
    for text, given in ((REGISTER, FORM), (VERIFY, {"token": "x"})):
        assert (await ask(text, nowhere, input=given)).codes == ["FORBIDDEN"]


class Kept:
    def __init__(self) -> None:
        self.mails: list[Mail] = []

    async def send(self, mail: Mail) -> None:
        self.mails.append(mail)


async def mailed(ask: Ask, make: Factory, worker: Database, brand: Brand) -> str:
    """Register and return the token out of the mail."""
    await ask(REGISTER, scope_of(brand), input=FORM)
    (row,) = [one for one in make.rows(client_table, brand) if one.email == FORM["email"]]
    mailer = Kept()
    await send_verification(JobRun("test", brand.id, "1", 1, worker), mailer, row.id)
    return next(line for line in mailer.mails[0].text.splitlines() if line.startswith("bk_"))


async def test_a_verified_address_begins_a_session(
    ask: Ask, make: Factory, worker_database: Database, brand: Brand
) -> None:
    token = await mailed(ask, make, worker_database, brand)
    done = (await ask(VERIFY, scope_of(brand), input={"token": token, "device": "phone"})).only()
    assert done["errors"] == []
    access = parse(done["tokens"]["accessToken"])
    assert access is not None
    (client,) = make.rows(client_table, brand)
    (session,) = make.rows(tables.session, brand)
    assert (client.status, session.client_id, session.user_agent) == ("ACTIVE", client.id, "phone")
    assert {row.kind for row in make.rows(tables.token, brand)} == {"VERIFY", "ACCESS", "REFRESH"}


async def test_a_token_works_once_and_with_its_own_brand_only(
    ask: Ask, make: Factory, worker_database: Database, brand: Brand, brand_b: Brand
) -> None:
    token = await mailed(ask, make, worker_database, brand)
    before = counts(make, brand, brand_b)
    said = [
        await ask(VERIFY, scope_of(brand_b), input={"token": token}),
        await ask(VERIFY, scope_of(brand), input={"token": "nonsense"}),
    ]
    assert counts(make, brand, brand_b) == before
    await ask(VERIFY, scope_of(brand), input={"token": token})
    said.append(await ask(VERIFY, scope_of(brand), input={"token": token}))
    assert [one.refused() for one in said] == [[("TOKEN_INVALID", ["input", "token"])]] * 3
    assert len(make.rows(tables.session, brand)) == 1


async def test_an_address_registered_twice_asks_for_a_password_with_the_same_token(
    ask: Ask, make: Factory, worker_database: Database, brand: Brand
) -> None:
    token = await mailed(ask, make, worker_database, brand)
    await ask(REGISTER, scope_of(brand), input=FORM | {"password": "somebody else's"})
    said = [
        await ask(VERIFY, scope_of(brand), input={"token": token} | more)
        for more in ({}, {"password": "password123"}, {"password": "mine and only mine"})
    ]
    path = ["input", "password"]
    assert said[0].refused() == [("PASSWORD_REQUIRED", path)]
    assert said[1].refused() == [("PASSWORD_WEAK", path)]
    assert said[2].only()["tokens"]
    (row,) = make.rows(tables.credential, brand)
    assert (await PASSWORDS.verify(row.password_hash, "mine and only mine")).right


@pytest.fixture
def client(make: Factory, brand: Brand) -> Client:
    return make.client(brand)


def shown(one: Client) -> str:
    return encode_id("client", one.id)


async def test_staff_updates_a_client_and_reads_what_was_written(
    ask: Ask, make: Factory, brand: Brand, client: Client
) -> None:
    given = {
        "clientId": shown(client), "expectedVersion": 1, "name": "New Name", "phone": "",
        "tags": ["VIP"],
    }  # fmt: skip
    done = (await ask(UPDATE, scope_of(brand, "brand_admin"), input=given)).only()
    assert done == {
        "client": {
            "id": shown(client), "version": 2, "name": "New Name", "phone": None,
            "language": "en", "country": "CY", "tags": ["vip"],
        },
        "errors": [],
    }  # fmt: skip


async def test_a_client_updates_itself_only(
    ask: Ask, make: Factory, brand: Brand, client: Client
) -> None:
    other = make.client(brand)
    own = scope_of(brand, client=client)
    given = {"expectedVersion": 1, "phone": "+35799000009"}
    done = await ask(UPDATE, own, input=given | {"clientId": shown(client)})
    assert done.only()["client"]["phone"] == "+35799000009"
    refused = await ask(UPDATE, own, input=given | {"clientId": shown(other)})
    assert refused.refused() == [("NOT_FOUND", ["input", "clientId"])]


@pytest.mark.parametrize(
    ("changed", "code", "path"),
    [
        ({"expectedVersion": 2}, "VERSION_CONFLICT", ["input", "expectedVersion"]),
        ({"name": ""}, "INVALID", ["input", "name"]),
        ({"country": "KP"}, "COUNTRY_NOT_ALLOWED", ["input", "country"]),
        ({"clientId": "client_1"}, "NOT_FOUND", ["input", "clientId"]),
        ({"clientId": encode_id("client", new_uuid())}, "NOT_FOUND", ["input", "clientId"]),
    ],
)
async def test_a_refused_update_leaves_nothing(
    changed: dict[str, Any],
    code: str,
    path: list[str],
    ask: Ask,
    make: Factory,
    brand: Brand,
    client: Client,
) -> None:
    given = {"clientId": shown(client), "expectedVersion": 1, "tags": ["x"]} | changed
    before = [make.rows(table, brand) for table in WRITTEN]
    answer = await ask(UPDATE, scope_of(brand, "brand_admin"), input=given)
    assert answer.refused() == [(code, path)]
    assert [make.rows(table, brand) for table in WRITTEN] == before


async def test_refusals_by_status_and_by_field(
    ask: Ask, make: Factory, brand: Brand, client: Client
) -> None:
    closed = make.client(brand, status="CLOSED")
    admin, own = scope_of(brand, "brand_admin"), scope_of(brand, client=client)
    given = {"expectedVersion": 1, "tags": ["x"]}
    said = [
        (await ask(UPDATE, admin, input=given | {"clientId": shown(closed)})).refused(),
        (await ask(UPDATE, own, input=given | {"clientId": shown(client)})).refused(),
        (await ask(
            ASSIGN, admin, input={"expectedVersion": 1, "clientId": shown(closed)}
        )).refused(),
    ]  # fmt: skip
    assert [one[0][0] for one in said] == ["CLIENT_CLOSED", "FIELD_NOT_ALLOWED", "CLIENT_CLOSED"]


async def test_a_client_is_assigned(ask: Ask, make: Factory, brand: Brand, client: Client) -> None:
    admin, owner = scope_of(brand, "brand_admin"), brand.staff["sales"]
    given: dict[str, Any] = {
        "clientId": shown(client),
        "expectedVersion": 1,
        "ownerId": encode_id("staff", owner),
    }
    done = (await ask(ASSIGN, admin, input=given)).only()
    assert done["client"] == {"version": 2, "owner": {"id": encode_id("staff", owner)}}
    for changed, code, path in (
        ({}, "VERSION_CONFLICT", "expectedVersion"),
        ({"ownerId": "staff_x", "expectedVersion": 2}, "NOT_FOUND", "ownerId"),
        ({"clientId": "x", "expectedVersion": 2}, "NOT_FOUND", "clientId"),
    ):
        refused = await ask(ASSIGN, admin, input=given | changed)
        assert refused.refused() == [(code, ["input", path])]


async def test_a_note_is_written(ask: Ask, make: Factory, brand: Brand, client: Client) -> None:
    given = {"clientId": shown(client), "body": "Called."}
    scope = scope_of(brand, "support")
    done = (await ask(NOTE, scope, input=given)).only()
    note_id = done["note"].pop("id")
    assert done == {
        "note": {
            "body": "Called.",
            "client": {"id": shown(client)},
            "author": {"id": encode_id("staff", brand.staff["support"])},
        },
        "errors": [],
    }
    (row,) = make.rows(client_note, brand)
    assert encode_id("note", row.id) == note_id
    for changed, code, path in (
        ({"body": ""}, "INVALID", "body"),
        ({"clientId": "x"}, "NOT_FOUND", "clientId"),
    ):
        refused = await ask(NOTE, scope, input=given | changed)
        assert refused.refused() == [(code, ["input", path])]
    assert len(make.rows(client_note, brand)) == 1


@pytest.mark.parametrize(
    ("document", "given", "right"),
    [
        (UPDATE, {"expectedVersion": 1, "tags": ["x"]}, "clients:write"),
        (ASSIGN, {"expectedVersion": 1}, "clients:assign"),
        (NOTE, {"body": "x"}, "notes:write"),
    ],
)
async def test_without_the_right_or_the_brand_nothing_happens(
    document: str,
    given: dict[str, Any],
    right: str,
    ask: Ask,
    make: Factory,
    brand: Brand,
    brand_b: Brand,
    client: Client,
) -> None:
    before = counts(make, brand, brand_b)
    given = given | {"clientId": shown(client)}
    lacking = rights_of("brand_admin") - {right}
    denied = await ask(document, scope_of(brand, "brand_admin", permissions=lacking), input=given)
    assert set(denied.codes) == {"FORBIDDEN"}
    anonymous = await ask(document, scope_of(brand), input=given)
    assert set(anonymous.codes) == {"UNAUTHENTICATED"}
    foreign = await ask(document, scope_of(brand_b, "brand_admin"), input=given)
    assert foreign.refused() == [("NOT_FOUND", ["input", "clientId"])]
    assert counts(make, brand, brand_b) == before


async def test_staff_that_gives_a_client_away_sees_it_no_more(
    ask: Ask, make: Factory, brand: Brand, client: Client
) -> None:
    owner = brand.staff["sales"]
    make.run(
        brand,
        update(client_table)
        .where(client_table.c.brand_id == brand.id, client_table.c.id == client.id)
        .values(owner_id=owner),
    )
    seller = scope_of(brand, "sales", permissions=rights_of("sales") | {"clients:assign"})
    done = await ask(ASSIGN, seller, input={"clientId": shown(client), "expectedVersion": 1})
    assert done.only() == {"client": None, "errors": []}
