"""The demo screens with the lists whose files are there, and says so when there are none."""

import json
from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path

import pytest
from rich.console import Console

from api.demo.lists import seed_lists
from api.demo.story import BRANDS, FIRST_NAMES, LAST_NAMES, clients_of, namesake_of
from api.embedded import Endpoints
from api.settings import SANCTIONS_LISTS, Settings
from api.welcome import greet
from domain.compliance.screening.matcher import Matcher
from domain.compliance.screening.queries import list_names
from domain.compliance.screening.values import HitStrength
from tenants.context import NO_BRAND, system_scope
from tenants.database import make_engine
from tenants.work import Database
from tests.api.embedded import scratch_home
from tests.domain.compliance.screening.test_list_files import ALT, SDN, UN

SCOPE = system_scope(NO_BRAND)


@pytest.fixture
async def owner(empty_database: Endpoints) -> AsyncIterator[Database]:
    engine = make_engine(empty_database.url("owner", driver="asyncpg"), pool_size=1)
    yield Database(engine)
    await engine.dispose()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in (("un-1.xml", b"old"), ("un-2.xml", UN)):
        (tmp_path / name).write_bytes(content)
    for name, content in (("ofac-sdn.csv", SDN), ("ofac-alt.csv", ALT)):
        (tmp_path / name).write_bytes(content)
    return tmp_path


async def test_the_newest_lists_of_a_folder_are_imported_once(
    owner: Database, folder: Path
) -> None:
    said: list[str] = []
    for _ in range(2):
        told = await seed_lists(owner, folder, said.append)
        assert told == ["OFAC of 2026-02-27", "UN of 2026-02-27"]
    assert len(said) == 2
    async with owner.read(SCOPE) as work:
        assert len(await list_names(work)) > 4


async def test_without_files_there_is_no_list(owner: Database, tmp_path: Path) -> None:
    assert await seed_lists(owner, tmp_path, print) == []
    assert await seed_lists(owner, None, print) == []


@pytest.mark.skipif(not SANCTIONS_LISTS.is_dir(), reason="the published lists are not here")
async def test_nobody_of_the_demo_is_on_a_list_but_the_namesake(owner: Database) -> None:
    await seed_lists(owner, SANCTIONS_LISTS, print)
    async with owner.read(SCOPE) as work:
        matcher = Matcher([(row.entry_id, row.name) for row in await list_names(work)])
    for story in BRANDS:
        bird = story.canary.rpartition("-")[2].title()
        crowd = [f"{first} {last}-{bird}" for first, last in product(FIRST_NAMES, LAST_NAMES)]
        names = [*crowd, *(one.name for one in clients_of(story))]
        assert [name for name in names if matcher.find(name)] == [], story.plan.slug
    namesakes = [one for story in BRANDS if (one := namesake_of(story)) is not None]
    assert len(namesakes) == 1
    assert matcher.find(namesakes[0].name)[0].strength is HitStrength.STRONG


@pytest.mark.parametrize("lists", [["UN of 2026-02-27"], []])
def test_the_greeting_says_what_names_are_screened_with(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], lists: list[str]
) -> None:
    with scratch_home() as home:
        home.create()
        monkeypatch.setenv("BACKDESK_HOME", str(home.path))
        home.write("demo.json", json.dumps({"sanctions_lists": lists, "brands": []}))
        greet(Settings(), Console(width=200))
    (line,) = [one for one in capsys.readouterr().out.splitlines() if "Screening" in one]
    assert all(one in line for one in lists)
    assert ("backdesk sanctions import" in line) is (not lists)
