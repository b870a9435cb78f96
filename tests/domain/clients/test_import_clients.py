"""Clients and leads of another system, taken over in batches: once each, told, and found."""

from datetime import UTC, datetime
from typing import Any

import pytest

from domain.clients.commands.import_clients import ClientRecord, import_clients
from domain.clients.jobs import MAILS, SEARCH
from domain.clients.leads.commands.import_leads import LeadRecord, import_leads
from domain.clients.leads.tables import lead, lead_ownership, lead_touch
from domain.clients.leads.values import LeadStage, LostReason
from domain.clients.tables import client, client_search
from domain.clients.values import Introducer
from domain.events.consumers import consume
from domain.kernel.errors import DomainError
from tenants.numbers import last_number, next_number, next_numbers
from tenants.passwords import NO_PASSWORD
from tenants.tables import audit, credential, event
from tenants.work import Database
from tests.factories import Brand, Factory, scope_of

THEN = datetime(2025, 3, 1, 9, tzinfo=UTC)


def someone(n: int, **changed: Any) -> ClientRecord:
    row = {"name": f"Ann Lee {n}", "email": f"ann.{n}@old.example", "phone": f"+99901{n:07d}",
           "country": "CY", "language": "en", "at": THEN}  # fmt: skip
    return ClientRecord(**(row | changed))


async def test_clients_come_once_with_their_dates_and_nobody_is_written_to(
    database: Database, worker_database: Database, brand: Brand, make: Factory
) -> None:
    ib = make.ib(brand)
    records = [someone(1, introducer=Introducer(ib.id, ib.path)), someone(2)]
    scope = scope_of(brand, "system")
    first = (await database.write(scope, lambda work: import_clients(work, records))).value
    more = [someone(2, name="Somebody else"), someone(3)]
    again = (await database.write(scope, lambda work: import_clients(work, more))).value
    rows = {row.email: row for row in make.rows(client, brand)}
    assert first == {one.email: rows[one.email].id for one in records}
    assert list(again) == ["ann.3@old.example"]
    assert {row.name for row in rows.values()} == {"Ann Lee 1", "Ann Lee 2", "Ann Lee 3"}
    assert {(row.status, row.created_at) for row in rows.values()} == {("ACTIVE", THEN)}
    assert rows["ann.1@old.example"].ib_path == ib.path
    assert {row.password_hash for row in make.rows(credential, brand) if row.email in rows} == {
        NO_PASSWORD
    }
    assert [row.kind for row in make.rows(event, brand)] == ["imported"] * 3
    assert [row.action for row in make.rows(audit, brand)].count("client.import") == 3
    mailed = await consume(worker_database, brand.id, MAILS, limit=10)
    indexed = await consume(worker_database, brand.id, SEARCH, limit=10)
    assert mailed is not None
    assert indexed is not None
    assert (mailed.handled, indexed.handled) == (0, 3)
    assert {row.client_id for row in make.rows(client_search, brand)} == {
        row.id for row in rows.values()
    }


async def test_a_country_that_is_not_served_refuses_the_batch(
    database: Database, brand: Brand, make: Factory
) -> None:
    records = [someone(1), someone(2, country="KP")]
    with pytest.raises(DomainError) as caught:
        await database.write(scope_of(brand, "system"), lambda work: import_clients(work, records))
    assert caught.value.code == "COUNTRY_NOT_ALLOWED"
    assert make.rows(client, brand) == []


async def test_leads_come_once_at_the_stage_they_had(
    database: Database, brand: Brand, make: Factory
) -> None:
    owner_id = brand.staff["sales"]  # type: ignore[index] # roles are text
    known = make.client(brand)

    def left(n: int, stage: LeadStage, **changed: Any) -> LeadRecord:
        row = {
            "name": f"Bo {n}", "email": f"bo.{n}@old.example", "phone": None, "country": "CY",
            "language": "en", "source": "google", "campaign": None, "stage": stage, "at": THEN,
        }  # fmt: skip
        return LeadRecord(**(row | changed))

    records = [
        left(1, LeadStage.NEW),
        left(2, LeadStage.LOST, lost_reason=LostReason.NO_ANSWER, owner_id=owner_id),
        left(3, LeadStage.REGISTERED, owner_id=owner_id, client_id=known.id),
    ]
    scope = scope_of(brand, "system")
    for count in (3, 0):
        done = await database.write(scope, lambda work: import_leads(work, records))
        assert done.value == count
    rows = {row.email: row for row in make.rows(lead, brand)}
    assert [rows[one.email].stage for one in records] == [one.stage for one in records]
    assert rows["bo.3@old.example"].client_id == known.id
    assert len(make.rows(lead_touch, brand)) == 3
    assert {row.owner_id for row in make.rows(lead_ownership, brand)} == {owner_id}
    told = [row for row in make.rows(event, brand) if row.kind == "captured"]
    assert [row.payload["stage"] for row in told] == [one.stage for one in records]


async def test_numbers_in_batches_follow_each_other(database: Database, brand: Brand) -> None:
    async def take(work: Any) -> list[Any]:
        before = await last_number(work, "x")
        batch = await next_numbers(work, "x", 3, start=10)
        return [before, list(batch), await next_number(work, "x"), await last_number(work, "x")]

    done = await database.write(scope_of(brand, "system"), take)
    assert done.value == [None, [10, 11, 12], 13, 13]
