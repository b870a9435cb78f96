"""Closed lists of accounts, orders and deals with their meanings."""

from enum import Enum

from strawberry import enum_value

from domain.accounts import trading, values
from schema.shared.enums import shows


@shows(values.AccountKind, "What an account is for. Only LIVE holds client money.")
class AccountKind(Enum):
    DEMO = enum_value("DEMO", description="Practice with simulated money.")
    LIVE = enum_value("LIVE", description="The client's own money.")
    EVALUATION = enum_value("EVALUATION", description="A phase of a prop challenge.")
    FUNDED_SIMULATED = enum_value(
        "FUNDED_SIMULATED", description="Funded by the firm, traded on simulated fills."
    )
    FUNDED_LIVE = enum_value("FUNDED_LIVE", description="Funded by the firm, traded for real.")


@shows(values.AccountStatus, "Where an account stands with its platform.")
class AccountStatus(Enum):
    OPENING = enum_value("OPENING", description="Asked of the platform, not yet confirmed.")
    ACTIVE = enum_value("ACTIVE", description="Open on its platform.")
    FAILED = enum_value("FAILED", description="The platform refused to open it.")
    CLOSED = enum_value("CLOSED", description="Closed for good.")


@shows(values.AccountAccess, "What may be done on the platform.")
class AccountAccess(Enum):
    FULL = enum_value("FULL", description="Everything.")
    CLOSE_ONLY = enum_value("CLOSE_ONLY", description="Positions can be closed, none opened.")
    NO_TRADING = enum_value("NO_TRADING", description="Look, but don't trade.")
    NO_LOGIN = enum_value("NO_LOGIN", description="Nobody gets in.")


@shows(values.StateSource, "How a figure became known.")
class StateSource(Enum):
    STREAM = enum_value("STREAM", description="The platform pushed it.")
    POLL = enum_value("POLL", description="We asked for it.")


@shows(values.Side, "The direction of an order, deal or position.")
class Side(Enum):
    BUY = enum_value("BUY", description="Long.")
    SELL = enum_value("SELL", description="Short.")


@shows(values.DealEntry, "What a deal did.")
class DealEntry(Enum):
    IN = enum_value("IN", description="Opened or increased a position.")
    OUT = enum_value("OUT", description="Closed a position or part of it.")
    INOUT = enum_value("INOUT", description="Reversed a position.")
    OUT_BY = enum_value("OUT_BY", description="Closed a position by an opposite one.")
    CANCEL = enum_value("CANCEL", description="Took another deal back, with its money.")
    BALANCE = enum_value("BALANCE", description="Moved money in or out of the balance.")
    CREDIT = enum_value("CREDIT", description="Gave or took credit.")


@shows(values.OrderType, "How an order is filled.")
class OrderType(Enum):
    MARKET = enum_value("MARKET", description="At once, at the price of now.")
    LIMIT = enum_value("LIMIT", description="At its price or better.")
    STOP = enum_value("STOP", description="At the market once its price is reached.")


@shows(values.OrderStatus, "Where an order stands.")
class OrderStatus(Enum):
    SENDING = enum_value("SENDING", description="On its way to the platform.")
    UNKNOWN = enum_value("UNKNOWN", description="Sent; the answer was lost and is being found out.")
    PLACED = enum_value("PLACED", description="Waits on the platform for its price.")
    FILLED = enum_value("FILLED", description="Became a position.")
    REJECTED = enum_value("REJECTED", description="The platform refused it, see `reasonCode`.")
    CANCELLED = enum_value("CANCELLED", description="Cancelled before it was filled.")
    EXPIRED = enum_value("EXPIRED", description="Ran out of time.")


@shows(trading.AssetClass, "What kind of thing a symbol is.")
class AssetClass(Enum):
    FX = enum_value("FX", description="A currency pair.")
    METAL = enum_value("METAL", description="A precious metal.")
    INDEX = enum_value("INDEX", description="A stock index.")
    CRYPTO = enum_value("CRYPTO", description="A crypto currency.")


@shows(trading.QuoteSource, "Where a price comes from.")
class QuoteSource(Enum):
    RECORDED = enum_value("RECORDED", description="A replayed recording of a real market.")
    GENERATED = enum_value("GENERATED", description="A seeded generator.")
    LIVE = enum_value("LIVE", description="A real feed.")
    MANUAL = enum_value("MANUAL", description="Set by hand, in a test.")


@shows(values.PlatformKind, "Which software a server runs.")
class PlatformKind(Enum):
    SIMULATOR = enum_value("SIMULATOR", description="The embedded simulator.")
