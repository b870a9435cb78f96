"""What becomes of a touch: one lead a person, an owner in turn, a client once."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.clients.commands.register_client import register_client
from domain.clients.leads.capture import capture
from domain.clients.leads.commands.move_lead import advance_leads, move_lead
from domain.clients.leads.commands.set_agent import set_agent
from domain.clients.leads.consumers import following, settling
from domain.clients.leads.tables import lead, lead_agent, lead_ownership, lead_touch
from domain.clients.leads.values import LeadForm, LeadStage, LostReason, Move, Origin, Turn
from domain.clients.rules import read_form
from domain.clients.tables import client
from domain.clients.values import RegistrationForm
from domain.events.consumers import consume, rewind
from domain.ibs.queries import find_introducer
from domain.kernel.errors import DomainError
from tenants import tables
from tenants.context import Scope, system_scope
from tenants.work import Database, WriteWork
from tests.factories import Brand, Client, Factory, scope_of

TOUCHES = settling(find_introducer)
CLIENTS = following(frozenset(), lambda _event: None)


def typed(email: str | None = "ann@one.example", **changed: Any) -> LeadForm:
    names = [name for name in changed if name in Origin.__slots__]
    origin = {"source": "google"} | {name: changed.pop(name) for name in names}
    return LeadForm(Origin(**origin), email=email, **changed)


class Desk:
    """A brand's leads: what the public sends, and what the worker makes of it."""

    def __init__(self, make: Factory, brand: Brand, app: Database, worker: Database) -> None:
        self.make, self.brand, self.app, self.worker = make, brand, app, worker

    async def leave(self, *forms: LeadForm, scope: Scope | None = None) -> None:
        for form in forms:
            await capture(
                self.app, scope or scope_of(self.brand), form, find_introducer=find_introducer
            )

    async def settle(self) -> int:
        done = await consume(self.worker, self.brand.id, TOUCHES, limit=500)
        assert done is not None
        return done.handled

    async def come(self, *forms: LeadForm) -> None:
        await self.leave(*forms)
        await self.settle()

    async def agent(self, *, capacity: int = 100, **choices: Any) -> UUID:
        staff_id = self.make.staff(self.brand, "sales")
        await self.write(lambda work: set_agent(work, Turn(staff_id, True, capacity, **choices)))
        return staff_id

    async def register(self, email: str, **changed: Any) -> Any:
        form = {"name": "Ann Lee", "password": "correct horse battery", "country": "CY"}
        registration = read_form(RegistrationForm(email=email, **(form | changed)))

        async def command(work: WriteWork) -> None:
            await register_client(
                work, registration, password_hash="hash", find_introducer=find_introducer
            )

        await self.app.write(scope_of(self.brand), command)
        await consume(self.worker, self.brand.id, CLIENTS, limit=500)
        (found,) = [row for row in self.rows(client) if row.email == email]
        return found

    async def write(self, command: Any, scope: Scope | None = None) -> Any:
        return (await self.app.write(scope or system_scope(self.brand.id), command)).value

    def rows(self, table: Any) -> list[Any]:
        return list(self.make.rows(table, self.brand))

    def lead(self) -> Any:
        (found,) = self.rows(lead)
        return found

    def kinds(self) -> list[str]:
        return [row.kind for row in self.rows(tables.event) if row.topic == "LEAD"]


@pytest.fixture
def desk(make: Factory, brand: Brand, database: Database, worker_database: Database) -> Desk:
    return Desk(make, brand, database, worker_database)


async def test_a_stranger_becomes_a_lead_with_its_origin(desk: Desk) -> None:
    await desk.leave(typed(name="Ann", campaign="spring", click_id="g-1", phone="+35799123456"))
    assert desk.rows(lead) == []
    assert await desk.settle() == 1
    found = desk.lead()
    assert (found.reference, found.stage, found.version) == ("L-000001", "NEW", 1)
    assert (found.source, found.campaign, found.last_source) == ("google", "spring", "google")
    (touch,) = desk.rows(lead_touch)
    assert (touch.lead_id, touch.click_id, touch.email) == (found.id, "g-1", "ann@one.example")
    assert desk.kinds() == ["received", "captured"]


async def test_the_same_person_is_one_lead(desk: Desk) -> None:
    await desk.come(
        typed("ann@one.example", campaign="first"),
        typed("Ann@One.example ", phone="+35799123456", source="bing", campaign="second"),
        typed(None, phone="00357 99 123456", name="Ann Lee", source="fair"),
        typed("other@one.example", phone="+35799123456"),
    )
    found = desk.lead()
    assert (found.email, found.phone, found.name) == ("ann@one.example", "+35799123456", "Ann Lee")
    assert (found.source, found.campaign) == ("google", "first")
    assert (found.last_source, found.last_campaign) == ("google", None)
    assert {row.lead_id for row in desk.rows(lead_touch)} == {found.id}
    assert desk.kinds().count("returned") == 3


