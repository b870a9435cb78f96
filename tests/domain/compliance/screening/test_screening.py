"""A list is imported, clients are screened, somebody decides, and meanwhile money waits."""

import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from api.embedded import Endpoints
from domain.clients.commands.update_client import update_client
from domain.clients.tables import client
from domain.clients.values import ClientStatus, ProfileChange
from domain.compliance.identity.tables import kyc_standing
from domain.compliance.screening import jobs
from domain.compliance.screening.commands.decide_hit import decide_hit
from domain.compliance.screening.commands.import_list import Imported
from domain.compliance.screening.commands.move_round import Place, begin_round
from domain.compliance.screening.commands.record_matches import record_matches
from domain.compliance.screening.errors import ListOutdated
from domain.compliance.screening.matcher import Matcher
from domain.compliance.screening.queries import is_held, list_names, lists_number
from domain.compliance.screening.tables import (
    screening_decision,
    screening_hit,
    screening_round,
)
from domain.compliance.screening.values import Disposition, Match, PublishedList
from domain.events.consumers import consume
from domain.events.jobs import JobRun
from domain.kernel.errors import DomainError
from domain.kernel.ids import new_uuid
from tenants import tables
from tenants.context import Scope, system_scope
from tenants.database import make_engine
from tenants.work import Database, WriteWork
from tests.domain.compliance.kyc import ask_for
from tests.factories import Brand, Client, Factory, scope_of
from tests.sanctions import entry, new_day, new_word, published, take


class Desk:
    """A brand's compliance: what is imported, who is screened, and what was found."""

    def __init__(
        self, make: Factory, brand: Brand, app: Database, worker: Database, owner: AsyncEngine
    ) -> None:
        self.make, self.brand, self.app, self.worker = make, brand, app, worker
        self.owner = owner
        self.lists = jobs.Lists()
        self.first = make.staff(brand, "compliance")
        self.second = make.staff(brand, "compliance")

    async def take(self, whole: PublishedList) -> Imported:
        return await take(self.owner, self.brand, whole)

    def named(self, name: str) -> Client:
        made = self.make.client(self.brand)
        changed = update(client).where(client.c.brand_id == self.brand.id, client.c.id == made.id)
        self.make.run(self.brand, changed.values(name=name))
        return made

    def run(self, name: str = jobs.SCREEN) -> JobRun:
        return JobRun(name, self.brand.id, "test", 1, self.worker)

    async def screen(self, *clients: Client) -> None:
        for one in clients:
            await jobs.screen_client(self.run(), self.lists, one.id)

    async def rename(self, one: Client, name: str) -> None:
        """Write another name, and screen it as its event asks for."""
        (version,) = [row.version for row in self.make.rows(client, self.brand) if row.id == one.id]

        async def command(work: WriteWork) -> UUID:
            change = ProfileChange(name=name)
            return await update_client(work, one.id, change, expected_version=version)

        await self.app.write(scope_of(self.brand, "compliance"), command)
        handled = await consume(self.worker, self.brand.id, jobs.CLIENTS, limit=100)
        assert handled is not None
        assert handled.handled == 1
        await self.screen(one)

    def hits(self) -> list[Any]:
        return list(self.make.rows(screening_hit, self.brand))

    def kinds(self) -> list[str]:
        rows = self.make.rows(tables.event, self.brand)
        assert all(row.client_id is None for row in rows if row.topic == "SCREENING")
        return [row.kind for row in rows if row.topic == "SCREENING"]

    async def decide(self, wanted: Disposition, staff_id: UUID, *, reason: str = "why") -> str:
        (hit,) = self.hits()

        async def command(work: WriteWork) -> UUID:
            return await decide_hit(work, hit.id, wanted, reason, expected_version=hit.version)

        scope = scope_of(self.brand, "compliance")
        scope = replace(scope, actor=replace(scope.actor, id=staff_id))
        try:
            await self.app.write(scope, command)
        except DomainError as refused:
            return refused.code
        return str(self.hits()[0].disposition)

    async def held(self, one: Client, scope: Scope | None = None) -> bool:
        async with self.app.read(scope or system_scope(self.brand.id)) as work:
            return await is_held(work, one.id)


