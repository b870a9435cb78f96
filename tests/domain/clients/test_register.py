"""Registration: what is written, what is refused, and that nobody learns which addresses exist."""

import asyncio
from typing import Any

import psycopg
import pytest

from domain.clients.commands.register_client import register_client
from domain.clients.jobs import SEARCH
from domain.clients.rules import read_form
from domain.clients.values import Registration, RegistrationForm
from domain.events.consumers import consume
from domain.ibs.queries import find_introducer
from domain.kernel.errors import DomainError
from tenants.passwords import NO_PASSWORD
from tenants.work import Database, WriteWork
from tests.factories import Brand, Factory, scope_of

TABLES = ("client", "credential", "client_search", "event", "audit", "brand_counter", "token")


def filled(email: str, **changed: Any) -> Registration:
    form = {"name": "Ann Lee", "password": "correct horse battery", "country": "CY"}
    return read_form(RegistrationForm(email=email, **(form | changed)))


async def register(
    database: Database, brand: Brand, registration: Registration, password_hash: str = "hash-1"
) -> None:
    async def command(work: WriteWork) -> None:
        await register_client(
            work, registration, password_hash=password_hash, find_introducer=find_introducer
        )

    await database.write(scope_of(brand), command)


def counts(superuser: psycopg.Connection[Any], brand: Brand) -> dict[str, int]:
    """Rows of the brand in every table that a registration may touch."""
    found = {}
    for table in TABLES:
        query = f"select count(*) from {table} where brand_id = %s"
        row = superuser.execute(query, [brand.id]).fetchone()
        assert row is not None
        found[table] = row[0]
    return found


async def indexed(worker: Database, brand: Brand) -> int:
    """How many events the consumer of the search handled."""
    done = await consume(worker, brand.id, SEARCH, limit=10)
    assert done is not None
    return done.handled


def only(superuser: psycopg.Connection[Any], query: str, brand: Brand) -> Any:
    rows = superuser.execute(query, [brand.id]).fetchall()
    assert len(rows) == 1, rows
    return rows[0]


async def test_a_new_client_is_written_once_and_waits_for_its_address(
    database: Database, brand: Brand, superuser: psycopg.Connection[Any]
) -> None:
    await register(database, brand, filled("Ann@One.example", phone="+357 99123456"))
    row = only(
        superuser,
        "select reference, version, status, email, phone, country, language, legal_entity_id,"
        " ib_id, ib_path, email_verified_at from client where brand_id = %s",
        brand,
    )
    assert row == (
        "C-000001", 1, "REGISTERED", "ann@one.example", "+35799123456", "CY", "en",
        brand.legal_entity_id, None, "", None,
    )  # fmt: skip
    assert counts(superuser, brand) == {
        "client": 1, "credential": 1, "event": 1, "audit": 1, "brand_counter": 1, "token": 0,
        "client_search": 0,
    }  # fmt: skip
    assert only(
        superuser,
        "select topic, kind, client_id = object_id, payload from event where brand_id = %s",
        brand,
    ) == ("CLIENT", "registered", True, {})


async def test_a_consumer_makes_a_new_client_found_once_and_as_it_is_now(
    database: Database, worker_database: Database, brand: Brand, superuser: psycopg.Connection[Any]
) -> None:
    await register(database, brand, filled("Ann@One.example", phone="+357 99123456"))
    assert await indexed(worker_database, brand) == 1
    assert counts(superuser, brand)["client_search"] == 5 + 14 + 10
    superuser.execute("update client set phone = null where brand_id = %s", [brand.id])
    superuser.execute("update consumer_cursor set seq = 0 where brand_id = %s", [brand.id])
    assert await indexed(worker_database, brand) == 1
    assert counts(superuser, brand)["client_search"] == 5 + 14
    await register(database, brand, filled("Ann@One.example", name="Bob"))
    assert await indexed(worker_database, brand) == 0
    assert counts(superuser, brand)["client_search"] == 5 + 14


async def test_nothing_personal_goes_into_the_logs(
    database: Database, brand: Brand, superuser: psycopg.Connection[Any]
) -> None:
    await register(database, brand, filled("ann@logs.example", phone="+357 99123456"))
    logs = only(
        superuser,
        "select (select string_agg(event::text, '') from event where brand_id = b.id) ||"
        " (select string_agg(audit::text, '') from audit where brand_id = b.id)"
        " from brand b where id = %s",
        brand,
    )[0]
    assert not [text for text in ("Ann", "ann@logs", "99123456", "hash-1") if text in logs]


async def test_a_known_address_answers_alike_and_writes_only_to_the_logs(
    database: Database, brand: Brand, make: Factory, superuser: psycopg.Connection[Any]
) -> None:
    known = make.client(brand)
    before = counts(superuser, brand)
    assert await register(database, brand, filled(known.email)) is None
    after = counts(superuser, brand)
    logged = {"event": before["event"] + 1, "audit": before["audit"] + 1}
    assert after == before | logged | {"brand_counter": 1}
    assert only(superuser, "select kind, client_id from event where brand_id = %s", brand) == (
        "registration_repeated",
        known.id,
    )
    assert only(
        superuser, "select outcome, reason is null from audit where brand_id = %s", brand
    ) == ("REFUSED", False)


async def test_an_unverified_address_that_registers_again_loses_its_password(
    database: Database, brand: Brand, superuser: psycopg.Connection[Any]
) -> None:
    await register(database, brand, filled("ann@again.example"))
    await register(database, brand, filled("ann@again.example", name="Bob"), "hash-2")
    assert only(superuser, "select password_hash from credential where brand_id = %s", brand) == (
        NO_PASSWORD,
    )
    assert only(superuser, "select name from client where brand_id = %s", brand) == ("Ann Lee",)


