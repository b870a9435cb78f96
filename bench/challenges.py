"""`python -m bench challenges`: accounts judged per second on one core, beside the plain loop.

Every tick carries new figures of every account. Three ways take the same ticks, interleaved round
by round: the peer calls `rules.evaluate` for one account after another; the book judges columns;
the book fed with platform states also pays for turning their decimals into columns. At the end
all three must have said the same: every verdict, and every state.

Rates are of processor time, and ticks are made as they are needed. No new tick begins after
`--seconds` of wall time, so that a busy machine measures fewer ticks, and not for longer.
"""

import argparse
import math
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from rich.console import Console
from rich.progress import track
from rich.table import Table

from domain.accounts.trading import AccountState
from domain.accounts.values import StateSource
from domain.challenges.rules import begin, evaluate
from domain.challenges.values import (
    DailyAnchor,
    DailyBase,
    DailyLoss,
    EquitySampled,
    MaxLoss,
    MaxLossKind,
    PhaseState,
    RuleSet,
    Severity,
    Share,
    Verdict,
)
from domain.challenges.vector import Book, Figures

PEER = "one account after another"
ARRAYS = "arrays"
STATES = "arrays, from platform states"
_BEGUN = datetime(2026, 6, 1, 12, tzinfo=UTC)
_TICK = timedelta(milliseconds=250)
_START = 100_000_00
Told = list[tuple[int, tuple[Verdict, ...]]]


@dataclass(frozen=True, slots=True)
class Tick:
    """The same new figures of all accounts in the three shapes."""

    samples: Sequence[tuple[int, EquitySampled]]
    figures: Figures
    states: Sequence[tuple[int, AccountState]]


class Ways:
    """One set of accounts three times over, so that each way judges its own."""

    def __init__(self, accounts: int) -> None:
        sets = rule_sets()
        self.rules = [sets[n % len(sets)] for n in range(accounts)]
        self.plain = [begin(one, start_minor=_START, at=_BEGUN) for one in self.rules]
        self.book = Book(zip(self.rules, self.plain, strict=True))
        self.fed = Book(zip(self.rules, self.plain, strict=True))

    def judge_plain(self, tick: Tick) -> Told:
        told = []
        for row, sample in tick.samples:
            self.plain[row], verdicts = evaluate(self.rules[row], self.plain[row], sample)
            if verdicts:
                told.append((row, verdicts))
        return told

    def judge_arrays(self, tick: Tick) -> Told:
        return self.book.observe(tick.figures)

    def judge_states(self, tick: Tick) -> Told:
        return self.fed.observe(Figures.of_states(tick.states))

    def all_states(self) -> list[list[PhaseState]]:
        books = [[one.state(row) for row in range(len(one))] for one in (self.book, self.fed)]
        return [self.plain, *books]


def rule_sets() -> list[RuleSet]:
    """Programs as they are sold: every kind of maximum loss, hard and soft days, three zones."""
    return [
        RuleSet(
            zone=zone,
            profit_target=Share(Decimal(10)),
            max_loss=MaxLoss(kind, Share(Decimal(10))),
            daily_loss=DailyLoss(Share(Decimal(5)), DailyBase.INITIAL, anchor, severity),
            max_days=30,
        )
        for zone in ("Europe/Prague", "NY_CLOSE", "America/Chicago")
        for kind in MaxLossKind
        for anchor, severity in (
            (DailyAnchor.BALANCE, Severity.HARD),
            (DailyAnchor.HIGHER, Severity.SOFT),
        )
    ]


def make_ticks(accounts: int, count: int, *, seed: int) -> Iterator[Tick]:
    """Floating profit walks; about one account in a thousand breaks a floor on the way."""
    chance = random.Random(seed)
    floating = [0] * accounts
    for n in range(1, count + 1):
        at = _BEGUN + n * _TICK
        for row in range(accounts):
            floating[row] += chance.randint(-20_00, 20_00)
        fallen = chance.sample(range(accounts), max(accounts // 1_000 // count, 1))
        for row in fallen:
            floating[row] -= 6_000_00
        yield _tick(at, floating)


def _tick(at: datetime, floating: Sequence[int]) -> Tick:
    samples = [
        (row, EquitySampled(at, _START, _START + moved)) for row, moved in enumerate(floating)
    ]
    states = [(row, _state(at, row, sample)) for row, sample in samples]
    return Tick(samples, Figures.of(samples), states)


def _state(at: datetime, row: int, sample: EquitySampled) -> AccountState:
    balance, equity = (Decimal(n).scaleb(-2) for n in (sample.balance_minor, sample.equity_minor))
    return AccountState(
        login=row,
        balance=balance,
        credit=Decimal("0.00"),
        equity=equity,
        margin=Decimal("1000.00"),
        free_margin=equity - 1000,
        floating=equity - balance,
        margin_level_percent=equity / 10,
        currency="USD",
        digits=2,
        as_of=at.replace(),  # decoded one by one
        source=StateSource.STREAM,
    )


def run(
    accounts: int, rounds: int, *, seed: int, seconds: float = math.inf
) -> tuple[dict[str, list[float]], int]:
    """Accounts per second of each way and round, and how many verdicts all of them gave.

    At least one round, and no further one once `seconds` have passed since the call.
    """
    ends = time.monotonic() + seconds
    ways = Ways(accounts)
    judges: dict[str, Callable[[Tick], Told]] = {
        PEER: ways.judge_plain,
        ARRAYS: ways.judge_arrays,
        STATES: ways.judge_states,
    }
    rates: dict[str, list[float]] = {name: [] for name in judges}
    verdicts = 0
    ticks = make_ticks(accounts, rounds, seed=seed)
    for tick in track(ticks, "judging", total=rounds, console=Console(stderr=True)):
        told = []
        for name, judge in judges.items():
            began = time.process_time()
            told.append(judge(tick))
            rates[name].append(accounts / (time.process_time() - began))
        if any(one != told[0] for one in told):
            raise SystemExit("error: the ways do not say the same")
        verdicts += sum(len(found) for _, found in told[0])
        if time.monotonic() >= ends:
            break
    if any(states != ways.plain for states in ways.all_states()):
        raise SystemExit("error: the ways do not remember the same")
    return rates, verdicts


def main(arguments: Sequence[str]) -> None:
    """Measure and print; exit 1 when the ways differ."""
    parser = argparse.ArgumentParser(prog="python -m bench challenges", description=__doc__)
    parser.add_argument("--accounts", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=25, help="begin no tick after so many")
    plan = parser.parse_args(arguments)
    rates, verdicts = run(plan.accounts, plan.rounds, seed=plan.seed, seconds=plan.seconds)
    ticks = len(rates[PEER])
    title = f"{plan.accounts:,} accounts, {ticks} ticks, {verdicts:,} verdicts, medians"
    table = Table(title=title)
    for column in ("way", "accounts/s per core", "slowest", "ratio"):
        table.add_column(column, justify="left" if column == "way" else "right")
    peer = statistics.median(rates[PEER])
    for name, found in rates.items():
        rate = statistics.median(found)
        table.add_row(name, f"{rate:,.0f}", f"{min(found):,.0f}", f"{rate / peer:.1f}")
    Console().print(table)
