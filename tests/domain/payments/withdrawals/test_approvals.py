"""Who looks at a withdrawal: not less when it is cut in parts, more when others had a hand in it,
when something is owed, and when a risk rises while it waits."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from domain.clients.commands.set_risk import set_risk
from domain.clients.tables import client as client_table
from domain.clients.values import ClientRisk
from domain.events.consumers import consume
from domain.kernel.errors import DomainError
from domain.kernel.ids import new_uuid
from domain.payments.tables import approval_rule, payment, withdrawal_leg
from domain.payments.withdrawals.commands.change_destination import change_destination
from domain.payments.withdrawals.commands.create_destination import (
    DestinationWish,
    create_destination,
)
from domain.payments.withdrawals.consumers import RISKS
from tenants.context import Actor, ActorKind, Scope
from tenants.issuing import Grant, issue_api_token
from tenants.tables import audit
from tests.domain.payments.withdrawals.counter import ALL, IBAN, VAULT, Counter

BO, FIN, COM = "BACK_OFFICE", "FINANCE", "COMPLIANCE"


def levels(counter: Counter, key: UUID) -> list[str]:
    return [level for _, level, _ in counter.approvals(key)]


async def refusal(awaitable) -> str:
    with pytest.raises(DomainError) as refused:
        await awaitable
    return refused.value.code


# Cut in parts ----------------------------------------------------------------------------------


async def test_many_small_ones_are_looked_at_as_one(counter: Counter):
    await counter.deposit(600_000)
    keys = [await counter.request("500") for _ in range(11)]
    assert [levels(counter, key) for key in keys] == [[]] + [[BO]] * 9 + [[BO, FIN]]


async def test_small_ones_that_race_do_not_pass_together(counter: Counter):
    await counter.deposit(300_000)
    keys = await asyncio.gather(*(counter.request("500") for _ in range(6)))
    assert sorted(counter.row(key).status for key in keys) == ["APPROVED"] + ["REQUESTED"] * 5


@pytest.mark.parametrize("status", ["CANCELLED", "REJECTED", "EXPIRED", "FAILED", "RETURNED"])
async def test_what_did_not_leave_does_not_count(counter: Counter, status):
    await counter.deposit(100_000)
    first = await counter.request("500")
    set_columns(counter, first, status=status)
    assert levels(counter, await counter.request("500")) == []


@pytest.mark.parametrize(
    "status", ["REQUESTED", "APPROVED", "SENDING", "UNKNOWN", "SENT", "PAID", "PARTLY_PAID"]
)
async def test_what_left_or_may_leave_counts(counter: Counter, status):
    await counter.deposit(100_000)
    set_columns(counter, await counter.request("500"), status=status)
    assert levels(counter, await counter.request("0.01")) == [BO]


async def test_a_day_later_and_another_client_begin_anew(counter: Counter):
    await counter.deposit(200_000)
    first = await counter.request("500")
    other = Counter(counter.till).open()
    await other.deposit(50_000)
    assert levels(other, await other.request("500")) == []
    long_ago = datetime.now(UTC) - timedelta(hours=24)
    set_columns(counter, first, created_at=long_ago)
    assert levels(counter, await counter.request("500")) == []


def set_columns(counter: Counter, key: UUID, **columns: object) -> None:
    counter.till.make.run(
        counter.till.brand, update(payment).where(payment.c.id == key).values(**columns)
    )


# Whose hands -----------------------------------------------------------------------------------


async def test_what_others_ask_for_is_looked_at_however_small(counter: Counter):
    await counter.deposit(60_000)
    key = await counter.request("1", scope=counter.as_staff())
    assert (counter.row(key).status, levels(counter, key)) == ("REQUESTED", [BO])
    assert levels(counter, await counter.request("1")) == []


async def token_of(counter: Counter, maker: Scope) -> Scope:
    """What an API token that this maker issued asks as."""
    grant = Grant("robot", ["withdrawals:request"], timedelta(days=1))
    minted = await counter.do(maker, lambda w: issue_api_token(w, None, grant))
    return Scope(counter.till.brand.id, Actor(ActorKind.TOKEN, minted.id), ALL, token_id=minted.id)


@pytest.mark.parametrize("depth", [1, 2], ids=["own token", "a token's token"])
async def test_who_issued_the_token_that_asked_does_not_decide(counter: Counter, depth):
    await counter.deposit(60_000)
    issuer = counter.as_staff()
    asking = issuer
    for _ in range(depth):
        asking = await token_of(counter, asking)
    key = await counter.request("1", scope=asking)
    assert levels(counter, key) == [BO]
    assert await refusal(counter.approve(key, issuer)) == "FOUR_EYES"
    await counter.approve(key)
    assert counter.row(key).status == "APPROVED"


async def destination_by(counter: Counter, scope: Scope, account: str = IBAN) -> UUID:
    wish = DestinationWish(counter.client.id, counter.bank, counter.client.name, account)
    made = await counter.do(scope, lambda w: create_destination(w, VAULT, wish))
    counter.warm(UUID(made["destination"]))
    return UUID(made["destination"])


async def test_who_wrote_the_destination_does_not_decide_on_what_goes_there(counter: Counter):
    await counter.deposit(100)
    await counter.till.move(counter.till.house(), counter.till.wallet(counter.client), 10_000)
    author = counter.as_staff()
    bank = await destination_by(counter, author)
    back = await counter.request("1", bank)
    assert levels(counter, back) == [], "nothing of it goes there"
    key = await counter.request("10", bank)
    assert levels(counter, key) == [BO]
    assert await refusal(counter.approve(key, author)) == "FOUR_EYES"
    await counter.approve(key)
    own = await counter.destination(account="GB82 WEST 1234 5698 7654 32")
    assert levels(counter, await counter.request("10", own)) == []


async def test_who_redirected_it_before_decides_in_no_later_round(counter: Counter):
    await counter.deposit(100)
    await counter.till.move(counter.till.house(), counter.till.wallet(counter.client), 90_000)
    banks = [
        await counter.destination(account=one)
        for one in (IBAN, "GB82 WEST 1234 5698 7654 32", "FR14 2004 1010 0505 0001 3M02 606")
    ]
    key = await counter.request("800", banks[0])
    people = [counter.as_staff(), counter.as_staff()]
    for who, bank in zip(people, banks[1:], strict=True):
        version = counter.row(key).version
        await counter.do(
            who,
            lambda w, bank=bank, version=version: change_destination(
                w, key, bank, "Closed", version=version
            ),
        )
    for who in people:
        assert await refusal(counter.approve(key, who)) == "FOUR_EYES"
    await counter.approve(key)


# Debts and risks -------------------------------------------------------------------------------


async def test_a_debtor_is_looked_at_until_the_debt_is_paid(counter: Counter):
    await counter.deposit(60_000)
    till = counter.till
    await till.move(till.owed(counter.client), till.clearing(), 1)
    assert levels(counter, await counter.request("1")) == [BO]
    await till.move(till.clearing(), till.owed(counter.client), 1)
    assert levels(counter, await counter.request("1")) == []


async def raise_risk(counter: Counter, risk: ClientRisk) -> None:
    (row,) = [
        one
        for one in counter.till.make.rows(client_table, counter.till.brand)
        if one.id == counter.client.id
    ]
    await counter.do(
        counter.as_staff(),
        lambda w: set_risk(w, counter.client.id, risk, "Seen", expected_version=row.version),
    )


async def test_a_risk_that_rises_adds_levels_and_keeps_what_was_given(
    counter: Counter, worker_database
):
    await counter.deposit(1_000_000)
    key, quiet = await counter.request("6000"), await counter.request("1")
    await counter.approve(key)
    version = counter.row(key).version
    await raise_risk(counter, ClientRisk.HIGH)
    for _ in range(2):
        await consume(worker_database, counter.till.brand.id, RISKS, limit=100)
    assert counter.approvals(key) == [
        (1, BO, "APPROVED"), (1, FIN, "PENDING"), (1, COM, "PENDING"),
    ]  # fmt: skip
    assert levels(counter, quiet) == [BO, FIN, COM]
    assert (counter.row(key).risk, counter.row(key).version) == ("HIGH", version + 1)
    assert counter.told().count("approvals_added") == 2
    kept = [row.action for row in counter.till.make.rows(audit, counter.till.brand)]
    assert kept.count("withdrawal.rejudge") == 2
    await counter.approve(key)
    assert counter.row(key).status == "REQUESTED"
    await counter.approve(key)
    assert counter.row(key).status == "APPROVED"


async def test_a_risk_that_falls_takes_nobody_off(counter: Counter, worker_database):
    await raise_risk(counter, ClientRisk.HIGH)
    await counter.deposit(60_000)
    key = await counter.request("1")
    await raise_risk(counter, ClientRisk.LOW)
    await consume(worker_database, counter.till.brand.id, RISKS, limit=100)
    assert levels(counter, key) == [BO, COM]
    assert "approvals_added" not in counter.told()


async def test_the_last_approval_is_not_the_last_when_the_risk_rose_a_moment_ago(counter: Counter):
    """The consumer may be late; whoever approves judges anew."""
    await counter.deposit(60_000)
    key = await counter.request("501")
    await raise_risk(counter, ClientRisk.HIGH)
    await counter.approve(key)
    assert counter.row(key).status == "REQUESTED"
    assert counter.approvals(key) == [(1, BO, "APPROVED"), (1, COM, "PENDING")]
    assert counter.told()[-2:] == ["approvals_added", "approval_given"]


async def test_a_later_withdrawal_does_not_hold_up_an_earlier_one(counter: Counter):
    await counter.deposit(1_000_000)
    early = await counter.request("501")
    late = await counter.request("5000")
    assert levels(counter, late) == [BO, FIN]
    await counter.approve(early)
    assert counter.row(early).status == "APPROVED"


@pytest.mark.parametrize("bound", [100, None], ids=["bounded", "the rest"])
def test_a_bound_has_one_rule(counter: Counter, bound):
    def rule() -> None:
        counter.till.make.insert(
            approval_rule, counter.till.brand, id=new_uuid(), currency="USD", risk="LOW",
            upto_minor=bound, levels=[],
        )  # fmt: skip

    rule()
    with pytest.raises(IntegrityError, match="uq_approval_rule"):
        rule()


# Back to the source, whatever the currency ------------------------------------------------------


async def euros(counter: Counter, amount: int, **columns: object) -> None:
    counter.till.payment(
        counter.client, amount, currency="EUR", credited_currency="EUR", method_id=counter.card,
        **columns,
    )  # fmt: skip


async def test_a_deposit_in_suspense_keeps_nobody_from_being_paid_out(counter: Counter):
    """It never was the client's to convert, and no withdrawal can give it back."""
    await euros(counter, 50_000, reason_code="CURRENCY_UNAVAILABLE")
    await counter.till.move(counter.till.house(), counter.till.wallet(counter.client), 50_000)
    await counter.request("100", await counter.destination())
    assert [row.deposit_id for row in counter.till.make.rows(withdrawal_leg, counter.till.brand)] \
        == [None]  # fmt: skip


