"""Short ways to write rules, figures and days in tests. Money is whole units of two decimals."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from domain.accounts.values import DealEntry
from domain.challenges.rules import begin, evaluate
from domain.challenges.values import (
    CashMoved,
    Dealt,
    EquitySampled,
    PhaseState,
    RuleSet,
    Share,
    TimePassed,
    Verdict,
)

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def percent(value: str) -> Share:
    return Share(percent=Decimal(value))


def amount(whole: int) -> Share:
    return Share(amount_minor=whole * 100)


def figures(balance: int, equity: int | None = None, *, at: datetime = NOON) -> EquitySampled:
    return EquitySampled(at, balance * 100, (balance if equity is None else equity) * 100)


class Account:
    """A phase that is fed step by step; everything that was decided is kept."""

    def __init__(self, rules: RuleSet, start: int = 100_000, at: datetime = NOON) -> None:
        self.rules, self.at = rules, at
        self.state: PhaseState = begin(rules, start_minor=start * 100, at=at)
        self.verdicts: list[Verdict] = []
        self.sequence = 0

    def see(self, balance: int, equity: int | None = None) -> tuple[Verdict, ...]:
        self.at += timedelta(seconds=1)
        return self._feed(figures(balance, equity, at=self.at))

    def deal(
        self, entry: DealEntry, lots: str = "1", *, position: str = "p1", balance: int | None = None
    ) -> tuple[Verdict, ...]:
        self.sequence += 1
        after = self.state.balance_minor if balance is None else balance * 100
        return self._feed(Dealt(self.sequence, self.at, entry, position, Decimal(lots), after))

    def cash(self, moved: int) -> tuple[Verdict, ...]:
        self.sequence += 1
        after = self.state.balance_minor + moved * 100
        return self._feed(CashMoved(self.sequence, self.at, moved * 100, after))

    def next_day(self) -> tuple[Verdict, ...]:
        self.at = self.state.next_reset_at
        return self._feed(TimePassed(self.at))

    def close_day(self, balance: int) -> tuple[Verdict, ...]:
        """The day ends flat with this balance."""
        return (*self.see(balance), *self.next_day())

    def _feed(self, event: EquitySampled | Dealt | CashMoved | TimePassed) -> tuple[Verdict, ...]:
        self.state, found = evaluate(self.rules, self.state, event)
        self.verdicts.extend(found)
        return found
