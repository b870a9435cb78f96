"""Closed lists of challenges, as the API describes them."""

from enum import Enum

from strawberry import enum_value

from domain.challenges import events, lifecycle, values
from schema.shared.enums import shows


@shows(lifecycle.ProgramStatus, "Whether a program is sold.")
class ProgramStatus(Enum):
    OPEN = enum_value("OPEN", description="It is sold.")
    CLOSED = enum_value("CLOSED", description="It is sold no more; what was bought goes on.")


@shows(lifecycle.OrderStatus, "Where an order stands. Expect values you don't know.")
class ChallengePurchaseStatus(Enum):
    AWAITING_PAYMENT = enum_value("AWAITING_PAYMENT", description="Nobody has paid it in full.")
    PAID = enum_value("PAID", description="It is paid, and becomes a challenge within seconds.")
    REFUNDING = enum_value(
        "REFUNDING",
        description="The payment provider gives it back; with a `reasonCode` it refused to.",
    )
    REFUNDED = enum_value("REFUNDED", description="It was given back.")
    DISPUTED = enum_value("DISPUTED", description="Its payer disputes the payment.")
    CHARGED_BACK = enum_value("CHARGED_BACK", description="Its payer took the payment back.")
    CANCELLED = enum_value("CANCELLED", description="It was not paid.")


@shows(lifecycle.ChallengeStatus, "Where a challenge stands. Expect values you don't know.")
class ChallengeStatus(Enum):
    ACTIVE = enum_value("ACTIVE", description="A phase is prepared or traded.")
    REVIEW = enum_value("REVIEW", description="Every phase is passed; staff look at it.")
    FAILED = enum_value("FAILED", description="A rule was broken.")
    EXPIRED = enum_value("EXPIRED", description="The time was over first.")
    CANCELLED = enum_value("CANCELLED", description="Its order was given back.")


@shows(lifecycle.PhaseStatus, "Where a phase stands. Expect values you don't know.")
class PhaseStatus(Enum):
    PENDING_ACCOUNT = enum_value("PENDING_ACCOUNT", description="Its account is being opened.")
    ACTIVE = enum_value("ACTIVE", description="It is traded and judged.")
    PAUSED = enum_value("PAUSED", description="A soft limit holds it until the next reset.")
    PASSED = enum_value("PASSED", description="Everything that was asked is reached.")
    LIQUIDATING = enum_value(
        "LIQUIDATING", description="A rule is broken; the account is being closed."
    )
    FAILED = enum_value("FAILED", description="A rule was broken; the account is closed.")
    EXPIRED = enum_value("EXPIRED", description="The time was over first.")
    CANCELLED = enum_value("CANCELLED", description="Its order was given back.")


@shows(lifecycle.ClosingStatus, "How far the account of a phase that is over is closed.")
class ClosingStatus(Enum):
    WAITING = enum_value("WAITING", description="It is being closed.")
    HELD = enum_value(
        "HELD", description="Positions stay open until somebody of the brand has looked."
    )
    CLOSED = enum_value("CLOSED", description="The platform says that nothing is open.")
    DISABLED = enum_value("DISABLED", description="Nothing can be traded on it any more.")


@shows(values.RuleKind, "What is asked of a trader. Expect values you don't know.")
class RuleKind(Enum):
    PROFIT_TARGET = enum_value("PROFIT_TARGET", description="A balance to reach.")
    MAX_LOSS = enum_value("MAX_LOSS", description="A floor under equity for the whole phase.")
    DAILY_LOSS = enum_value("DAILY_LOSS", description="A floor under equity for the day.")
    MIN_TRADING_DAYS = enum_value("MIN_TRADING_DAYS", description="Days that must count.")
    TIME_LIMIT = enum_value("TIME_LIMIT", description="When the phase ends.")
    CONSISTENCY = enum_value(
        "CONSISTENCY", description="The largest part of the profit that one day may be."
    )


@shows(values.RuleStatus, "Where an account stands by a rule.")
class RuleStatus(Enum):
    PENDING = enum_value("PENDING", description="Still to be reached.")
    MET = enum_value("MET", description="Reached.")
    KEPT = enum_value("KEPT", description="A limit that holds.")
    BREACHED = enum_value("BREACHED", description="A limit that does not.")


