"""What a closed deal earns a line, pure: gates, the rate of a symbol, and both ways to share.

Money is rounded down to the minor unit once, at the end. In an override line each is due what its
own rate gives, less what those below it are due: the parts telescope, so that they sum to what the
topmost is due. In a pool the largest share takes what rounding leaves, so that they sum to the
pool; shares of tiers that the line lacks stay with the house.
"""

from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal, localcontext

from domain.accounts.values import DealEntry
from domain.ibs.commissions.values import (
    EVERY_OTHER,
    Applied,
    ClosedDeal,
    Component,
    Earned,
    Found,
    Gates,
    Member,
    Terms,
    Verdict,
)
from domain.ibs.values import CloseBy, Convention, Judgement
from domain.kernel.money import EXACT, from_minor, round_down_to_minor

_HUNDRED = Decimal(100)
_HALF = Decimal("0.5")
_NO = Decimal(0)


def judge(deal: ClosedDeal, line: Sequence[Member]) -> Verdict:
    """What the deal earns the line, the introducer first. The nearest plan's gates hold for all."""
    governing = next((one.plan for one in line if one.plan is not None), None)
    if governing is None:
        return Verdict(Judgement.NO_PLAN)
    refused = gate(deal, governing.terms.gates)
    if refused is not None:
        return Verdict(refused)
    earned: list[Earned] = []
    inverted: list[Member] = []
    is_rated = False
    for component in governing.terms.components:
        lots = counted_lots(deal, component)
        if governing.terms.convention is Convention.POOL:
            found = rate_of(governing.terms, component, deal.symbol)
            is_rated |= found is not None
            if found is not None:
                earned += _pooled(line, governing, component, (lots, found))
            continue
        parts, wrong, rated = _overridden(line, governing, component, deal.symbol, lots)
        earned += parts
        inverted += wrong
        is_rated |= rated
    if not is_rated:
        return Verdict(Judgement.NO_RATE)
    alarms = tuple(dict.fromkeys(one.ib_id for one in inverted))
    judgement = Judgement.ACCRUED if earned else Judgement.TOO_SMALL
    return Verdict(judgement, tuple(earned), alarms)


def gate(deal: ClosedDeal, gates: Gates) -> Judgement | None:
    """Why a deal is not paid for; None when it is. What can't be judged is not paid for."""
    if deal.entry is DealEntry.OUT_BY and gates.close_by is CloseBy.NEVER:
        return Judgement.CLOSED_BY
    if deal.is_hedged and not gates.pays_hedged:
        return Judgement.HEDGED
    if deal.owners and not gates.pays_own_accounts:
        return Judgement.OWN_ACCOUNT
    if not gates.min_seconds and not gates.min_pips:
        return None
    if deal.opening is None or (gates.min_pips and deal.pip is None):
        return Judgement.OPENING_UNKNOWN
    if (deal.at - deal.opening.at).total_seconds() < gates.min_seconds:
        return Judgement.TOO_SHORT
    if gates.min_pips and pips_of(deal) < gates.min_pips:
        return Judgement.TOO_FEW_PIPS
    return None


def pips_of(deal: ClosedDeal) -> Decimal:
    """How far the price moved while the position was open, either way."""
    assert deal.opening is not None, "only asked of deals whose opening is known"
    assert deal.pip is not None, "only asked of symbols whose pip is known"
    with localcontext(EXACT):
        return abs(deal.price - deal.opening.price) / deal.pip


def counted_lots(deal: ClosedDeal, component: Component) -> Decimal:
    """The closed lots, fractions and all, up to the component's cap."""
    closed = deal.closed_lots
    if deal.entry is DealEntry.OUT_BY:
        closed = closed * _HALF
    return closed if component.max_lots is None else min(closed, component.max_lots)