async def test_converted_money_still_goes_back_where_it_came_from(counter: Counter):
    """Euros of a card, converted to dollars, are not paid out to a bank by the client."""
    await euros(counter, 50_000)
    await counter.till.move(counter.till.house(), counter.till.wallet(counter.client), 50_000)
    bank = await counter.destination()
    before = await counter.money()
    with pytest.raises(DomainError) as refused:
        await counter.request("100", bank)
    assert refused.value.code == "RETURN_TO_SOURCE"
    assert "500.00 EUR" in str(refused.value)
    assert (await counter.money(), counter.told(), counter.open_holds()) == (before, [], [])


async def test_staff_may_ask_for_it_and_compliance_looks(counter: Counter):
    await euros(counter, 50_000)
    await counter.till.move(counter.till.house(), counter.till.wallet(counter.client), 50_000)
    bank = await counter.destination()
    key = await counter.request("100", bank, scope=counter.as_staff())
    assert levels(counter, key) == [BO, COM]


@pytest.mark.parametrize(
    "columns",
    [
        {"refunded_minor": 50_000},
        {"settled_at": datetime.now(UTC) - timedelta(days=181)},
        {"status": "CHARGED_BACK"},
    ],
    ids=["given back", "past its days", "charged back"],
)
async def test_what_can_not_go_back_is_not_owed(counter: Counter, columns):
    await euros(counter, 50_000, **columns)
    await counter.till.move(counter.till.house(), counter.till.wallet(counter.client), 50_000)
    key = await counter.request("100", await counter.destination())
    assert counter.shown_legs(key) == [("PAYOUT", 10_000, "HELD")]
    assert counter.row(key).status == "APPROVED"


async def test_what_goes_back_in_its_own_currency_is_nobodys_question(counter: Counter):
    await euros(counter, 50_000)
    await counter.deposit(50_000)
    key = await counter.request("100", await counter.destination())
    assert counter.shown_legs(key) == [("REFUND", 10_000, "HELD")]


async def test_other_currencies_of_the_day_count_as_their_share(counter: Counter):
    await counter.deposit(200_000)
    first = await counter.request("490")
    assert counter.row(first).status == "APPROVED"
    till = counter.till
    till.make.run(
        till.brand,
        update(payment).where(payment.c.id == first).values(currency="EUR"),
    )
    assert counter.row(await counter.request("10")).status == "APPROVED"
    assert counter.row(await counter.request("480")).status == "REQUESTED"
