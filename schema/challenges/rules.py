"""The rules of a phase: as they are shown, and as staff write them."""

from datetime import time
from decimal import Decimal
from typing import Any, Self

import strawberry
from strawberry import UNSET

from domain.challenges import values
from domain.challenges.lifecycle import PhasePlan
from domain.challenges.snapshot import load_rules
from domain.kernel.errors import Invalid
from domain.kernel.money import to_minor
from schema.challenges.enums import (
    CashEffect,
    DailyAnchor,
    DailyBase,
    DayCount,
    MaxLossKind,
    RuleSeverity,
)
from schema.shared.permission import public
from schema.shared.scalars import Money


def _field(description: str, **how: Any) -> Any:
    return strawberry.field(description=description, **how)


@strawberry.type(
    description="A part of an account: a percentage or an amount, one of both.",
    directives=public(),
)
class RuleShare:
    percent: Decimal | None = _field("The percentage.")
    amount: Money | None = _field("The amount.")

    @classmethod
    def of(cls, share: values.Share | None, currency: str) -> Self | None:
        """A share as callers see it."""
        if share is None:
            return None
        amount = share.amount_minor
        shown = None if amount is None else Money.of(amount, currency)
        return cls(percent=share.percent, amount=shown)


@strawberry.type(description="The maximum loss of a phase.", directives=public())
class MaxLossRule:
    kind: MaxLossKind = _field("What its floor follows.")
    share: RuleShare = _field("How far below that the floor is, of the initial balance.")
    lock: RuleShare | None = _field(
        "How far above the initial balance a trailing floor stops; null when it follows for ever."
    )


@strawberry.type(description="The loss of a day.", directives=public())
class DailyLossRule:
    share: RuleShare = _field("How far below its anchor the day's floor is.")
    base: DailyBase = _field("What a percentage is of.")
    anchor: DailyAnchor = _field("What the loss is counted from.")
    severity: RuleSeverity = _field("What breaking it does.")


@strawberry.type(description="Days that must count.", directives=public())
class MinDaysRule:
    count: int = _field("How many.")
    kind: DayCount = _field("Which.")
    profit_percent: Decimal | None = _field("What a PROFIT day brings, of the initial balance.")


@strawberry.type(
    description="The rules of a phase. A phase keeps those it was bought with.",
    directives=public(),
)
class PhaseRules:
    time_zone: str = _field("Whose calendar days follow: an IANA name, or NY_CLOSE.")
    reset_time: str = _field("When a day begins there, such as `00:00`.")
    profit_target: RuleShare | None = _field("Profit to reach, of the initial balance.")
    max_loss: MaxLossRule | None = _field("The floor for the whole phase.")
    daily_loss: DailyLossRule | None = _field("The floor for a day.")
    breach_at_floor: bool = _field("Whether equity equal to a floor breaks it already.")
    min_days: MinDaysRule | None = _field("Days that must count.")
    max_days: int | None = _field("How many days it may take.")
    max_day_share: Decimal | None = _field(
        "The percentage of the whole profit that the best day may be."
    )
    cash: CashEffect = _field("What money put in or taken out does to floors.")

    @classmethod
    def of(cls, stored: Any, currency: str) -> Self:
        """Rules as a row keeps them, as callers see them."""
        rules = load_rules(stored)
        return cls(
            time_zone=rules.zone,
            reset_time=rules.reset_time.isoformat(timespec="minutes"),
            profit_target=RuleShare.of(rules.profit_target, currency),
            max_loss=_max_loss(rules.max_loss, currency),
            daily_loss=_daily_loss(rules.daily_loss, currency),
            breach_at_floor=rules.breach_at_floor,
            min_days=_min_days(rules.min_days),
            max_days=rules.max_days,
            max_day_share=rules.max_day_share,
            cash=CashEffect(rules.cash.value),
        )


def _max_loss(loss: values.MaxLoss | None, currency: str) -> MaxLossRule | None:
    if loss is None:
        return None
    share = RuleShare.of(loss.share, currency)
    assert share is not None, "a loss has a share"
    lock = RuleShare.of(loss.lock, currency)
    return MaxLossRule(kind=MaxLossKind(loss.kind.value), share=share, lock=lock)


def _daily_loss(daily: values.DailyLoss | None, currency: str) -> DailyLossRule | None:
    if daily is None:
        return None
    share = RuleShare.of(daily.share, currency)
    assert share is not None, "a loss has a share"
    return DailyLossRule(
        share=share,
        base=DailyBase(daily.base.value),
        anchor=DailyAnchor(daily.anchor.value),
        severity=RuleSeverity(daily.severity.value),
    )


def _min_days(days: values.MinDays | None) -> MinDaysRule | None:
    if days is None:
        return None
    kind = DayCount(days.kind.value)
    return MinDaysRule(count=days.count, kind=kind, profit_percent=days.profit_percent)