async def test_a_verified_clients_password_is_out_of_reach(
    database: Database, brand: Brand, make: Factory, superuser: psycopg.Connection[Any]
) -> None:
    await register(database, brand, filled("ann@safe.example"))
    superuser.execute("update client set status = 'ACTIVE' where brand_id = %s", [brand.id])
    await register(database, brand, filled("ann@safe.example"), "hash-2")
    assert only(superuser, "select password_hash from credential where brand_id = %s", brand) == (
        "hash-1",
    )


async def test_the_same_address_registers_with_another_brand(
    database: Database, brand: Brand, brand_b: Brand, superuser: psycopg.Connection[Any]
) -> None:
    await register(database, brand, filled("ann@both.example"))
    await register(database, brand_b, filled("ann@both.example"))
    assert counts(superuser, brand) == counts(superuser, brand_b)
    assert counts(superuser, brand)["client"] == 1


async def test_twins_that_race_make_one_client(
    database: Database, brand: Brand, superuser: psycopg.Connection[Any]
) -> None:
    twins = [register(database, brand, filled("ann@race.example")) for _ in range(4)]
    await asyncio.gather(*twins)
    found = counts(superuser, brand)
    assert (found["client"], found["credential"], found["event"], found["audit"]) == (1, 1, 4, 4)


async def test_the_code_of_an_ib_puts_the_client_below_it(
    database: Database,
    worker_database: Database,
    brand: Brand,
    make: Factory,
    superuser: psycopg.Connection[Any],
) -> None:
    ib = make.ib(brand, make.ib(brand))
    await register(database, brand, filled("ann@ib.example", ib_code=ib.code.lower()))
    assert only(superuser, "select ib_id, ib_path from client where brand_id = %s", brand) == (
        ib.id,
        ib.path,
    )
    assert only(superuser, "select ib_path from event where brand_id = %s", brand) == (ib.path,)
    await indexed(worker_database, brand)
    paths = superuser.execute(
        "select distinct ib_path from client_search where brand_id = %s", [brand.id]
    ).fetchall()
    assert paths == [(ib.path,)]


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"country": "US"}, "COUNTRY_NOT_ALLOWED", "country"),
        ({"language": "xx"}, "INVALID", "language"),
        ({"ib_code": "NOBODY"}, "IB_UNKNOWN", "ibCode"),
    ],
)
@pytest.mark.parametrize("is_known", [False, True])
async def test_a_refusal_writes_nothing_and_is_the_same_for_known_addresses(
    changed: dict[str, str],
    code: str,
    field: str,
    is_known: bool,
    database: Database,
    brand: Brand,
    make: Factory,
    superuser: psycopg.Connection[Any],
) -> None:
    email = make.client(brand).email if is_known else "ann@refused.example"
    before = counts(superuser, brand)
    with pytest.raises(DomainError) as caught:
        await register(database, brand, filled(email, **changed))
    assert (caught.value.code, caught.value.path) == (code, ("input", field))
    assert counts(superuser, brand) == before


async def test_another_brands_and_a_suspended_ib_are_unknown(
    database: Database,
    brand: Brand,
    brand_b: Brand,
    make: Factory,
    superuser: psycopg.Connection[Any],
) -> None:
    foreign, suspended = make.ib(brand_b), make.ib(brand)
    superuser.execute("update ib set status = 'SUSPENDED' where id = %s", [suspended.id])
    for ib_code in (foreign.code, suspended.code):
        with pytest.raises(DomainError) as caught:
            await register(database, brand, filled("ann@x.example", ib_code=ib_code))
        assert caught.value.code == "IB_UNKNOWN"


async def test_references_count_per_brand(
    database: Database, brand: Brand, brand_b: Brand, superuser: psycopg.Connection[Any]
) -> None:
    for number in (1, 2, 3):
        await register(database, brand, filled(f"ann{number}@count.example"))
    await register(database, brand_b, filled("ann@count.example"))
    rows = superuser.execute(
        "select reference from client where brand_id = any(%s) order by brand_id = %s desc,"
        " reference",
        [[brand.id, brand_b.id], brand.id],
    ).fetchall()
    assert rows == [("C-000001",), ("C-000002",), ("C-000003",), ("C-000001",)]


async def test_a_gap_between_references_does_not_tell_a_known_address(
    database: Database, brand: Brand, make: Factory, superuser: psycopg.Connection[Any]
) -> None:
    """Whoever registers before and after somebody else could count; both outcomes take a number."""
    for number, other in enumerate((make.client(brand).email, "new@gap.example")):
        for side in ("before", "after"):
            await register(database, brand, filled(f"{side}{number}@gap.example"))
            if side == "before":
                await register(database, brand, filled(other))
    rows = superuser.execute(
        "select right(reference, 1) from client where brand_id = %s and email ~ '^(bef|aft)'"
        " order by reference",
        [brand.id],
    ).fetchall()
    assert rows == [("1",), ("3",), ("4",), ("6",)]


async def test_all_outcomes_cost_the_same_statements(
    database: Database, brand: Brand, make: Factory, count_statements: Any
) -> None:
    found = []
    for email in (make.client(brand).email, "ann@cost.example", "ann@cost.example"):
        with count_statements() as counted:
            await register(database, brand, filled(email))
        found.append(counted.total)
    assert found == [8, 8, 8], str(counted)