async def test_a_number_of_another_lead_stays_with_it(desk: Desk) -> None:
    await desk.come(
        typed("a@one.example"), typed("b@one.example", phone="+35799000001"),
        typed("a@one.example", phone="+35799000001"),
    )  # fmt: skip
    assert sorted((row.email, row.phone) for row in desk.rows(lead)) == [
        ("a@one.example", None), ("b@one.example", "+35799000001"),
    ]  # fmt: skip


async def test_settling_again_changes_nothing(desk: Desk) -> None:
    await desk.come(typed(), typed())
    before = [desk.rows(table) for table in (lead, lead_touch, lead_ownership)]
    await rewind(desk.worker, desk.brand.id, TOUCHES)
    assert await desk.settle() == 2
    assert [desk.rows(table) for table in (lead, lead_touch, lead_ownership)] == before


async def test_brands_know_nothing_of_each_others_leads(desk: Desk, make: Factory) -> None:
    await desk.come(typed())
    other = Desk(make, make.brand(), desk.app, desk.worker)
    await other.come(typed())
    assert desk.lead().id != other.lead().id
    assert (other.lead().reference, other.kinds()) == ("L-000001", ["received", "captured"])


async def test_known_and_new_take_the_same_statements(desk: Desk, count_statements: Any) -> None:
    await desk.come(typed())
    taken = []
    for form in (typed(), typed("new@one.example")):
        with count_statements() as counted:
            await desk.leave(form)
        taken.append(counted.total)
    assert taken[0] == taken[1]


async def test_agents_take_turns_up_to_their_capacity(desk: Desk) -> None:
    one, two = await desk.agent(capacity=2), await desk.agent(capacity=1)
    await desk.come(*(typed(f"{n}@one.example") for n in range(5)))
    owners = [row.owner_id for row in sorted(desk.rows(lead), key=lambda row: row.reference)]
    assert set(owners[:2]) == {one, two}
    assert owners[2:] == [one, None, None]
    stages = [row.stage for row in sorted(desk.rows(lead), key=lambda row: row.reference)]
    assert stages == ["ASSIGNED"] * 3 + ["NEW"] * 2
    assert {row.given_by for row in desk.rows(lead_ownership)} == {"ROUND_ROBIN"}


async def test_a_lead_that_is_settled_makes_room(desk: Desk) -> None:
    owner = await desk.agent(capacity=1)
    await desk.come(typed("a@one.example"), typed("b@one.example"))
    first = next(row for row in desk.rows(lead) if row.owner_id == owner)
    move = Move(LeadStage.LOST, LostReason.NO_ANSWER)
    await desk.write(lambda work: move_lead(work, first.id, move, expected_version=first.version))
    await desk.come(typed("c@one.example"))
    assert {row.email: row.owner_id for row in desk.rows(lead)} == {
        "a@one.example": owner, "b@one.example": None, "c@one.example": owner,
    }  # fmt: skip


async def test_leads_go_to_whoever_speaks_their_language(desk: Desk) -> None:
    german = await desk.agent(languages=("de",))
    anybody = await desk.agent(countries=("CY",))
    await desk.come(
        typed("a@x.example", language="de", country="DE"),
        typed("b@x.example", language="fr", country="CY"),
        typed("c@x.example", language="fr", country="FR"),
    )
    owners = {row.email[0]: row.owner_id for row in desk.rows(lead)}
    assert owners == {"a": german, "b": anybody, "c": None}


async def test_whoever_is_switched_off_or_gone_gets_none(desk: Desk, make: Factory) -> None:
    off, gone = await desk.agent(), await desk.agent()
    await desk.write(lambda work: set_agent(work, Turn(off, False, 100)))
    make.run(
        desk.brand,
        tables.staff.update().where(tables.staff.c.id == gone).values(status="DISABLED"),
    )
    await desk.come(typed())
    assert desk.lead().owner_id is None
    assert len(desk.rows(lead_agent)) == 2


async def test_a_lost_lead_that_comes_again_is_its_owners_again(desk: Desk) -> None:
    owner = await desk.agent()
    await desk.come(typed())
    found = desk.lead()
    move = Move(LeadStage.LOST, LostReason.NO_ANSWER)
    await desk.write(lambda work: move_lead(work, found.id, move, expected_version=found.version))
    await desk.come(typed(source="bing"))
    found = desk.lead()
    assert (found.stage, found.lost_reason, found.owner_id) == ("ASSIGNED", None, owner)


async def test_dnc_stays_dnc(desk: Desk) -> None:
    await desk.come(typed())
    found = desk.lead()
    await desk.write(
        lambda work: move_lead(work, found.id, Move(LeadStage.DNC), expected_version=1)
    )
    await desk.come(typed())
    assert desk.lead().stage == "DNC"