@strawberry.input(
    description="A part of an account: exactly one of a percentage and an amount.", one_of=True
)
class RuleShareInput:
    percent: Decimal | None = _field("A percentage.", default=UNSET)
    amount: Decimal | None = _field("An amount in the account's currency.", default=UNSET)

    def share(self, currency: str) -> values.Share:
        """As rules have it. Refusals: INVALID."""
        if isinstance(self.percent, Decimal):
            return values.Share(percent=self.percent)
        path = ("input", "phases")
        return values.Share(amount_minor=to_minor(self.amount or Decimal(0), currency, path=path))


@strawberry.input(description="A maximum loss.")
class MaxLossInput:
    share: RuleShareInput = _field("How far the floor is below what it follows.")
    kind: MaxLossKind = _field("What its floor follows.", default=MaxLossKind.STATIC)
    lock: RuleShareInput | None = _field(
        "How far above the initial balance a trailing floor stops.", default=None
    )

    def rule(self, currency: str) -> values.MaxLoss:
        """As rules have it. Refusals: INVALID."""
        lock = None if self.lock is None else self.lock.share(currency)
        return values.MaxLoss(values.MaxLossKind[self.kind.name], self.share.share(currency), lock)


@strawberry.input(description="A daily loss.")
class DailyLossInput:
    share: RuleShareInput = _field("How far the day's floor is below its anchor.")
    base: DailyBase = _field("What a percentage is of.", default=DailyBase.INITIAL)
    anchor: DailyAnchor = _field("What the loss is counted from.", default=DailyAnchor.BALANCE)
    severity: RuleSeverity = _field("What breaking it does.", default=RuleSeverity.HARD)

    def rule(self, currency: str) -> values.DailyLoss:
        """As rules have it. Refusals: INVALID."""
        return values.DailyLoss(
            self.share.share(currency),
            values.DailyBase[self.base.name],
            values.DailyAnchor[self.anchor.name],
            values.Severity[self.severity.name],
        )


@strawberry.input(description="Days that must count.")
class MinDaysInput:
    count: int = _field("How many.")
    kind: DayCount = _field("Which.", default=DayCount.OPENED_TRADE)
    profit_percent: Decimal | None = _field(
        "What a PROFIT day brings, of the initial balance.", default=None
    )

    def rule(self) -> values.MinDays:
        """As rules have it."""
        return values.MinDays(self.count, values.DayCount[self.kind.name], self.profit_percent)


@strawberry.input(description="The rules of a phase.")
class PhaseRulesInput:
    profit_target: RuleShareInput = _field("Profit to reach, of the initial balance.")
    time_zone: str = _field(
        "Whose calendar days follow: an IANA name, or NY_CLOSE.", default="Europe/Prague"
    )
    reset_time: str = _field("When a day begins there, such as `00:00`.", default="00:00")
    max_loss: MaxLossInput | None = _field("The floor for the whole phase.", default=None)
    daily_loss: DailyLossInput | None = _field("The floor for a day.", default=None)
    breach_at_floor: bool = _field(
        "Whether equity equal to a floor breaks it already.", default=False
    )
    min_days: MinDaysInput | None = _field("Days that must count.", default=None)
    max_days: int | None = _field("How many days it may take.", default=None)
    max_day_share: Decimal | None = _field(
        "The percentage of the whole profit that the best day may be.", default=None
    )
    cash: CashEffect = _field(
        "What money put in or taken out does to floors.", default=CashEffect.SHIFT
    )

    def rules(self, currency: str) -> values.RuleSet:
        """As phases are judged by. Refusals: INVALID."""
        return values.RuleSet(
            zone=self.time_zone,
            reset_time=_time(self.reset_time),
            profit_target=self.profit_target.share(currency),
            max_loss=None if self.max_loss is None else self.max_loss.rule(currency),
            daily_loss=None if self.daily_loss is None else self.daily_loss.rule(currency),
            breach_at_floor=self.breach_at_floor,
            min_days=None if self.min_days is None else self.min_days.rule(),
            max_days=self.max_days,
            max_day_share=self.max_day_share,
            cash=values.CashEffect[self.cash.name],
        )  # fmt: skip


@strawberry.input(description="A phase of a program.")
class ProgramPhaseInput:
    name: str = _field("What traders call it.")
    rules: PhaseRulesInput = _field("Its rules.")

    def plan(self, currency: str) -> PhasePlan:
        """As a program sells it. Refusals: INVALID."""
        return PhasePlan(self.name, self.rules.rules(currency))


def _time(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        message = "Write a time of the wall clock such as 00:00."
        raise Invalid("INVALID", message, path=("input", "phases")) from None
