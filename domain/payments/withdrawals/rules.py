"""Pure verdicts on withdrawals: whose approval, which way, what fee, who decides, what status.

Worked example D4: deposits by card A of 600 and Skrill of 400; a withdrawal of 1,500 goes
600 to card A, 400 to Skrill and 500 to the payout destination.
"""

import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from domain.clients.values import ClientRisk
from domain.kernel.money import from_minor, scale_of
from domain.payments.rules import fee_of
from domain.payments.values import ApprovalLevel, ApprovalStatus, LegKind, LegStatus, MethodKind
from domain.payments.values import PaymentStatus as Status
from domain.payments.withdrawals.errors import (
    AmountOutside,
    DestinationRequired,
    FourEyes,
    LevelMissing,
    MethodUnavailable,
)
from domain.payments.withdrawals.values import (
    ApprovalRule,
    ApprovalState,
    LegState,
    Part,
    Payout,
    Source,
    Terms,
)

# D4, in major units of the currency: up to 500 by itself, then one level more at a time.
_DEFAULTS: Final = (
    (500, 0),
    (5_000, 1),
    (50_000, 2),
)
_CHAIN: Final = tuple(ApprovalLevel)
# Of a coin 500 units can be a fortune: without a rule of the brand, everybody looks at it.
_COIN_SCALE: Final = 4
_FIRST: Final = {kind: n for n, kind in enumerate(MethodKind)}
_ON_ITS_WAY: Final = (
    (LegStatus.UNKNOWN, Status.UNKNOWN),
    (LegStatus.SENDING, Status.SENDING),
    (LegStatus.SENT, Status.SENT),
)


def required_levels(
    rules: Sequence[ApprovalRule], currency: str, amount_minor: int, risk: ClientRisk
) -> tuple[ApprovalLevel, ...]:
    """Whose approvals an amount needs, in the order of the chain; none for what goes by itself.

    `rules` are the brand's for this currency and risk; D4's table holds when there are none, and
    above the highest of them everybody is asked. Whatever they say, a client of MEDIUM or HIGH
    risk is looked at by somebody, and one of HIGH risk by compliance.
    """
    found = set(_by_rules(rules, amount_minor) if rules else _by_default(currency, amount_minor))
    if risk is ClientRisk.HIGH:
        found.add(ApprovalLevel.COMPLIANCE)
    if risk is not ClientRisk.LOW:
        found.add(ApprovalLevel.BACK_OFFICE)
    return tuple(level for level in _CHAIN if level in found)


def _by_rules(rules: Sequence[ApprovalRule], amount_minor: int) -> Sequence[ApprovalLevel]:
    bounded = sorted(
        (one for one in rules if one.upto_minor is not None), key=lambda one: one.upto_minor or 0
    )
    for one in (*bounded, *(one for one in rules if one.upto_minor is None)):
        if one.upto_minor is None or amount_minor <= one.upto_minor:
            return one.levels
    return _CHAIN


def _by_default(currency: str, amount_minor: int) -> Sequence[ApprovalLevel]:
    if scale_of(currency) < _COIN_SCALE:
        for upto, levels in _DEFAULTS:
            if from_minor(amount_minor, currency) <= upto:
                return _CHAIN[:levels]
    return _CHAIN


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


def decide_approval(
    approvals: Sequence[ApprovalState],
    who: UUID,
    *,
    permissions: Collection[str],
    makers: Collection[UUID],
) -> ApprovalState:
    """The approval of this round that a member of staff may decide: the first that waits.

    Nobody who asked for the withdrawal or named its payee (`makers`) decides, and nobody decides
    twice in a round. Refusals: FOUR_EYES, LEVEL_MISSING.
    """
    waiting = next(one for one in approvals if one.status is ApprovalStatus.PENDING)
    if who in makers or any(one.decided_by == who for one in approvals):
        raise FourEyes()
    if f"approvals:{waiting.level.lower()}" not in permissions:
        raise LevelMissing(waiting.level)
    return waiting


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


def may_become(status: LegStatus, then: LegStatus) -> bool:
    """Whether news of a leg says more than is known: late and repeated news does not."""
    return then in _LEG_NEXT.get(status, ())


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
