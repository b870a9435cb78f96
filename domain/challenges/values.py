"""Closed lists, rule sets, states and events of a phase. Money is minor units of the account.

A rule set is data: a program's version holds it and a phase keeps its own copy, so that no later
version changes a phase that was bought.
"""

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum

from domain.accounts.values import DealEntry, Side, StateSource


class RuleKind(StrEnum):
    """What can be asked of a trader."""

    PROFIT_TARGET = "PROFIT_TARGET"
    MAX_LOSS = "MAX_LOSS"
    DAILY_LOSS = "DAILY_LOSS"
    MIN_TRADING_DAYS = "MIN_TRADING_DAYS"
    TIME_LIMIT = "TIME_LIMIT"
    CONSISTENCY = "CONSISTENCY"


class RuleStatus(StrEnum):
    """PENDING: still to be reached. MET: reached. KEPT: a limit that holds. BREACHED: not so."""

    PENDING = "PENDING"
    MET = "MET"
    KEPT = "KEPT"
    BREACHED = "BREACHED"


class MaxLossKind(StrEnum):
    """What the floor of the maximum loss follows: nothing, the highest balance at a day's end, or
    the highest equity or balance seen at any time."""

    STATIC = "STATIC"
    TRAIL_EOD_BALANCE = "TRAIL_EOD_BALANCE"
    TRAIL_INTRADAY_EQUITY = "TRAIL_INTRADAY_EQUITY"
    TRAIL_INTRADAY_BALANCE = "TRAIL_INTRADAY_BALANCE"


class DailyBase(StrEnum):
    """What a daily percentage is a percentage of."""

    INITIAL = "INITIAL"
    ANCHOR = "ANCHOR"


class DailyAnchor(StrEnum):
    """What the day's loss is counted from: a figure at the last reset. HIGHER is the greater of
    balance and equity."""

    BALANCE = "BALANCE"
    EQUITY = "EQUITY"
    HIGHER = "HIGHER"


class Severity(StrEnum):
    """HARD ends the phase; SOFT pauses it until the next reset."""

    HARD = "HARD"
    SOFT = "SOFT"


class DayCount(StrEnum):
    """Which days count: one on which a position was opened, on which anything was traded, or one
    that ended with a closed profit of at least a percentage of the initial balance."""

    OPENED_TRADE = "OPENED_TRADE"
    ANY_TRADE = "ANY_TRADE"
    PROFIT = "PROFIT"


class CashEffect(StrEnum):
    """What money put in or taken out does to anchors. SHIFT moves the day's anchor, the peak and
    a trailing floor by the amount; RESET begins all of them anew; NONE leaves them alone. In each
    case it is neither profit nor loss, and a STATIC floor stays."""

    SHIFT = "SHIFT"
    RESET = "RESET"
    NONE = "NONE"


class Standing(StrEnum):
    """How a phase stands by its rules. PASSED, BREACHED and EXPIRED are for ever."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    PASSED = "PASSED"
    BREACHED = "BREACHED"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True)
class Share:
    """A part of an account: a percentage of some base, or a fixed amount; exactly one of both."""

    percent: Decimal | None = None
    amount_minor: int | None = None


@dataclass(frozen=True, slots=True)
class MaxLoss:
    """`lock` stops a trailing floor: it never rises above the initial balance plus this share of
    it (0: at the start). None: it follows for ever."""

    kind: MaxLossKind
    share: Share
    lock: Share | None = None


@dataclass(frozen=True, slots=True)
class DailyLoss:
    """Floor of a day: its anchor less a share of `base`; a fixed amount needs no base."""

    share: Share
    base: DailyBase = DailyBase.INITIAL
    anchor: DailyAnchor = DailyAnchor.BALANCE
    severity: Severity = Severity.HARD


@dataclass(frozen=True, slots=True)
class MinDays:
    """`profit_percent`, of the initial balance, belongs to PROFIT days only."""

    count: int
    kind: DayCount = DayCount.OPENED_TRADE
    profit_percent: Decimal | None = None


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules of one phase. A day begins at `reset_time` of `zone`: a name of the IANA database
    or NY_CLOSE. `breach_at_floor`: equity equal to a floor is a breach already. The time limit
    ends with the `max_days`-th day after the first. `max_day_share` is the percentage of the
    whole profit that the best day may be.
    """

    zone: str = "Europe/Prague"
    reset_time: time = time(0)
    profit_target: Share | None = None
    max_loss: MaxLoss | None = None
    daily_loss: DailyLoss | None = None
    breach_at_floor: bool = False
    min_days: MinDays | None = None
    max_days: int | None = None
    max_day_share: Decimal | None = None
    cash: CashEffect = CashEffect.SHIFT


