"""Pure verdicts on deposits: who may pay how, and what follows from what a PSP says.

The one rule of money here: credited is what the PSP says it received, in the currency it says.
Each verdict is a difference between that and what was credited before, so that a state which comes
again, late or in another order moves nothing twice.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

from domain.kernel.money import Money, from_minor
from domain.payments.deposits.errors import AboveMaximum, BelowMinimum, MethodUnavailable
from domain.payments.deposits.values import (
    Deposit,
    Finding,
    Method,
    SentBack,
    Terms,
    Verdict,
)
from domain.payments.psp_values import PspPayment, PspPaymentStatus
from domain.payments.rules import fee_of, may_follow
from domain.payments.values import DiscrepancyKind, PaymentKind, PaymentStatus

OPEN: Final = (PaymentStatus.CREATED, PaymentStatus.PENDING, PaymentStatus.AUTHORISED)
CANCELLABLE: Final = (PaymentStatus.CREATED, PaymentStatus.PENDING)
GIVEN_UP: Final = (PaymentStatus.FAILED, PaymentStatus.EXPIRED, PaymentStatus.CANCELLED)
# Why money that came is nobody's yet: the brand keeps no wallets in its currency.
IN_SUSPENSE: Final = "CURRENCY_UNAVAILABLE"
_OF_DISPUTES: Final = (PaymentStatus.DISPUTED, PaymentStatus.CHARGED_BACK)
_NOTHING: Final = SentBack()
_UNPAID: Final = {
    PspPaymentStatus.CREATED: PaymentStatus.PENDING,
    PspPaymentStatus.PENDING: PaymentStatus.PENDING,
    PspPaymentStatus.AUTHORISED: PaymentStatus.AUTHORISED,
    PspPaymentStatus.FAILED: PaymentStatus.FAILED,
    PspPaymentStatus.EXPIRED: PaymentStatus.EXPIRED,
    PspPaymentStatus.CANCELLED: PaymentStatus.CANCELLED,
}

SILENT_AFTER: Final = timedelta(minutes=1)
UNSTARTED_AFTER: Final = timedelta(hours=1)
"""How long a deposit may be unknown to its PSP before it expires."""


def deposit_subject(payment_id: UUID) -> str:
    """What discrepancies of a deposit are about, for ever."""
    return f"deposit:{payment_id.hex}"


def why_closed(method: Method, *, country: str) -> str | None:
    """The code of why a client of that country can't use a method at all; None when it can."""
    if not method.is_open:
        return "METHOD_CLOSED"
    if method.countries and country not in method.countries:
        return "COUNTRY_NOT_ALLOWED"
    if method.terms is None:
        return "CURRENCY_UNAVAILABLE"
    return None


def why_not(method: Method, amount_minor: int | None, *, country: str) -> str | None:
    """The code of why this amount can't be paid that way; None when it can."""
    closed = why_closed(method, country=country)
    if closed is not None or method.terms is None or amount_minor is None:
        return closed
    if amount_minor < method.terms.min_minor:
        return "BELOW_MINIMUM"
    return "ABOVE_MAXIMUM" if amount_minor > method.terms.max_minor else None


def fee_on(terms: Terms, amount_minor: int) -> int:
    """What the client pays us for depositing the amount; taken from it."""
    return fee_of(amount_minor, fixed_minor=terms.fee_fixed_minor, bps=terms.fee_bps)


def decide_fee(method: Method, amount: Money, *, country: str) -> int:
    """The fee of a deposit that may be made.

    Refusals: METHOD_UNAVAILABLE, BELOW_MINIMUM, ABOVE_MAXIMUM.
    """
    reason = why_not(method, amount.amount_minor, country=country)
    if reason == "CURRENCY_UNAVAILABLE":
        raise MethodUnavailable(f"This method does not take {amount.currency}.")
    if reason == "COUNTRY_NOT_ALLOWED":
        raise MethodUnavailable("This method is not offered in the client's country.")
    terms = method.terms
    if reason == "METHOD_CLOSED" or terms is None:
        raise MethodUnavailable("This method is not available at present.")
    if reason == "BELOW_MINIMUM":
        raise BelowMinimum(f"Deposit at least {_shown(terms.min_minor, terms.currency)}.")
    if reason == "ABOVE_MAXIMUM":
        raise AboveMaximum(f"Deposit at most {_shown(terms.max_minor, terms.currency)}.")
    return fee_on(terms, amount.amount_minor)


