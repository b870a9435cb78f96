"""Accounts and payments of another cashier, taken over in batches, with books that hold."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from domain.accounts.commands.import_accounts import AccountRecord, import_accounts
from domain.accounts.queries import find_logins
from domain.accounts.tables import trading_account
from domain.accounts.values import AccountKind
from domain.kernel.errors import DomainError
from domain.kernel.ids import new_uuid
from domain.kernel.money import Money
from domain.payments.commands.import_payments import PaymentRecord, import_payments
from domain.payments.commands.import_payments import Till as Where
from domain.payments.ledger.tables import ledger_posting
from domain.payments.ledger.verify import verify
from domain.payments.reconciliation.commands.import_settlement import import_settlement
from domain.payments.reconciliation.tables import discrepancy, settlement
from domain.payments.tables import payment, payment_method, withdrawal_leg
from domain.payments.values import MethodKind, PaymentKind
from tenants.tables import event
from tenants.work import Database
from tests.domain.payments.till import Till
from tests.factories import Brand, Client, Factory, scope_of

THEN = datetime(2026, 3, 1, 9, tzinfo=UTC)
CSV = """settlement_id,date,type,psp_id,reference,currency,gross,fee,net
s-1,2026-03-01,payment,pi_1,{deposit},USD,100.00,1.40,98.60
s-1,2026-03-01,payout,po_1,{withdrawal},USD,-15.00,0.00,-15.00
"""


@pytest.fixture
def where(make: Factory, till: Till, brand: Brand) -> Where:
    method_id = new_uuid()
    make.insert(
        payment_method, brand, id=method_id, connection_id=till.connection_id,
        kind=MethodKind.CARD, name="Old card", refundable_days=0, countries=[], position=1,
        enabled=False,
    )  # fmt: skip
    return Where(method_id, till.connection_id)


def records(client: Client, where: Where, brand: Brand) -> list[PaymentRecord]:
    def usd(amount: int) -> Money:
        return Money(amount, "USD")

    return [
        PaymentRecord(new_uuid(), PaymentKind.DEPOSIT, client.id, usd(10_000), where, "pi_1",
                      "•••• 4242", at=THEN),
        PaymentRecord(new_uuid(), PaymentKind.TRANSFER, client.id, usd(8_000),
                      account_id=new_uuid(), server_id=brand.server_id, at=THEN),
        PaymentRecord(new_uuid(), PaymentKind.WITHDRAWAL, client.id, usd(1_500), where, "po_1",
                      "•••• 4242", at=THEN),
    ]  # fmt: skip


async def test_payments_are_there_as_they_ended_and_a_settlement_explains_them(
    database: Database, worker_database: Database, brand: Brand, make: Factory, where: Where
) -> None:
    client = make.client(brand)
    made = records(client, where, brand)
    scope = scope_of(brand, "system")
    await database.write(scope, lambda work: import_payments(work, made))
    rows = {row.id: row for row in make.rows(payment, brand)}
    assert [rows[one.id].status for one in made] == ["SETTLED", "DONE", "PAID"]
    assert [rows[one.id].reference[:2] for one in made] == ["D-", "T-", "W-"]
    assert {row.created_at for row in rows.values()} == {THEN}
    (leg,) = make.rows(withdrawal_leg, brand)
    assert (leg.kind, leg.status, leg.payment_id) == ("PAYOUT", "PAID", made[2].id)
    wallet = sum(
        int(row.amount) for row in make.rows(ledger_posting, brand) if row.client_id == client.id
    )
    assert wallet == 500
    kinds = [row.kind for row in make.rows(event, brand) if row.topic in ("DEPOSIT", "PAYMENT")]
    assert kinds == ["deposit_settled", "transfer_done", "withdrawal_paid"]
    text = CSV.format(deposit=made[0].id.hex, withdrawal=made[2].id.hex)
    await database.write(
        scope,
        lambda work: import_settlement(work, where.connection_id, name="old.csv", content=text),
    )
    (file,) = make.rows(settlement, brand)
    assert (file.lines, file.matched, file.differing) == (2, 2, 0)
    assert make.rows(discrepancy, brand) == []
    verdict = await verify(worker_database, brand.id)
    assert verdict.findings == ()
    on_its_way = {(one.kind, one.balance) for one in verdict.clearing}
    assert on_its_way == {("PLATFORM_CLEARING", Money(8_000, "USD"))}


async def test_more_cannot_go_out_than_came_in(
    database: Database, brand: Brand, make: Factory, where: Where
) -> None:
    made = records(make.client(brand), where, brand)
    made[2] = replace(made[2], amount=Money(2_001, "USD"))
    with pytest.raises(DomainError) as caught:
        await database.write(scope_of(brand, "system"), lambda work: import_payments(work, made))
    assert caught.value.code == "INSUFFICIENT_FUNDS"
    assert make.rows(payment, brand) == []


async def test_accounts_take_logins_of_the_brand_in_their_order(
    database: Database, brand: Brand, make: Factory
) -> None:
    client = make.client(brand)
    wanted = [new_uuid(), new_uuid()]
    asked = [AccountRecord(client.id, AccountKind.DEMO, "USD", 50, one, THEN) for one in wanted]

    async def command(work: Any) -> tuple[list[int], dict[UUID, int]]:
        made = await import_accounts(work, asked)
        return [one.login for one in made], await find_logins(work, wanted)

    logins, found = (await database.write(scope_of(brand, "system"), command)).value
    assert logins == [brand.login_from, brand.login_from + 1]
    assert found == dict(zip(wanted, logins, strict=True))
    rows = make.rows(trading_account, brand)
    assert {(row.status, row.kind, row.leverage, row.created_at) for row in rows} == {
        ("ACTIVE", "DEMO", 50, THEN)
    }
    assert [row.kind for row in make.rows(event, brand)] == ["opened", "opened"]


async def test_a_kind_without_a_group_is_refused(
    database: Database, brand: Brand, make: Factory
) -> None:
    asked = [AccountRecord(make.client(brand).id, AccountKind.LIVE, "XXX", 50)]
    with pytest.raises(DomainError) as caught:
        await database.write(scope_of(brand, "system"), lambda work: import_accounts(work, asked))
    assert caught.value.code == "KIND_UNAVAILABLE"
