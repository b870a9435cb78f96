"""What the PSP says it received is credited: exactly, once, in its currency, and told."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import update

from domain.kernel.errors import DomainError
from domain.kernel.ids import new_uuid
from domain.kernel.money import Money
from domain.payments.deposits.commands.cancel_deposit import cancel_deposit
from domain.payments.deposits.commands.settle_deposit import settle_deposit
from domain.payments.disputes.commands.record_dispute import record_dispute
from domain.payments.disputes.tables import dispute
from domain.payments.ledger.accounts import ledger_accounts
from domain.payments.ledger.post import post
from domain.payments.ledger.tables import ledger_transfer
from domain.payments.ledger.values import AccountKey, LedgerAccountKind, Leg, Transfer
from domain.payments.psp_values import PspDispute, PspPayment, PspSource
from domain.payments.reconciliation.commands.check_booking import SuspenseBooking
from domain.payments.reconciliation.commands.decide_booking import approve_booking
from domain.payments.reconciliation.commands.import_settlement import Imported, import_settlement
from domain.payments.reconciliation.commands.propose_booking import (
    propose_correction,
    resolve_discrepancy,
)
from domain.payments.reconciliation.errors import BookingImpossible, NotCorrectable, StillInSuspense
from domain.payments.reconciliation.tables import discrepancy
from domain.payments.reconciliation.values import SuspenseMove
from domain.payments.tables import payment
from domain.payments.values import DisputeStatus
from tenants.context import system_scope
from tenants.tables import brand
from tenants.work import WriteWork
from tests.domain.payments.deposits.desk import Desk, state
from tests.factories import Factory, scope_of

FULL = Money(10_000, "EUR")


def eur(cents: int) -> Money:
    return Money(cents, "EUR")


async def settle(desk: Desk, payment_id: UUID, *states: PspPayment) -> None:
    for one in states:
        assert await apply(desk, payment_id, one)


async def apply(desk: Desk, payment_id: UUID, one: PspPayment) -> bool:
    async def command(work: WriteWork) -> bool:
        return await settle_deposit(work, payment_id, desk.connection_id, one)

    return (await desk.worker.write(system_scope(desk.brand.id), command)).value


async def test_a_deposit_that_is_paid_is_in_the_wallet(desk: Desk) -> None:
    one = await desk.create()
    source = PspSource("src_1", "card", "visa •••• 4242")
    await settle(
        desk, one, state(one, "CREATED", version=1), state(one, received=FULL, source=source)
    )
    assert desk.postings() == [
        ("settle:10000", {"CLIENT_WALLET EUR": 10_000, "PSP_CLEARING EUR": -10_000})
    ]
    assert await desk.books() == {"CLIENT_WALLET EUR": 10_000, "PSP_CLEARING EUR": -10_000}
    row = desk.payment(one)
    assert (row.status, row.credited_minor, row.credited_currency) == ("SETTLED", 10_000, "EUR")
    assert (row.received_minor, row.received_currency) == (10_000, "EUR")
    assert (row.source_id, row.source_label, row.ext_version) == ("src_1", "visa •••• 4242", 2)
    assert row.settled_at is not None
    assert desk.events() == ["deposit_created", "deposit_pending", "deposit_settled"]
    assert desk.discrepancies() == []


async def test_five_of_the_same_are_one(desk: Desk) -> None:
    one = await desk.create()
    await settle(desk, one, *[state(one, received=FULL)] * 5)
    assert await desk.books() == {"CLIENT_WALLET EUR": 10_000, "PSP_CLEARING EUR": -10_000}
    assert len(desk.postings()) == 1
    assert desk.events() == ["deposit_created", "deposit_settled"]
    assert desk.payment(one).version == 2


async def test_five_racing_are_one(desk: Desk) -> None:
    one = await desk.create()
    await asyncio.gather(*(apply(desk, one, state(one, received=FULL)) for _ in range(5)))
    assert await desk.books() == {"CLIENT_WALLET EUR": 10_000, "PSP_CLEARING EUR": -10_000}
    assert desk.events() == ["deposit_created", "deposit_settled"]


async def test_states_in_another_order_end_the_same(desk: Desk) -> None:
    one = await desk.create()
    late = [state(one, "PENDING", version=1), state(one, "AUTHORISED", version=2)]
    await settle(desk, one, state(one, received=FULL, version=3), *late)
    row = desk.payment(one)
    assert (row.status, row.ext_version) == ("SETTLED", 3)
    assert desk.events() == ["deposit_created", "deposit_settled"]


@pytest.mark.parametrize("received", [6_000, 12_500], ids=["partial", "over-paid"])
async def test_another_amount_is_credited_as_it_came_and_staff_are_told(
    desk: Desk, received: int
) -> None:
    one = await desk.create()
    await settle(desk, one, state(one, received=eur(received)), state(one, received=eur(received)))
    assert await desk.books() == {"CLIENT_WALLET EUR": received, "PSP_CLEARING EUR": -received}
    assert desk.discrepancies() == [("AMOUNT_DIFFERS", "OPEN", 10_000, received, "EUR")]
    assert desk.events("PAYMENT") == ["discrepancy_found"]
    assert desk.payment(one).status == "SETTLED"


async def test_a_receipt_that_grows_is_credited_by_what_came_since(desk: Desk) -> None:
    one = await desk.create()
    await settle(desk, one, state(one, received=eur(6_000)))
    assert desk.discrepancies() == [("AMOUNT_DIFFERS", "OPEN", 10_000, 6_000, "EUR")]
    await settle(desk, one, state(one, received=FULL, version=3))
    assert desk.discrepancies() == [("AMOUNT_DIFFERS", "RESOLVED", 10_000, 6_000, "EUR")]
    assert [key for key, _ in desk.postings()] == ["settle:10000", "settle:6000"]
    assert await desk.books() == {"CLIENT_WALLET EUR": 10_000, "PSP_CLEARING EUR": -10_000}
    assert desk.events() == ["deposit_created", "deposit_settled", "deposit_settled"]


async def test_another_currency_goes_to_the_wallet_in_that_currency(desk: Desk) -> None:
    one = await desk.create()
    await settle(desk, one, state(one, received=Money(10_800, "USD")))
    assert await desk.books() == {"CLIENT_WALLET USD": 10_800, "PSP_CLEARING USD": -10_800}
    row = desk.payment(one)
    assert (row.credited_minor, row.credited_currency, row.reason_code) == (10_800, "USD", None)
    assert desk.discrepancies() == [("AMOUNT_DIFFERS", "OPEN", None, 10_800, "USD")]


async def test_a_currency_that_the_brand_does_not_keep_waits_in_suspense(desk: Desk) -> None:
    one = await desk.create()
    await settle(desk, one, state(one, received=Money(15_000, "JPY")))
    assert await desk.books() == {"SUSPENSE JPY": 15_000, "PSP_CLEARING JPY": -15_000}
    assert desk.payment(one).reason_code == "CURRENCY_UNAVAILABLE"
    assert desk.discrepancies() == [("CURRENCY_DIFFERS", "OPEN", None, 15_000, "JPY")]
    back = state(one, "REFUNDED", Money(15_000, "JPY"), refunded_minor=15_000, version=3)
    await settle(desk, one, back)
    assert await desk.books() == {}


async def book(
    desk: Desk,
    amount: Money,
    *,
    client_id: UUID | None = None,
    move: SuspenseMove = SuspenseMove.SUSPENSE_TO_WALLET,
    kind: str = "CURRENCY_DIFFERS",
) -> None:
    """Have one person propose a booking of the first deposit, and another approve."""
    row = next(one for one in desk.make.rows(discrepancy, desk.brand) if one.kind == kind)
    is_wallet = move is SuspenseMove.SUSPENSE_TO_WALLET
    booking = SuspenseBooking(move, amount, client_id or desk.client.id if is_wallet else None)

    async def propose(work: WriteWork) -> UUID | None:
        return await resolve_discrepancy(
            work, row.id, reason="it is his", expected_version=row.version, booking=booking
        )

    made = (await desk.database.write(scope_of(desk.brand, "brand_admin"), propose)).value
    assert made is not None
    await desk.database.write(
        scope_of(desk.brand, "finance"), lambda work: approve_booking(work, made)
    )


async def test_what_staff_book_out_of_suspense_is_the_clients_and_in_reach_of_a_dispute(
    desk: Desk, make: Factory
) -> None:
    """Not in part, not to somebody else, and not into a wallet that the brand does not keep."""
    one = await desk.create()
    yen = Money(15_000, "JPY")
    await settle(desk, one, state(one, received=yen))
    with pytest.raises(BookingImpossible, match="keeps no wallets in JPY"):
        await book(desk, yen)
    make.run(desk.brand, update(brand).values(currencies=["EUR", "USD", "JPY"]))
    with pytest.raises(BookingImpossible, match="15000 JPY are left in suspense"):
        await book(desk, Money(14_999, "JPY"))
    with pytest.raises(BookingImpossible, match="another client"):
        await book(desk, yen, client_id=make.client(desk.brand).id)
    await book(desk, yen)
    assert await desk.books() == {"CLIENT_WALLET JPY": 15_000, "PSP_CLEARING JPY": -15_000}
    row = desk.payment(one)
    assert (row.reason_code, row.wallet_id is None) == (None, False)
    await dispute_it(desk, one, yen)
    assert desk.make.rows(dispute, desk.brand)[0].held_minor == 15_000


async def dispute_it(
    desk: Desk, payment_id: UUID, amount: Money, status: str = "OPEN", *, version: int = 1
) -> None:
    """Have the PSP say that a deposit is disputed."""
    row = desk.payment(payment_id)
    disputed = PspDispute(
        id=f"dp_{row.ext_id}", payment_id=row.ext_id, reference=row.id.hex,
        status=DisputeStatus(status), version=version, amount=amount,
        fee=Money(0, amount.currency), reason="fraudulent", evidence_due_at=None,
    )  # fmt: skip
    await desk.worker.write(
        system_scope(desk.brand.id),
        lambda work: record_dispute(work, desk.connection_id, disputed),
    )


@pytest_asyncio.fixture
async def yen(desk: Desk) -> UUID:
    """A deposit of 15,000 JPY in suspense, beside as much of somebody else, at a brand that has
    begun to keep yen since."""
    one, other = await desk.create(), await desk.create()
    for each in (one, other):
        await settle(desk, each, state(each, received=Money(15_000, "JPY")))
    desk.make.run(desk.brand, update(brand).values(currencies=["EUR", "USD", "JPY"]))
    # The first discrepancy is the one that `book` is about.
    desk.make.run(
        desk.brand, update(discrepancy).values(kind="LATE")
        .where(discrepancy.c.payment_id == other),
    )  # fmt: skip
    return one


async def refused(desk: Desk, minor: int, match: str, **more: Any) -> None:
    before = await desk.books()
    with pytest.raises(BookingImpossible, match=match):
        await book(desk, Money(minor, "JPY"), **more)
    assert await desk.books() == before


async def test_what_the_psp_gave_back_is_not_booked_out_of_suspense_again(
    desk: Desk, yen: UUID
) -> None:
    """It would be the money of others: there is enough of it in suspense."""
    back = state(
        yen, "PARTLY_REFUNDED", Money(15_000, "JPY"), refunded_minor=5_000, version=3
    )  # fmt: skip
    await settle(desk, yen, back)
    await refused(desk, 15_000, "10000 JPY are left in suspense")
    await book(desk, Money(10_000, "JPY"))
    books = {"CLIENT_WALLET JPY": 10_000, "SUSPENSE JPY": 15_000, "PSP_CLEARING JPY": -25_000}
    assert await desk.books() == books


async def test_what_is_disputed_is_not_booked_out_of_suspense(desk: Desk, yen: UUID) -> None:
    await dispute_it(desk, yen, Money(6_000, "JPY"))
    await refused(desk, 15_000, "in dispute")
    await dispute_it(desk, yen, Money(6_000, "JPY"), "LOST", version=2)
    await refused(desk, 15_000, "9000 JPY are left in suspense")
    await book(desk, Money(9_000, "JPY"))
    books = {"CLIENT_WALLET JPY": 9_000, "SUSPENSE JPY": 15_000, "PSP_CLEARING JPY": -24_000}
    assert await desk.books() == books


async def test_no_reason_alone_closes_what_tells_of_money_in_suspense(
    desk: Desk, yen: UUID
) -> None:
    """Nothing else would: it would lie there for ever."""

    async def resolve() -> None:
        row = next(one for one in desk.make.rows(discrepancy, desk.brand) if one.payment_id == yen)
        await desk.database.write(
            scope_of(desk.brand, "finance"),
            lambda work: resolve_discrepancy(
                work, row.id, reason="forget it", expected_version=row.version
            ),
        )

    told = desk.discrepancies()
    with pytest.raises(StillInSuspense, match="15000 JPY of this deposit are in suspense"):
        await resolve()
    assert desk.discrepancies() == told
    back = state(yen, "REFUNDED", Money(15_000, "JPY"), refunded_minor=15_000, version=3)
    await settle(desk, yen, back)
    await resolve()
    assert [one[1] for one in desk.discrepancies()].count("OPEN") == 1, "somebody else's"


async def test_one_deposit_is_booked_out_of_suspense_by_one_discrepancy(
    desk: Desk, yen: UUID
) -> None:
    """It may have several: another amount, and too late."""
    row = next(one for one in desk.make.rows(discrepancy, desk.brand) if one.payment_id == yen)
    desk.make.run(
        desk.brand, update(discrepancy).where(discrepancy.c.kind == "LATE")
        .values(subject=row.subject, payment_id=yen),
    )  # fmt: skip
    await book(desk, Money(15_000, "JPY"))
    await refused(desk, 15_000, "Nothing of this deposit", kind="LATE")
    books = {"CLIENT_WALLET JPY": 15_000, "SUSPENSE JPY": 15_000, "PSP_CLEARING JPY": -30_000}
    assert await desk.books() == books, "once, and the other's money stays"


async def test_a_deposit_in_suspense_goes_back_by_its_refund_alone(desk: Desk, yen: UUID) -> None:
    """A booking beside the refund would take it twice."""
    await refused(desk, 15_000, "refund it", move=SuspenseMove.SUSPENSE_TO_CLEARING)
    back = state(yen, "REFUNDED", Money(15_000, "JPY"), refunded_minor=15_000, version=3)
    await settle(desk, yen, back)
    assert await desk.books() == {"SUSPENSE JPY": 15_000, "PSP_CLEARING JPY": -15_000}


async def test_what_was_booked_out_of_suspense_is_not_put_back_behind_the_deposits_back(
    desk: Desk, yen: UUID
) -> None:
    """The deposit would be said to be in the wallet, and a dispute would take it from there."""
    await book(desk, Money(15_000, "JPY"))
    (made,) = [
        one for one in desk.make.rows(ledger_transfer, desk.brand) if one.kind == "DISCREPANCY"
    ]
    with pytest.raises(NotCorrectable):
        await desk.database.write(
            scope_of(desk.brand, "finance"),
            lambda work: propose_correction(work, made.id, reason="booked wrongly"),
        )


async def test_two_who_approve_at_once_and_the_psps_refund_move_it_once(
    desk: Desk, yen: UUID
) -> None:
    """Whoever is first: what is left of others in suspense is theirs, and the wallet owes none."""
    row = next(one for one in desk.make.rows(discrepancy, desk.brand) if one.payment_id == yen)
    booking = SuspenseBooking(
        SuspenseMove.SUSPENSE_TO_WALLET, Money(15_000, "JPY"), desk.client.id
    )  # fmt: skip
    made = await desk.database.write(
        scope_of(desk.brand, "brand_admin"),
        lambda work: resolve_discrepancy(
            work, row.id, reason="it is his", expected_version=row.version, booking=booking
        ),
    )
    key = made.value
    assert key is not None

    async def approve(role: str) -> UUID:
        done = await desk.database.write(
            scope_of(desk.brand, role), lambda work: approve_booking(work, key)
        )
        return done.value

    back = state(yen, "REFUNDED", Money(15_000, "JPY"), refunded_minor=15_000, version=3)
    done = await asyncio.gather(
        approve("finance"), approve("finance"), approve("brand_admin"), settle(desk, yen, back),
        return_exceptions=True,
    )  # fmt: skip
    codes = {one.code for one in done if isinstance(one, DomainError)}
    assert codes <= {"ALREADY_DECIDED", "SECOND_PERSON_NEEDED", "BOOKING_IMPOSSIBLE"}
    assert all(isinstance(one, UUID | DomainError) or one is None for one in done), done
    assert sum(isinstance(one, UUID) for one in done) <= 1
    assert await desk.books() == {"SUSPENSE JPY": 15_000, "PSP_CLEARING JPY": -15_000}


async def test_a_purchase_booked_to_the_wallet_is_taken_from_the_wallet(
    desk: Desk, yen: UUID
) -> None:
    """By a refund and by a dispute; nothing of it ever was prepaid."""
    mine = (payment.c.brand_id == desk.brand.id, payment.c.id == yen)
    desk.make.run(
        desk.brand, update(payment).values(purchase_id=new_uuid(), wallet_id=None).where(*mine)
    )
    await book(desk, Money(15_000, "JPY"))
    back = state(
        yen, "PARTLY_REFUNDED", Money(15_000, "JPY"), refunded_minor=5_000, version=3
    )  # fmt: skip
    await settle(desk, yen, back)
    books = {"CLIENT_WALLET JPY": 10_000, "SUSPENSE JPY": 15_000, "PSP_CLEARING JPY": -25_000}
    assert await desk.books() == books
    await dispute_it(desk, yen, Money(10_000, "JPY"))
    assert desk.make.rows(dispute, desk.brand)[0].held_minor == 10_000


async def test_money_stays_where_it_is_when_the_brand_no_longer_keeps_its_currency(
    desk: Desk, yen: UUID
) -> None:
    await book(desk, Money(15_000, "JPY"))
    desk.make.run(desk.brand, update(brand).values(currencies=["EUR", "USD"]))
    back = state(yen, "REFUNDED", Money(15_000, "JPY"), refunded_minor=15_000, version=3)
    await settle(desk, yen, back)
    assert await desk.books() == {"SUSPENSE JPY": 15_000, "PSP_CLEARING JPY": -15_000}


@pytest.mark.parametrize("ended", ["FAILED", "EXPIRED"])
async def test_money_that_comes_late_is_credited_and_told(desk: Desk, ended: str) -> None:
    one = await desk.create()
    over = state(one, ended, version=1, failure_code="CARD_DECLINED")
    await settle(desk, one, over)
    assert desk.payment(one).reason_code == "CARD_DECLINED"
    await settle(desk, one, state(one, received=FULL))
    assert await desk.books() == {"CLIENT_WALLET EUR": 10_000, "PSP_CLEARING EUR": -10_000}
    assert desk.discrepancies() == [("LATE", "OPEN", None, 10_000, "EUR")]
    row = desk.payment(one)
    assert (row.status, row.reason_code) == ("SETTLED", None)


async def test_a_cancelled_deposit_is_credited_when_it_is_paid_all_the_same(desk: Desk) -> None:
    one = await desk.create()
    scope = scope_of(desk.brand, client=desk.client)
    await desk.database.write(scope, lambda work: cancel_deposit(work, one))
    await settle(desk, one, state(one, "PENDING", version=1))
    assert desk.payment(one).status == "CANCELLED"
    await settle(desk, one, state(one, received=FULL))
    assert desk.payment(one).status == "SETTLED"
    assert [kind for kind, *_ in desk.discrepancies()] == ["LATE"]


async def test_the_fee_that_was_agreed_is_taken_from_what_came(
    make: Any, database: Any, worker_database: Any, brand: Any, queue: Any
) -> None:
    desk = Desk(make, database, worker_database, brand, queue)
    await desk.open(fee_fixed_minor=30, fee_bps=150)
    one = await desk.create()
    assert desk.payment(one).fee_minor == 180
    await settle(desk, one, state(one, received=eur(100)), state(one, received=FULL, version=3))
    assert desk.postings() == [
        ("fee:100", {"CLIENT_WALLET EUR": -100, "FEE_REVENUE EUR": 100}),
        ("fee:180", {"CLIENT_WALLET EUR": -80, "FEE_REVENUE EUR": 80}),
        ("settle:100", {"CLIENT_WALLET EUR": 100, "PSP_CLEARING EUR": -100}),
        ("settle:10000", {"CLIENT_WALLET EUR": 9_900, "PSP_CLEARING EUR": -9_900}),
    ]
    assert await desk.books() == {
        "CLIENT_WALLET EUR": 9_820, "FEE_REVENUE EUR": 180, "PSP_CLEARING EUR": -10_000,
    }  # fmt: skip
    await desk.close()


async def test_what_the_psp_gives_back_by_itself_leaves_the_wallet(desk: Desk) -> None:
    one = await desk.create()
    paid = state(one, received=FULL)
    partly = state(one, "PARTLY_REFUNDED", FULL, refunded_minor=3_000, version=3)
    await settle(desk, one, paid, partly, partly)
    assert await desk.books() == {"CLIENT_WALLET EUR": 7_000, "PSP_CLEARING EUR": -7_000}
    row = desk.payment(one)
    assert (row.status, row.refunded_minor, row.taken_back_minor) == (
        "PARTLY_REFUNDED", 3_000, 3_000,
    )  # fmt: skip
    assert desk.events()[-2:] == ["deposit_settled", "deposit_partly_refunded"]


async def test_what_the_wallet_lacks_becomes_a_debt_and_never_a_negative_wallet(desk: Desk) -> None:
    one, other = await desk.create(), await desk.create(2_000)
    small = state(other, received=eur(2_000))
    await settle(desk, one, state(one, received=FULL))
    await spend(desk, 9_000)
    await settle(desk, other, small)
    gone = state(one, "REFUNDED", FULL, refunded_minor=10_000, version=3)
    await settle(desk, one, gone)
    books = await desk.books()
    assert books == {
        "CHARGEBACK_RECEIVABLE EUR": -7_000, "PSP_CLEARING EUR": -2_000, "BANK EUR": 9_000,
    }  # fmt: skip
    assert desk.payment(one).status == "REFUNDED"


async def test_what_the_psp_has_again_pays_the_debt_first_and_then_the_wallet(desk: Desk) -> None:
    one = await desk.create()
    await settle(desk, one, state(one, received=FULL))
    await spend(desk, 6_000)
    gone = state(one, "REFUNDED", FULL, refunded_minor=10_000, version=3)
    back = state(one, "PARTLY_REFUNDED", FULL, refunded_minor=3_000, version=4)
    await settle(desk, one, gone, back, back)
    assert await desk.books() == {
        "CLIENT_WALLET EUR": 1_000, "PSP_CLEARING EUR": -7_000, "BANK EUR": 6_000,
    }  # fmt: skip
    row = desk.payment(one)
    assert (row.status, row.refunded_minor, row.taken_back_minor) == (
        "PARTLY_REFUNDED", 3_000, 3_000,
    )  # fmt: skip
    await settle(desk, one, state(one, "REFUNDED", FULL, refunded_minor=10_000, version=5))
    assert await desk.books() == {
        "CHARGEBACK_RECEIVABLE EUR": -6_000, "BANK EUR": 6_000,
    }, "the same total once more is a movement of its own"  # fmt: skip
    await settle(desk, one, state(one, received=FULL, version=6))
    assert await desk.books() == {
        "CLIENT_WALLET EUR": 4_000, "PSP_CLEARING EUR": -10_000, "BANK EUR": 6_000,
    }  # fmt: skip


async def spend(desk: Desk, amount: int) -> None:
    """The client's money goes elsewhere."""
    wallet = AccountKey.wallet(desk.client.id, "EUR")
    bank = AccountKey.of(LedgerAccountKind.BANK, "EUR")

    async def command(work: WriteWork) -> None:
        ids = await ledger_accounts(work, [wallet, bank])
        legs = [Leg(ids[wallet], eur(-amount)), Leg(ids[bank], eur(amount))]
        await post(work, [Transfer("test:spent", "TEST", legs)])

    await desk.database.write(system_scope(desk.brand.id), command)


