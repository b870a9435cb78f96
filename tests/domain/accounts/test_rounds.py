"""Rounds of the worker over accounts: stuck requests are asked again, old points are forgotten."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from domain.accounts.commands.forget_points import KEPT_FOR, forget_points
from domain.accounts.commands.open_account import open_account
from domain.accounts.jobs import STUCK_AFTER, resume_requests
from domain.accounts.rules import OpenWish
from domain.accounts.tables import equity_point
from domain.accounts.values import AccountKind
from tenants.context import system_scope
from tenants.work import Database
from tests.factories import Brand, Factory

DEMO = OpenWish(AccountKind.DEMO, "USD")


@pytest.mark.parametrize("status", ["SENDING", "UNKNOWN"])
async def test_a_stuck_request_is_asked_again_once_per_while(
    worker_database: Database,
    make: Factory,
    brand: Brand,
    brand_b: Brand,
    superuser: psycopg.Connection[Any],
    status: str,
) -> None:
    def jobs() -> list[Any]:
        return superuser.execute(
            "select args->'args'->>'request_id' from jobs.procrastinate_jobs"
            " where args->>'brand_id' = %s order by id",
            (str(brand.id),),
        ).fetchall()

    client = make.client(brand)
    scope = system_scope(brand.id)
    asked = [
        (await worker_database.write(scope, lambda w: open_account(w, client.id, DEMO))).value
        for _ in range(2)
    ]
    assert await resume_requests(worker_database, brand.id) == 0
    stuck = UUID(asked[0]["request"])
    superuser.execute(
        "update platform_request set status = %s, updated_at = updated_at - %s where id = %s",
        (status, STUCK_AFTER + timedelta(seconds=1), stuck),
    )
    superuser.commit()
    assert await resume_requests(worker_database, brand_b.id) == 0
    assert await resume_requests(worker_database, brand.id) == 1
    assert await resume_requests(worker_database, brand.id) == 0
    assert jobs() == [(str(stuck),)]


async def test_points_are_kept_for_their_time(
    worker_database: Database, make: Factory, brand: Brand, brand_b: Brand
) -> None:
    now = datetime.now(UTC)
    for one in (brand, brand_b):
        account = make.account(one, make.client(one))
        for age in (KEPT_FOR - timedelta(hours=1), KEPT_FOR + timedelta(hours=1)):
            make.insert(
                equity_point,
                one,
                account_id=account.id,
                at=now - age,
                client_id=account.client_id,
                ib_path="",
                balance_minor=1,
                equity_minor=1,
            )
    await worker_database.write(system_scope(brand.id), forget_points)
    assert [len(make.rows(equity_point, one)) for one in (brand, brand_b)] == [1, 2]
