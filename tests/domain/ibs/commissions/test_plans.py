"""Plans: versions that never change the past, and lines that no plan may contradict."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.ibs.commissions.commands.assign_plan import assign_plan
from domain.ibs.commissions.commands.create_plan import create_plan
from domain.ibs.commissions.commands.publish_version import publish_version
from domain.ibs.commissions.tables import ib_assignment, ib_plan, ib_plan_version
from domain.ibs.commissions.terms import from_json
from domain.ibs.commissions.values import Rate, SymbolGroup, Terms
from domain.kernel.errors import DomainError
from domain.kernel.ids import new_uuid
from tenants.context import Scope
from tenants.tables import audit, event
from tenants.work import Database, WriteWork
from tests.domain.ibs.commissions.desk import CLOSED_AT, Desk
from tests.domain.ibs.commissions.plans import terms
from tests.factories import Brand, Factory, Ib, scope_of


class Office:
    """Staff who make plans."""

    def __init__(self, database: Database, scope: Scope) -> None:
        self.database, self.scope = database, scope

    async def plan(self, name: str, given: Terms, from_at: datetime | None = None) -> UUID:
        return await self._do(create_plan, name, given, from_at)

    async def publish(self, plan_id: UUID, given: Terms, version: int = 1, **how: Any) -> UUID:
        return await self._do(publish_version, plan_id, given, expected_version=version, **how)

    async def assign(self, ib: Ib, plan_id: UUID, from_at: datetime | None = None) -> UUID:
        return await self._do(assign_plan, ib.id, plan_id, from_at)

    async def _do(self, command: Any, *given: Any, **named: Any) -> UUID:
        async def run(work: WriteWork) -> UUID:
            made: UUID = await command(work, *given, **named)
            return made

        return (await self.database.write(self.scope, run)).value


@pytest.fixture
def office(database: Database, brand: Brand) -> Office:
    return Office(database, scope_of(brand, "brand_admin"))


async def refused(asked: Any) -> tuple[str, tuple[str, ...]]:
    with pytest.raises(DomainError) as caught:
        await asked
    return caught.value.code, caught.value.path


def now_plus(hours: float) -> datetime:
    return datetime.now(UTC) + timedelta(hours=hours)


async def test_a_plan_is_made_with_its_first_version(
    office: Office, make: Factory, brand: Brand
) -> None:
    plan_id = await office.plan(" Gold ", terms("5"))
    (plan,), (version,) = make.rows(ib_plan, brand), make.rows(ib_plan_version, brand)
    assert (plan.id, plan.name, plan.version) == (plan_id, "Gold", 1)
    assert (version.plan_id, version.number, version.from_at) == (plan_id, 1, plan.created_at)
    assert from_json(version.terms) == terms("5")
    assert await refused(office.plan("Gold", terms("6"))) == ("NAME_TAKEN", ("input", "name"))
    assert await refused(office.plan("", terms("6"))) == ("INVALID", ("input", "name"))
    early = office.plan("Early", terms("6"), now_plus(-1))
    assert await refused(early) == ("BEGINS_TOO_EARLY", ("input", "fromAt"))
    nothing = replace(terms("5"), components=())
    assert await refused(office.plan("None", nothing)) == (
        "INVALID", ("input", "terms", "components"),
    )  # fmt: skip
    unpaid = replace(terms("5"), currency="ZZZ")
    where = ("INVALID", ("input", "terms", "currencyCode"))
    assert await refused(office.plan("Odd", unpaid)) == where
    assert await refused(office.publish(plan_id, unpaid)) == where
    assert len(make.rows(audit, brand)) == 1
    assert len(make.rows(ib_plan_version, brand)) == 1


async def test_nothing_begins_more_than_a_year_ahead(
    office: Office, make: Factory, brand: Brand
) -> None:
    far, near = now_plus(24 * 366 + 1), now_plus(24 * 366 - 1)
    plan_id, ib = await office.plan("Gold", terms("5")), make.ib(brand)
    for asked in (
        office.plan("Late", terms("5"), datetime(9999, 12, 31, tzinfo=UTC)),
        office.plan("Late", terms("5"), far),
        office.publish(plan_id, terms("6"), from_at=far),
        office.assign(ib, plan_id, far),
    ):
        assert await refused(asked) == ("INVALID", ("input", "fromAt"))
    await office.plan("Later", terms("5"), near)
    await office.assign(ib, plan_id, near)
    assert [one.from_at for one in make.rows(ib_assignment, brand)] == [near]
    assert len(make.rows(ib_plan_version, brand)) == 2


async def test_a_version_holds_from_its_instant_and_never_before(
    office: Office, make: Factory, brand: Brand
) -> None:
    plan_id = await office.plan("Gold", terms("5"))
    later = now_plus(2)
    await office.publish(plan_id, terms("7"), from_at=later)
    stale = office.publish(plan_id, terms("8"))
    assert await refused(stale) == ("VERSION_CONFLICT", ("input", "expectedVersion"))
    before = office.publish(plan_id, terms("8"), version=2, from_at=now_plus(1))
    assert await refused(before) == ("BEGINS_TOO_EARLY", ("input", "fromAt"))
    await office.publish(plan_id, terms("8"), version=2)
    versions = make.rows(ib_plan_version, brand)
    assert sorted((one.number, one.from_at >= later) for one in versions) == [
        (1, False), (2, True), (3, True),
    ]  # fmt: skip
    assert (await refused(office.publish(new_uuid(), terms("5"))))[0] == "NOT_FOUND"


async def test_a_child_is_never_paid_more_than_its_parent(
    office: Office, make: Factory, brand: Brand
) -> None:
    top = make.ib(brand)
    middle = make.ib(brand, top)
    low = make.ib(brand, middle)
    ten, eight, nine, five = [
        await office.plan(rate, terms(rate)) for rate in ("10", "8", "9", "5")
    ]
    await office.assign(top, eight)
    assert await refused(office.assign(low, nine)) == ("RATE_ABOVE_PARENT", ("input",))
    await office.assign(low, eight)
    # What stands below holds as well as what stands above.
    assert (await refused(office.assign(middle, five)))[0] == "RATE_ABOVE_PARENT"
    assert (await refused(office.assign(top, five)))[0] == "RATE_ABOVE_PARENT"
    await office.assign(top, ten)
    await office.assign(middle, nine)
    assert len(make.rows(ib_assignment, brand)) == 4
    told = [row for row in make.rows(event, brand) if row.kind == "plan_assigned"]
    assert [(row.object_id, row.ib_path) for row in told][-1] == (middle.id, middle.path)


async def test_symbols_are_compared_one_by_one(office: Office, make: Factory, brand: Brand) -> None:
    top = make.ib(brand)
    low = make.ib(brand, top)
    plain = terms("10")
    gold = Rate(plain.components[0].rates[0].per_lot + 1, symbol="XAUUSD")
    make.symbol("XAUUSD")
    rates = (*plain.components[0].rates, gold)
    dearer = replace(plain, components=(replace(plain.components[0], rates=rates),))
    await office.assign(top, await office.plan("plain", plain))
    plan_id = await office.plan("dearer", dearer)
    with pytest.raises(DomainError, match="XAUUSD"):
        await office.assign(low, plan_id)


async def test_a_rate_is_for_a_symbol_that_the_platform_lists(
    office: Office, make: Factory, brand: Brand
) -> None:
    make.symbol("EURUSD")
    plan_id = await office.plan("Gold", terms("5"))
    plain = terms("10")
    for symbol, hint in (("EURUDS", "as the platform writes them"), ("EurUsd", "writes it EURUSD")):
        rate = Rate(plain.components[0].rates[0].per_lot, symbol=symbol)
        rated = replace(plain, components=(replace(plain.components[0], rates=(rate,)),))
        where = ("SYMBOL_UNKNOWN", ("input", "terms", "components"))
        assert await refused(office.plan("Typo", rated)) == where
        with pytest.raises(DomainError, match=hint):
            await office.publish(plan_id, rated)
        grouped = replace(plain, groups=(*plain.groups, SymbolGroup("Pairs", ("EURUSD", symbol))))
        if symbol == "EURUDS":
            where = ("SYMBOL_UNKNOWN", ("input", "terms", "symbolGroups"))
            assert await refused(office.plan("Typo", grouped)) == where
    assert len(make.rows(ib_plan_version, brand)) == 1


async def test_capitals_do_not_tell_plans_apart(office: Office) -> None:
    await office.plan("Gold", terms("5"))
    assert await refused(office.plan("GOLD", terms("5"))) == ("NAME_TAKEN", ("input", "name"))


async def test_who_is_refused_a_rate_reads_what_to_do(
    office: Office, make: Factory, brand: Brand
) -> None:
    top = make.ib(brand)
    low = make.ib(brand, top)
    await office.assign(top, await office.plan("eight", terms("8.00")))
    renamed = replace(terms("5"), components=(replace(terms("5").components[0], name="Rebate"),))
    for name, given, told in (
        ("nine", terms("9"), "REBATE would pay 9 a lot of a symbol that neither names, the plan "
         "above 8 .*Lower it to 8 or less, or raise the plan above first."),
        ("renamed", renamed, "has no component Rebate .*Name it as the plan above does"),
    ):  # fmt: skip
        plan_id = await office.plan(name, given)
        with pytest.raises(DomainError, match=told) as caught:
            await office.assign(low, plan_id)
        assert caught.value.code == "RATE_ABOVE_PARENT"


async def test_a_line_shares_one_way_in_one_currency(
    office: Office, make: Factory, brand: Brand
) -> None:
    top = make.ib(brand)
    low = make.ib(brand, top)
    await office.assign(top, await office.plan("plain", terms("10")))
    pool = await office.plan("pool", terms("10", "60", "40"))
    euros = await office.plan("euros", replace(terms("5"), currency="EUR"))
    for plan_id in (pool, euros):
        assert await refused(office.assign(low, plan_id)) == ("PLANS_UNLIKE", ("input",))


async def test_of_two_changes_of_a_line_that_fit_only_alone_one_is_refused(
    office: Office, make: Factory, brand: Brand
) -> None:
    """Above less, below more, at once: each fits what was there, and not what the other makes."""
    ten, nine, middle, eight = [
        await office.plan(rate, terms(rate)) for rate in ("10", "9", "9.5", "8")
    ]
    for _ in range(5):
        top = make.ib(brand)
        low = make.ib(brand, top)
        await office.assign(top, ten)
        await office.assign(low, eight)
        done = await asyncio.gather(
            office.assign(top, nine), office.assign(low, middle), return_exceptions=True
        )
        refusals = [one for one in done if isinstance(one, BaseException)]
        assert [getattr(one, "code", one) for one in refusals] == ["RATE_ABOVE_PARENT"]


async def test_a_new_version_must_fit_every_line_it_is_in(
    office: Office, make: Factory, brand: Brand
) -> None:
    top = make.ib(brand)
    low = make.ib(brand, top)
    upper = await office.plan("upper", terms("10"))
    lower = await office.plan("lower", terms("8"))
    await office.assign(top, upper)
    await office.assign(low, lower)
    assert (await refused(office.publish(lower, terms("11"))))[0] == "RATE_ABOVE_PARENT"
    assert (await refused(office.publish(upper, terms("7"))))[0] == "RATE_ABOVE_PARENT"
    await office.publish(upper, terms("12"))
    await office.publish(lower, terms("11"))
    assert sorted(row.version for row in make.rows(ib_plan, brand)) == [2, 2]


async def test_a_plan_must_fit_what_will_stand_above_it(
    office: Office, make: Factory, brand: Brand
) -> None:
    top = make.ib(brand)
    low = make.ib(brand, make.ib(brand, top))
    ten, two, five = [await office.plan(rate, terms(rate)) for rate in ("10", "2", "5")]
    await office.assign(top, ten)
    await office.assign(top, two, now_plus(24))
    await office.assign(top, ten, now_plus(48))
    for from_at in (None, now_plus(12), now_plus(36)):
        again = office.assign(low, five, from_at)
        assert await refused(again) == ("RATE_ABOVE_PARENT", ("input",))
    await office.assign(low, five, now_plus(48.5))
    # What ends before need not fit what begins after it.
    await office.assign(low, two, now_plus(23))
    await office.assign(low, five)
    assert len(make.rows(ib_assignment, brand)) == 6


async def test_a_plan_must_fit_what_will_stand_below_it(
    office: Office, make: Factory, brand: Brand
) -> None:
    top = make.ib(brand)
    middle = make.ib(brand, top)
    low = make.ib(brand, middle)
    two, five, ten = [await office.plan(rate, terms(rate)) for rate in ("2", "5", "10")]
    await office.assign(low, two)
    await office.assign(low, ten, now_plus(24))
    assert await refused(office.assign(top, five)) == ("RATE_ABOVE_PARENT", ("input",))
    pool = await office.plan("pool", terms("9", "100"))
    assert await refused(office.assign(top, pool, now_plus(25))) == ("PLANS_UNLIKE", ("input",))
    # Whom somebody in between will stand for is no neighbour then.
    await office.assign(middle, ten, now_plus(23))
    assert (await refused(office.assign(top, five)))[0] == "RATE_ABOVE_PARENT"
    await office.assign(top, ten, now_plus(22))
    await office.assign(top, five)


async def test_a_version_that_will_begin_must_fit_too(
    office: Office, make: Factory, brand: Brand
) -> None:
    top = make.ib(brand)
    low = make.ib(brand, top)
    upper, lower = await office.plan("upper", terms("10")), await office.plan("lower", terms("5"))
    await office.publish(upper, terms("4"), from_at=now_plus(24))
    await office.assign(top, upper)
    assert (await refused(office.assign(low, lower)))[0] == "RATE_ABOVE_PARENT"
    await office.publish(lower, terms("3"), from_at=now_plus(23))
    await office.assign(low, lower)
    higher = office.publish(lower, terms("6"), version=2, from_at=now_plus(23))
    assert (await refused(higher))[0] == "RATE_ABOVE_PARENT"
    less = office.publish(upper, terms("2"), version=2, from_at=now_plus(25))
    assert (await refused(less))[0] == "RATE_ABOVE_PARENT"
    await office.publish(lower, terms("4"), version=2, from_at=now_plus(23))


async def test_an_assignment_needs_an_ib_a_plan_and_a_version_in_force(
    office: Office, make: Factory, brand: Brand, brand_b: Brand
) -> None:
    own = make.ib(brand)
    plan_id = await office.plan("Gold", terms("5"))
    later = await office.plan("Later", terms("5"), now_plus(1))
    cases = [
        (office.assign(make.ib(brand_b), plan_id), ("NOT_FOUND", ("input", "ibId"))),
        (office.assign(own, new_uuid()), ("NOT_FOUND", ("input", "planId"))),
        (office.assign(own, later), ("PLAN_NOT_IN_FORCE", ("input", "planId"))),
        (office.assign(own, plan_id, now_plus(-1)), ("BEGINS_TOO_EARLY", ("input", "fromAt"))),
    ]
    for asked, expected in cases:
        assert await refused(asked) == expected
    at = now_plus(3)
    await office.assign(own, plan_id, at)
    again = office.assign(own, later, at)
    assert await refused(again) == ("ALREADY_ASSIGNED", ("input", "fromAt"))
    assert len(make.rows(ib_assignment, brand)) == 1


async def test_the_system_may_bring_over_what_was_decided_before(
    make: Factory, brand: Brand, worker_database: Database
) -> None:
    desk = Desk(make, brand, worker_database, levels=1)
    office = Office(worker_database, scope_of(brand, "system"))
    since = CLOSED_AT - timedelta(days=30)
    plan_id = await office.plan("Gold", terms("5"), since)
    await office.assign(desk.line[0], plan_id, since)
    closed = await desk.trade("1")
    await desk.consume()
    assert desk.amounts(closed) == [(1, 500)]
