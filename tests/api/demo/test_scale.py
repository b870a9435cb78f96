"""Brands in numbers: the same rows for the same seed, whole books, searchable people, once."""

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from rich.console import Console

from api.demo.scale import SIZES, Sizes, load, sizes_of
from api.demo.scale.sizes import stories
from api.embedded import Endpoints
from api.embedded.problems import SetupError
from api.ledger import verify_ledgers
from api.settings import Settings
from domain.clients.search import entries
from tests import postgres
from tests.api.embedded import scratch_home

SMALL = replace(sizes_of("reference", 0.02), brands=2)
FEW_LEADS = replace(sizes_of("leads", 0.005), brands=2)
DIGESTED = {
    "ib": "id", "client": "id", "client_search": "suffix, client_id, kind",
    "trading_account": "id", "account_state": "account_id", "payment": "id",
    "payment_step": "payment_id", "withdrawal_leg": "id", "lead": "id", "lead_touch": "id",
}  # fmt: skip


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    with scratch_home() as home:
        home.create()
        monkeypatch.setenv("BACKDESK_HOME", str(home.path))
        yield Settings()


@contextmanager
def another(template: Endpoints, name: str) -> Iterator[Endpoints]:
    made = postgres.clone(template, name)
    try:
        yield made
    finally:
        postgres.drop(made)


def digest(endpoints: Endpoints, sizes: Sizes, seed: int) -> str:
    """All rows of a scale, but for whom they are looked after by: staff is hired anew each time."""
    ids = [one.plan.id for one in stories(sizes, seed)]
    found = hashlib.sha256()
    with postgres.superuser(endpoints) as connection:
        for table, order in DIGESTED.items():
            rows = connection.execute(
                f"select to_jsonb(t) - 'owner_id' from {table} t where brand_id = any(%s)"
                f" order by brand_id, {order}",
                [ids],
            ).fetchall()
            found.update(repr((table, rows)).encode())
    return found.hexdigest()


async def test_a_seed_makes_the_same_rows_and_another_one_others(
    template: Endpoints, settings: Settings
) -> None:
    with another(template, "scale_a") as one, another(template, "scale_b") as two:
        for sizes in (SMALL, FEW_LEADS):
            for endpoints in (one, two):
                await load(settings, endpoints, sizes, 7, lambda _people: None)
            assert digest(one, sizes, 7) == digest(two, sizes, 7)
        await load(settings, two, SMALL, 8, lambda _people: None)
        assert digest(two, SMALL, 8) != digest(one, SMALL, 7)


@pytest.fixture
async def loaded(empty_database: Endpoints, settings: Settings) -> Endpoints:
    told: list[int] = []
    await load(settings, empty_database, SMALL, 7, told.append)
    assert sum(told) == SMALL.rows
    return empty_database


def counted(connection: psycopg.Connection[Any], table: str) -> int:
    row = connection.execute(f"select count(*) from {table}").fetchone()
    assert row is not None
    return int(row[0])


async def test_a_scale_has_what_it_says_and_books_that_hold(
    loaded: Endpoints, settings: Settings
) -> None:
    people = SMALL.brands * SMALL.clients
    with postgres.superuser(loaded) as connection:
        assert counted(connection, "client") == people
        assert counted(connection, "trading_account") == people * 5 // 2
        assert counted(connection, "payment") == people * 5
        assert counted(connection, "ib") == SMALL.brands * SMALL.ibs
        assert counted(connection, "ledger_posting") > people
        low = "select count(*) from ledger_account where kind = 'CLIENT_WALLET' and posted <= 0"
        assert connection.execute(low).fetchone() == (0,)
        of_client = (
            "select c.name, c.email, c.phone, array_agg(s.kind || ':' || s.suffix)"
            " from client c join client_search s on s.client_id = c.id group by c.brand_id, c.id"
        )
        for name, email, phone, suffixes in connection.execute(of_client).fetchall():
            expected = {f"{kind}:{suffix}" for kind, suffix in entries(name, email, phone)}
            assert set(suffixes) == expected


async def test_its_ledger_verifies(loaded: Endpoints) -> None:
    clean = await asyncio.to_thread(verify_ledgers, loaded, None, Console(quiet=True))
    assert clean


async def test_it_is_loaded_once(loaded: Endpoints, settings: Settings) -> None:
    with pytest.raises(SetupError, match=r"there already.*--seed"):
        await load(settings, loaded, SMALL, 7, lambda _people: None)


async def test_it_is_refused_in_production(
    empty_database: Endpoints, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    with pytest.raises(SetupError, match="production"):
        await load(Settings(), empty_database, SMALL, 7, lambda _people: None)


def test_the_sizes_are_those_of_the_product() -> None:
    reference, leads = SIZES["reference"], SIZES["leads"]
    assert reference.brands * reference.clients == 200_000
    assert reference.brands * reference.ibs == 25_500
    assert leads.brands * leads.leads == 1_200_000
