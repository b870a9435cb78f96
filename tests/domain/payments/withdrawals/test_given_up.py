"""A dispute takes back what was asked for and not sent, and holds it: money does not get away."""

import asyncio
from uuid import UUID

from domain.kernel.errors import DomainError
from domain.payments.disputes.jobs import record
from domain.payments.disputes.tables import dispute
from tests.domain.payments.withdrawals.counter import Counter


async def disputed(counter: Counter, deposit: UUID, status: str = "OPEN", version: int = 1) -> None:
    till = counter.till
    stated = till.disputed(counter.row(deposit)._mapping, status, version=version)
    await record(till.database, till.brand.id, till.connection_id, stated)


async def test_withdrawals_that_wait_are_given_up_for_the_dispute(counter: Counter) -> None:
    counter.terms(counter.card)
    deposit = await counter.deposit(100_000)
    waiting = await counter.request("700")
    approved = await counter.request("200")
    assert [counter.row(key).status for key in (waiting, approved)] == ["REQUESTED", "REQUESTED"]
    await counter.approve(approved)
    assert counter.row(approved).status == "APPROVED"
    await disputed(counter, deposit)
    for key in (waiting, approved):
        row = counter.row(key)
        assert (row.status, row.reason_code) == ("CANCELLED", "DISPUTED")
        assert {status for *_, status in counter.shown_legs(key)} == {"RELEASED"}
    assert counter.open_holds() == [100_000]
    (row,) = counter.till.make.rows(dispute, counter.till.brand)
    assert int(row.held_minor) == 100_000
    assert counter.told().count("withdrawal_cancelled") == 2
    await disputed(counter, deposit, "LOST", version=2)
    assert await counter.till.balance(counter.till.wallet(counter.client)) == 0
    assert await counter.till.balance(counter.till.owed(counter.client)) == 0


async def test_other_clients_withdrawals_go_on(counter: Counter, till) -> None:
    other = Counter(till).open()
    for one in (counter, other):
        one.terms(one.card)
    deposit, _ = await counter.deposit(50_000), await other.deposit(50_000)
    theirs = await other.request("400")
    await disputed(counter, deposit)
    assert other.row(theirs).status == "APPROVED"


async def test_a_request_that_races_a_dispute_is_held_or_given_up(counter: Counter) -> None:
    """Whichever is first: afterwards all that is there is held, by the dispute alone."""
    counter.terms(counter.card)
    deposit = await counter.deposit(100_000)

    done = await asyncio.gather(
        *(counter.request("300") for _ in range(3)),
        disputed(counter, deposit),
        return_exceptions=True,
    )
    codes = {one.code for one in done if isinstance(one, DomainError)}
    assert codes <= {"DISPUTE_OPEN", "INSUFFICIENT_FUNDS"}
    assert not [one for one in done if isinstance(one, Exception) and not hasattr(one, "code")]
    assert counter.open_holds() == [100_000]


async def test_one_that_is_lost_when_it_is_first_seen_takes_what_waits_as_well(
    counter: Counter,
) -> None:
    """Its opening may never have been told: the money must not leave for that."""
    counter.terms(counter.card)
    deposit = await counter.deposit(100_000)
    waiting = await counter.request("700")
    approved = await counter.request("200")
    await counter.approve(approved)
    await disputed(counter, deposit, "LOST")
    for key in (waiting, approved):
        row = counter.row(key)
        assert (row.status, row.reason_code) == ("CANCELLED", "DISPUTED")
    assert counter.open_holds() == []
    assert await counter.till.balance(counter.till.wallet(counter.client)) == 0
    assert await counter.till.balance(counter.till.owed(counter.client)) == 0


async def test_one_that_is_won_when_it_is_first_seen_leaves_what_waits(counter: Counter) -> None:
    counter.terms(counter.card)
    deposit = await counter.deposit(100_000)
    waiting = await counter.request("700")
    await disputed(counter, deposit, "WON")
    assert counter.row(waiting).status == "REQUESTED"
    assert counter.open_holds() == [70_000]
