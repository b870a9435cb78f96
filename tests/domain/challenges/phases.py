"""Rules and histories that Hypothesis makes: deals, cash, figures, time, repetitions."""

from dataclasses import replace
from datetime import time, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from domain.accounts.values import DealEntry, StateSource
from domain.challenges.values import (
    CashEffect,
    CashMoved,
    DailyAnchor,
    DailyBase,
    DailyLoss,
    DayCount,
    Dealt,
    EquitySampled,
    MaxLoss,
    MaxLossKind,
    MinDays,
    RuleEvent,
    RuleSet,
    Severity,
    Share,
    TimePassed,
)
from tests.domain.challenges.steps import NOON

START = 100_000
"""Minor units: small, so that floors and targets are met often."""

shares = st.one_of(
    st.integers(1, 12).map(lambda n: Share(percent=Decimal(n))),
    st.integers(1, 12_000).map(lambda n: Share(amount_minor=n)),
)
locks = st.none() | st.integers(0, 5_000).map(lambda n: Share(amount_minor=n))
max_losses = st.builds(
    lambda kind, share, lock: MaxLoss(kind, share, None if kind is MaxLossKind.STATIC else lock),
    st.sampled_from(MaxLossKind),
    shares,
    locks,
)
daily_losses = st.builds(
    DailyLoss,
    share=shares,
    base=st.sampled_from(DailyBase),
    anchor=st.sampled_from(DailyAnchor),
    severity=st.sampled_from(Severity),
)
min_days = st.builds(
    lambda count, kind: MinDays(count, kind, Decimal(1) if kind is DayCount.PROFIT else None),
    st.integers(1, 3),
    st.sampled_from(DayCount),
)
rule_sets = st.builds(
    RuleSet,
    zone=st.sampled_from(["Europe/Prague", "NY_CLOSE", "America/Chicago"]),
    reset_time=st.sampled_from([time(0), time(17)]),
    profit_target=st.none() | shares,
    max_loss=st.none() | max_losses,
    daily_loss=st.none() | daily_losses,
    breach_at_floor=st.booleans(),
    min_days=st.none() | min_days,
    max_days=st.none() | st.integers(1, 5),
    max_day_share=st.none() | st.sampled_from([Decimal(40), Decimal(60)]),
    cash=st.sampled_from(CashEffect),
)


@st.composite
def histories(draw: st.DrawFn, *, size: int = 30, cash: bool = True) -> list[RuleEvent]:
    """Events as they arrive: mostly newer, some older, some told twice."""
    at, balance, sequence = NOON, START, 0
    events: list[RuleEvent] = []
    for _ in range(draw(st.integers(1, size))):
        at += timedelta(minutes=draw(st.sampled_from([0, 1, 45, 600, -5])))
        kind = draw(st.integers(0, 7))
        if kind == 0:
            sequence += draw(st.integers(0, 1))
            entry = draw(st.sampled_from([DealEntry.IN, DealEntry.OUT, DealEntry.INOUT]))
            position = draw(st.sampled_from(["a", "b"]))
            events.append(Dealt(sequence, at, entry, position, Decimal(1), balance))
        elif kind == 1 and cash:
            sequence += 1
            moved = draw(st.integers(-3_000, 3_000))
            balance += moved
            events.append(CashMoved(sequence, at, moved, balance))
        elif kind == 2:
            events.append(TimePassed(at))
        else:
            balance += draw(st.integers(-1_500, 2_000)) if kind > 5 else 0
            floating = draw(st.sampled_from([0, 0, 0, -4_000, -1_000, 300, 2_500]))
            source = draw(st.sampled_from(StateSource))
            events.append(EquitySampled(at, balance, balance + floating, source))
    return events


def shifted(events: list[RuleEvent], by: timedelta) -> list[RuleEvent]:
    """The same events at another time."""
    return [replace(one, at=one.at + by) for one in events]