@pytest_asyncio.fixture
async def desk(
    make: Factory,
    brand: Brand,
    database: Database,
    worker_database: Database,
    endpoints: Endpoints,
) -> AsyncIterator[Desk]:
    owner = make_engine(endpoints.url("owner", driver="asyncpg"), pool_size=1)
    yield Desk(make, brand, database, worker_database, owner)
    await owner.dispose()


@pytest.fixture
def word() -> str:
    return new_word()


async def test_a_list_is_imported_once_and_by_its_day(desk: Desk, word: str) -> None:
    one, two = entry(f"{word}1", f"Anna {word}"), entry(f"{word}2", f"Boris {word}")
    start = new_day()
    first = published(one, two, day=start)
    assert await desk.take(first) == Imported(True, 2, 2)
    assert await desk.take(first) == Imported(False, 2, 2)
    corrected = published(replace(one, names=two.names), day=start)
    assert await desk.take(corrected) == Imported(True, 1, 1)
    assert await names_now(desk, word) == [f"Boris {word}"]
    with pytest.raises(ListOutdated):
        await desk.take(published(one, day=date(2029, 1, 1)))
    await desk.take(published(two))
    assert await names_now(desk, word) == [f"Boris {word}"]


async def test_who_is_listed_is_found_and_its_money_waits(desk: Desk, word: str) -> None:
    whole = published(entry(word, f"Velmir {word}", f"V. Dargov {word}"))
    await desk.take(whole)
    found = desk.named(f"{word} Velmir")
    near = desk.named(f"Velmri {word}")
    other = desk.named("Ostrava Kessler")
    await desk.screen(found, near, other, found)
    strong, possible = sorted(desk.hits(), key=lambda hit: -hit.score)
    assert (strong.client_id, strong.score, strong.strength) == (found.id, 100, "STRONG")
    assert (possible.client_id, possible.strength) == (near.id, "POSSIBLE")
    assert strong.listed_name == f"Velmir {word}"
    assert desk.kinds() == ["hit_opened", "hit_opened"]
    assert [await desk.held(one) for one in (found, near, other)] == [True, False, False]
    as_client = scope_of(desk.brand, client=found)
    assert await desk.held(found, as_client) is True
    async with desk.app.read(as_client) as work:
        rows = await work.rows(
            screening_hit.select().where(screening_hit.c.brand_id == desk.brand.id)
        )
    assert list(rows) == []


async def test_a_true_match_is_cleared_by_two(desk: Desk, word: str) -> None:
    await desk.take(published(entry(word, f"Velmir {word}")))
    found = desk.named(f"Velmir {word}")
    await desk.screen(found)
    assert await desk.decide(Disposition.TRUE_MATCH, desk.first, reason=" ") == "INVALID"
    assert await desk.decide(Disposition.TRUE_MATCH, desk.first) == "TRUE_MATCH"
    assert await desk.decide(Disposition.TRUE_MATCH, desk.second) == "ALREADY_DECIDED"
    assert await desk.decide(Disposition.FALSE_POSITIVE, desk.first) == "CLEARING"
    assert await desk.held(found)
    assert await desk.decide(Disposition.FALSE_POSITIVE, desk.first) == "SECOND_PERSON_NEEDED"
    assert await desk.decide(Disposition.FALSE_POSITIVE, desk.second) == "FALSE_POSITIVE"
    assert not await desk.held(found)
    decisions = desk.make.rows(screening_decision, desk.brand)
    assert [(row.staff_id, row.disposition, row.reason) for row in decisions] == [
        (desk.first, "TRUE_MATCH", "why"), (desk.first, "CLEARING", "why"),
        (desk.second, "FALSE_POSITIVE", "why"),
    ]  # fmt: skip
    await desk.screen(found)  # the same again is no news
    assert desk.hits()[0].disposition == "FALSE_POSITIVE"
    assert desk.kinds() == ["hit_opened", "hit_decided", "hit_decided", "hit_decided"]


