"""What an identity's tier keeps a client from: paying in too much, taking out, trading for real."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.dialects.postgresql import insert

from domain.accounts.commands.change_leverage import change_leverage
from domain.accounts.commands.open_account import open_account
from domain.accounts.rules import OpenWish
from domain.accounts.values import AccountKind
from domain.compliance.identity.tables import kyc_standing
from domain.kernel.errors import DomainError
from domain.kernel.money import Money
from domain.payments.deposits.queries import sum_of_deposits
from domain.payments.disputes.jobs import record
from domain.payments.disputes.tables import dispute
from domain.payments.values import DisputeStatus
from domain.payments.withdrawals.plan import preview
from tests.domain.compliance.kyc import ask_for
from tests.domain.payments.deposits.conftest import desk, queue
from tests.domain.payments.deposits.desk import Desk
from tests.domain.payments.till import Till
from tests.domain.payments.withdrawals.counter import Counter
from tests.factories import Brand, Client, Factory, scope_of

__all__ = ["desk", "queue"]


def stands(make: Factory, brand: Brand, client: Client, tier: int) -> None:
    """The client has that tier."""
    row = {
        "brand_id": brand.id, "client_id": client.id, "status": "APPROVED", "tier": tier,
        "missing": [], "policy_version": 1, "risk_points": 0, "risk_parts": {},
        "risk_level": "LOW", "updated_at": datetime.now(UTC),
    }  # fmt: skip
    upsert = insert(kyc_standing).values(row)
    make.run(brand, upsert.on_conflict_do_update(
        index_elements=["brand_id", "client_id"], set_={"tier": tier}
    ))  # fmt: skip


async def refused(call: Any) -> str:
    with pytest.raises(DomainError) as raised:
        await call
    return raised.value.code


async def test_a_deposit_that_was_refused_works_when_the_tier_rises(desk: Desk):
    ask_for(desk.make, desk.brand)
    assert await refused(desk.create(100_000)) == "KYC_TIER_LIMIT"
    stands(desk.make, desk.brand, desk.client, 1)
    await desk.create(100_000)
    await desk.create(100_000)
    assert await refused(desk.create(1_000)) == "KYC_TIER_LIMIT", "what is under way counts"
    assert await refused(desk.create(1_000, "USD")) == "KYC_TIER_LIMIT", "in any currency"
    stands(desk.make, desk.brand, desk.client, 3)
    await desk.create(1_000_000)


async def test_what_failed_or_went_back_does_not_count(make: Factory, database, brand: Brand):
    till = Till(make, database, brand).open()
    counter = Counter(till).open()
    client = counter.client
    nothing = {"credited_minor": None, "credited_currency": None}
    till.payment(client, 50_000, status="SETTLED", currency="EUR", credited_minor=40_000,
                 credited_currency="EUR", refunded_minor=15_000)  # fmt: skip
    till.payment(client, 70_000, status="FAILED", currency="EUR", **nothing)
    till.payment(client, 30_000, status="PENDING", currency="EUR", **nothing)
    till.payment(client, 9_000, status="SETTLED", currency="EUR", credited_minor=10_000,
                 credited_currency="USD")  # fmt: skip
    async with database.read(scope_of(brand, client=client)) as work:
        assert await sum_of_deposits(work, client.id) == {"EUR": 55_000, "USD": 10_000}


async def test_what_is_in_suspense_or_was_charged_back_is_not_the_clients(desk: Desk):
    ask_for(desk.make, desk.brand)
    stands(desk.make, desk.brand, desk.client, 1)
    till = Till(desk.make, desk.database, desk.brand).open()
    till.payment(desk.client, 1, currency="EUR", credited_currency="CHF",
                 reason_code="CURRENCY_UNAVAILABLE")  # fmt: skip
    deposit = await till.deposit(desk.client, 30_000)
    stated = till.disputed(deposit, "OPEN", version=1, amount=Money(20_000, "USD"))
    for version, status, left in ((1, "OPEN", 30_000), (2, "LOST", 10_000), (3, "WON", 30_000)):
        stated = replace(stated, version=version, status=DisputeStatus(status))
        await record(till.database, till.brand.id, till.connection_id, stated)
        async with till.database.read(scope_of(till.brand, client=desk.client)) as work:
            found = await sum_of_deposits(work, desk.client.id)
        assert {code: minor for code, minor in found.items() if minor} == {"USD": left}, status
    assert till.make.rows(dispute, till.brand)[0].status == "WON"
    await desk.create(100_000)


async def test_nothing_is_paid_out_to_who_is_not_verified(make: Factory, database, brand: Brand):
    counter = Counter(Till(make, database, brand).open()).open()
    await counter.deposit(60_000)
    ask_for(make, brand)
    assert await refused(counter.request("100")) == "KYC_REQUIRED"
    async with database.read(counter.as_client()) as work:
        told = await preview(work, counter.wallet_id(), Money(10_000, "USD"), None)
    assert told.refusal is not None
    assert told.refusal.code == "KYC_REQUIRED"
    stands(make, brand, counter.client, 1)
    key = await counter.request("100")
    assert counter.row(key).status in ("APPROVED", "REQUESTED")


async def test_a_live_account_and_its_leverage_follow_the_tier(
    make: Factory, database, brand: Brand
):
    client = make.client(brand)
    ask_for(make, brand)
    own = scope_of(brand, client=client)

    async def opened(kind: str, leverage: int | None = None) -> Any:
        wish = OpenWish(AccountKind(kind), "USD", leverage)
        return await database.write(own, lambda work: open_account(work, client.id, wish))

    await opened("DEMO")
    assert await refused(opened("LIVE")) == "KYC_REQUIRED"
    stands(make, brand, client, 1)
    assert await refused(opened("LIVE", 30)) == "LEVERAGE_TOO_HIGH"
    await opened("LIVE", 20)
    account = make.account(brand, client, kind=AccountKind.LIVE, leverage=20, group_name="live")

    async def changed(leverage: int) -> Any:
        return await database.write(
            own, lambda work: change_leverage(work, account.id, leverage, expected_version=None)
        )

    assert await refused(changed(30)) == "LEVERAGE_TOO_HIGH"
    stands(make, brand, client, 2)
    await changed(30)
