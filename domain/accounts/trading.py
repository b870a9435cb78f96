"""What travels through the port of a trading platform: accounts, orders, deals, prices.

Everything is normalised: lots, prices and money are `Decimal` (money in whole currency units,
never minor units), times are aware and in UTC, tickets are text, logins are integers.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from domain.accounts.values import AccountAccess, DealEntry, OrderType, Side, StateSource


class DealReason(StrEnum):
    """Why the deal was made: somebody asked, a level was reached, or the platform forced it."""

    REQUEST = "REQUEST"
    PENDING = "PENDING"
    STOP_LOSS = "STOP_LOSS"
    TAKE_PROFIT = "TAKE_PROFIT"
    STOP_OUT = "STOP_OUT"
    CLOSE_ALL = "CLOSE_ALL"


class BalanceKind(StrEnum):
    """CREDIT moves credit, the rest moves balance; NEGATIVE_BALANCE lifts it to at most zero."""

    DEPOSIT = "DEPOSIT"
    WITHDRAWAL = "WITHDRAWAL"
    CREDIT = "CREDIT"
    CORRECTION = "CORRECTION"
    NEGATIVE_BALANCE = "NEGATIVE_BALANCE"


class QuoteSource(StrEnum):
    """Where a price comes from: a recording of a real market, a seeded generator, a real feed, or
    a price set by hand (tests)."""

    RECORDED = "RECORDED"
    GENERATED = "GENERATED"
    LIVE = "LIVE"
    MANUAL = "MANUAL"


class AssetClass(StrEnum):
    FX = "FX"
    METAL = "METAL"
    INDEX = "INDEX"
    CRYPTO = "CRYPTO"


class Interval(StrEnum):
    M1 = "M1"
    M5 = "M5"
    M15 = "M15"
    H1 = "H1"
    D1 = "D1"


class Capability(StrEnum):
    """What a platform can do beyond the common ground. IDEMPOTENT_OPERATIONS: the platform itself
    applies an `op_id` once, so that a lost answer may be answered by sending again."""

    IDEMPOTENT_OPERATIONS = "IDEMPOTENT_OPERATIONS"
    STREAM = "STREAM"
    STREAM_REPLAY = "STREAM_REPLAY"
    PRICE_HISTORY = "PRICE_HISTORY"
    ORDERS = "ORDERS"
    PASSWORD_CHECK = "PASSWORD_CHECK"  # noqa: S105 - the name of a capability


@dataclass(frozen=True, slots=True)
class Passwords:
    """The client's two passwords; never logged, never streamed."""

    main: str
    investor: str

    def __repr__(self) -> str:
        return "Passwords(***)"


@dataclass(frozen=True, slots=True)
class AccountRequest:
    """A new account. The login is ours to choose; the same `client_ref` answers the same account,
    another one on a taken login is refused (LOGIN_TAKEN)."""

    login: int
    group: str
    leverage: int
    currency: str
    client_ref: str
    passwords: Passwords


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """An account as the platform holds it; `created_at` by the platform's clock."""

    login: int
    group: str
    leverage: int
    currency: str
    client_ref: str
    access: AccountAccess
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AccountState:
    """Money of one account at `as_of`. equity = balance + credit + floating; floating holds swap;
    `margin_level_percent` is equity / margin × 100, None without margin."""

    login: int
    balance: Decimal
    credit: Decimal
    equity: Decimal
    margin: Decimal
    free_margin: Decimal
    floating: Decimal
    margin_level_percent: Decimal | None
    currency: str
    digits: int
    as_of: datetime
    source: StateSource