async def test_a_true_match_makes_the_risk_prohibited_until_it_is_cleared(
    desk: Desk, word: str
) -> None:
    ask_for(desk.make, desk.brand)
    await desk.take(published(entry(word, f"Velmir {word}")))
    found = desk.named(f"Velmir {word}")
    await desk.screen(found)

    def level() -> list[str]:
        return [row.risk_level for row in desk.make.rows(kyc_standing, desk.brand)]

    assert level() == [], "an open hit holds money; it says nothing of the risk yet"
    assert await desk.decide(Disposition.TRUE_MATCH, desk.first) == "TRUE_MATCH"
    assert level() == ["PROHIBITED"]
    assert [row.risk for row in desk.make.rows(client, desk.brand)] == ["HIGH"]
    assert await desk.decide(Disposition.FALSE_POSITIVE, desk.first) == "CLEARING"
    assert level() == ["PROHIBITED"]
    assert await desk.decide(Disposition.FALSE_POSITIVE, desk.second) == "FALSE_POSITIVE"
    assert level() == ["LOW"]


async def test_a_strong_hit_is_cleared_by_two_and_says_nothing_of_the_risk(
    desk: Desk, word: str
) -> None:
    ask_for(desk.make, desk.brand)
    await desk.take(published(entry(word, f"Velmir {word}")))
    found = desk.named(f"Velmir {word}")
    await desk.screen(found)
    assert await desk.decide(Disposition.FALSE_POSITIVE, desk.first) == "CLEARING"
    assert await desk.held(found)
    assert [row.risk_level for row in desk.make.rows(kyc_standing, desk.brand)] == ["LOW"]
    assert await desk.decide(Disposition.FALSE_POSITIVE, desk.first) == "SECOND_PERSON_NEEDED"
    assert await desk.held(found)
    assert len(desk.make.rows(screening_decision, desk.brand)) == 1, "a refusal leaves nothing"
    assert await desk.decide(Disposition.FALSE_POSITIVE, desk.second) == "FALSE_POSITIVE"
    assert not await desk.held(found)


@pytest.mark.parametrize(
    ("first", "back"), [(None, "OPEN"), (Disposition.TRUE_MATCH, "TRUE_MATCH")]
)
async def test_what_one_would_clear_waits_for_two_again_when_it_is_another_name(
    desk: Desk, word: str, first: Disposition | None, back: str
) -> None:
    await desk.take(published(entry(word, f"Velmir {word}")))
    found = desk.named(f"Velmir {word}")
    await desk.screen(found)
    if first is not None:
        await desk.decide(first, desk.first)
    assert await desk.decide(Disposition.FALSE_POSITIVE, desk.first) == "CLEARING"
    await desk.rename(found, f"{word} Velmir")
    (hit,) = desk.hits()
    assert (hit.disposition, hit.asked_by, hit.client_name) == (back, None, f"{word} Velmir")
    assert await desk.held(found)
    assert await desk.decide(Disposition.FALSE_POSITIVE, desk.second) == "CLEARING"


async def test_no_other_spelling_lets_go_what_a_strong_hit_holds(desk: Desk, word: str) -> None:
    await desk.take(published(entry(word, f"Velmir {word}")))
    found = desk.named(f"Velmir {word}")
    await desk.screen(found)
    before = desk.hits()
    for name in (f"Velmri {word}", "Ostrava Kessler"):
        await desk.rename(found, name)
        assert desk.hits() == before
        assert await desk.held(found)


async def test_only_a_person_decides(desk: Desk, word: str) -> None:
    await desk.take(published(entry(word, f"Velmir {word}")))
    await desk.screen(desk.named(f"Velmir {word}"))
    (hit,) = desk.hits()
    for hit_id, scope, code in (
        (hit.id, system_scope(desk.brand.id), "FORBIDDEN"),
        (new_uuid(), scope_of(desk.brand, "compliance"), "NOT_FOUND"),
    ):

        async def command(work: WriteWork, hit_id: UUID = hit_id) -> UUID:
            wanted = Disposition.FALSE_POSITIVE
            return await decide_hit(work, hit_id, wanted, "why", expected_version=1)

        with pytest.raises(DomainError) as refused:
            await desk.app.write(scope, command)
        assert refused.value.code == code


