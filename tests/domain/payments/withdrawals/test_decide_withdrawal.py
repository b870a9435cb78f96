"""Four eyes, level by level; who changes the payee begins anew; one of two racing verbs wins."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from sqlalchemy import update

from domain.kernel.errors import DomainError
from domain.payments.ledger.tables import ledger_transfer
from domain.payments.tables import payment
from domain.payments.withdrawals.commands.cancel_withdrawal import cancel_withdrawal
from domain.payments.withdrawals.commands.change_destination import change_destination
from domain.payments.withdrawals.commands.expire_withdrawals import expire_withdrawals
from domain.payments.withdrawals.commands.reject_withdrawal import reject_withdrawal
from domain.payments.withdrawals.jobs import end_waiting
from tenants.context import Actor, ActorKind, Scope
from tenants.tables import brand_state
from tests.domain.payments.withdrawals.counter import ALL, LEVELS, REVIEW, Counter


@pytest.fixture
async def waiting(counter: Counter):
    """A withdrawal of 60,000.00 that waits for all three levels."""
    await counter.deposit(6_000_000)
    return await counter.request("60000")


async def refusal(awaitable) -> str:
    with pytest.raises(DomainError) as refused:
        await awaitable
    return refused.value.code


async def test_three_people_approve_and_the_holds_become_firm(counter: Counter, waiting):
    for n, status in enumerate(["REQUESTED", "REQUESTED", "APPROVED"], 1):
        await counter.approve(waiting)
        assert counter.row(waiting).status == status
        assert [one[2] for one in counter.approvals(waiting)].count("APPROVED") == n
    assert counter.told() == [
        "withdrawal_requested", *["approval_given"] * 3, "withdrawal_approved",
    ]  # fmt: skip
    assert await counter.money() == (6_000_000, 6_000_000, 6_000_000)
    assert counter.open_holds() == [6_000_000]
    held = counter.legs(waiting)[0].hold_id
    (hold,) = [r for r in counter.till.make.rows(ledger_transfer, counter.till.brand)
               if r.id == held]  # fmt: skip
    assert (hold.state, hold.expires_at) == ("PENDING", None)


@pytest.mark.parametrize("who", list(permutations((0, 1, 2), 2)), ids=str)
async def test_nobody_gives_two_approvals_of_a_round(counter: Counter, waiting, who):
    """Whoever gave one is refused at each later level, whatever the others do in between."""
    people = [counter.as_staff() for _ in range(3)]
    first, second = who
    await counter.approve(waiting, people[first])
    assert await refusal(counter.approve(waiting, people[first])) == "FOUR_EYES"
    await counter.approve(waiting, people[second])
    for used in (first, second):
        assert await refusal(counter.approve(waiting, people[used])) == "FOUR_EYES"
    assert counter.row(waiting).status == "REQUESTED"


async def test_who_asked_does_not_decide(counter: Counter):
    await counter.deposit(60_000)
    maker = counter.as_staff()
    key = await counter.request("501", scope=maker)
    version = counter.row(key).version
    reject = counter.do(maker, lambda w: reject_withdrawal(w, key, "No", version=version))
    assert await refusal(counter.approve(key, maker)) == "FOUR_EYES"
    assert await refusal(reject) == "FOUR_EYES"
    assert counter.approvals(key) == [(1, "BACK_OFFICE", "PENDING")]
    await counter.approve(key)
    assert counter.row(key).status == "APPROVED"


@pytest.mark.parametrize("level", range(3), ids=LEVELS)
async def test_each_level_has_its_own_right(counter: Counter, waiting, level):
    for _ in range(level):
        await counter.approve(waiting)
    others = ALL - {f"approvals:{LEVELS[level]}"}
    assert await refusal(counter.approve(waiting, counter.as_staff(others))) == "LEVEL_MISSING"
    assert await refusal(counter.approve(waiting, counter.as_staff(REVIEW))) == "LEVEL_MISSING"
    only = REVIEW | {f"approvals:{LEVELS[level]}"}
    await counter.approve(waiting, counter.as_staff(only))


async def test_a_service_is_no_pair_of_eyes(counter: Counter, waiting):
    actor = Actor(ActorKind.SYSTEM)
    assert await refusal(counter.approve(waiting, Scope(counter.till.brand.id, actor, ALL))) == (
        "FOUR_EYES"
    )


async def test_an_approval_of_another_version_is_refused(counter: Counter, waiting):
    seen = counter.row(waiting).version
    await counter.approve(waiting, version=seen)
    assert await refusal(counter.approve(waiting, version=seen)) == "VERSION_CONFLICT"
    assert [one[2] for one in counter.approvals(waiting)].count("APPROVED") == 1


async def test_two_racing_approvers_of_one_version_give_one_approval(counter: Counter, waiting):
    seen = counter.row(waiting).version
    results = await asyncio.gather(
        *(counter.approve(waiting, version=seen) for _ in range(4)), return_exceptions=True
    )
    assert results.count(None) == 1
    assert [one[2] for one in counter.approvals(waiting)].count("APPROVED") == 1


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501], ids=["empty", "blank", "long"])
async def test_a_rejection_says_why(counter: Counter, waiting, reason):
    version = counter.row(waiting).version
    refused = counter.do(
        counter.as_staff(), lambda w: reject_withdrawal(w, waiting, reason, version=version)
    )
    assert await refusal(refused) == "INVALID"


async def test_a_rejection_frees_the_money_and_ends_it(counter: Counter, waiting):
    await counter.approve(waiting)
    version = counter.row(waiting).version
    await counter.do(
        counter.as_staff(), lambda w: reject_withdrawal(w, waiting, "Odd", version=version)
    )
    assert counter.approvals(waiting) == [
        (1, "BACK_OFFICE", "APPROVED"),
        (1, "FINANCE", "REJECTED"),
        (1, "COMPLIANCE", "DROPPED"),
    ]
    assert counter.shown_legs(waiting) == [("REFUND", 6_000_000, "RELEASED")]
    assert await counter.money() == (6_000_000, 0, 6_000_000)
    assert counter.told()[-1] == "withdrawal_rejected"
    assert await refusal(counter.approve(waiting)) == "WITHDRAWAL_NOT_WAITING"


async def test_the_client_takes_it_back_once(counter: Counter, waiting):
    await counter.do(counter.as_client(), lambda w: cancel_withdrawal(w, waiting))
    assert counter.row(waiting).status == "CANCELLED"
    assert await counter.money() == (6_000_000, 0, 6_000_000)
    again = counter.do(counter.as_client(), lambda w: cancel_withdrawal(w, waiting))
    assert await refusal(again) == "WITHDRAWAL_NOT_WAITING"
    other = Counter(counter.till).open()
    foreign = counter.do(other.as_client(), lambda w: cancel_withdrawal(w, waiting))
    assert await refusal(foreign) == "NOT_FOUND"


@pytest.mark.parametrize("attempt", range(5))
async def test_cancelling_and_approving_race_and_one_wins(counter: Counter, attempt):
    await counter.deposit(60_000)
    key = await counter.request("501")
    version = counter.row(key).version
    results = await asyncio.gather(
        counter.approve(key, version=version),
        counter.do(counter.as_client(), lambda w: cancel_withdrawal(w, key)),
        return_exceptions=True,
    )
    status = counter.row(key).status
    if status == "CANCELLED":
        # Cancelling may come first, or take back what was approved and not sent yet.
        assert counter.open_holds() == []
        assert await counter.money() == (60_000, 0, 60_000)
    else:
        assert status == "APPROVED"
        assert counter.open_holds() == [50_100]
    assert not isinstance(results[1], DomainError)


async def test_another_payee_begins_all_approvals_anew(counter: Counter):
    await counter.deposit(300_000)
    till = counter.till
    await till.move(till.house(), till.wallet(counter.client), 400_000)
    first = await counter.destination()
    second = await counter.destination(account="GB82 WEST 1234 5698 7654 32")
    key = await counter.request("6000", first)
    early, redirecting = counter.as_staff(), counter.as_staff()
    await counter.approve(key, early)
    version = counter.row(key).version
    await counter.do(
        redirecting, lambda w: change_destination(w, key, second, "New bank", version=version)
    )
    assert counter.approvals(key) == [
        (1, "BACK_OFFICE", "RESET"),
        (1, "FINANCE", "RESET"),
        (2, "BACK_OFFICE", "PENDING"),
        (2, "FINANCE", "PENDING"),
    ]
    assert counter.shown_legs(key) == [
        ("REFUND", 300_000, "RELEASED"),
        ("PAYOUT", 300_000, "RELEASED"),
        ("REFUND", 300_000, "HELD"),
        ("PAYOUT", 300_000, "HELD"),
    ]
    assert counter.legs(key)[3].destination_id == second == counter.row(key).destination_id
    assert counter.open_holds() == [300_000, 300_000]
    assert await counter.money() == (700_000, 600_000, 300_000)
    assert await refusal(counter.approve(key, redirecting)) == "FOUR_EYES"
    await counter.approve(key, early)
    await counter.approve(key)
    assert counter.row(key).status == "APPROVED"
    assert "approvals_reset" in counter.told()


async def test_an_approved_one_is_not_redirected(counter: Counter):
    await counter.deposit(50_000)
    bank = await counter.destination()
    key = await counter.request("500", bank)
    version = counter.row(key).version
    refused = counter.do(
        counter.as_staff(), lambda w: change_destination(w, key, bank, "Why", version=version)
    )
    assert await refusal(refused) == "WITHDRAWAL_NOT_WAITING"
    assert counter.open_holds() == [50_000]


async def test_what_waits_too_long_expires_by_the_clock_of_the_brand(
    counter: Counter, waiting, worker_database
):
    brand = counter.till.brand
    assert await end_waiting(worker_database, brand.id) == 0
    days = 31 * 24 * 3600 * 1000
    counter.till.make.run(
        brand,
        update(brand_state).where(brand_state.c.brand_id == brand.id)
        .values(clock_offset_ms=days),
    )  # fmt: skip
    assert await refusal(counter.approve(waiting)) == "WITHDRAWAL_NOT_WAITING"
    assert await end_waiting(worker_database, brand.id) == 1
    assert await end_waiting(worker_database, brand.id) == 0
    assert counter.row(waiting).status == "EXPIRED"
    assert {one[2] for one in counter.approvals(waiting)} == {"DROPPED"}
    assert await counter.money() == (6_000_000, 0, 6_000_000)
    states = [r.state for r in counter.till.make.rows(ledger_transfer, brand)]
    assert states.count("EXPIRED") == 1


async def test_an_approved_one_never_expires(counter: Counter, worker_database):
    await counter.deposit(60_000)
    key = await counter.request("501")
    await counter.approve(key)
    counter.till.make.run(
        counter.till.brand,
        update(payment).where(payment.c.id == key)
        .values(updated_at=datetime.now(UTC) - timedelta(days=40)),
    )  # fmt: skip
    scope = counter.as_staff()
    assert await counter.do(scope, expire_withdrawals) == 0
    assert counter.row(key).status == "APPROVED"
