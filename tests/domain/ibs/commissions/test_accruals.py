"""Accrual at deal close: who is paid what, once, and what becomes of it; a replay says the same."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from domain.accounts.tables import deal as deal_table
from domain.accounts.values import AccountKind
from domain.clients.tables import client as client_table
from domain.events.consumers import rewind
from domain.ibs.commissions.commands.make_statements import make_statements
from domain.ibs.commissions.consumers import ACCRUALS
from domain.ibs.commissions.rounds import close_months, judge_waiting, mature
from domain.ibs.commissions.tables import ib_accrual, ib_fx_rate, ib_statement
from domain.ibs.commissions.values import Gates, Terms
from domain.ibs.tables import ib as ib_table
from tenants.tables import brand_state
from tenants.work import Database
from tests.domain.ibs.commissions.desk import CLOSED_AT, LONG_AGO, Desk
from tests.domain.ibs.commissions.plans import terms
from tests.factories import Brand, Factory


@pytest.fixture
def desk(make: Factory, brand: Brand, worker_database: Database) -> Desk:
    """Master, sub and direct, with 10, 8 and 5 dollars a lot."""
    made = Desk(make, brand, worker_database)
    made.plans(terms("5"), terms("8"), terms("10"))
    return made


async def test_the_line_shares_by_difference(desk: Desk) -> None:
    closed = await desk.trade("2.35")
    await desk.consume()
    assert desk.amounts(closed) == [(1, 1175), (2, 705), (3, 470)]
    rows = desk.accruals()
    assert [row.ib_id for row in rows] == [ib.id for ib in reversed(desk.line)]
    assert [row.ib_path for row in rows] == [ib.path for ib in reversed(desk.line)]
    assert [(row.lots, row.rate) for row in rows] == [
        (D("2.35"), D(5)), (D("2.35"), D(3)), (D("2.35"), D(2)),
    ]  # fmt: skip
    assert {(row.status, row.currency, row.fx_rate, row.client_id) for row in rows} == {
        ("PROVISIONAL", "USD", D(1), desk.client.id)
    }
    assert desk.judgements() == {closed: "ACCRUED"}
    told = desk.events("accrued")
    assert [(one.object_id, one.ib_path, one.client_id) for one in told] == [
        (row.id, row.ib_path, None) for row in rows
    ]
    assert told[0].payload == {
        "ib_id": str(desk.line[2].id),
        "deal_id": str(closed),
        "client_id": str(desk.client.id),
        "tier": 1,
        "component": "REBATE",
        "amount_minor": "1175",
        "currency": "USD",
        "status": "PROVISIONAL",
    }
    found = await desk.replay()
    assert found.is_equal, found.differences
    assert (found.deals, found.accruals, found.minor) == (1, 3, {"USD": 2350})


async def test_a_pool_sums_to_itself_to_the_last_cent(
    make: Factory, brand: Brand, worker_database: Database
) -> None:
    desk = Desk(make, brand, worker_database)
    desk.plan(desk.line[2], terms("12", "60", "25", "15"))
    closed = await desk.trade("1.37")
    await desk.consume()
    assert desk.amounts(closed) == [(1, 987), (2, 411), (3, 246)]
    assert sum(minor for _, minor in desk.amounts()) == 1644
    assert (await desk.replay()).is_equal


async def test_only_live_accounts_and_introduced_clients_earn(
    desk: Desk, make: Factory, brand: Brand
) -> None:
    for kind in AccountKind:
        if kind is not AccountKind.LIVE:
            await desk.trade("1", account=desk.open_account(kind))
    alone = make.client(brand)
    own = make.account(brand, alone, kind="LIVE")
    await desk.trade("1", account=own)
    await desk.consume()
    assert desk.accruals() == []
    assert desk.judgements() == {}
    found = await desk.replay()
    assert (found.is_equal, found.deals) == (True, 0)


async def test_a_deal_is_judged_once_however_often_it_is_told(desk: Desk) -> None:
    await desk.trade("1")
    await desk.consume()
    before = desk.accruals()
    await rewind(desk.database, desk.brand.id, ACCRUALS)
    await desk.consume()
    assert desk.accruals() == before
    assert len(desk.events("accrued")) == 3


async def test_what_fails_a_gate_is_written_down_with_its_reason(
    make: Factory, brand: Brand, worker_database: Database
) -> None:
    desk = Desk(make, brand, worker_database, levels=1)
    desk.plan(desk.line[0], terms("5", gates=Gates(min_seconds=180)))
    short = await desk.trade("1", seconds=179)
    right = await desk.trade("1", seconds=180)
    await desk.consume()
    assert desk.judgements() == {short: "TOO_SHORT", right: "ACCRUED"}
    assert desk.amounts() == [(1, 500)]
    assert (await desk.replay()).is_equal


async def test_an_own_account_earns_nothing_even_when_the_address_changes_later(
    make: Factory, brand: Brand, worker_database: Database
) -> None:
    desk = Desk(make, brand, worker_database, levels=1)
    desk.plan(desk.line[0], terms("5"))
    (row,) = make.rows(ib_table, brand)
    own = update(client_table).where(client_table.c.brand_id == brand.id)
    make.run(brand, own.values(email=row.email))
    closed = await desk.trade("1")
    await desk.consume()
    assert desk.judgements() == {closed: "OWN_ACCOUNT"}
    make.run(brand, own.values(email="another@people.example"))
    assert (await desk.replay()).is_equal


async def test_plans_hold_from_their_instant_until_the_next(
    make: Factory, brand: Brand, worker_database: Database
) -> None:
    desk = Desk(make, brand, worker_database, levels=1)
    desk.plan(desk.line[0], terms("5"))
    desk.plan(desk.line[0], terms("7"), since=CLOSED_AT)
    before = await desk.trade("1", at=CLOSED_AT - timedelta(milliseconds=1))
    after = await desk.trade("1", at=CLOSED_AT)
    too_early = await desk.trade("1", at=LONG_AGO - timedelta(days=1))
    await desk.consume()
    assert desk.amounts(before) == [(1, 500)]
    assert desk.amounts(after) == [(1, 700)]
    assert desk.judgements()[too_early] == "NO_PLAN"
    assert (await desk.replay()).is_equal


async def test_a_plan_above_the_one_over_it_raises_an_alarm_for_staff(
    make: Factory, brand: Brand, worker_database: Database
) -> None:
    desk = Desk(make, brand, worker_database, levels=2)
    desk.plans(terms("9"), terms("6"))
    closed = await desk.trade("1")
    await desk.consume()
    assert desk.amounts(closed) == [(1, 900)]
    (alarm,) = desk.events("rates_inverted")
    assert (alarm.object_id, alarm.ib_path) == (desk.line[0].id, "")


async def test_a_cancelled_deal_is_reversed_each_once(desk: Desk) -> None:
    closed = await desk.trade("2.35")
    await desk.consume()
    first = desk.accruals()
    cancel = await desk.cancel(closed)
    await desk.consume()
    await rewind(desk.database, desk.brand.id, ACCRUALS)
    await desk.consume()
    rows = desk.accruals()
    assert [(row.tier, int(row.amount_minor), row.status) for row in rows] == [
        (1, 1175, "REVERSED"), (2, 705, "REVERSED"), (3, 470, "REVERSED"),
        (1, -1175, "REVERSED"), (2, -705, "REVERSED"), (3, -470, "REVERSED"),
    ]  # fmt: skip
    assert [row.reverses_id for row in rows[3:]] == [row.id for row in first]
    assert [row.grounds for row in rows[:3]] == [row.grounds for row in first]
    assert rows[3].grounds["cancelled_by"] == str(cancel)
    assert len(desk.events("reversed")) == 3
    found = await desk.replay()
    assert found.is_equal, found.differences
    assert (found.reversals, found.minor) == (3, {"USD": 0})


async def test_a_deal_taken_back_before_it_was_judged_earns_nothing(desk: Desk) -> None:
    closed = await desk.trade("1")
    await desk.cancel(closed)
    await desk.consume()
    assert desk.judgements() == {closed: "CANCELLED"}
    assert desk.accruals() == []
    assert (await desk.replay()).is_equal


async def test_accruals_become_payable_after_their_hold(
    make: Factory, brand: Brand, worker_database: Database
) -> None:
    desk = Desk(make, brand, worker_database, levels=1)
    plain = terms("5")
    held = Terms(plain.currency, plain.convention, plain.components, plain.groups, hold_days=14)
    desk.plan(desk.line[0], held)
    now = datetime.now(UTC)
    ripe = await desk.trade("1", at=now - timedelta(days=14, seconds=1))
    ripe_too = await desk.trade("0.3", at=now - timedelta(days=15))
    await desk.trade("1", at=now - timedelta(days=13))
    await desk.consume()
    assert await mature(desk.database, brand.id) == 2
    assert await mature(desk.database, brand.id) == 0
    by_deal = {row.deal_id: row for row in desk.accruals()}
    states = sorted(row.status for row in by_deal.values())
    assert states == ["PAYABLE", "PAYABLE", "PROVISIONAL"]
    for deal_id in (ripe, ripe_too):
        row = by_deal[deal_id]
        assert row.payable_since == row.payable_at == row.deal_at + timedelta(days=14)
    (told,) = desk.events("became_payable")
    assert told.payload == {
        "ib_id": str(desk.line[0].id), "count": 2, "amount_minor": "650", "currency": "USD",
    }  # fmt: skip
    assert (await desk.replay()).is_equal


async def test_what_is_payable_stays_so_when_the_clock_goes_back(
    make: Factory, brand: Brand, worker_database: Database
) -> None:
    """A sandbox may be moved backwards: what was told is not taken back, nor told again."""
    desk = Desk(make, brand, worker_database, levels=1)
    plain = terms("5")
    desk.plan(desk.line[0], replace(plain, hold_days=14))
    now = datetime.now(UTC)
    ripe = await desk.trade("1", at=now - timedelta(days=15))
    later = await desk.trade("1", at=now - timedelta(days=14, hours=-1))
    await desk.consume()
    assert await mature(desk.database, brand.id) == 1

    def put(clock: timedelta) -> None:
        moved = update(brand_state).where(brand_state.c.brand_id == brand.id)
        make.run(brand, moved.values(clock_offset_ms=clock // timedelta(milliseconds=1)))

    def statuses() -> tuple[str, str]:
        by_deal = {row.deal_id: row.status for row in desk.accruals()}
        return by_deal[ripe], by_deal[later]

    put(timedelta(days=-30))
    assert await mature(desk.database, brand.id) == 0
    assert statuses() == ("PAYABLE", "PROVISIONAL")
    assert len(desk.events("became_payable")) == 1
    assert (await desk.replay()).is_equal
    put(timedelta(hours=2))
    assert await mature(desk.database, brand.id) == 1
    assert statuses() == ("PAYABLE", "PAYABLE")
    assert len(desk.events("became_payable")) == 2
    assert (await desk.replay()).is_equal


async def test_what_a_suspended_ib_earns_is_held_until_it_is_active_again(
    desk: Desk, make: Factory, brand: Brand
) -> None:
    middle = desk.line[1]

    def put(status: str) -> None:
        changed = update(ib_table).where(
            ib_table.c.brand_id == brand.id, ib_table.c.id == middle.id
        )
        make.run(brand, changed.values(status=status))

    await desk.trade("1")
    await desk.consume()
    assert await mature(desk.database, brand.id) == 3
    put("SUSPENDED")
    await desk.trade("2.35")
    undone = await desk.trade("1")
    await desk.consume()
    await desk.cancel(undone)
    await desk.consume()
    # Whoever is above and below is due the same as ever.
    assert await mature(desk.database, brand.id) == 2
    assert await mature(desk.database, brand.id) == 0
    mine = sorted(
        (row for row in desk.accruals() if row.ib_id == middle.id and row.reverses_id is None),
        key=lambda row: row.status,
    )
    assert [(int(row.amount_minor), row.status) for row in mine] == [
        (300, "PAYABLE"), (705, "PROVISIONAL"), (300, "REVERSED"),
    ]  # fmt: skip
    assert await close_months(desk.database, brand.id) == 3
    stated = {row.ib_id: int(row.accrued_minor) for row in make.rows(ib_statement, brand)}
    assert stated == {desk.line[2].id: 1675, middle.id: 300, desk.line[0].id: 670}
    put("ACTIVE")
    assert await mature(desk.database, brand.id) == 1
    (late,) = [row for row in desk.accruals() if row.id == mine[1].id]
    assert (late.status, late.payable_since) == ("PAYABLE", late.payable_at)
    assert await close_months(desk.database, brand.id) == 1
    (next_month,) = [r for r in make.rows(ib_statement, brand) if r.month == date(2026, 4, 1)]
    assert (next_month.ib_id, int(next_month.accrued_minor)) == (middle.id, 705)
    assert (await desk.replay()).is_equal


async def test_what_was_payable_is_carried_against_the_next_statement(
    desk: Desk, make: Factory, brand: Brand
) -> None:
    await desk.trade("1")
    closed = await desk.trade("2.35")
    await desk.consume()
    assert await mature(desk.database, brand.id) == 6
    assert await close_months(desk.database, brand.id) == 3
    assert await close_months(desk.database, brand.id) == 0
    march = {row.ib_id: row for row in make.rows(ib_statement, brand)}
    assert {(row.month, row.currency, row.accruals) for row in march.values()} == {
        (date(2026, 3, 1), "USD", 2)
    }
    assert [int(march[ib.id].accrued_minor) for ib in reversed(desk.line)] == [1675, 1005, 670]
    await desk.cancel(closed)
    await desk.consume()
    carried = [row for row in desk.accruals() if row.reverses_id is not None]
    assert {(row.status, row.statement_id) for row in carried} == {("PAYABLE", None)}
    # The reversals stand on the statement of the month in which they were made.
    (later,) = make.rows(ib_accrual, brand)[-1:]
    assert later.payable_since is not None
    make.run(
        brand,
        update(ib_accrual)
        .where(ib_accrual.c.brand_id == brand.id, ib_accrual.c.reverses_id.is_not(None))
        .values(payable_since=datetime(2026, 3, 31, tzinfo=UTC)),
    )
    assert await close_months(desk.database, brand.id) == 3
    april = [row for row in make.rows(ib_statement, brand) if row.month == date(2026, 4, 1)]
    assert sorted((int(row.accrued_minor), int(row.reversed_minor)) for row in april) == [
        (0, -1175), (0, -705), (0, -470),
    ]  # fmt: skip
    assert (await desk.replay()).is_equal


async def test_a_month_that_is_not_over_has_no_statement(desk: Desk, brand: Brand) -> None:
    await desk.trade("1", at=datetime.now(UTC))
    await desk.consume()
    await mature(desk.database, brand.id)
    command = partial(make_statements, limit=10)
    assert (await desk.database.write(desk.scope, command)).value == 0


async def test_a_month_ends_by_the_brand_s_own_clock(
    desk: Desk, make: Factory, brand: Brand
) -> None:
    """A sandbox that was moved on has its statements at the next round."""
    await desk.trade("1", at=datetime.now(UTC))
    await desk.consume()
    await mature(desk.database, brand.id)
    assert await close_months(desk.database, brand.id) == 0
    offset_ms = timedelta(days=32) // timedelta(milliseconds=1)
    moved = update(brand_state).where(brand_state.c.brand_id == brand.id)
    make.run(brand, moved.values(clock_offset_ms=offset_ms))
    assert await close_months(desk.database, brand.id) == 3
    assert {row.ib_id for row in make.rows(ib_statement, brand)} == {ib.id for ib in desk.line}
    assert await close_months(desk.database, brand.id) == 0


class Euros:
    """An ib that is paid in euros by a plan in dollars."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.make, self.brand = desk.make, desk.brand
        own = update(ib_table).where(ib_table.c.brand_id == desk.brand.id)
        self.make.run(self.brand, own.values(currency="EUR"))

    def rate(self, rate: str, at: datetime) -> None:
        self.make.insert(
            ib_fx_rate, self.brand, base="USD", quote="EUR", at=at, rate=D(rate), source="1/EURUSD"
        )


