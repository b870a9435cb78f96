"""What is booked by hand takes two people, and moves exactly what was proposed."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from domain.kernel.errors import DomainError
from domain.kernel.ids import new_uuid
from domain.kernel.money import Money
from domain.payments.ledger.tables import ledger_transfer
from domain.payments.ledger.values import AccountKey, TransferState
from domain.payments.ledger.values import LedgerAccountKind as K
from domain.payments.reconciliation.commands.check_booking import SuspenseBooking
from domain.payments.reconciliation.commands.decide_booking import approve_booking, reject_booking
from domain.payments.reconciliation.commands.open_discrepancies import Found, open_discrepancies
from domain.payments.reconciliation.commands.propose_booking import (
    propose_correction,
    resolve_discrepancy,
)
from domain.payments.reconciliation.tables import discrepancy, ledger_correction
from domain.payments.reconciliation.values import SuspenseMove
from domain.payments.values import DiscrepancyKind
from tenants.context import system_scope
from tests.domain.payments.till import Till
from tests.factories import Client, Factory, scope_of

PERSON, OTHER = "finance", "brand_admin"
SUSPENSE = AccountKey.of(K.SUSPENSE, "USD")


@pytest.fixture
def client(make: Factory, till: Till) -> Client:
    return make.client(till.brand)


async def run(till: Till, role: str, command: Callable[[Any], Awaitable[Any]]) -> Any:
    return (await till.database.write(scope_of(till.brand, role), command)).value


async def code(done: Awaitable[Any]) -> str:
    with pytest.raises(DomainError) as refused:
        await done
    return refused.value.code


async def propose(till: Till, transfer_id: UUID, role: str = PERSON) -> UUID:
    done: UUID = await run(
        till, role, lambda work: propose_correction(work, transfer_id, reason="booked twice")
    )
    return done


async def approve(till: Till, key: UUID, role: str = OTHER) -> UUID:
    done: UUID = await run(till, role, lambda work: approve_booking(work, key))
    return done


async def test_a_correction_reverses_each_posting_once_two_people_agree(
    till: Till, client: Client
) -> None:
    wrong = await till.move(till.house(), till.wallet(client), 80_00, client_id=client.id)
    key = await propose(till, wrong)
    assert await till.balance(till.wallet(client)) == 80_00
    posted = await approve(till, key)
    assert await till.balance(till.wallet(client)) == 0
    assert await till.balance(till.house()) == 0
    (row,) = [one for one in till.make.rows(ledger_transfer, till.brand) if one.id == posted]
    assert (row.key, row.kind, row.reason, row.client_id) == (
        f"correction:{wrong.hex}", "CORRECTION", "booked twice", client.id,
    )  # fmt: skip
    (kept,) = till.make.rows(ledger_correction, till.brand)
    staff = till.brand.staff
    assert (kept.status, kept.posted_id) == ("APPROVED", posted)
    assert (kept.proposed_by, kept.decided_by) == (staff[PERSON], staff[OTHER])


async def test_whoever_proposed_cannot_approve(till: Till, client: Client) -> None:
    wrong = await till.move(till.house(), till.wallet(client), 80_00)
    key = await propose(till, wrong)
    assert await code(approve(till, key, PERSON)) == "SECOND_PERSON_NEEDED"
    assert await till.balance(till.wallet(client)) == 80_00
    assert till.make.rows(ledger_correction, till.brand)[0].status == "PROPOSED"


async def test_a_transfer_is_corrected_once(till: Till, client: Client) -> None:
    wrong = await till.move(till.house(), till.wallet(client), 80_00)
    await till.move(till.house(), till.wallet(client), 80_00)
    first, second = await propose(till, wrong), await propose(till, wrong)
    posted = await approve(till, first)
    assert await code(approve(till, second)) == "ALREADY_CORRECTED"
    assert await code(propose(till, wrong)) == "ALREADY_CORRECTED"
    assert await code(approve(till, first)) == "ALREADY_DECIDED"
    assert await till.balance(till.wallet(client)) == 80_00
    await approve(till, await propose(till, posted))
    assert await till.balance(till.wallet(client)) == 160_00


async def test_a_correction_never_takes_a_wallet_below_zero(till: Till, client: Client) -> None:
    wrong = await till.move(till.house(), till.wallet(client), 80_00)
    await till.move(till.wallet(client), till.house(), 1)
    key = await propose(till, wrong)
    assert await code(approve(till, key)) == "INSUFFICIENT_FUNDS"
    assert await till.balance(till.wallet(client)) == 79_99
    assert till.make.rows(ledger_correction, till.brand)[0].status == "PROPOSED"


async def test_a_hold_is_not_correctable(till: Till, client: Client) -> None:
    await till.move(till.house(), till.wallet(client), 80_00)
    hold = await till.move(till.wallet(client), till.house(), 50_00, state=TransferState.PENDING)
    assert await code(propose(till, hold)) == "NOT_CORRECTABLE"
    assert await code(propose(till, new_uuid())) == "NOT_FOUND"


@pytest.mark.parametrize("author", [PERSON, OTHER], ids=["its author", "somebody else"])
async def test_a_rejected_proposal_moves_nothing_for_ever(
    till: Till, client: Client, author: str
) -> None:
    wrong = await till.move(till.house(), till.wallet(client), 80_00)
    key = await propose(till, wrong, author)
    await run(till, PERSON, lambda work: reject_booking(work, key))
    other = PERSON if author == OTHER else OTHER
    assert await code(approve(till, key, other)) == "ALREADY_DECIDED"
    assert await till.balance(till.wallet(client)) == 80_00


async def test_who_may_only_resolve_drops_no_proposal_of_another(
    till: Till, client: Client
) -> None:
    wrong = await till.move(till.house(), till.wallet(client), 80_00)
    key = await propose(till, wrong)
    refused = await code(run(till, OTHER, lambda work: reject_booking(work, key)))
    assert refused == "FORBIDDEN"
    assert till.make.rows(ledger_correction, till.brand)[0].status == "PROPOSED"


async def test_the_system_and_tokens_propose_nothing(till: Till, client: Client) -> None:
    wrong = await till.move(till.house(), till.wallet(client), 80_00)
    assert await code(propose(till, wrong, "system")) == "FORBIDDEN"


# Discrepancies --------------------------------------------------------------------------------


async def note(till: Till, *, actual: int = 70_00, expected: int | None = None) -> Any:
    one = Found(
        DiscrepancyKind.SETTLEMENT_EXTRA,
        "line:1",
        connection_id=till.connection_id,
        expected=None if expected is None else Money(expected, "USD"),
        actual=Money(actual, "USD"),
    )
    await till.database.write(
        system_scope(till.brand.id), lambda work: open_discrepancies(work, [one])
    )
    return till.make.rows(discrepancy, till.brand)[0]


async def resolve(till: Till, row: Any, *, version: int | None = None, **more: Any) -> Any:
    return await run(
        till,
        PERSON,
        lambda work: resolve_discrepancy(
            work,
            row.id,
            reason="a gift",
            expected_version=row.version if version is None else version,
            **more,
        ),
    )


async def test_a_discrepancy_is_noted_once_and_again_when_it_changes(till: Till) -> None:
    first = await note(till)
    again = await note(till)
    assert (again.id, again.version) == (first.id, 1)
    await resolve(till, first)
    assert (await note(till)).status == "RESOLVED"
    changed = await note(till, actual=80_00)
    assert (changed.id, changed.status, changed.resolution) == (first.id, "OPEN", None)


async def test_a_discrepancy_is_resolved_by_a_reason(till: Till) -> None:
    row = await note(till)
    assert await resolve(till, row) is None
    after = till.make.rows(discrepancy, till.brand)[0]
    assert (after.status, after.resolution) == ("RESOLVED", "a gift")
    assert (after.resolved_by, after.version) == (till.brand.staff[PERSON], 2)
    assert await code(resolve(till, row)) == "ALREADY_RESOLVED"


async def test_a_discrepancy_that_changed_is_read_again_first(till: Till) -> None:
    row = await note(till)
    assert await code(resolve(till, row, version=7)) == "VERSION_CONFLICT"
    assert till.make.rows(discrepancy, till.brand)[0].status == "OPEN"


@pytest.mark.parametrize("move", SuspenseMove)
async def test_a_booking_moves_money_when_the_second_person_approves(
    till: Till, client: Client, move: SuspenseMove
) -> None:
    row = await note(till)
    await till.move(till.house(), SUSPENSE, 70_00)
    await till.move(till.house(), till.wallet(client), 100_00)
    is_wallet = "WALLET" in move
    other = till.wallet(client) if is_wallet else till.clearing()
    before = await till.balance(other)
    amount = Money(70_00, "USD")
    booking = SuspenseBooking(move, amount, client.id if is_wallet else None)
    key = await resolve(till, row, booking=booking)
    assert await till.balance(other) == before
    assert till.make.rows(discrepancy, till.brand)[0].status == "OPEN"
    assert await code(approve(till, key, PERSON)) == "SECOND_PERSON_NEEDED"
    await approve(till, key)
    sign = 1 if move.startswith("SUSPENSE") else -1
    assert await till.balance(other) - before == sign * 70_00
    assert await till.balance(SUSPENSE) == 70_00 - sign * 70_00
    after = till.make.rows(discrepancy, till.brand)[0]
    assert (after.status, after.resolved_by) == ("RESOLVED", till.brand.staff[OTHER])


async def test_a_booking_of_a_discrepancy_resolved_meanwhile_moves_nothing(
    till: Till, client: Client
) -> None:
    row = await note(till)
    await till.move(till.house(), SUSPENSE, 70_00)
    booking = SuspenseBooking(SuspenseMove.SUSPENSE_TO_WALLET, Money(1, "USD"), client.id)
    key = await resolve(till, row, booking=booking)
    await resolve(till, row)
    assert await code(approve(till, key)) == "ALREADY_RESOLVED"
    assert await till.balance(till.wallet(client)) == 0


async def test_a_booking_needs_what_it_moves(till: Till, client: Client) -> None:
    row = await note(till)
    moves = SuspenseMove
    for booking, expected in (
        (SuspenseBooking(moves.SUSPENSE_TO_WALLET, Money(1, "USD")), "BOOKING_IMPOSSIBLE"),
        (SuspenseBooking(moves.SUSPENSE_TO_WALLET, Money(0, "USD"), client.id), "INVALID"),
        (SuspenseBooking(moves.SUSPENSE_TO_WALLET, Money(1, "USD"), new_uuid()), "NOT_FOUND"),
        (
            SuspenseBooking(moves.SUSPENSE_TO_WALLET, Money(1, "USD"), client.id),
            "BOOKING_IMPOSSIBLE",
        ),
        (SuspenseBooking(moves.SUSPENSE_TO_CLEARING, Money(1, "USD")), "BOOKING_IMPOSSIBLE"),
        (SuspenseBooking(moves.CLEARING_TO_SUSPENSE, Money(70_01, "USD")), "BOOKING_IMPOSSIBLE"),
        (SuspenseBooking(moves.CLEARING_TO_SUSPENSE, Money(1, "EUR")), "BOOKING_IMPOSSIBLE"),
    ):
        assert await code(resolve(till, row, booking=booking)) == expected
    assert till.make.rows(ledger_correction, till.brand) == []


async def test_one_booking_waits_at_a_time_and_only_for_what_it_was_proposed_for(
    till: Till, client: Client
) -> None:
    """A second person never approves other figures than those that were proposed."""
    row = await note(till)
    await till.move(till.house(), SUSPENSE, 90_00)
    booking = SuspenseBooking(SuspenseMove.SUSPENSE_TO_WALLET, Money(70_00, "USD"), client.id)
    first = await resolve(till, row, booking=booking)
    assert await code(resolve(till, row, booking=booking)) == "BOOKING_IMPOSSIBLE"
    changed = await note(till, actual=90_00)
    assert await code(approve(till, first)) == "VERSION_CONFLICT"
    assert await till.balance(till.wallet(client)) == 0
    assert till.make.rows(discrepancy, till.brand)[0].status == "OPEN"
    await run(till, PERSON, lambda work: reject_booking(work, first))
    whole = SuspenseBooking(SuspenseMove.SUSPENSE_TO_WALLET, Money(90_00, "USD"), client.id)
    await approve(till, await resolve(till, changed, booking=whole))
    assert await till.balance(till.wallet(client)) == 90_00
    assert await till.balance(SUSPENSE) == 0


async def test_suspense_is_never_spent_twice(till: Till, client: Client) -> None:
    """What was there when it was proposed may be gone when the second person approves."""
    row = await note(till)
    await till.move(till.house(), SUSPENSE, 70_00)
    booking = SuspenseBooking(SuspenseMove.SUSPENSE_TO_WALLET, Money(70_00, "USD"), client.id)
    key = await resolve(till, row, booking=booking)
    await till.move(SUSPENSE, till.house(), 1)
    assert await code(approve(till, key)) == "BOOKING_IMPOSSIBLE"
    assert await till.balance(till.wallet(client)) == 0
    assert till.make.rows(ledger_correction, till.brand)[0].status == "PROPOSED"


async def test_no_more_is_booked_than_what_differs_however_often_it_changes(
    till: Till, client: Client
) -> None:
    """What is beyond that in suspense is there because of something else."""
    await till.move(till.house(), SUSPENSE, 500_00)

    def booking(amount: int) -> SuspenseBooking:
        return SuspenseBooking(SuspenseMove.SUSPENSE_TO_CLEARING, Money(amount, "USD"))

    row = await note(till, expected=100_00, actual=110_00)
    assert await code(resolve(till, row, booking=booking(10_01))) == "BOOKING_IMPOSSIBLE"
    await approve(till, await resolve(till, row, booking=booking(10_00)))
    changed = await note(till, expected=100_00, actual=115_00)
    assert (changed.status, changed.version) == ("OPEN", 3)
    assert await code(resolve(till, changed, booking=booking(5_01))) == "BOOKING_IMPOSSIBLE"
    await approve(till, await resolve(till, changed, booking=booking(5_00)))
    assert await till.balance(SUSPENSE) == 485_00