def rate_of(terms: Terms, component: Component, symbol: str) -> Found | None:
    """The symbol's own rate, else its group's, else none."""
    for rate in component.rates:
        if rate.symbol == symbol:
            return Found(rate.per_lot, f"symbol {symbol}")
    name = group_of(terms, symbol)
    for rate in component.rates:
        if rate.group is not None and rate.group == name:
            return Found(rate.per_lot, f"group {name}")
    return None


def group_of(terms: Terms, symbol: str) -> str | None:
    """The group that names the symbol, else the one for every other symbol."""
    for wanted in (symbol, EVERY_OTHER):
        for group in terms.groups:
            if wanted in group.symbols:
                return group.name
    return None


def split(total_minor: int, shares: Sequence[Decimal]) -> list[int]:
    """Parts of a total by percent, each rounded down; the largest share takes the remainder.

    Shares below 100 in all leave the rest, rounded down too, to nobody. Of equal shares the first
    counts as the largest.
    """
    with localcontext(EXACT):
        given = _floor(total_minor * sum(shares, _NO) / _HUNDRED)
        parts = [_floor(total_minor * share / _HUNDRED) for share in shares]
    if parts:
        parts[max(range(len(parts)), key=lambda at: (shares[at], -at))] += given - sum(parts)
    return parts


def convert(minor: int, currency: str, *, rate: Decimal, to: str) -> int:
    """An amount in another currency, rounded down towards zero."""
    with localcontext(EXACT):
        return round_down_to_minor(from_minor(minor, currency) * rate, to)


def pip_of(digits: int) -> Decimal:
    """The pip of a symbol by its decimals: the last but one where there is a fractional one."""
    return Decimal(1).scaleb(-(digits - 1 if digits in (3, 5) else digits))


def _floor(amount: Decimal) -> int:
    return int(amount.to_integral_value(ROUND_DOWN))


def _due(found: Found, lots: Decimal, terms: Terms, cap_minor: int | None) -> int:
    with localcontext(EXACT):
        minor = round_down_to_minor(found.per_lot * lots, terms.currency)
    return minor if cap_minor is None else min(minor, cap_minor)


def _pooled(
    line: Sequence[Member], plan: Applied, component: Component, paid: tuple[Decimal, Found]
) -> list[Earned]:
    lots, found = paid
    total = _due(found, lots, plan.terms, component.max_minor)
    sharing = list(zip(line, component.shares, strict=False))
    parts = split(total, [share for _, share in sharing])
    earned = []
    for (member, share), minor in zip(sharing, parts, strict=True):
        with localcontext(EXACT):
            rate = found.per_lot * share / _HUNDRED
        if minor:
            earned.append(
                Earned(component.name, member, plan, lots, found, rate, minor, total, 0, share)
            )
    return earned


def _overridden(
    line: Sequence[Member], governing: Applied, component: Component, symbol: str, lots: Decimal
) -> tuple[list[Earned], list[Member], bool]:
    """Each its own less what those below are due. The governing plan's caps hold for the line."""
    earned: list[Earned] = []
    inverted: list[Member] = []
    below, below_rate, is_rated = 0, _NO, False
    for member in line:
        found = _own_rate(member, governing.terms, component, symbol)
        if found is None or member.plan is None:
            continue
        is_rated = True
        due = _due(found, lots, member.plan.terms, component.max_minor)
        if found.per_lot < below_rate:
            inverted.append(member)
            continue
        if due > below:
            rate = found.per_lot - below_rate
            earned.append(
                Earned(
                    component.name, member, member.plan, lots, found, rate, due - below, due, below
                )
            )
        below, below_rate = due, found.per_lot
    return earned, inverted, is_rated


def _own_rate(member: Member, like: Terms, component: Component, symbol: str) -> Found | None:
    """The rate of the ib's own plan, if that shares by the same convention and currency."""
    plan = member.plan
    if plan is None or plan.terms.convention is not Convention.OVERRIDE:
        return None
    if plan.terms.currency != like.currency:
        return None
    for own in plan.terms.components:
        if own.name == component.name:
            return rate_of(plan.terms, own, symbol)
    return None