async def test_another_name_is_screened_and_a_false_positive_looked_at_again(
    desk: Desk, word: str
) -> None:
    await desk.take(published(entry(word, f"Velmir {word}")))
    found = desk.named(f"Velmri {word}")
    await desk.screen(found)
    assert await desk.decide(Disposition.FALSE_POSITIVE, desk.first) == "FALSE_POSITIVE"
    await desk.rename(found, f"Velmir {word}")
    (hit,) = desk.hits()
    assert (hit.disposition, hit.score, hit.version) == ("OPEN", 100, 3)


async def test_a_match_of_a_name_that_is_gone_is_not_written_down(desk: Desk, word: str) -> None:
    found = desk.named(f"Velmir {word}")

    async def command(work: WriteWork) -> bool:
        return await record_matches(work, found.id, "Another Name", [])

    scope = system_scope(desk.brand.id)
    assert (await desk.worker.write(scope, command)).value is False
    changed = update(client).where(client.c.brand_id == desk.brand.id, client.c.id == found.id)
    desk.make.run(desk.brand, changed.values(status=ClientStatus.CLOSED))
    assert (await desk.worker.write(scope, command)).value is True
    await desk.screen(found)
    assert desk.hits() == []


async def test_an_import_screens_every_client_again_page_by_page(
    desk: Desk, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "PAGE", 2)
    clients = [desk.named(f"Velmir {word}") for _ in range(3)]
    await desk.take(published(entry(word, f"Velmir {word}")))
    assert await begun(desk) == [True, False]
    (row,) = desk.make.rows(screening_round, desk.brand)
    places = [Place(row.lists, None)]
    while places[-1] not in places[:-1]:
        await jobs.screen_page(desk.run(jobs.RESCREEN), desk.lists, places[-1])
        # A job that runs twice moves nothing on.
        await jobs.screen_page(desk.run(jobs.RESCREEN), desk.lists, places[-1])
        (row,) = desk.make.rows(screening_round, desk.brand)
        places.append(Place.of(row))
    assert [place.after for place in places[:3]] == [None, clients[1].id, clients[2].id]
    assert row.finished_at is not None
    assert row.clients == 3
    assert {hit.client_id for hit in desk.hits()} == {one.id for one in clients}
    assert await begun(desk) == [False, False]
    await desk.take(published(entry(word, "Nobody Else")))
    assert await begun(desk) == [True, False]


async def test_names_are_looked_for_beside_the_loop(
    desk: Desk, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.take(published(entry(word, f"Velmir {word}")))
    found, looked_in = desk.named(f"Velmir {word}"), []
    find = Matcher.find

    def watched(matcher: Matcher, name: str) -> list[Match]:
        looked_in.append(threading.get_ident())
        return find(matcher, name)

    monkeypatch.setattr(Matcher, "find", watched)
    await desk.screen(found)
    assert await begun(desk) == [True, False]
    (row,) = desk.make.rows(screening_round, desk.brand)
    await jobs.screen_page(desk.run(jobs.RESCREEN), desk.lists, Place(row.lists, None))
    assert len(looked_in) == 2
    assert threading.get_ident() not in looked_in
    assert [hit.client_id for hit in desk.hits()] == [found.id]


async def begun(desk: Desk) -> list[bool]:
    """Whether a round begins, asked twice."""
    scope = system_scope(desk.brand.id)
    return [(await desk.worker.write(scope, begin_round)).value for _ in range(2)]


async def names_now(desk: Desk, word: str) -> list[str]:
    async with desk.app.read(system_scope(desk.brand.id)) as work:
        assert await lists_number(work) > 0
        return [row.name for row in await list_names(work) if word in row.name]
