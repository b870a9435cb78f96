"""Closed lists of commissions with their meanings."""

from enum import Enum

from strawberry import enum_value

from domain.ibs import events, values
from domain.ibs.performance import values as performance
from schema.shared.enums import shows


@shows(values.Convention, "How a line of introducing brokers shares.")
class IbConvention(Enum):
    OVERRIDE = enum_value(
        "OVERRIDE",
        description="Each has a rate of its own and is paid what it exceeds those below by.",
    )
    POOL = enum_value(
        "POOL",
        description="One rate, split by fixed shares from the introducer upwards; shares of tiers "
        "that the line lacks stay with the brand.",
    )


@shows(values.CloseBy, "What two positions that close each other count.")
class IbCloseBy(Enum):
    ONCE = enum_value("ONCE", description="Half of each of the two deals.")
    NEVER = enum_value("NEVER", description="Nothing.")


@shows(values.ComponentKind, "What a component of a plan pays for.")
class IbComponentKind(Enum):
    REBATE_PER_LOT = enum_value("REBATE_PER_LOT", description="Each lot that is closed.")


@shows(values.AccrualStatus, "Where an accrual stands.")
class AccrualStatus(Enum):
    PROVISIONAL = enum_value(
        "PROVISIONAL",
        description="Earned; held until `payableAt`, and while its broker is suspended.",
    )
    PAYABLE = enum_value("PAYABLE", description="Due.")
    REVERSED = enum_value("REVERSED", description="Taken back, since its deal was.")


@shows(values.InvitationStatus, "Where an invitation stands.")
class IbInvitationStatus(Enum):
    SENT = enum_value("SENT", description="Waits to be accepted.")
    ACCEPTED = enum_value("ACCEPTED", description="Became an introducing broker.")
    EXPIRED = enum_value("EXPIRED", description="Was not accepted in time.")


@shows(performance.Span, "The stretch of time that a row of a performance is about, in UTC.")
class IbPerformanceBy(Enum):
    DAY = enum_value("DAY", description="A day.")
    WEEK = enum_value("WEEK", description="A week from Monday.")
    MONTH = enum_value("MONTH", description="A month.")


@shows(events.IbEventKind, "What happened to introducing brokers. Expect values you don't know.")
class IbEventKind(Enum):
    CREATED = enum_value("created", description="An introducing broker was put into the tree.")
    MOVED = enum_value("moved", description="It was hung somewhere else, with its branch.")
    SUSPENDED = enum_value("suspended", description="It is kept out; what it earns is held.")
    REINSTATED = enum_value("reinstated", description="It is let in again.")
    LINK_CREATED = enum_value("link_created", description="It has a new referral link.")
    INVITED = enum_value("invited", description="Somebody was invited to join below it.")
    PLAN_ASSIGNED = enum_value("plan_assigned", description="It was given a commission plan.")
    ACCRUED = enum_value("accrued", description="A deal closed and earned it a commission.")
    REVERSED = enum_value("reversed", description="A commission was taken back with its deal.")
    BECAME_PAYABLE = enum_value(
        "became_payable", description="Commissions were held long enough and are due."
    )
    RATES_INVERTED = enum_value(
        "rates_inverted",
        description="A plan pays more than the one above it, which earns nothing; for staff.",
    )
