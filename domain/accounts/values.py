"""Closed lists of the accounts context."""

from enum import StrEnum


class AccountKind(StrEnum):
    """Only LIVE counts for rebates, exposure and client money."""

    DEMO = "DEMO"
    LIVE = "LIVE"
    EVALUATION = "EVALUATION"
    FUNDED_SIMULATED = "FUNDED_SIMULATED"
    FUNDED_LIVE = "FUNDED_LIVE"


class AccountStatus(StrEnum):
    """OPENING until the platform confirms; FAILED when it refuses."""

    OPENING = "OPENING"
    ACTIVE = "ACTIVE"
    FAILED = "FAILED"
    CLOSED = "CLOSED"


class AccountAccess(StrEnum):
    FULL = "FULL"
    CLOSE_ONLY = "CLOSE_ONLY"
    NO_TRADING = "NO_TRADING"
    NO_LOGIN = "NO_LOGIN"


class StateSource(StrEnum):
    """How a balance or equity became known: pushed by the platform or asked for."""

    STREAM = "STREAM"
    POLL = "POLL"


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class DealEntry(StrEnum):
    """What a deal did to its position. BALANCE and CREDIT deals have no position; CANCEL takes
    another deal back, with its money."""

    IN = "IN"
    OUT = "OUT"
    INOUT = "INOUT"
    OUT_BY = "OUT_BY"
    CANCEL = "CANCEL"
    BALANCE = "BALANCE"
    CREDIT = "CREDIT"


class OrderType(StrEnum):
    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP = "STOP"


class OrderStatus(StrEnum):
    """SENDING: asked for, not yet confirmed. UNKNOWN: sent, no answer; the worker finds out."""

    SENDING = "SENDING"
    UNKNOWN = "UNKNOWN"
    PLACED = "PLACED"
    FILLED = "FILLED"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


class RequestKind(StrEnum):
    """What is asked of a platform; each request is a row before it is a call."""

    OPEN = "OPEN"
    LEVERAGE = "LEVERAGE"
    ACCESS = "ACCESS"
    PASSWORD = "PASSWORD"  # noqa: S105 - a kind of request
    PLACE = "PLACE"
    CHANGE_ORDER = "CHANGE_ORDER"
    CANCEL = "CANCEL"
    CHANGE_POSITION = "CHANGE_POSITION"
    CLOSE = "CLOSE"
    BALANCE = "BALANCE"
    """Move money onto the account or off it, or make a negative balance good."""


class RequestStatus(StrEnum):
    SENDING = "SENDING"
    UNKNOWN = "UNKNOWN"
    DONE = "DONE"
    REFUSED = "REFUSED"


class PlatformKind(StrEnum):
    SIMULATOR = "SIMULATOR"


class WishStatus(StrEnum):
    """What became of an account that a client wants as soon as it may have it."""

    WAITING = "WAITING"
    OPENED = "OPENED"
    REFUSED = "REFUSED"
    REPLACED = "REPLACED"