async def test_paid_and_given_back_before_anybody_looked(desk: Desk) -> None:
    one = await desk.create()
    await settle(desk, one, state(one, "REFUNDED", FULL, refunded_minor=10_000))
    assert await desk.books() == {}
    assert desk.events() == ["deposit_created", "deposit_settled", "deposit_refunded"]


async def test_a_state_of_another_payment_changes_nothing(desk: Desk) -> None:
    one, other = await desk.create(), await desk.create()
    await settle(desk, one, state(one, "CREATED", version=1))
    assert not await apply(desk, one, state(other, received=FULL))
    assert not await apply(desk, one, state(one, received=FULL, id="pay_another"))
    assert not await apply(desk, UUID(int=1), state(UUID(int=1), received=FULL))
    assert desk.postings() == []
    assert desk.payment(one).status == "PENDING"


async def test_a_settlement_is_held_against_the_fee_that_the_psp_said(desk: Desk) -> None:
    key = await desk.create()
    for version, minor, fee in ((2, 6_000, 180), (3, 10_000, 290)):
        stated = state(key, received=Money(minor, "EUR"), version=version, fee=Money(fee, "EUR"))
        await settle(desk, key, stated)
    content = (
        "settlement_id,date,type,psp_id,reference,currency,gross,fee,net\n"
        f"st_1,2026-11-22,payment,pay_{key.hex},{key.hex},EUR,100.00,99.99,0.01\n"
    )

    async def bring(work: WriteWork) -> Imported:
        return await import_settlement(work, desk.connection_id, name="x", content=content)

    await desk.worker.write(system_scope(desk.brand.id), bring)
    assert ("SETTLEMENT_DIFFERS", "OPEN", 290, 9_999, "EUR") in desk.discrepancies()
