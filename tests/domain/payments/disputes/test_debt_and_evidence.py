"""A debt is paid back when the client asks; evidence reaches the PSP once."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from domain.events.jobs import JobRun
from domain.kernel.errors import DomainError
from domain.kernel.ids import new_uuid
from domain.kernel.money import Money
from domain.payments.disputes.commands.repay_debt import repay_debt
from domain.payments.disputes.commands.submit_evidence import submit_evidence
from domain.payments.disputes.jobs import pull_dispute, record, send_evidence
from domain.payments.disputes.tables import dispute, dispute_evidence
from domain.payments.ledger.tables import ledger_account
from domain.payments.ledger.values import LedgerAccountKind
from domain.payments.ports import OutcomeUnknown, PspRefused
from domain.payments.psp_values import Evidence, PspDispute
from tests.domain.payments.till import Till
from tests.factories import Client, Factory, scope_of


@pytest.fixture
def client(make: Factory, till: Till) -> Client:
    return make.client(till.brand)


async def indebted(till: Till, client: Client, spent: int = 60_00) -> dict[str, Any]:
    """A client who spent a part of a deposit that was then lost."""
    deposit = await till.deposit(client, 100_00)
    await till.move(till.wallet(client), till.house(), spent)
    stated = till.disputed(deposit, "LOST", version=1)
    await record(till.database, till.brand.id, till.connection_id, stated)
    return deposit


async def repay(till: Till, client: Client, amount: int, currency: str = "USD") -> UUID:
    money = Money(amount, currency)
    done = await till.database.write(
        scope_of(till.brand, "finance"),
        lambda work: repay_debt(work, client.id, money, reason="the client asked"),
    )
    return done.value


async def code(done: Any) -> str:
    with pytest.raises(DomainError) as refused:
        await done
    return refused.value.code


async def test_a_later_deposit_is_the_clients_until_the_debt_is_repaid(
    till: Till, client: Client
) -> None:
    await indebted(till, client)
    await till.deposit(client, 50_00)
    assert await till.balance(till.wallet(client)) == 50_00
    await repay(till, client, 20_00)
    assert await till.balance(till.wallet(client)) == 30_00
    assert await till.balance(till.owed(client)) == -40_00


async def test_no_more_is_repaid_than_is_owed_and_there(till: Till, client: Client) -> None:
    await indebted(till, client)
    assert await code(repay(till, client, 60_00)) == "INSUFFICIENT_FUNDS"
    await till.deposit(client, 100_00)
    with pytest.raises(DomainError) as refused:
        await repay(till, client, 60_01)
    assert refused.value.code == "MORE_THAN_OWED"
    assert "60.00 USD" in refused.value.message
    assert await code(repay(till, client, 1, "EUR")) == "MORE_THAN_OWED"
    assert await code(repay(till, client, 0)) == "INVALID"
    assert await till.balance(till.owed(client)) == -60_00
    await repay(till, client, 60_00)
    assert await code(repay(till, client, 1)) == "MORE_THAN_OWED"


async def test_racing_repayments_pay_a_debt_once(till: Till, client: Client) -> None:
    await indebted(till, client)
    await till.deposit(client, 500_00)
    done = await asyncio.gather(
        *(repay(till, client, 60_00) for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(one, UUID) for one in done) == 1
    assert await till.balance(till.owed(client)) == 0


async def test_an_open_dispute_is_no_debt_yet(till: Till, client: Client) -> None:
    deposit = await till.deposit(client, 100_00)
    stated = till.disputed(deposit, "OPEN", version=1)
    await record(till.database, till.brand.id, till.connection_id, stated)
    assert await code(repay(till, client, 1)) == "MORE_THAN_OWED"


async def test_a_disputed_deposit_in_suspense_is_nobodys_debt(till: Till, client: Client) -> None:
    suspense = till.house(LedgerAccountKind.SUSPENSE)
    deposit = till.payment(client, 100_00, reason_code="CURRENCY_UNAVAILABLE")
    await till.move(till.clearing(), suspense, 100_00)
    for version, status in enumerate(("OPEN", "LOST"), 1):
        stated = till.disputed(deposit, status, version=version)
        await record(till.database, till.brand.id, till.connection_id, stated)
    opened = {row.kind for row in till.make.rows(ledger_account, till.brand)}
    assert opened == {"SUSPENSE", "PSP_CLEARING", "PSP_FEES"}
    assert await till.balance(suspense) == 0
    assert await till.balance(till.clearing()) == 15_00


# Evidence -------------------------------------------------------------------------------------


class Desk:
    """A PSP that keeps evidence by its key, loses answers and refuses as it is told."""

    def __init__(self, stated: PspDispute) -> None:
        self.stated = stated
        self.kept: dict[str, tuple[str, Evidence]] = {}
        self.fails: list[Exception] = []

    async def send_evidence(self, dispute_id: str, evidence: Evidence, *, key: str) -> PspDispute:
        self.kept[key] = (dispute_id, evidence)
        if self.fails:
            raise self.fails.pop()
        return self.stated

    async def find_dispute(self, psp_id: str) -> PspDispute | None:
        return self.stated if psp_id == self.stated.id else None


async def submit(till: Till, dispute_id: UUID, text: str = "it was shipped") -> UUID:
    done = await till.database.write(
        scope_of(till.brand, "finance"), lambda work: submit_evidence(work, dispute_id, text)
    )
    return done.value


async def opened(till: Till, client: Client) -> tuple[UUID, Desk]:
    deposit = await till.deposit(client, 100_00)
    stated = till.disputed(deposit, "OPEN", version=1)
    await record(till.database, till.brand.id, till.connection_id, stated)
    reviewed = till.disputed(deposit, "UNDER_REVIEW", version=2)
    return till.make.rows(dispute, till.brand)[0].id, Desk(reviewed)


def run(till: Till, evidence_id: UUID) -> JobRun:
    return JobRun("disputes.send_evidence", till.brand.id, str(evidence_id), 1, till.database)


async def test_evidence_is_sent_once_and_the_dispute_is_under_review(
    till: Till, client: Client
) -> None:
    dispute_id, desk = await opened(till, client)
    evidence_id = await submit(till, dispute_id)
    desk.fails = [OutcomeUnknown(evidence_id.hex)]
    with pytest.raises(OutcomeUnknown):
        await send_evidence(run(till, evidence_id), lambda _: desk, evidence_id)
    assert till.make.rows(dispute_evidence, till.brand)[0].status == "WAITING"
    for _ in range(2):
        await send_evidence(run(till, evidence_id), lambda _: desk, evidence_id)
    assert desk.kept == {
        evidence_id.hex: (desk.stated.id, Evidence(evidence_id.hex, "it was shipped"))
    }
    assert till.make.rows(dispute_evidence, till.brand)[0].status == "SENT"
    assert till.make.rows(dispute, till.brand)[0].status == "UNDER_REVIEW"


async def test_evidence_that_came_too_late_says_so(till: Till, client: Client) -> None:
    dispute_id, desk = await opened(till, client)
    evidence_id = await submit(till, dispute_id)
    desk.fails = [PspRefused("EVIDENCE_CLOSED", "too late")]
    await send_evidence(run(till, evidence_id), lambda _: desk, evidence_id)
    assert till.make.rows(dispute_evidence, till.brand)[0].status == "REFUSED"
    assert till.make.rows(dispute, till.brand)[0].status == "OPEN"


async def test_a_decided_dispute_takes_no_evidence(till: Till, client: Client) -> None:
    await indebted(till, client)
    key = till.make.rows(dispute, till.brand)[0].id
    assert await code(submit(till, key)) == "DISPUTE_CLOSED"
    assert await code(submit(till, key, " ")) == "INVALID"
    assert await code(submit(till, new_uuid())) == "NOT_FOUND"
    assert till.make.rows(dispute_evidence, till.brand) == []


async def test_a_notice_makes_us_ask_and_what_the_psp_says_is_booked(
    till: Till, client: Client
) -> None:
    deposit = await till.deposit(client, 100_00)
    desk = Desk(till.disputed(deposit, "OPEN", version=1))
    asked = (till.database, lambda _: desk, till.brand.id, till.connection_id)
    assert await pull_dispute(*asked, "dp_unknown") is False
    assert await pull_dispute(*asked, desk.stated.id) is True
    assert await pull_dispute(*asked, desk.stated.id) is True
    assert await till.balance(till.owed(client)) == -100_00
