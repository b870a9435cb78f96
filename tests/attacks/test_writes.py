"""Writing where one may not: foreign parents, smuggled fields, other people's keys."""

import uuid

import pytest
from argon2 import PasswordHasher

from domain.accounts import tables as accounts
from domain.clients import tables as clients
from tenants import tables
from tests.attacks.actors import askers, one
from tests.attacks.calls import Api
from tests.attacks.contract import Values, example, rights_of_root, roots
from tests.attacks.ledger import Books
from tests.attacks.test_permission_matrix import mutation_document
from tests.factories import Factory
from tests.world import World

Worlds = tuple[World, World]
# What a caller may never set by naming it.
SMUGGLED = (
    "brandId", "role", "roles", "status", "kycStatus", "ibId", "ibPath", "group", "groupName",
    "balance", "legalEntityId", "permissions", "version", "createdAt", "id", "actorId",
)  # fmt: skip
# What is named on purpose, by those who may: the ib that it is about, out of one's own line or by
# staff; what accounts of a program begin with.
NAMED = {
    "challengeProgramPublish": {"balance"},
    "ibInvitationCreate": {"ibId"},
    "ibLinkCreate": {"ibId"},
    "ibMove": {"ibId"},
    "ibPlanAssign": {"ibId"},
    "ibReinstate": {"ibId"},
    "ibSuspend": {"ibId"},
}
ID_FIELDS = [
    (name, field)
    for name, found in roots("mutation").items()
    for field, one in getattr(
        getattr(found.args["input"].type, "of_type", None), "fields", {}
    ).items()
    if "ID" in str(one.type)
]


def values_with(world: World, **ids: str) -> Values:
    own = {
        "client": f"client_{world.client('alone').id.hex}",
        "account": f"account_{world.account('alone').id.hex}",
        "owner": f"staff_{world.brand.staff['sales'].hex}",
        "staff": f"staff_{world.brand.staff['sales'].hex}",
        "parent": f"ib_{world.ibs['north'].id.hex}",
        "ib": f"ib_{world.ibs['north'].id.hex}",
        "order": f"order_{uuid.uuid4().hex}",
        "plan": f"ib_plan_{uuid.uuid4().hex}",
        "position": f"position_{uuid.uuid4().hex}",
    }
    return Values(ids=own | ids, text=f"t{uuid.uuid4().hex[:10]}")


@pytest.mark.parametrize(("name", "field"), ID_FIELDS)
async def test_a_foreign_id_in_an_input_is_as_unknown_as_none(
    api: Api, worlds: Worlds, make: Factory, books: Books, name: str, field: str
):
    """Every id that any mutation takes: foreign, absent, malformed and of another type are one."""
    world, other = worlds
    found = roots("mutation")[name].args["input"].type
    kinds = {
        "client": other.client("north").id, "account": other.account("north").id,
        "staff": other.brand.staff["sales"], "ib": other.ibs["south"].id,
    }  # fmt: skip
    for asker in askers(make, world).values():
        told, before = set(), books.read()
        for shown in (
            *(f"{kind}_{key.hex}" for kind, key in kinds.items()),
            *(f"{kind}_{'0' * 32}" for kind in kinds),
            "nonsense",
            "",
        ):
            values = values_with(world)
            value = example(found, values, owner=name) | {field: shown}
            if "idempotencyKey" in value:
                value["idempotencyKey"] = uuid.uuid4().hex
            document, _ = mutation_document(name, values)
            answer = await api.ask(asker, document, {"input": value})
            assert answer.status < 500, answer
            told.add((answer.status, answer.without_request_id()))
        assert other.brand.id not in books.changed(before), asker.name
        assert len(told) == 1, (asker.name, name, field, told)


@pytest.mark.parametrize("name", roots("mutation"))
async def test_no_input_takes_a_smuggled_field(api: Api, worlds: Worlds, make: Factory, name: str):
    world = worlds[0]
    rights = rights_of_root("mutation", name)
    asker = next(one for one in askers(make, world).values() if rights <= one.rights)
    kind = roots("mutation")[name].args["input"].type
    offered = set(getattr(getattr(kind, "of_type", None), "fields", {}))
    assert (offered & set(SMUGGLED)) <= NAMED.get(name, set()), "say here why that is safe"
    document, variables = mutation_document(name, values_with(world))
    asked = variables["input"]
    assert isinstance(asked, dict)
    for smuggled in set(SMUGGLED) - NAMED.get(name, set()):
        answer = await api.ask(asker, document, {"input": asked | {smuggled: "x"}})
        assert answer.codes == {"BAD_USER_INPUT"}, (smuggled, answer)
        assert answer.data is None


async def test_a_client_changes_nothing_that_is_staffs(api: Api, worlds: Worlds, make: Factory):
    """Own name, country and labels are refused by field; nothing is written."""
    world = worlds[0]
    own = world.client("alone")
    asker = one(make, world, "client_2")
    document = (
        "mutation($input: ClientUpdateInput!) { clientUpdate(input: $input)"
        " { client { id } errors { path code } } }"
    )
    before = [row for row in make.rows(clients.client, world.brand) if row.id == own.id]
    for field, value in (("name", "Someone Else"), ("country", "CY"), ("tags", ["vip"])):
        asked = {"clientId": f"client_{own.id.hex}", "expectedVersion": 1, field: value}
        answer = await api.ask(asker, document, {"input": asked})
        assert answer.refusals() == {"FIELD_NOT_ALLOWED"}, answer
    after = [row for row in make.rows(clients.client, world.brand) if row.id == own.id]
    assert after == before