@dataclass(frozen=True, slots=True)
class PhaseState:
    """All that the rules remember of a phase.

    `equity_minor` is without credit. `seen_at` is the instant of the newest figures, `source` how
    they became known. `day_balance_minor` is the balance with which the day began, `peak_minor`
    what a trailing floor follows, `cash_minor` the sum of what was put in and taken out. `days`
    are the days that count. `sequence` is of the newest deal or cash event.
    """

    standing: Standing
    start_minor: int
    started_at: datetime
    balance_minor: int
    equity_minor: int
    seen_at: datetime
    source: StateSource
    day: date
    next_reset_at: datetime
    ends_at: datetime | None
    anchor_minor: int
    day_balance_minor: int
    peak_minor: int
    floor_daily_minor: int | None
    floor_total_minor: int | None
    cash_minor: int = 0
    best_day_minor: int = 0
    days: tuple[date, ...] = ()
    open_lots: tuple[tuple[str, Decimal], ...] = ()
    sequence: int = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing can change it any more."""
        return self.standing in (Standing.PASSED, Standing.BREACHED, Standing.EXPIRED)


@dataclass(frozen=True, slots=True)
class EquitySampled:
    """Figures of the account as the platform told them; `equity_minor` without credit. One older
    than the newest known is dropped."""

    at: datetime
    balance_minor: int
    equity_minor: int
    source: StateSource = StateSource.STREAM


@dataclass(frozen=True, slots=True)
class Dealt:
    """A trade. `balance_minor` is the balance after it; `sequence` grows with each deal and cash
    event of the account, and one that is not newer is dropped as a repetition."""

    sequence: int
    at: datetime
    entry: DealEntry
    position_id: str
    lots: Decimal
    balance_minor: int


@dataclass(frozen=True, slots=True)
class CashMoved:
    """Money put in (positive) or taken out. Feed it before figures that already hold it."""

    sequence: int
    at: datetime
    amount_minor: int
    balance_minor: int


@dataclass(frozen=True, slots=True)
class TimePassed:
    """Nothing but time: makes due resets and the end happen, as every event does. Feed it a few
    seconds late, so that figures of the day before are not still on their way."""

    at: datetime


RuleEvent = EquitySampled | Dealt | CashMoved | TimePassed


@dataclass(frozen=True, slots=True)
class DayBegan:
    """A reset: figures it was made from (as of `seen_at`) and the floors it set."""

    at: datetime
    day: date
    balance_minor: int
    equity_minor: int
    seen_at: datetime
    anchor_minor: int
    floor_daily_minor: int | None
    floor_total_minor: int | None


@dataclass(frozen=True, slots=True)
class FloorBroken:
    """Equity fell under a floor, by figures of `seen_at`; `at` is later only when it was a reset
    that lifted the floor above them. SOFT pauses until the next reset, HARD is the breach."""

    at: datetime
    rule: RuleKind
    severity: Severity
    floor_minor: int
    balance_minor: int
    equity_minor: int
    seen_at: datetime
    source: StateSource
    anchor_minor: int
    peak_minor: int
    day: date
    zone: str


@dataclass(frozen=True, slots=True)
class PhasePassed:
    """Target, days and consistency are met with nothing open."""

    at: datetime
    balance_minor: int
    target_minor: int
    days: tuple[date, ...]
    best_day_minor: int


@dataclass(frozen=True, slots=True)
class PhaseExpired:
    """The time limit came first."""

    at: datetime
    balance_minor: int
    target_minor: int | None


Verdict = DayBegan | FloorBroken | PhasePassed | PhaseExpired


@dataclass(frozen=True, slots=True)
class RuleState:
    """Where an account stands by one rule. Money is minor units; `distance_minor` is what is left
    (negative: broken, or still missing for a target). `after_reset_minor` is the limit that the
    next reset would set by the figures of now. Day rules count in `days_required`, `days_done`.
    """

    rule: RuleKind
    status: RuleStatus
    time_zone: str
    limit_minor: int | None = None
    current_minor: int | None = None
    distance_minor: int | None = None
    after_reset_minor: int | None = None
    next_reset_at: datetime | None = None
    next_reset_local: datetime | None = None
    ends_at: datetime | None = None
    days_required: int | None = None
    days_done: int | None = None


@dataclass(frozen=True, slots=True)
class Exposure:
    """What is asked of a what-if: a position in one symbol, beside `held_lots` (net, signed) of it
    that are open already, and a `move` of its price. `rate` is money of the account for one unit
    of the quote currency; `scale` the decimals of the account's currency."""

    side: Side
    lots: Decimal
    move: Decimal
    contract_size: Decimal
    rate: Decimal
    scale: int = 2
    held_lots: Decimal = Decimal(0)
