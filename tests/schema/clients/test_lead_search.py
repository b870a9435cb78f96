"""Leads by part of a name, an address or a number: found by what one sees, in one's own brand."""

import importlib.util
import re
from pathlib import Path
from typing import Any

import psycopg
import pytest

from domain.clients.leads.commands.import_leads import LeadRecord, import_leads
from domain.clients.leads.tables import lead_search
from domain.clients.leads.values import LeadStage
from domain.clients.search import fold
from tenants.context import system_scope
from tenants.work import Database
from tests.factories import Brand, Factory, rights_of, scope_of
from tests.schema.clients.test_leads import entered, given
from tests.schema.people import Ask

LIST = """query ($term: String!) { leads(filter: {search: {contains: $term}}) {
  totalCount { value } nodes { reference email } } }"""
NAMES = ("Jörg Öztürk-Doe", "  Ann   Lee ", "ÉMILE Zola", "名前 太郎", "50% O'Neil\\Co_x")
MIGRATION = Path(__file__).parents[3] / "alembic" / "versions" / "0024_paths.py"


async def found(ask: Ask, scope: Any, term: str) -> list[str]:
    body = (await ask(LIST, scope, term=term)).only()
    assert body["totalCount"]["value"] == len(body["nodes"])
    return sorted(node["email"] for node in body["nodes"])


async def test_any_part_finds_a_lead_of_the_brand(ask: Ask, brand: Brand, brand_b: Brand) -> None:
    mail = "jo.doe@mail.example"
    await entered(ask, brand, name="Jörg Öztürk-Doe", email=mail, phone="+35799123456")
    await entered(ask, brand, name="Ann Lee", email="ann@other.example", phone="+35799777777")
    await entered(ask, brand_b, name="Jörg Öztürk-Doe", email=mail, phone="+35799123456")
    scope = scope_of(brand, "brand_admin")
    for term in ("JÖRG", "jorg", "urk-d", "rg oz", "DOE@mail", "9912", "+357 (99) 12-34", "il.exa"):
        assert await found(ask, scope, term) == [mail], term
    assert await found(ask, scope, "35799") == ["ann@other.example", mail]
    for term in ("smith", "99 99 99", "%%%", "j_rg", "jo.*e"):
        assert await found(ask, scope, term) == [], term
    assert (await ask(LIST, scope, term="jö")).codes == ["BAD_USER_INPUT"]


async def test_marks_of_patterns_are_only_characters(ask: Ask, brand: Brand) -> None:
    for at, name in enumerate(("50% off", "a_b_c", "back\\slash", "500 off")):
        await entered(ask, brand, name=name, email=f"m{at}@x.example", phone=None)
    scope = scope_of(brand, "brand_admin")
    for term, at in (("50%", 0), ("0% o", 0), ("a_b", 1), ("k\\s", 2), ("500", 3)):
        assert await found(ask, scope, term) == [f"m{at}@x.example"], term


async def test_masked_fields_are_not_searched(ask: Ask, brand: Brand) -> None:
    await entered(ask, brand)
    rights = rights_of("brand_admin") - {"clients:pii"}
    blind = scope_of(brand, "brand_admin", permissions=rights)
    for term, expected in (("ann le", 1), ("ann@one", 0), ("+35799", 0)):
        body = (await ask(LIST, blind, term=term)).only()
        assert len(body["nodes"]) == expected
    blinder = scope_of(brand, "brand_admin", permissions=rights - {"clients:names"})
    assert (await ask(LIST, blinder, term="ann")).codes == ["FORBIDDEN"]


async def test_sales_find_their_own(ask: Ask, brand: Brand) -> None:
    await given(ask, brand, await entered(ask, brand))
    await entered(ask, brand, name="Ann Other", email="o@one.example", phone=None)
    assert await found(ask, scope_of(brand, "sales"), "ann") == ["ann@one.example"]
    assert len(await found(ask, scope_of(brand, "brand_admin"), "ann")) == 2


async def test_what_a_lead_lacked_is_found_once_it_is_known(ask: Ask, brand: Brand) -> None:
    scope = scope_of(brand, "brand_admin")
    await entered(ask, brand, name=None, phone=None)
    assert await found(ask, scope, "lee") == []
    await entered(ask, brand)
    assert await found(ask, scope, "lee") == await found(ask, scope, "3579912") != []


async def test_imported_leads_are_found(ask: Ask, database: Database, brand: Brand) -> None:
    records = [
        LeadRecord(name, f"i{at}@x.example", None, "CY", "en", "old", None, LeadStage.NEW)
        for at, name in enumerate(NAMES)
    ]
    await database.write(system_scope(brand.id), lambda work: import_leads(work, records))
    scope = scope_of(brand, "brand_admin")
    for term, at in (("urk-doe", 0), ("n le", 1), ("emile", 2), ("前 太", 3), ("neil\\co_", 4)):
        shown = await found(ask, scope, term)
        assert shown == [f"i{at}@x.example"], term


def test_nobody_searches_another_brand(
    make: Factory, dsn: Any, brand: Brand, brand_b: Brand
) -> None:
    """The function looks past row-level security: it holds itself to the brand."""
    asked = "select search_leads(%s, 'ann', '{name}')"
    with psycopg.connect(dsn("app")) as connection:
        connection.execute(f"set local app.brand_id = '{brand.id}'")
        assert connection.execute(asked, [brand.id]).fetchall() == []
        with pytest.raises(psycopg.Error, match="another brand"):
            connection.execute(asked, [brand_b.id])
    with psycopg.connect(dsn("app")) as connection, pytest.raises(psycopg.Error):
        connection.execute(asked, [brand.id])


async def test_what_came_before_is_folded_alike(
    ask: Ask, make: Factory, database: Database, brand: Brand, owner: psycopg.Connection[Any]
) -> None:
    """The migration's own folding, of names as commands leave them."""
    spec = importlib.util.spec_from_file_location("paths", MIGRATION)
    assert spec is not None
    assert spec.loader is not None
    migration = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(migration)
    await test_imported_leads_are_found(ask, database, brand)
    before = {row.lead_id: (row.name, row.email) for row in make.rows(lead_search, brand)}
    make.run(brand, lead_search.delete().where(lead_search.c.brand_id == brand.id))
    statement = re.sub(r"\bv_brand\b", f"'{brand.id}'", migration.FOLD)
    with owner.transaction():
        owner.execute(f"set local app.brand_id = '{brand.id}'")
        owner.execute(statement.encode())
    after = {row.lead_id: (row.name, row.email) for row in make.rows(lead_search, brand)}
    assert after == before
    assert {name for name, _ in after.values()} == {fold(name) for name in NAMES}
