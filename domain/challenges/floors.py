"""Floors, targets and anchors of a phase, from its rules and figures. Money is minor units.

A share that is no whole number of minor units is rounded in the trader's favour: a loss that is
allowed up, a profit that is asked for down.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext

from domain.challenges.values import (
    CashEffect,
    DailyAnchor,
    DailyBase,
    DailyLoss,
    MaxLoss,
    MaxLossKind,
    PhaseState,
    RuleSet,
    Share,
)
from domain.kernel.money import EXACT


def allowed_loss(share: Share, base_minor: int) -> int:
    """The most that may be lost."""
    return _part(share, base_minor, ROUND_CEILING)


def asked_profit(share: Share, base_minor: int) -> int:
    """The least that must be won."""
    return _part(share, base_minor, ROUND_FLOOR)


def required_total(best_day_minor: int, max_day_share: Decimal) -> int:
    """The profit of which the best day is no more than its percentage."""
    with localcontext(EXACT):
        whole = Decimal(max(best_day_minor, 0)) * 100 / max_day_share
        return int(whole.to_integral_value(ROUND_CEILING))


def anchor_of(daily: DailyLoss | None, balance_minor: int, equity_minor: int) -> int:
    """What a day is counted from, by the figures at its beginning."""
    anchor = DailyAnchor.BALANCE if daily is None else daily.anchor
    if anchor is DailyAnchor.BALANCE:
        return balance_minor
    return equity_minor if anchor is DailyAnchor.EQUITY else max(balance_minor, equity_minor)


def daily_floor(rules: RuleSet, start_minor: int, anchor_minor: int) -> int | None:
    """Under which equity must not fall today; None without such a rule."""
    daily = rules.daily_loss
    if daily is None:
        return None
    base = start_minor if daily.base is DailyBase.INITIAL else anchor_minor
    return anchor_minor - allowed_loss(daily.share, base)


def total_floor(
    rules: RuleSet, start_minor: int, peak_minor: int, *, cash_minor: int = 0
) -> int | None:
    """Under which equity must never fall; None without such a rule."""
    loss = rules.max_loss
    if loss is None:
        return None
    allowed = allowed_loss(loss.share, start_minor)
    if loss.kind is MaxLossKind.STATIC:
        return start_minor - allowed
    cap = lock_level(rules, loss, start_minor, cash_minor=cash_minor)
    return peak_minor - allowed if cap is None else min(peak_minor - allowed, cap)


def lock_level(
    rules: RuleSet, loss: MaxLoss, start_minor: int, *, cash_minor: int = 0
) -> int | None:
    """Above which a trailing floor does not rise; None: it always follows."""
    if loss.lock is None:
        return None
    moved = cash_minor if rules.cash is CashEffect.SHIFT else 0
    return start_minor + asked_profit(loss.lock, start_minor) + moved


def target_level(rules: RuleSet, state: PhaseState) -> int | None:
    """The balance at which the profit target is met; cash in and out is not profit."""
    if rules.profit_target is None:
        return None
    gain = asked_profit(rules.profit_target, state.start_minor)
    return state.start_minor + state.cash_minor + gain


def best_day(state: PhaseState) -> int:
    """The most that one day has brought so far, the present one included."""
    return max(state.best_day_minor, state.balance_minor - state.day_balance_minor)


def is_below(rules: RuleSet, equity_minor: int, floor_minor: int | None) -> bool:
    """Whether a floor is broken; equal to it is by the rules' choice."""
    if floor_minor is None:
        return False
    return equity_minor <= floor_minor if rules.breach_at_floor else equity_minor < floor_minor


def _part(share: Share, base_minor: int, rounding: str) -> int:
    if share.percent is None:
        return share.amount_minor or 0
    with localcontext(EXACT):
        return int((Decimal(base_minor) * share.percent / 100).to_integral_value(rounding))