@dataclass(frozen=True, slots=True)
class Position:
    """An open position; `current_price` is the price at which it would close now."""

    position_id: str
    login: int
    symbol: str
    side: Side
    lots: Decimal
    open_price: Decimal
    current_price: Decimal
    sl: Decimal | None
    tp: Decimal | None
    swap: Decimal
    profit: Decimal
    margin: Decimal
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """An order to place. `client_order_id` is ours and makes it at most once; `price` is required
    for LIMIT and STOP and must be None for MARKET. One that arrives at `expires_at` or later, by
    the platform's clock, is refused: ORDER_EXPIRED."""

    client_order_id: str
    symbol: str
    type: OrderType
    side: Side
    lots: Decimal
    price: Decimal | None = None
    sl: Decimal | None = None
    tp: Decimal | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """A pending order, or the record of one that has just been filled, cancelled or refused."""

    order_id: str
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
    """One executed fact, never changed. Money moves by profit + swap + commission + amount, where
    commission is negative and `amount` is set by BALANCE and CREDIT only; `lots` of an OUT deal
    are the lots closed. A CANCEL deal moves back what the deal `reverses_id` moved.
    `cursor` resumes after this deal."""

    deal_id: str
    cursor: str
    login: int
    at: datetime
    entry: DealEntry
    reason: DealReason
    symbol: str | None
    side: Side | None
    lots: Decimal
    price: Decimal | None
    position_id: str | None
    order_id: str | None
    profit: Decimal
    swap: Decimal
    commission: Decimal
    amount: Decimal
    balance_after: Decimal
    op_id: str | None
    kind: BalanceKind | None
    comment: str
    reverses_id: str | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """What an accepted order became: a position and its deal (MARKET), or a pending order."""

    order: Order
    position_id: str | None
    deal: Deal | None


@dataclass(frozen=True, slots=True)
class CloseResult:
    """One attempt of `close_all`: `deal` when closed, `refusal` (a code) when not."""

    position_id: str
    deal: Deal | None
    refusal: str | None


@dataclass(frozen=True, slots=True)
class PositionChange:
    """A position was opened, changed or closed. `position` is None once it is closed."""

    login: int
    position_id: str
    position: Position | None
    at: datetime


@dataclass(frozen=True, slots=True)
class OrderChange:
    """A pending order was placed, changed, filled or cancelled; `state` says which."""

    login: int
    order: Order
    state: str
    at: datetime


@dataclass(frozen=True, slots=True)
class BalanceChange:
    """Money was put in or taken out; the BALANCE or CREDIT deal `deal_id` is the record."""

    login: int
    deal_id: str
    op_id: str
    kind: BalanceKind
    amount: Decimal
    balance: Decimal
    credit: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class MarginCall:
    """The margin level fell to the group's warning level; sent once until it recovers."""

    login: int
    margin_level_percent: Decimal
    equity: Decimal
    margin: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class Quote:
    """A price. `at` is when it was shown; `recorded_at` is the time inside the recording (or the
    generated series), by which anybody can look the price up; None when set by hand or live."""

    symbol: str
    bid: Decimal
    ask: Decimal
    at: datetime
    recorded_at: datetime | None
    source: QuoteSource


@dataclass(frozen=True, slots=True)
class Symbol:
    """An instrument. A lot is `contract_size` units of `base_currency`; prices are in
    `quote_currency`; swap is points per lot and night; `leverage_max` caps the account's."""

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


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions shared by accounts. Levels are percents of margin; commission is money of the
    group's currency per lot for a round turn, taken on the opening deal."""

    name: str
    currency: str
    leverage_max: int
    commission_per_lot: Decimal
    margin_call_level: Decimal
    stop_out_level: Decimal
    swap_free: bool


@dataclass(frozen=True, slots=True)
class PriceBar:
    """Bid prices of one interval that starts at `at`; `ask_close` beside them tells the spread."""

    at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    ask_close: Decimal
    ticks: int


@dataclass(frozen=True, slots=True)
class ServerClock:
    """The platform's time: aware `now`, the zone it rolls over in, and whether its epochs are
    local time in disguise (MT4, MT5)."""

    now: datetime
    time_zone: str
    is_epoch_local: bool


StreamItem = AccountState | PositionChange | OrderChange | Deal | BalanceChange | MarginCall | Quote
