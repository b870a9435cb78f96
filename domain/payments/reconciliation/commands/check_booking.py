"""What a booking between SUSPENSE and a wallet or a clearing account may move, and what may not.

It is judged when it is proposed and again when the second person approves: no more than what
differs, in its currency, once, and no more than SUSPENSE holds.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from domain.clients.standing import find_standing
from domain.kernel.errors import Invalid, NotFound
from domain.kernel.money import Money, from_minor
from domain.payments.deposits.queries import find_offer
from domain.payments.deposits.rules import IN_SUSPENSE, deposit_subject
from domain.payments.disputes.queries import disputed_minor
from domain.payments.disputes.values import Disputed
from domain.payments.ledger.queries import balances
from domain.payments.ledger.tables import ledger_account
from domain.payments.ledger.values import LedgerAccountKind
from domain.payments.queries import lock_payment
from domain.payments.reconciliation.errors import BookingImpossible, StillInSuspense
from domain.payments.reconciliation.rules import most_to_book
from domain.payments.reconciliation.tables import discrepancy, ledger_correction
from domain.payments.reconciliation.values import CorrectionStatus, SuspenseMove
from tenants.work import WriteWork

_OF_WALLET = frozenset({SuspenseMove.SUSPENSE_TO_WALLET, SuspenseMove.WALLET_TO_SUSPENSE})
OUT = frozenset({SuspenseMove.SUSPENSE_TO_WALLET, SuspenseMove.SUSPENSE_TO_CLEARING})
_AMOUNT = ("input", "booking", "amount")


@dataclass(frozen=True, slots=True)
class SuspenseBooking:
    """How much goes where; `client_id` is whose wallet it is, where it is about a wallet."""

    move: SuspenseMove
    amount: Money
    client_id: UUID | None = None


async def lock_discrepancy(work: WriteWork, discrepancy_id: UUID) -> Any:
    """A discrepancy, locked for change behind its payment, in the order in which those lock who
    find discrepancies. Refusals: NOT_FOUND."""
    columns = discrepancy.c
    mine = (columns.brand_id == work.scope.brand_id, columns.id == discrepancy_id)
    found = await work.maybe(select(columns.payment_id).where(*mine))
    if found is None:
        raise NotFound(path=("input", "discrepancyId"))
    if found.payment_id is not None:
        await lock_payment(work, found.payment_id)
    return await work.one(select(discrepancy).where(*mine).with_for_update())


async def check_booking(
    work: WriteWork, booking: SuspenseBooking, about: Any
) -> dict[str, Any] | None:
    """Judge a booking against its discrepancy, a row; the deposit whose money in suspense it gives
    to the wallet, locked, where it is about one.

    Bookings of one currency are judged one after another, so that two never spend the same money.
    Refusals: INVALID, NOT_FOUND, BOOKING_IMPOSSIBLE.
    """
    amount = booking.amount
    _check_amount(amount, about)
    if booking.move in _OF_WALLET:
        if booking.client_id is None:
            raise BookingImpossible("Say whose wallet it is.")
        if await find_standing(work, booking.client_id) is None:
            raise NotFound(path=("input", "booking", "clientId"))
    elif about.connection_id is None:
        raise BookingImpossible("This discrepancy is about no payment provider.")
    deposit = None
    if about.payment_id is not None:
        deposit = await _suspended(work, booking, about)
    if deposit is None:
        await _require_about(work, booking, about)
    if booking.move is SuspenseMove.SUSPENSE_TO_WALLET:
        await _require_kept(work, amount.currency)
    if booking.move in OUT:
        await _require_held(work, amount)
    return deposit


def _check_amount(amount: Money, about: Any) -> None:
    if amount.amount_minor <= 0:
        raise Invalid("INVALID", "Say an amount above zero.", path=_AMOUNT)
    if about.currency is None:
        raise BookingImpossible("This discrepancy is about no amount: resolve it by its reason.")
    if amount.currency != about.currency:
        raise BookingImpossible(f"This discrepancy is about {about.currency}.", path=_AMOUNT)


async def _require_about(work: WriteWork, booking: SuspenseBooking, about: Any) -> None:
    """No more than the discrepancy is about still: one that changed may have been booked before."""
    booked = await _booked_minor(work, about.id, is_out=booking.move in OUT)
    most = most_to_book(about.expected_minor, about.actual_minor, booked_minor=booked)
    if booking.amount.amount_minor > most:
        message = f"This discrepancy is about {_shown(most, about.currency)}: book no more."
        raise BookingImpossible(message, path=_AMOUNT)


async def _booked_minor(work: WriteWork, discrepancy_id: UUID, *, is_out: bool) -> int:
    """What approved bookings have moved for a discrepancy, out of SUSPENSE or into it."""
    columns = ledger_correction.c
    rows = await work.rows(
        select(columns.move, func.sum(columns.amount_minor).label("minor"))
        .where(
            columns.brand_id == work.scope.brand_id,
            columns.discrepancy_id == discrepancy_id,
            columns.status == CorrectionStatus.APPROVED.value,
        )
        .group_by(columns.move)
    )
    return sum(int(row.minor) for row in rows if (row.move in OUT) == is_out)


async def _suspended(
    work: WriteWork, booking: SuspenseBooking, about: Any
) -> dict[str, Any] | None:
    """The deposit whose money in suspense the booking gives to the wallet. Of SUSPENSE a deposit
    has what it brought there and is neither given back nor disputed, and only until it is booked:
    more would be the money of others."""
    row = await lock_payment(work, about.payment_id)
    assert row is not None, "a discrepancy's payment is there"
    if booking.move in _OF_WALLET and row["client_id"] != booking.client_id:
        raise BookingImpossible("It is about a payment of another client.")
    if booking.move not in OUT:
        return None
    is_suspended = row["reason_code"] == IN_SUSPENSE
    if about.subject == deposit_subject(row["id"]):
        if not is_suspended:
            raise BookingImpossible("Nothing of this deposit is in suspense.")
        if booking.move is SuspenseMove.SUSPENSE_TO_CLEARING:
            message = "Have the provider refund it: what it gives back is taken from suspense."
            raise BookingImpossible(message)
    if not is_suspended or booking.move is SuspenseMove.SUSPENSE_TO_CLEARING:
        return None
    taken = await disputed_minor(work, row["id"])
    if taken.open_minor:
        raise BookingImpossible("This deposit is in dispute: wait until it is decided.")
    left = _left_of(row, taken)
    if booking.amount.amount_minor != left:
        # A part would leave a deposit that is in two places: a dispute would reach one of them.
        shown = _shown(left, row["credited_currency"])
        message = f"Of this deposit {shown} are left in suspense: book all of it."
        raise BookingImpossible(message, path=_AMOUNT)
    return row


async def require_settled(work: WriteWork, about: Any) -> None:
    """That no money of a deposit waits in suspense for the decision that its discrepancy, a row,
    asks for. Refusals: STILL_IN_SUSPENSE."""
    if about.payment_id is None or about.subject != deposit_subject(about.payment_id):
        return
    row = await lock_payment(work, about.payment_id)
    assert row is not None, "a discrepancy's payment is there"
    if row["reason_code"] == IN_SUSPENSE:
        left = _left_of(row, await disputed_minor(work, row["id"]))
        if left > 0:
            raise StillInSuspense(_shown(left, row["credited_currency"]))


def _left_of(row: dict[str, Any], taken: Disputed) -> int:
    """What a deposit brought into suspense, less what was given back and what disputes took."""
    return int(row["credited_minor"]) - int(row["taken_back_minor"]) - taken.lost_minor


async def _require_kept(work: WriteWork, currency: str) -> None:
    if currency not in (await find_offer(work)).currencies:
        raise BookingImpossible(
            f"The brand keeps no wallets in {currency}: have the provider send it back."
        )


async def _require_held(work: WriteWork, amount: Money) -> None:
    brand_id, columns = work.scope.brand_id, ledger_account.c
    name = f"suspense:{brand_id.hex}:{amount.currency}"
    await work.rows(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
    rows = await work.rows(
        select(columns.id).where(
            columns.brand_id == brand_id,
            columns.kind == LedgerAccountKind.SUSPENSE.value,
            columns.asset == amount.currency,
        )
    )
    found = await balances(work, [row.id for row in rows])
    held = sum(one.amount_minor for one in found.values())
    if amount.amount_minor > held:
        shown = _shown(max(held, 0), amount.currency)
        raise BookingImpossible(f"In suspense there are {shown}: book no more.", path=_AMOUNT)


def _shown(minor: int, currency: str) -> str:
    return f"{from_minor(minor, currency):f} {currency}"