def decide(deposit: Deposit, state: PspPayment, *, sent_back: SentBack = _NOTHING) -> Verdict:
    """What follows from the PSP's state of a deposit.

    The client paid for what withdrawals of ours sent back when it was held. What went back beyond
    that, the PSP gave back by itself, and the client owes; what the PSP gave back no more, though
    the client was made to, is the client's again.
    """
    if state.version < deposit.version:
        return Verdict(deposit.credited, deposit.refunded_minor, is_stale=True)
    credit = _credit(deposit, state.received)
    credited = _plus(deposit.credited, credit)
    refunded = deposit.refunded_minor
    if credited is not None and credited.currency == state.refunded.currency:
        refunded = min(state.refunded.amount_minor, credited.amount_minor)
    return Verdict(
        credited=credited,
        refunded_minor=refunded,
        credit=credit,
        fee=_fee(deposit, credited),
        take_back=_take_back(deposit, credited, refunded, sent_back),
        statuses=_statuses(deposit, state, credit, credited, refunded),
        findings=_findings(deposit, state.received, credit),
    )


def _credit(deposit: Deposit, received: Money | None) -> Money | None:
    """What came since the last time. A PSP that takes a receipt back moves nothing by itself."""
    if received is None:
        return None
    before = deposit.credited or Money(0, received.currency)
    if before.currency != received.currency or received.amount_minor <= before.amount_minor:
        return None
    return received + -before


def _plus(before: Money | None, more: Money | None) -> Money | None:
    return before if more is None else more if before is None else before + more


def _fee(deposit: Deposit, credited: Money | None) -> Money | None:
    """What of the agreed fee is due now: it is taken once, from nothing but what came in."""
    if credited is None or credited.currency != deposit.asked.currency:
        return None
    before = deposit.credited.amount_minor if deposit.credited else 0
    due = min(deposit.fee_minor, credited.amount_minor) - min(deposit.fee_minor, before)
    return Money(due, credited.currency) if due else None


def _take_back(
    deposit: Deposit, credited: Money | None, refunded_minor: int, sent_back: SentBack
) -> Money | None:
    """What the PSP gave back by itself lies between two figures while a refund of ours is on its
    way: outside of them the client's part is brought to the nearer one."""
    if credited is None:
        return None
    least = max(0, refunded_minor - sent_back.most)
    most = max(0, refunded_minor - sent_back.least)
    due = min(max(deposit.taken_back_minor, least), most) - deposit.taken_back_minor
    return Money(due, credited.currency) if due else None


def _statuses(
    deposit: Deposit,
    state: PspPayment,
    credit: Money | None,
    credited: Money | None,
    refunded_minor: int,
) -> tuple[PaymentStatus, ...]:
    """What the deposit goes through now. A disputed one is moved by its dispute alone."""
    if deposit.status in _OF_DISPUTES:
        return ()
    if credited is None:
        wanted = _UNPAID.get(state.status, deposit.status)
        follows = wanted is not deposit.status and _follows(deposit.status, wanted)
        return (wanted,) if follows else ()
    settled = (PaymentStatus.SETTLED,) if credit is not None else ()
    if refunded_minor == deposit.refunded_minor and not (credit and refunded_minor):
        return settled
    if not refunded_minor:
        return (PaymentStatus.SETTLED,)
    is_whole = refunded_minor == credited.amount_minor
    return (*settled, PaymentStatus.REFUNDED if is_whole else PaymentStatus.PARTLY_REFUNDED)


def _follows(status: PaymentStatus, then: PaymentStatus) -> bool:
    return may_follow(PaymentKind.DEPOSIT, status, then)


def _findings(
    deposit: Deposit, received: Money | None, credit: Money | None
) -> tuple[Finding, ...]:
    if received is None:
        return ()
    found = []
    is_wrong = received != deposit.asked
    was_wrong = deposit.credited is not None and deposit.credited != deposit.asked
    is_shrunk = deposit.credited is not None and credit is None and received != deposit.credited
    if is_shrunk:
        found.append(Finding(DiscrepancyKind.AMOUNT_DIFFERS, deposit.credited, received))
    elif is_wrong or (was_wrong and credit is not None):
        found.append(Finding(DiscrepancyKind.AMOUNT_DIFFERS, deposit.asked, received))
    if credit is not None and deposit.status in GIVEN_UP:
        found.append(Finding(DiscrepancyKind.LATE, None, credit))
    return tuple(found)


def poll_pause(age: timedelta) -> timedelta:
    """How long to wait between two questions about a deposit nobody speaks of: a tenth of its age,
    at least 20 seconds and at most half an hour."""
    return min(max(age / 10, timedelta(seconds=20)), timedelta(minutes=30))


def _shown(amount_minor: int, currency: str) -> str:
    return f"{from_minor(amount_minor, currency):f} {currency}"