async def test_another_currency_takes_the_rate_of_the_close(
    make: Factory, brand: Brand, worker_database: Database
) -> None:
    desk = Desk(make, brand, worker_database, levels=1)
    desk.plan(desk.line[0], terms("5"))
    euros = Euros(desk)
    waiting = await desk.trade("2.35")
    await desk.consume()
    assert desk.judgements() == {waiting: "WAITING_FOR_RATE"}
    assert await judge_waiting(desk.database, brand.id) == 0
    euros.rate("0.92", CLOSED_AT + timedelta(hours=1))
    assert await judge_waiting(desk.database, brand.id) == 1
    assert desk.judgements() == {waiting: "ACCRUED"}
    (row,) = desk.accruals()
    assert (row.plan_minor, row.fx_rate, row.currency) == (1175, D("0.92"), "EUR")
    assert int(row.amount_minor) == 1081
    assert row.grounds["fx"]["source"] == "1/EURUSD"
    # A rate that turns up afterwards, of before the close, changes nothing.
    euros.rate("0.5", CLOSED_AT - timedelta(hours=1))
    found = await desk.replay()
    assert found.is_equal, found.differences
    assert found.minor == {"EUR": 1081}


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"amount_minor": 1176}, "REBATE tier 1: amount_minor"),
        ({"lots": D("2.34")}, "REBATE tier 1: lots"),
        ({"component": "OTHER"}, "REBATE tier 1: accrual"),
    ],
)
async def test_a_replay_finds_what_was_changed(
    changes: dict[str, Any], what: str, desk: Desk, make: Factory, brand: Brand
) -> None:
    closed = await desk.trade("2.35")
    await desk.consume()
    make.run(
        brand,
        update(ib_accrual)
        .where(ib_accrual.c.brand_id == brand.id, ib_accrual.c.tier == 1)
        .values(**changes),
    )
    found = await desk.replay()
    assert what in {one.what for one in found.differences}
    assert {one.deal_id for one in found.differences} == {closed}


async def test_a_replay_finds_deals_that_changed_and_those_nobody_judged(
    desk: Desk, make: Factory, brand: Brand
) -> None:
    closed = await desk.trade("2.35")
    await desk.consume()
    unjudged = await desk.trade("1")

    def lots(value: str, deal_id: UUID) -> None:
        make.run(
            brand,
            update(deal_table)
            .where(deal_table.c.brand_id == brand.id, deal_table.c.id == deal_id)
            .values(closed_lots=D(value)),
        )

    lots("2.36", closed)
    found = await desk.replay()
    assert {(one.deal_id, one.what) for one in found.differences} >= {
        (closed, "REBATE tier 1: amount_minor"),
        (unjudged, "judgement"),
    }
    assert ("1175", "1180") in {(one.stored, one.reckoned) for one in found.differences}
    lots("0", closed)
    lots("0", unjudged)
    (orphans,) = (await desk.replay()).differences
    assert (orphans.what, orphans.stored, orphans.reckoned) == ("accruals", "3", "0")
