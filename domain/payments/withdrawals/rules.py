"""Pure verdicts on withdrawals: which way, what fee, what status.

Worked example D4: deposits by card A of 600 and Skrill of 400; a withdrawal of 1,500 goes
600 to card A, 400 to Skrill and 500 to the payout destination.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from domain.kernel.money import Money, from_minor
from domain.payments.rules import fee_of
from domain.payments.values import LegKind, LegStatus, MethodKind
from domain.payments.values import PaymentStatus as Status
from domain.payments.withdrawals.errors import (
    AmountOutside,
    DestinationRequired,
    MethodUnavailable,
)
from domain.payments.withdrawals.values import LegState, Part, Payout, Source, Terms

ASK_AFTER: Final = timedelta(minutes=1)
"""How long nothing may be heard of a leg before somebody looks after it."""
TOLD_AFTER: Final = timedelta(minutes=10)
"""How long nobody may know what became of a leg before staff are told."""
DOUBT_LASTS: Final = timedelta(days=1)
"""After that a PSP that knows nothing of a leg never got it: its search is no longer behind."""
ASK_MOST: Final = timedelta(hours=1)
_ASK_SHARE: Final = 4

_FIRST: Final = {kind: n for n, kind in enumerate(MethodKind)}
_ON_ITS_WAY: Final = (
    (LegStatus.UNKNOWN, Status.UNKNOWN),
    (LegStatus.SENDING, Status.SENDING),
    (LegStatus.SENT, Status.SENT),
)


def split(
    amount_minor: int, sources: Iterable[Source], payout: Payout | None, *, at: datetime
) -> tuple[Part, ...]:
    """Back to where it came from: cards first, then wallets and banks, each oldest first.

    What their deposits do not take (spent up, or past the days their method refunds) goes to the
    payout destination. The parts sum to the amount, and none is over its source.
    Refusals: DESTINATION_REQUIRED.
    """
    parts, rest = [], amount_minor
    usable = (one for one in sources if one.left_minor > 0 and one.takes_back(at))
    for one in sorted(usable, key=lambda o: (_FIRST[o.kind], o.settled_at, o.deposit_id)):
        taken = min(rest, one.left_minor)
        if taken:
            parts.append(_back(one, taken))
        rest -= taken
    if rest:
        if payout is None:
            raise DestinationRequired(rest)
        parts.append(
            Part(
                LegKind.PAYOUT,
                payout.method_id,
                payout.connection_id,
                payout.label,
                rest,
                destination_id=payout.destination_id,
            )
        )
    return tuple(parts)


def _back(one: Source, taken: int) -> Part:
    return Part(
        LegKind.REFUND,
        one.method_id,
        one.connection_id,
        one.label,
        taken,
        deposit_id=one.deposit_id,
    )


def owed_elsewhere(
    sources: Iterable[Source], least: Mapping[tuple[UUID, str], int], *, at: datetime
) -> tuple[Money, ...]:
    """What could still go back to deposits, by currency: from where money must not be turned away.

    Conversion does not change where money came from. `least` is what a method takes at least in a
    currency; less than that in all can't go back by itself and is not owed.
    """
    sums: dict[str, int] = {}
    floors: dict[str, list[int]] = {}
    for one in sources:
        if one.left_minor > 0 and one.takes_back(at):
            sums[one.currency] = sums.get(one.currency, 0) + one.left_minor
            floors.setdefault(one.currency, []).append(least.get((one.method_id, one.currency), 0))
    return tuple(
        Money(total, currency)
        for currency, total in sorted(sums.items())
        if total >= min(floors[currency])
    )


def charge(parts: Sequence[Part], terms: Mapping[UUID, Terms], currency: str) -> int:
    """The client's fee for these parts, on top of them: each method's own, on its sum.

    A method without terms refunds free and without limits, and pays nothing out. The least amount
    is that of the cheapest way used, so that a small rest can always go back where it came from.
    Refusals: METHOD_UNAVAILABLE, AMOUNT_TOO_LOW, AMOUNT_TOO_HIGH.
    """
    sums: dict[UUID, int] = {}
    for part in parts:
        if part.kind is LegKind.PAYOUT and part.method_id not in terms:
            raise MethodUnavailable("input", "destinationId")
        sums[part.method_id] = sums.get(part.method_id, 0) + part.amount_minor
    known = {method: terms[method] for method in sums if method in terms}
    if known:
        _check_least(sum(sums.values()), min(one.min_minor for one in known.values()), currency)
    for part in parts:
        if part.kind is LegKind.PAYOUT:
            _check_least(part.amount_minor, terms[part.method_id].min_minor, currency)
    for method, one in known.items():
        if sums[method] > one.max_minor:
            shown = from_minor(one.max_minor, currency)
            message = f"At most {shown} {currency} can go this way at once."
            raise AmountOutside("AMOUNT_TOO_HIGH", message)
    return sum(
        fee_of(sums[method], fixed_minor=one.fee_fixed_minor, bps=one.fee_bps)
        for method, one in known.items()
    )


def _check_least(amount_minor: int, least_minor: int, currency: str) -> None:
    if amount_minor < least_minor:
        shown = from_minor(least_minor, currency)
        raise AmountOutside("AMOUNT_TOO_LOW", f"At least {shown} {currency} must go this way.")


def status_of(legs: Iterable[LegState], amount_minor: int) -> Status | None:
    """The status of a withdrawal that has been sent, from its legs; None while a leg is held.

    RELEASED legs were replaced or given up and say nothing.
    """
    live = [one for one in legs if one.status is not LegStatus.RELEASED]
    found = {one.status for one in live}
    if LegStatus.HELD in found:
        return None
    for leg_status, status in _ON_ITS_WAY:
        if leg_status in found:
            return status
    paid = sum(one.paid_minor for one in live if one.status is LegStatus.PAID)
    if paid:
        return Status.PAID if paid == amount_minor else Status.PARTLY_PAID
    return Status.RETURNED if LegStatus.RETURNED in found else Status.FAILED


_LEG_NEXT: Final = {
    LegStatus.SENDING: {
        LegStatus.UNKNOWN,
        LegStatus.SENT,
        LegStatus.PAID,
        LegStatus.FAILED,
        LegStatus.RETURNED,
    },
    LegStatus.UNKNOWN: {LegStatus.SENT, LegStatus.PAID, LegStatus.FAILED, LegStatus.RETURNED},
    LegStatus.SENT: {LegStatus.PAID, LegStatus.FAILED, LegStatus.RETURNED},
    LegStatus.PAID: {LegStatus.RETURNED},
}


def what_becomes(status: LegStatus, news: LegStatus) -> LegStatus | None:
    """The status that news of a leg lead to; None when they say no more than is known.

    A PSP may say FAILED of what it had paid: then the money came back.
    """
    was_paid = status is LegStatus.PAID
    then = LegStatus.RETURNED if was_paid and news is LegStatus.FAILED else news
    return then if then in _LEG_NEXT.get(status, ()) else None


def is_old_news(version: int, known: int) -> bool:
    """Whether the PSP has said something newer of the leg; 0 is a verdict of our own."""
    return 0 < version < known


def ask_pause(age: timedelta = timedelta(0)) -> timedelta:
    """How long to wait before a leg is looked after again: ever longer, an hour at most."""
    return min(max(age / _ASK_SHARE, ASK_AFTER), ASK_MOST)


def same_holder(one: str, other: str) -> bool:
    """Whether two names are one person's: capitals, accents, marks and order do not matter."""
    return bool(_name_words(one)) and _name_words(one) == _name_words(other)


def _name_words(name: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", name.casefold())
    kept = "".join(
        " " if sign.isspace() or sign == "-" else sign
        for sign in plain
        if sign.isalnum() or sign.isspace() or sign == "-"
    )
    return sorted(kept.split())