async def test_two_clients_and_two_brands_share_no_key(api: Api, worlds: Worlds, make: Factory):
    """The same idempotency key of somebody else answers nothing of theirs."""
    world, other = worlds
    key = uuid.uuid4().hex
    document = (
        "mutation($input: AccountOpenInput!) { accountOpen(input: $input)"
        " { replayed account { id } errors { code } } }"
    )
    asked = {"idempotencyKey": key, "kind": "DEMO", "currencyCode": "USD"}
    everybody = askers(make, world)
    told = []
    for asker in (everybody["client"], everybody["client_2"], one(make, other, "client")):
        answer = await api.ask(asker, document, {"input": asked})
        assert answer.data["accountOpen"]["replayed"] is False, answer
        assert not answer.codes
        told.append(answer.data["accountOpen"])
    again = await api.ask(everybody["client"], document, {"input": asked})
    assert again.data["accountOpen"]["replayed"] or again.data["accountOpen"] == told[0]
    reused = await api.ask(
        everybody["client"], document, {"input": asked | {"currencyCode": "EUR"}}
    )
    assert reused.refusals() == {"IDEMPOTENCY_KEY_REUSED"}, reused


async def test_registering_does_not_tell_who_is_a_client(api: Api, worlds: Worlds, make: Factory):
    """An address of another brand is free; one of this brand gets the very same answer."""
    world, other = worlds
    document = (
        "mutation($input: ClientRegisterInput!) { clientRegister(input: $input)"
        " { accepted errors { path code message } } }"
    )
    known, foreign = world.client("alone"), other.client("alone")
    fresh = f"new{uuid.uuid4().hex[:8]}@people.example"
    make.client(world.brand, email="taken@people.example")
    make.client(other.brand, email="elsewhere@people.example")
    key = one(make, world, "key")
    told = set()
    for email in (fresh, "taken@people.example", "elsewhere@people.example"):
        asked = {
            "name": "Ann Example", "email": email, "password": "correct horse battery",
            "country": "CY",
        }  # fmt: skip
        answer = await api.ask(key, document, {"input": asked})
        told.add((answer.status, answer.without_request_id()))
    assert len(told) == 1, told
    assert b'"accepted":true' in next(iter(told))[1]
    emails = [row.email for row in make.rows(clients.client, world.brand)]
    assert emails.count("taken@people.example") == 1
    assert fresh in emails
    assert "elsewhere@people.example" in emails
    assert known.id != foreign.id


async def test_failed_sign_ins_of_one_brand_block_no_other(api: Api, worlds: Worlds, make: Factory):
    """Throttle rows belong to a brand, and known and unknown addresses are blocked alike."""
    one, two = make.brand(), make.brand()
    document = (
        "mutation($input: SessionCreateInput!) { sessionCreate(input: $input)"
        " { errors { code message } } }"
    )
    client = make.client(one, email="known@people.example")
    make.insert(
        tables.credential, one, actor_kind="CLIENT", actor_id=client.id,
        email="known@people.example", password_hash=PasswordHasher().hash("right password"),
        changed_at=make.rows(clients.client, one)[0].created_at,
    )  # fmt: skip

    async def attempt(brand, email: str) -> tuple[object, ...]:
        kind = roots("mutation")["sessionCreate"].args["input"].type
        value = example(kind, Values(ids={"x": "x"}), owner="sessionCreate")
        value |= {"email": email, "password": "wrong password"}
        answer = await api.ask(
            None, document, {"input": value}, headers={"Backdesk-Key": brand.publishable_key}
        )
        return answer.status, tuple(sorted(answer.codes)), tuple(sorted(answer.refusals()))

    known = [await attempt(one, "known@people.example") for _ in range(8)]
    unknown = [await attempt(one, "unknown@people.example") for _ in range(8)]
    assert known == unknown
    assert len(set(known)) == 2, "free at first, then throttled"
    assert await attempt(two, "known@people.example") == known[0]
    keys = {row.key for row in make.rows(tables.throttle, one)}
    assert keys
    assert not any("people.example" in key for key in keys)


async def test_nothing_of_the_database_is_told(api: Api, worlds: Worlds, make: Factory):
    """Broken input of every kind: no SQL, constraint, table, path or host name in any answer."""
    world = worlds[0]
    admin = one(make, world, "brand_admin")
    strange = ["\u0000", "'", '"', "\\", "%", "\ud7ff", "A" * 100_000, "{{7*7}}", "$1", "‮"]
    secrets = [
        "select ", "insert into", "constraint", "psycopg", "asyncpg", "sqlalchemy", "Traceback",
        "uq_", "pk_", "fk_", "relation ", "/postgres", ".sock", "backdesk_app", "testdesk",
        *(table.name for table in (accounts.trading_account, tables.publishable_key)),
    ]  # fmt: skip
    for name in roots("mutation"):
        document, variables = mutation_document(name, values_with(world))
        asked = variables["input"]
        assert isinstance(asked, dict)
        for text in strange:
            value = {key: text if isinstance(one, str) else one for key, one in asked.items()}
            answer = await api.ask(admin, document, {"input": value})
            assert answer.status < 500, (name, answer)
            assert "INTERNAL" not in answer.codes, (name, repr(text[:10]), answer)
            told = [one for one in secrets if one in answer.text]
            assert not told, (name, told, answer)
