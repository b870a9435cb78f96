"""What the simulator keeps: accounts, positions, pending orders, deals, groups, symbols, quotes.

Money is `Decimal` in whole units of the account's currency, rounded to that currency's scale.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

ZERO = Decimal(0)


class Refusal(Exception):
    """The platform says no and nothing has changed. `code` is part of the published wire."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message


class Access(StrEnum):
    FULL = "FULL"
    CLOSE_ONLY = "CLOSE_ONLY"
    NO_TRADING = "NO_TRADING"
    NO_LOGIN = "NO_LOGIN"


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class OrderType(StrEnum):
    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP = "STOP"


class Entry(StrEnum):
    IN = "IN"
    OUT = "OUT"
    CANCEL = "CANCEL"
    BALANCE = "BALANCE"
    CREDIT = "CREDIT"


class Reason(StrEnum):
    REQUEST = "REQUEST"
    PENDING = "PENDING"
    STOP_LOSS = "STOP_LOSS"
    TAKE_PROFIT = "TAKE_PROFIT"
    STOP_OUT = "STOP_OUT"
    CLOSE_ALL = "CLOSE_ALL"


class BalanceKind(StrEnum):
    DEPOSIT = "DEPOSIT"
    WITHDRAWAL = "WITHDRAWAL"
    CREDIT = "CREDIT"
    CORRECTION = "CORRECTION"
    NEGATIVE_BALANCE = "NEGATIVE_BALANCE"


class QuoteSource(StrEnum):
    RECORDED = "RECORDED"
    GENERATED = "GENERATED"
    MANUAL = "MANUAL"


class AssetClass(StrEnum):
    FX = "FX"
    METAL = "METAL"
    INDEX = "INDEX"
    CRYPTO = "CRYPTO"


@dataclass(frozen=True, slots=True)
class Symbol:
    """An instrument. A lot is `contract_size` units of `base_currency`; `swap_long` and
    `swap_short` are points per lot and night, negative when the client pays."""

    name: str
    description: str
    asset_class: AssetClass
    base_currency: str
    quote_currency: str
    contract_size: Decimal
    digits: int
    lots_min: Decimal
    lots_max: Decimal
    lots_step: Decimal
    swap_long: Decimal
    swap_short: Decimal
    leverage_max: int

    @property
    def point(self) -> Decimal:
        return Decimal(1).scaleb(-self.digits)


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions of its accounts. Levels are percents of margin; commission is per lot for the
    round turn, taken once, on the opening deal."""

    name: str
    currency: str
    leverage_max: int
    commission_per_lot: Decimal
    margin_call_level: Decimal
    stop_out_level: Decimal
    swap_free: bool


@dataclass(frozen=True, slots=True)
class Account:
    login: int
    group: str
    leverage: int
    currency: str
    client_ref: str
    access: Access
    balance: Decimal
    credit: Decimal
    created_at: datetime
    is_margin_called: bool
    main_hash: str
    investor_hash: str


@dataclass(frozen=True, slots=True)
class Position:
    """`margin_rate` is the notional of one lot in account money, fixed at the open. `carry` is
    the part of a cent that rounding of earlier partial closes has left over, so that partial
    closes sum to the whole."""

    position_id: int
    login: int
    symbol: str
    side: Side
    lots: Decimal
    open_price: Decimal
    margin_rate: Decimal
    sl: Decimal | None
    tp: Decimal | None
    swap: Decimal
    carry: Decimal
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Order:
    """A pending order; a market order has this shape only in its answer."""

    order_id: int
    login: int
    client_order_id: str
    symbol: str
    type: OrderType
    side: Side
    lots: Decimal
    price: Decimal | None
    sl: Decimal | None
    tp: Decimal | None
    placed_at: datetime


@dataclass(frozen=True, slots=True)
class Deal:
    """One executed fact. Balance (credit, for CREDIT) moves by profit + swap + commission +
    amount; ids grow by one in commit order, so an id is a cursor. A closing deal is on the
    opposite side of its position. CANCEL moves back what the deal `reverses_id` moved and opens
    nothing again. `deal_id` and `balance_after` are set when it is recorded."""

    login: int
    at: datetime
    entry: Entry
    reason: Reason
    symbol: str | None = None
    side: Side | None = None
    lots: Decimal = ZERO
    price: Decimal | None = None
    position_id: int | None = None
    order_id: int | None = None
    profit: Decimal = ZERO
    swap: Decimal = ZERO
    commission: Decimal = ZERO
    amount: Decimal = ZERO
    op_id: str | None = None
    kind: BalanceKind | None = None
    comment: str = ""
    reverses_id: int | None = None
    deal_id: int = 0
    balance_after: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Quote:
    """A price. `at` is when it is shown; `recorded_at` is its time inside the series it is from,
    None when it was set by hand."""

    symbol: str
    bid: Decimal
    ask: Decimal
    at: datetime
    recorded_at: datetime | None
    source: QuoteSource

    @property
    def mid(self) -> Decimal:
        return (self.bid + self.ask) / 2


@dataclass(frozen=True, slots=True)
class Funds:
    """Money of an account at the prices of now. `floating` is open profit and swap together."""

    balance: Decimal
    credit: Decimal
    floating: Decimal
    margin: Decimal

    @property
    def equity(self) -> Decimal:
        return self.balance + self.credit + self.floating

    @property
    def free_margin(self) -> Decimal:
        return self.equity - self.margin

    @property
    def level(self) -> Decimal | None:
        """Margin level in percent; None without margin."""
        return self.equity / self.margin * 100 if self.margin else None
