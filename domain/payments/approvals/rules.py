"""Pure verdicts on approvals: whose a withdrawal needs, and who gives the next one."""

from collections.abc import Collection, Sequence
from fractions import Fraction
from typing import Final
from uuid import UUID

from domain.clients.values import ClientRisk
from domain.kernel.money import Money, from_minor, scale_of
from domain.payments.approvals.errors import FourEyes, LevelMissing
from domain.payments.approvals.values import ApprovalRule, ApprovalState, Case
from domain.payments.values import ApprovalLevel, ApprovalStatus

# D4, in major units of the currency: up to 500 by itself, then one level more at a time.
_DEFAULTS: Final = (
    (500, 0),
    (5_000, 1),
    (50_000, 2),
)
_CHAIN: Final = tuple(ApprovalLevel)
# Of a coin 500 units can be a fortune: without a rule of the brand, everybody looks at it.
_COIN_SCALE: Final = 4


Others = Sequence[tuple[Sequence[ApprovalRule], Money]]


def required_levels(
    rules: Sequence[ApprovalRule], case: Case, others: Others = ()
) -> tuple[ApprovalLevel, ...]:
    """Whose approvals a withdrawal needs, in the order of the chain; none for what goes by itself.

    `rules` are the brand's for this currency and risk; D4's table holds when there are none, and
    above the highest of them everybody is asked. `others` are what leaves in other currencies, with
    their rules: each counts as its share of what may go there without a level. Whatever they say,
    back office looks at clients of MEDIUM or HIGH risk, at debtors and at what others asked for or
    addressed; compliance at HIGH risk and at money that leaves while it could go back where it came
    from.
    """
    found = set(_by_rules(rules, case.amount) if rules else _by_default(case.amount))
    found |= {level for level in _CHAIN if _is_shared_out(level, [(rules, case.amount), *others])}
    if case.risk is ClientRisk.HIGH or case.leaves_source:
        found.add(ApprovalLevel.COMPLIANCE)
    if case.risk is not ClientRisk.LOW or case.is_by_others or case.is_in_debt:
        found.add(ApprovalLevel.BACK_OFFICE)
    return tuple(level for level in _CHAIN if level in found)


def position(level: ApprovalLevel) -> int:
    """Where in the chain a level stands, from 1: the lowest that waits is next."""
    return _CHAIN.index(level) + 1


def _by_rules(rules: Sequence[ApprovalRule], amount: Money) -> Sequence[ApprovalLevel]:
    bounded = sorted(
        (one for one in rules if one.upto_minor is not None), key=lambda one: one.upto_minor or 0
    )
    for one in (*bounded, *(one for one in rules if one.upto_minor is None)):
        if one.upto_minor is None or amount.amount_minor <= one.upto_minor:
            return one.levels
    return _CHAIN


def _is_shared_out(level: ApprovalLevel, parts: Others) -> bool:
    """Whether parts that each go without a level are together more than may go without it."""
    shares = Fraction(0)
    for rules, amount in parts:
        free = _free_minor(rules, amount.currency, level)
        # Where nothing goes without that level, it has looked already.
        if free:
            shares += Fraction(amount.amount_minor, free)
    return len(parts) > 1 and shares > 1


def _free_minor(rules: Sequence[ApprovalRule], currency: str, level: ApprovalLevel) -> int:
    """How much of a currency goes without a level; 0 when nothing does, or everything."""
    steps = sorted((one.upto_minor, one.levels) for one in rules if one.upto_minor is not None)
    if not rules and scale_of(currency) < _COIN_SCALE:
        steps = [(upto * 10 ** scale_of(currency), _CHAIN[:n]) for upto, n in _DEFAULTS]
    free = 0
    for upto, levels in steps:
        if level in levels:
            return free
        free = upto
    rest = next((one.levels for one in rules if one.upto_minor is None), _CHAIN)
    return free if level in rest else 0


def _by_default(amount: Money) -> Sequence[ApprovalLevel]:
    if scale_of(amount.currency) < _COIN_SCALE:
        for upto, levels in _DEFAULTS:
            if from_minor(amount.amount_minor, amount.currency) <= upto:
                return _CHAIN[:levels]
    return _CHAIN


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
