"""Changes to a client: by whom, of what, against which version, and what a refusal leaves."""

from typing import Any
from uuid import UUID

import psycopg
import pytest

from domain.clients.commands.add_note import add_note
from domain.clients.commands.assign_client import assign_client
from domain.clients.commands.update_client import update_client
from domain.clients.tables import client as client_table
from domain.clients.tables import client_note, client_search
from domain.clients.values import ProfileChange
from domain.kernel.errors import DomainError
from domain.kernel.ids import new_uuid
from tenants.context import Scope
from tenants.tables import audit, event
from tenants.work import Database, WriteWork
from tests.factories import Brand, Client, Factory, scope_of

NAMED = frozenset({"clients:names", "clients:pii", "clients:all", "clients:write", "notes:read"})


@pytest.fixture
def client(make: Factory, brand: Brand) -> Client:
    return make.client(brand)


def staff(brand: Brand, *without: str) -> Scope:
    return scope_of(brand, "support", permissions=NAMED - set(without))


async def change(
    database: Database, scope: Scope, client_id: UUID, version: int = 1, **fields: Any
) -> UUID:
    async def command(work: WriteWork) -> UUID:
        return await update_client(
            work, client_id, ProfileChange(**fields), expected_version=version
        )

    return (await database.write(scope, command)).value


def row_of(make: Factory, brand: Brand, client_id: UUID) -> Any:
    return next(row for row in make.rows(client_table, brand) if row.id == client_id)


def logs(make: Factory, brand: Brand) -> tuple[int, int]:
    return len(make.rows(event, brand)), len(make.rows(audit, brand))


async def test_staff_changes_a_profile_and_the_version_rises(
    database: Database, make: Factory, brand: Brand, client: Client
) -> None:
    fields = {"name": " New  Name", "phone": "0035799000000", "tags": ("VIP",)}
    assert await change(database, staff(brand), client.id, **fields) == client.id
    row = row_of(make, brand, client.id)
    assert (row.name, row.phone, row.tags, row.version) == (
        "New Name", "+35799000000", ["vip"], 2,
    )  # fmt: skip
    (written,) = make.rows(event, brand)
    assert (written.kind, written.payload) == (
        "profile_changed",
        {"fields": ["name", "phone", "tags"]},
    )


async def test_the_audit_names_personal_fields_and_holds_none_of_their_values(
    database: Database, make: Factory, brand: Brand, client: Client
) -> None:
    await change(database, staff(brand), client.id, name="Secret Name", tags=("vip",))
    (line,) = make.rows(audit, brand)
    assert line.after == {"fields": ["name", "tags"], "tags": ["vip"]}
    assert "Secret" not in str(line)
    assert client.name not in str(line)


async def test_search_follows_the_name_and_the_phone(
    database: Database, make: Factory, brand: Brand, client: Client
) -> None:
    await change(database, staff(brand), client.id, name="Zed Quux", phone="")
    suffixes = {(row.kind, row.suffix) for row in make.rows(client_search, brand)}
    assert {("name", "quux"), ("name", "zed quux")} <= suffixes
    assert {kind for kind, _ in suffixes} == {"name", "email"}
    await change(database, staff(brand), client.id, 2, name="Other Person")
    suffixes = {(row.kind, row.suffix) for row in make.rows(client_search, brand)}
    assert ("name", "quux") not in suffixes
    assert row_of(make, brand, client.id).phone is None


async def test_what_already_stands_is_no_change(
    database: Database, make: Factory, brand: Brand, client: Client
) -> None:
    await change(database, staff(brand), client.id, name=client.name, country="cy", language="en")
    assert row_of(make, brand, client.id).version == 1
    assert logs(make, brand) == (0, 0)


async def test_a_client_changes_its_own_phone_and_nothing_staff_decides(
    database: Database, make: Factory, brand: Brand, client: Client
) -> None:
    own = scope_of(brand, client=client, permissions=NAMED)
    await change(database, own, client.id, phone="+35799000001")
    for field in ({"tags": ("vip",)}, {"name": "X"}, {"country": "CY"}):
        with pytest.raises(DomainError) as caught:
            await change(database, own, client.id, 2, **field)
        assert caught.value.code == "FIELD_NOT_ALLOWED"
    assert row_of(make, brand, client.id).version == 2
    assert logs(make, brand) == (1, 1)


@pytest.mark.parametrize(
    ("fields", "version", "code", "path"),
    [
        ({"name": "X"}, 7, "VERSION_CONFLICT", "expectedVersion"),
        ({"name": ""}, 1, "INVALID", "name"),
        ({"phone": "12"}, 1, "INVALID", "phone"),
        ({"country": "KP"}, 1, "COUNTRY_NOT_ALLOWED", "country"),
        ({"country": "Cyprus"}, 1, "INVALID", "country"),
        ({"language": "xx"}, 1, "INVALID", "language"),
        ({"tags": ("x" * 41,)}, 1, "INVALID", "tags"),
    ],
)
async def test_a_refused_change_leaves_nothing(
    fields: dict[str, Any],
    version: int,
    code: str,
    path: str,
    database: Database,
    make: Factory,
    brand: Brand,
    client: Client,
) -> None:
    before = row_of(make, brand, client.id)
    with pytest.raises(DomainError) as caught:
        await change(database, staff(brand), client.id, version, **fields)
    assert (caught.value.code, caught.value.path) == (code, ("input", path))
    assert row_of(make, brand, client.id) == before
    assert logs(make, brand) == (0, 0)


