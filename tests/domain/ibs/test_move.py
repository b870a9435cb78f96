"""A branch moves: it earns for its new line from then on, and nothing of before changes."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.accounts.tables import trading_account
from domain.clients.tables import client as client_table
from domain.clients.tables import client_search
from domain.events.jobs import JobRun
from domain.ibs.commands.move_ib import move_ib
from domain.ibs.commissions.line import check_place
from domain.ibs.commissions.tables import ib_accrual, ib_assignment
from domain.ibs.jobs import follow_branch
from domain.ibs.tables import ib as ib_table
from domain.ibs.tables import ib_former_place
from domain.kernel.errors import DomainError
from domain.kernel.ids import new_uuid
from tenants.tables import audit, event
from tenants.work import Database, WriteWork
from tests.domain.ibs.commissions.desk import Desk
from tests.domain.ibs.commissions.plans import terms
from tests.factories import Brand, Factory, scope_of


async def move(database: Database, brand: Brand, ib_id: UUID, parent_id: UUID | None) -> None:
    async def command(work: WriteWork) -> None:
        await move_ib(work, ib_id, parent_id, check_place=check_place)

    await database.write(scope_of(brand, "brand_admin"), command)


def run_of(brand: Brand, database: Database) -> JobRun:
    return JobRun("ibs.follow_move", brand.id, "1", 1, database)


def paths(make: Factory, brand: Brand, table: Any = ib_table) -> dict[UUID, str]:
    name = "path" if table is ib_table else "ib_path"
    return {row.id: getattr(row, name) for row in make.rows(table, brand)}


async def test_a_branch_goes_with_its_ib(
    database: Database, worker_database: Database, make: Factory, brand: Brand
) -> None:
    old, new = make.ib(brand), make.ib(brand)
    moved = make.ib(brand, old)
    below = make.ib(brand, moved)
    client = make.client(brand, below)
    account = make.account(brand, client)
    deal = make.deal(account)
    await move(database, brand, moved.id, new.id)
    assert paths(make, brand) == {
        old.id: old.path,
        new.id: new.path,
        moved.id: f"{new.path}{moved.id.hex}/",
        below.id: f"{new.path}{moved.id.hex}/{below.id.hex}/",
    }
    rows = {row.id: row for row in make.rows(ib_table, brand)}
    assert (rows[moved.id].parent_id, rows[moved.id].level) == (new.id, 2)
    assert (rows[below.id].parent_id, rows[below.id].level) == (moved.id, 3)
    assert [rows[one].place_version for one in (old.id, moved.id, below.id)] == [1, 2, 2]
    former = {(row.ib_id, row.version): row.path for row in make.rows(ib_former_place, brand)}
    assert former == {(moved.id, 1): moved.path, (below.id, 1): below.path}
    await follow_branch(run_of(brand, worker_database), moved.id, 1)
    for table in (client_table, trading_account):
        assert set(paths(make, brand, table).values()) == {rows[below.id].path}
    found = {row.ib_path for row in make.rows(client_search, brand)}
    assert found == {rows[below.id].path}
    # Deals and the log are history.
    from domain.accounts.tables import deal as deal_table

    assert paths(make, brand, deal_table) == {deal: below.path}
    (told,) = [row for row in make.rows(event, brand) if row.kind == "moved"]
    assert (told.ib_path, told.payload) == (
        rows[moved.id].path, {"ib_id": str(moved.id), "place_version": 2},
    )  # fmt: skip
    assert len(make.rows(audit, brand)) == 1


async def test_moves_may_be_followed_in_any_order_and_twice(
    database: Database, worker_database: Database, make: Factory, brand: Brand
) -> None:
    old, new, third = (make.ib(brand) for _ in range(3))
    moved = make.ib(brand, old)
    below = make.ib(brand, moved)
    client, own = make.client(brand, below), make.client(brand, moved)
    await move(database, brand, moved.id, new.id)
    await move(database, brand, below.id, third.id)
    await move(database, brand, moved.id, None)
    run = run_of(brand, worker_database)
    for ib_id, version in ((below.id, 2), (moved.id, 2), (moved.id, 1), (moved.id, 1)):
        await follow_branch(run, ib_id, version)
    now = paths(make, brand)
    assert paths(make, brand, client_table) == {client.id: now[below.id], own.id: now[moved.id]}
    assert (now[moved.id], now[below.id]) == (
        f"{moved.id.hex}/", f"{third.path}{below.id.hex}/",
    )  # fmt: skip


async def test_each_deal_belongs_to_the_line_of_its_close(
    database: Database, make: Factory, brand: Brand, worker_database: Database
) -> None:
    desk = Desk(make, brand, worker_database)
    desk.plans(terms("5"), terms("8"), terms("10"))
    other = make.ib(brand)
    desk.plan(other, terms("9"))
    before = await desk.trade("2.35")
    await desk.consume()
    paid = desk.accruals(before)
    await move(database, brand, desk.line[2].id, other.id)
    await follow_branch(run_of(brand, worker_database), desk.line[2].id, 1)
    late = await desk.trade("1", at=datetime.now(UTC) - timedelta(minutes=5))
    after = await desk.trade("1", at=datetime.now(UTC) + timedelta(minutes=5))
    await desk.consume()
    # Deals of before, judged before or not, are the old line's; later ones the new line's.
    assert [(row.id, row.amount_minor) for row in desk.accruals(before)] == [
        (row.id, row.amount_minor) for row in paid
    ]
    assert {row.ib_id for row in desk.accruals(late)} == {ib.id for ib in desk.line}
    assert [(row.ib_id, int(row.amount_minor)) for row in desk.accruals(after)] == [
        (desk.line[2].id, 500), (other.id, 400),
    ]  # fmt: skip
    assert [row.place_version for row in desk.accruals(late)] == [1, 1, 1]
    assert [row.place_version for row in desk.accruals(after)] == [2, 2]
    # What an ib earned goes on being its own to see.
    now = paths(make, brand)
    for row in make.rows(ib_accrual, brand):
        assert row.ib_path == now[row.ib_id]
    assert {row.ib_path for row in make.rows(ib_assignment, brand)} == set(now.values())
    found = await desk.replay()
    assert found.is_equal, found.differences


async def test_places_that_cannot_be_are_refused_and_leave_nothing(
    database: Database, make: Factory, brand: Brand, brand_b: Brand
) -> None:
    top = make.ib(brand)
    low = make.ib(brand, top)
    deep = make.ib(brand)
    for _ in range(8):
        deep = make.ib(brand, deep)
    suspended = make.ib(brand)
    make.run(
        brand,
        ib_table.update().where(ib_table.c.id == suspended.id).values(status="SUSPENDED"),
    )
    foreign = make.ib(brand_b)
    before = make.rows(ib_table, brand)
    cases = [
        (new_uuid(), None, "NOT_FOUND"),
        (foreign.id, top.id, "NOT_FOUND"),
        (low.id, foreign.id, "NOT_FOUND"),
        (top.id, low.id, "BELOW_ITSELF"),
        (top.id, top.id, "BELOW_ITSELF"),
        (low.id, top.id, "ALREADY_THERE"),
        (top.id, None, "ALREADY_THERE"),
        (low.id, suspended.id, "PARENT_SUSPENDED"),
        (top.id, deep.id, "TREE_TOO_DEEP"),
    ]
    for ib_id, parent_id, code in cases:
        with pytest.raises(DomainError) as caught:
            await move(database, brand, ib_id, parent_id)
        assert caught.value.code == code
    assert make.rows(ib_table, brand) == before
    assert not make.rows(event, brand)
    assert not make.rows(ib_former_place, brand)


async def test_a_place_below_less_is_refused(
    database: Database, make: Factory, brand: Brand, worker_database: Database
) -> None:
    desk = Desk(make, brand, worker_database)
    desk.plan(desk.line[2], terms("5"))
    poor, pool = make.ib(brand), make.ib(brand)
    desk.plan(poor, terms("4"))
    desk.plan(pool, terms("9", "100"))
    with pytest.raises(DomainError) as caught:
        await move(database, brand, desk.line[1].id, poor.id)
    assert caught.value.code == "RATE_ABOVE_PARENT"
    with pytest.raises(DomainError) as caught:
        await move(database, brand, desk.line[2].id, pool.id)
    assert caught.value.code == "PLANS_UNLIKE"
    desk.plan(desk.line[1], terms("4"))
    # The moved ib's own plan stands between now, and fits.
    await move(database, brand, desk.line[1].id, poor.id)


async def test_a_place_below_what_will_be_less_is_refused(
    database: Database, make: Factory, brand: Brand, worker_database: Database
) -> None:
    desk = Desk(make, brand, worker_database)
    soon, later = (datetime.now(UTC) + timedelta(days=days) for days in (1, 2))
    desk.plan(desk.line[2], terms("5"))
    poorer, rich, steady = (make.ib(brand) for _ in range(3))
    for ib, rate in ((poorer, "10"), (rich, "6"), (steady, "6")):
        desk.plan(ib, terms(rate))
    desk.plan(poorer, terms("2"), since=soon)
    desk.plan(rich, terms("8"), since=soon)
    with pytest.raises(DomainError) as caught:
        await move(database, brand, desk.line[1].id, poorer.id)
    assert caught.value.code == "RATE_ABOVE_PARENT"
    # What those below will have counts as well.
    desk.plan(desk.line[2], terms("7"), since=later)
    with pytest.raises(DomainError) as caught:
        await move(database, brand, desk.line[1].id, steady.id)
    assert caught.value.code == "RATE_ABOVE_PARENT"
    await move(database, brand, desk.line[1].id, rich.id)