@shows(values.MaxLossKind, "What the floor of the maximum loss follows.")
class MaxLossKind(Enum):
    STATIC = enum_value("STATIC", description="Nothing: it stays.")
    TRAIL_EOD_BALANCE = enum_value(
        "TRAIL_EOD_BALANCE", description="The highest balance at a day's end."
    )
    TRAIL_INTRADAY_EQUITY = enum_value(
        "TRAIL_INTRADAY_EQUITY", description="The highest equity at any tick."
    )
    TRAIL_INTRADAY_BALANCE = enum_value(
        "TRAIL_INTRADAY_BALANCE", description="The highest balance at any time."
    )


@shows(values.DailyBase, "What a daily percentage is a percentage of.")
class DailyBase(Enum):
    INITIAL = enum_value("INITIAL", description="The initial balance.")
    ANCHOR = enum_value("ANCHOR", description="The day's anchor.")


@shows(values.DailyAnchor, "What a day's loss is counted from: a figure at the last reset.")
class DailyAnchor(Enum):
    BALANCE = enum_value("BALANCE", description="The balance.")
    EQUITY = enum_value("EQUITY", description="The equity.")
    HIGHER = enum_value("HIGHER", description="The higher of both.")


@shows(values.Severity, "What breaking a rule does.")
class RuleSeverity(Enum):
    HARD = enum_value("HARD", description="It ends the phase.")
    SOFT = enum_value("SOFT", description="It pauses the phase until the next reset.")


@shows(values.DayCount, "Which days count.")
class DayCount(Enum):
    OPENED_TRADE = enum_value("OPENED_TRADE", description="Days on which something was opened.")
    ANY_TRADE = enum_value("ANY_TRADE", description="Days on which anything was traded.")
    PROFIT = enum_value("PROFIT", description="Days that ended with enough closed profit.")


@shows(values.CashEffect, "What money put in or taken out does to floors; it is never profit.")
class CashEffect(Enum):
    SHIFT = enum_value("SHIFT", description="It moves the day's anchor and trailing floors.")
    RESET = enum_value("RESET", description="It begins them anew.")
    NONE = enum_value("NONE", description="It leaves them alone.")


@shows(events.ChallengeEventKind, "What happened. Expect values you don't know.")
class ChallengeEventKind(Enum):
    PROGRAM_PUBLISHED = enum_value(
        "program_published", description="A version of a program went on sale; for staff."
    )
    PROGRAM_CLOSED = enum_value(
        "program_closed", description="A program is sold no more; for staff."
    )
    ORDER_CREATED = enum_value("order_created", description="A challenge was ordered.")
    ORDER_PAID = enum_value("order_paid", description="An order was paid.")
    ORDER_CANCELLED = enum_value("order_cancelled", description="An order was not paid.")
    ORDER_REFUNDING = enum_value("order_refunding", description="An order is given back.")
    ORDER_REFUND_FAILED = enum_value(
        "order_refund_failed", description="The payment provider would not give an order back."
    )
    ORDER_REFUNDED = enum_value("order_refunded", description="An order was given back.")
    ORDER_DISPUTED = enum_value("order_disputed", description="A payer disputes an order.")
    ORDER_CHARGED_BACK = enum_value(
        "order_charged_back", description="A payer took back what an order cost."
    )
    CHALLENGE_STARTED = enum_value("challenge_started", description="An order is a challenge.")
    ACCOUNT_REFUSED = enum_value(
        "account_refused", description="A phase's account can't be opened yet."
    )
    PHASE_STARTED = enum_value("phase_started", description="A phase can be traded.")
    DAY_BEGAN = enum_value("day_began", description="A day began, with new floors.")
    PHASE_PAUSED = enum_value("phase_paused", description="A soft limit was broken.")
    PHASE_RESUMED = enum_value("phase_resumed", description="A paused phase goes on.")
    PHASE_PASSED = enum_value("phase_passed", description="A phase is passed.")
    PHASE_BREACHED = enum_value("phase_breached", description="A rule is broken.")
    PHASE_EXPIRED = enum_value("phase_expired", description="The time of a phase is over.")
    PHASE_CANCELLED = enum_value("phase_cancelled", description="A phase was called off.")
    POSITIONS_CLOSED = enum_value(
        "positions_closed", description="Nothing is open on a phase's account any more."
    )
    ACCOUNT_DISABLED = enum_value(
        "account_disabled", description="A phase's account can't be traded on any more."
    )
    REVIEW_BEGAN = enum_value("review_began", description="Every phase is passed.")
    LIQUIDATION_HALTED = enum_value(
        "liquidation_halted", description="Accounts are held back; for staff."
    )
    LIQUIDATION_RESUMED = enum_value(
        "liquidation_resumed", description="Accounts are closed again; for staff."
    )