async def test_a_country_of_another_legal_entity_needs_other_papers(
    database: Database,
    make: Factory,
    brand: Brand,
    brand_b: Brand,
    superuser: psycopg.Connection[Any],
) -> None:
    moved = make.client(brand, legal_entity_id=brand_b.legal_entity_id, country="KP")
    with pytest.raises(DomainError) as caught:
        await change(database, staff(brand), moved.id, country="CY")
    assert caught.value.code == "COUNTRY_NOT_ALLOWED"


@pytest.mark.parametrize("field", ["name", "phone"])
async def test_whoever_sees_a_field_masked_cannot_write_it(
    field: str, database: Database, make: Factory, brand: Brand, client: Client
) -> None:
    blind = staff(brand, "clients:pii", "clients:names")
    with pytest.raises(DomainError) as caught:
        await change(database, blind, client.id, **{field: "+35799000002"})
    assert (caught.value.code, caught.value.path) == ("FIELD_NOT_ALLOWED", ("input", field))
    await change(database, blind, client.id, tags=("seen",))


async def test_a_closed_client_is_changed_no_more(
    database: Database, make: Factory, brand: Brand
) -> None:
    closed = make.client(brand, status="CLOSED")
    with pytest.raises(DomainError) as caught:
        await change(database, staff(brand), closed.id, name="X")
    assert caught.value.code == "CLIENT_CLOSED"
    with pytest.raises(DomainError) as caught:
        await assign(database, staff(brand), closed.id, None)
    assert caught.value.code == "CLIENT_CLOSED"


async def test_unknown_foreign_and_hidden_clients_are_refused_alike(
    database: Database, make: Factory, brand: Brand, brand_b: Brand, client: Client
) -> None:
    foreign, sibling = make.client(brand_b), make.client(brand)
    cases = [
        (staff(brand), new_uuid()),
        (staff(brand), foreign.id),
        (staff(brand, "clients:all"), client.id),
        (scope_of(brand, client=sibling, permissions=NAMED), client.id),
    ]
    said = set()
    for scope, client_id in cases:
        with pytest.raises(DomainError) as caught:
            await change(database, scope, client_id, phone="+35799000003")
        said.add((caught.value.code, caught.value.message, caught.value.path))
    assert said == {("NOT_FOUND", "No such object.", ("input", "clientId"))}
    assert logs(make, brand) == logs(make, brand_b) == (0, 0)


async def test_staff_without_all_clients_changes_those_it_owns(
    database: Database, make: Factory, brand: Brand
) -> None:
    scope = staff(brand, "clients:all")
    own = make.client(brand, owner_id=scope.actor.id)
    assert await change(database, scope, own.id, tags=("mine",)) == own.id


async def assign(
    database: Database, scope: Scope, client_id: UUID, owner_id: UUID | None, version: int = 1
) -> None:
    async def command(work: WriteWork) -> UUID:
        return await assign_client(work, client_id, owner_id, expected_version=version)

    await database.write(scope, command)


async def test_a_client_comes_to_a_member_of_staff_and_goes_again(
    database: Database, make: Factory, brand: Brand, client: Client
) -> None:
    owner_id = make.staff(brand)
    await assign(database, staff(brand), client.id, owner_id)
    assert row_of(make, brand, client.id).owner_id == owner_id
    await assign(database, staff(brand), client.id, owner_id, 2)
    await assign(database, staff(brand), client.id, None, 2)
    row = row_of(make, brand, client.id)
    assert (row.owner_id, row.version) == (None, 3)
    assert logs(make, brand) == (2, 2)


async def test_only_active_staff_of_the_brand_can_own_a_client(
    database: Database,
    make: Factory,
    brand: Brand,
    brand_b: Brand,
    client: Client,
    superuser: psycopg.Connection[Any],
) -> None:
    gone = make.staff(brand)
    superuser.execute("update staff set status = 'DISABLED' where id = %s", [gone])
    for owner_id in (make.staff(brand_b), gone, new_uuid()):
        with pytest.raises(DomainError) as caught:
            await assign(database, staff(brand), client.id, owner_id)
        assert (caught.value.code, caught.value.path) == ("NOT_FOUND", ("input", "ownerId"))
    with pytest.raises(DomainError) as caught:
        await assign(database, staff(brand), client.id, None, 9)
    assert caught.value.code == "VERSION_CONFLICT"
    assert logs(make, brand) == (0, 0)


async def note(database: Database, scope: Scope, client_id: UUID, body: str) -> UUID:
    async def command(work: WriteWork) -> UUID:
        return await add_note(work, client_id, body)

    return (await database.write(scope, command)).value


async def test_a_note_is_kept_with_its_author_and_hidden_from_the_client(
    database: Database, make: Factory, brand: Brand, client: Client
) -> None:
    scope = staff(brand)
    note_id = await note(database, scope, client.id, "Called twice.")
    (row,) = make.rows(client_note, brand)
    assert (row.id, row.client_id, row.author_id, row.body) == (
        note_id, client.id, scope.actor.id, "Called twice.",
    )  # fmt: skip
    (written,) = make.rows(event, brand)
    assert (written.kind, written.client_id, written.ib_path) == ("note_added", None, "")
    assert written.payload == {"client_id": str(client.id)}
    assert "Called" not in str(make.rows(audit, brand))


async def test_a_note_on_another_brands_client_is_refused(
    database: Database, make: Factory, brand: Brand, brand_b: Brand
) -> None:
    foreign = make.client(brand_b)
    with pytest.raises(DomainError) as caught:
        await note(database, staff(brand), foreign.id, "Hello")
    assert caught.value.code == "NOT_FOUND"
    with pytest.raises(DomainError) as caught:
        await note(database, staff(brand), foreign.id, " ")
    assert caught.value.code == "INVALID"
    assert logs(make, brand) == (0, 0)
    assert not make.rows(client_note, brand)
    assert not make.rows(client_note, brand_b)