async def test_a_registration_converts_the_lead_and_keeps_owner_and_ib(
    desk: Desk, make: Factory
) -> None:
    owner, ib = await desk.agent(), make.ib(desk.brand)
    await desk.come(typed(ib_code=ib.code.lower(), campaign="spring"))
    made = await desk.register("ann@one.example")
    found = desk.lead()
    assert (found.stage, found.client_id, found.campaign) == ("REGISTERED", made.id, "spring")
    assert (made.owner_id, made.ib_id, made.ib_path) == (owner, ib.id, ib.path)
    assert desk.kinds()[-1] == "converted"


async def test_the_form_s_own_code_beats_the_lead_s(desk: Desk, make: Factory) -> None:
    first, second = make.ib(desk.brand), make.ib(desk.brand)
    await desk.come(typed(ib_code=first.code))
    made = await desk.register("ann@one.example", ib_code=second.code)
    assert made.ib_id == second.id


async def test_an_old_link_counts_no_more(desk: Desk, make: Factory) -> None:
    old, new = make.ib(desk.brand), make.ib(desk.brand)
    await desk.come(typed(ib_code=old.code))
    await desk.come(typed(ib_code=new.code))
    assert desk.lead().ib_id == old.id
    make.run(desk.brand, lead.update().values(ib_since=lead.c.ib_since - timedelta(days=31)))
    assert (await desk.register("ann@one.example")).ib_id is None
    other = Desk(make, make.brand(), desk.app, desk.worker)
    late = make.ib(other.brand)
    await other.come(typed(ib_code="NOBODY-1"), typed(ib_code=late.code))
    assert other.lead().ib_id == late.id


async def test_a_number_converts_too_and_an_other_clients_lead_stays(desk: Desk) -> None:
    await desk.come(typed(None, phone="+35799123456"))
    made = await desk.register("ann@new.example", phone="+35799123456")
    assert desk.lead().client_id == made.id
    await desk.register("twin@new.example", phone="+35799123456")
    assert desk.lead().client_id == made.id


async def test_who_is_a_client_already_is_given_to_nobody(desk: Desk, make: Factory) -> None:
    await desk.agent()
    known: Client = make.client(desk.brand)
    await desk.come(typed(known.email))
    found = desk.lead()
    assert (found.stage, found.client_id, found.owner_id) == ("REGISTERED", known.id, None)


async def test_milestones_move_it_on_and_never_back(desk: Desk) -> None:
    await desk.come(typed())
    made = await desk.register("ann@one.example")
    for stage, expected in (
        (LeadStage.FTD, "FTD"), (LeadStage.KYC, "FTD"), (LeadStage.ACTIVE, "ACTIVE"),
    ):  # fmt: skip
        await desk.write(lambda work, to=stage: advance_leads(work, {made.id: [to]}))
        assert desk.lead().stage == expected
    assert desk.kinds().count("stage_changed") == 2


async def test_many_move_on_together_and_each_step_is_told(desk: Desk) -> None:
    for name in ("ann", "bo"):
        await desk.come(typed(f"{name}@one.example"))
    ann, bo = [await desk.register(f"{name}@one.example") for name in ("ann", "bo")]
    reached = {
        ann.id: [LeadStage.KYC, LeadStage.FTD], bo.id: [LeadStage.ACTIVE, LeadStage.FTD],
    }  # fmt: skip
    before = {row.client_id: row.version for row in desk.rows(lead)}
    await desk.write(lambda work: advance_leads(work, reached))
    rows = {row.client_id: row for row in desk.rows(lead)}
    assert (rows[ann.id].stage, rows[bo.id].stage) == ("FTD", "ACTIVE")
    assert {key: row.version - before[key] for key, row in rows.items()} == {ann.id: 1, bo.id: 1}
    assert desk.kinds().count("stage_changed") == 3


async def test_twins_that_race_make_one_lead(desk: Desk) -> None:
    staff = scope_of(desk.brand, "brand_admin")
    forms = [typed("ann@one.example", phone="+35799123456") for _ in range(6)]
    await asyncio.gather(*(desk.leave(form, scope=staff) for form in forms))
    assert {row.lead_id for row in desk.rows(lead_touch)} == {desk.lead().id}
    assert desk.kinds().count("captured") == 1


async def test_the_public_is_throttled_and_staff_are_not(desk: Desk) -> None:
    with pytest.raises(DomainError) as refused:
        await desk.leave(*(typed() for _ in range(7)))
    assert refused.value.code == "THROTTLED"
    touches = len(desk.rows(lead_touch))
    staff = scope_of(desk.brand, "brand_admin")
    for _ in range(7):
        await desk.leave(typed(), scope=staff)
    assert len(desk.rows(lead_touch)) == touches + 7
