"""Closed lists of the ibs context."""

from enum import StrEnum


class IbStatus(StrEnum):
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"


class Convention(StrEnum):
    """How a line shares. OVERRIDE: each has a rate, and is paid what its own exceeds those below.
    POOL: one rate, split by fixed shares from the introducer upwards."""

    OVERRIDE = "OVERRIDE"
    POOL = "POOL"


class CloseBy(StrEnum):
    """What two positions closed against each other count: ONCE is half of each of the two deals."""

    ONCE = "ONCE"
    NEVER = "NEVER"


class ComponentKind(StrEnum):
    REBATE_PER_LOT = "REBATE_PER_LOT"


class AccrualStatus(StrEnum):
    """PROVISIONAL until its hold has passed and while its ib is suspended, then PAYABLE; REVERSED
    when its deal was."""

    PROVISIONAL = "PROVISIONAL"
    PAYABLE = "PAYABLE"
    REVERSED = "REVERSED"


class Judgement(StrEnum):
    """What became of a closed deal: it was paid for, or why not."""

    ACCRUED = "ACCRUED"
    NO_PLAN = "NO_PLAN"
    NO_RATE = "NO_RATE"
    CLOSED_BY = "CLOSED_BY"
    HEDGED = "HEDGED"
    OWN_ACCOUNT = "OWN_ACCOUNT"
    OPENING_UNKNOWN = "OPENING_UNKNOWN"
    TOO_SHORT = "TOO_SHORT"
    TOO_FEW_PIPS = "TOO_FEW_PIPS"
    TOO_SMALL = "TOO_SMALL"
    CANCELLED = "CANCELLED"
    WAITING_FOR_RATE = "WAITING_FOR_RATE"
    """No exchange rate is known yet; judged again when one is."""


class InvitationStatus(StrEnum):
    SENT = "SENT"
    ACCEPTED = "ACCEPTED"
    EXPIRED = "EXPIRED"
