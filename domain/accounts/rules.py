"""Pure verdicts on accounts and orders. Money is minor units, lots and prices exact decimals."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from domain.accounts.trading import Passwords
from domain.accounts.values import (
    AccountAccess,
    AccountKind,
    AccountStatus,
    OrderStatus,
    OrderType,
    Side,
)
from domain.clients.values import ClientStatus
from domain.kernel.errors import Conflict, Invalid, Refused
from domain.kernel.money import to_minor

ACCOUNTS_PER_CLIENT_MAX = 20
DEMO_BALANCE_DEFAULT = Decimal(10_000)
DEMO_BALANCE_MAX = Decimal(1_000_000)
OPENED_BY_CLIENTS = frozenset({AccountKind.DEMO, AccountKind.LIVE})
# Kinds whose money is nobody's: it is put there when the account is opened.
SIMULATED = frozenset({AccountKind.DEMO, AccountKind.EVALUATION, AccountKind.FUNDED_SIMULATED})
SIMULATED_BALANCE_MAX = Decimal(10_000_000)
REASON_MAX = 500
# In these nobody can close: nothing may be left open.
LOCKED = frozenset({AccountAccess.NO_TRADING, AccountAccess.NO_LOGIN})
_PASSWORD = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])[!-~]{8,32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class GroupTerms:
    """A platform group that is granted to the brand."""

    name: str
    kind: AccountKind
    currency: str
    leverage_max: int
    swap_free: bool


@dataclass(frozen=True, slots=True)
class OpenWish:
    """What is asked for when an account is opened. `initial_balance` is for simulated money only;
    `when_verified` lets a live account wait until the client has proven who it is."""

    kind: AccountKind
    currency: str
    leverage: int | None = None
    swap_free: bool = False
    initial_balance: Decimal | None = None
    when_verified: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """What an account is opened with."""

    group: str
    leverage: int
    initial_balance: Decimal | None


@dataclass(frozen=True, slots=True)
class SymbolTerms:
    """Size limits and price digits of an instrument."""

    name: str
    digits: int
    lots_min: Decimal
    lots_max: Decimal
    lots_step: Decimal


@dataclass(frozen=True, slots=True)
class OrderWish:
    """An order as asked for. `price` is for LIMIT and STOP; both levels are prices."""

    symbol: str
    type: OrderType
    side: Side
    lots: Decimal
    price: Decimal | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None


def decide_open(
    wish: OpenWish,
    groups: Sequence[GroupTerms],
    *,
    leverage_cap: int,
    client_status: ClientStatus,
    open_accounts: int,
) -> Terms:
    """The terms of a new account, or why not.

    `leverage_cap` is the jurisdiction's for this kind (ESMA 2018/796 for retail majors: 30).
    Refusals: CLIENT_RESTRICTED, EMAIL_NOT_VERIFIED, ACCOUNT_LIMIT, KIND_UNAVAILABLE,
    CURRENCY_UNAVAILABLE, LEVERAGE_TOO_HIGH, INVALID.
    """
    decide_client_may_act(client_status)
    if wish.kind in OPENED_BY_CLIENTS and open_accounts >= ACCOUNTS_PER_CLIENT_MAX:
        raise Refused("ACCOUNT_LIMIT", f"A client has at most {ACCOUNTS_PER_CLIENT_MAX} accounts.")
    group = choose_group(wish, groups)
    most = min(group.leverage_max, leverage_cap)
    leverage = most if wish.leverage is None else wish.leverage
    decide_leverage(leverage, most)
    return Terms(group.name, leverage, _initial_balance(wish))


def decide_client_may_act(status: ClientStatus) -> None:
    """Refusals: EMAIL_NOT_VERIFIED, CLIENT_RESTRICTED."""
    if status is ClientStatus.REGISTERED:
        raise Refused("EMAIL_NOT_VERIFIED", "Verify the e-mail address first.")
    if status is not ClientStatus.ACTIVE:
        raise Refused("CLIENT_RESTRICTED", "This client may not do that at present.")


def choose_group(wish: OpenWish, groups: Sequence[GroupTerms]) -> GroupTerms:
    """The first granted group that fits. Refusals: KIND_UNAVAILABLE, CURRENCY_UNAVAILABLE."""
    of_kind = [group for group in groups if group.kind is wish.kind]
    if not of_kind:
        raise Refused("KIND_UNAVAILABLE", "This brand offers no account of that kind.", path=_KIND)
    for group in of_kind:
        if group.currency == wish.currency and group.swap_free == wish.swap_free:
            return group
    raise Refused(
        "CURRENCY_UNAVAILABLE",
        "No account of that kind in this currency and swap choice.",
        path=("input", "currencyCode"),
    )


def decide_offer(wish: OpenWish, groups: Sequence[GroupTerms], *, leverage_cap: int | None) -> None:
    """Whether accounts like that can be offered: what group and jurisdictions allow of leverage.

    A brand that is not granted such a group yet is bound by its jurisdictions alone.
    Refusals: INVALID, LEVERAGE_TOO_HIGH.
    """
    fits = [
        one.leverage_max
        for one in groups
        if (one.kind, one.currency, one.swap_free) == (wish.kind, wish.currency, wish.swap_free)
    ]
    limits = [*fits[:1], *(() if leverage_cap is None else (leverage_cap,))]
    if wish.leverage is not None and limits:
        decide_leverage(wish.leverage, min(limits))


def decide_leverage(leverage: int, most: int) -> None:
    """Refusals: INVALID below 1, LEVERAGE_TOO_HIGH above what group and jurisdiction allow."""
    if leverage < 1:
        raise Invalid("INVALID", "Leverage is at least 1.", path=_LEVERAGE)
    if leverage > most:
        raise Refused("LEVERAGE_TOO_HIGH", f"At most 1:{most} here.", path=_LEVERAGE)


def decide_order(
    wish: OrderWish, symbol: SymbolTerms, *, status: AccountStatus, access: AccountAccess
) -> None:
    """Whether an order may be sent to the platform, which has the last word on price and margin.

    Refusals: ACCOUNT_NOT_ACTIVE, TRADING_DISABLED, LOTS_INVALID, PRICE_INVALID.
    """
    decide_is_active(status)
    decide_may_open(access)
    decide_lots(wish.lots, symbol)
    decide_prices(wish, symbol)


def decide_prices(wish: OrderWish, symbol: SymbolTerms) -> None:
    """Refusals: PRICE_INVALID for a missing or misplaced price, or one off the symbol's grid."""
    if (wish.price is None) is not (wish.type is OrderType.MARKET):
        is_market = wish.type is OrderType.MARKET
        message = "A MARKET order has no price." if is_market else "This order needs a price."
        raise Invalid("PRICE_INVALID", message, path=_PRICE)
    _decide_grid(
        {"price": wish.price, "stopLoss": wish.stop_loss, "takeProfit": wish.take_profit}, symbol
    )
    _decide_levels(wish)


def decide_order_change(
    wish: OrderWish, symbol: SymbolTerms, *, status: AccountStatus, access: AccountAccess
) -> None:
    """Whether a pending order may become this one.

    Refusals: ACCOUNT_NOT_ACTIVE, TRADING_DISABLED, PRICE_INVALID.
    """
    decide_is_active(status)
    decide_may_open(access)
    decide_prices(wish, symbol)


def decide_position_change(
    levels: Mapping[str, Decimal | None],
    symbol: SymbolTerms,
    *,
    status: AccountStatus,
    access: AccountAccess,
) -> None:
    """Whether a position may get these `stop_loss` and `take_profit`.

    Refusals: ACCOUNT_NOT_ACTIVE, TRADING_DISABLED, PRICE_INVALID.
    """
    decide_is_active(status)
    decide_may_close(access)
    named = {"stopLoss": levels["stop_loss"], "takeProfit": levels["take_profit"]}
    _decide_grid(named, symbol)


def merge_levels(
    before: Mapping[str, Decimal | None], changes: Mapping[str, Decimal | None]
) -> dict[str, Decimal | None]:
    """The levels after a change of some of them. Refusals: INVALID when it names none."""
    if not changes:
        raise Invalid("INVALID", "Say what to change.", path=("input",))
    return {name: changes.get(name, level) for name, level in before.items()}


def decide_is_pending(status: OrderStatus) -> None:
    """Refusals: ORDER_NOT_PENDING."""
    if status is not OrderStatus.PLACED:
        raise Refused("ORDER_NOT_PENDING", "The order does not wait on the platform.")


def decide_may_open(access: AccountAccess) -> None:
    """Refusals: TRADING_DISABLED."""
    if access is not AccountAccess.FULL:
        raise Refused("TRADING_DISABLED", "New positions are switched off for this account.")


def decide_may_close(access: AccountAccess) -> None:
    """Refusals: TRADING_DISABLED."""
    if access in LOCKED:
        raise Refused("TRADING_DISABLED", "Trading is switched off for this account.")


def decide_version(version: int, expected: int | None) -> None:
    """Refusals: VERSION_CONFLICT when the account has changed since it was read."""
    if expected not in (None, version):
        message = f"The account is at version {version}; read it again."
        raise Conflict("VERSION_CONFLICT", message, path=("input", "expectedVersion"))


def decide_access(access: AccountAccess, *, status: AccountStatus, is_exposed: bool) -> None:
    """Whether an account may get this access.

    Positions and pending orders are closed first, under CLOSE_ONLY: locked, even their stops would
    be refused by some platforms. Refusals: ACCOUNT_NOT_ACTIVE, POSITIONS_OPEN.
    """
    decide_is_active(status)
    if is_exposed and access in LOCKED:
        message = "Positions or orders are open: set CLOSE_ONLY, close them, then lock the account."
        raise Refused("POSITIONS_OPEN", message, path=("input", "access"))


def normalise_reason(reason: str) -> str:
    """A reason without space around it. Refusals: INVALID when empty or over 500 characters."""
    told = reason.strip()
    if not 1 <= len(told) <= REASON_MAX:
        message = f"Say why, in 1 to {REASON_MAX} characters."
        raise Invalid("INVALID", message, path=("input", "reason"))
    return told


def decide_passwords(passwords: Passwords) -> None:
    """Whether both passwords are good enough for every platform we know.

    Refusals: PASSWORD_WEAK, PASSWORDS_EQUAL.
    """
    named = (("mainPassword", passwords.main), ("investorPassword", passwords.investor))
    for name, password in named:
        if not _PASSWORD.fullmatch(password):
            message = "8 to 32 characters without spaces: a small and a capital letter, a digit."
            raise Invalid("PASSWORD_WEAK", message, path=("input", name))
    if passwords.main == passwords.investor:
        message = "Whoever may only look must not know the main password."
        raise Invalid("PASSWORDS_EQUAL", message, path=("input", "investorPassword"))


def decide_is_active(status: AccountStatus) -> None:
    """Refusals: ACCOUNT_NOT_ACTIVE."""
    if status is not AccountStatus.ACTIVE:
        raise Refused("ACCOUNT_NOT_ACTIVE", "The account is not open on its platform.")


def decide_lots(lots: Decimal, symbol: SymbolTerms) -> None:
    """Refusals: LOTS_INVALID outside the symbol's limits or off its step."""
    if not symbol.lots_min <= lots <= symbol.lots_max or lots % symbol.lots_step:
        step, least, most = (f"{n.normalize():f}" for n in
                             (symbol.lots_step, symbol.lots_min, symbol.lots_max))  # fmt: skip
        raise Invalid("LOTS_INVALID", f"{least} to {most} lots in steps of {step}.", path=_LOTS)


def decide_close(lots: Decimal | None, held: Decimal, symbol: SymbolTerms) -> None:
    """Whether `lots` of a position may be closed; None closes all of it. Refusals: LOTS_INVALID."""
    if lots is None:
        return
    if lots > held:
        raise Invalid("LOTS_INVALID", f"The position has {held.normalize():f} lots.", path=_LOTS)
    decide_lots(lots, symbol)


def withdrawable(*, balance: int, free_margin: int, credit: int) -> int:
    """What could leave the account now, in minor units: credit never can."""
    return max(0, min(balance, free_margin - credit))


def margin_level_percent(*, equity: int, margin: int) -> Decimal | None:
    """Equity as a percentage of margin, two decimals; None while no margin is in use."""
    if margin <= 0:
        return None
    return (Decimal(equity) * 100 / Decimal(margin)).quantize(Decimal("0.01"))


_KIND = ("input", "kind")
_LEVERAGE = ("input", "leverage")
_LOTS = ("input", "lots")
_PRICE = ("input", "price")


def _initial_balance(wish: OpenWish) -> Decimal | None:
    path = ("input", "initialBalance")
    is_demo = wish.kind is AccountKind.DEMO
    amount = DEMO_BALANCE_DEFAULT if is_demo else None
    if wish.initial_balance is not None:
        amount = wish.initial_balance
    if amount is None:
        return None
    most = DEMO_BALANCE_MAX if is_demo else SIMULATED_BALANCE_MAX
    if wish.kind not in SIMULATED:
        raise Invalid("INVALID", "Only simulated money is there from the start.", path=path)
    if not 0 < amount <= most:
        raise Invalid("INVALID", f"Above 0 and at most {most}.", path=path)
    to_minor(amount, wish.currency, path=path)
    return amount


def _decide_grid(prices: Mapping[str, Decimal | None], symbol: SymbolTerms) -> None:
    for name, price in prices.items():
        if price is not None and not _is_price(price, symbol.digits):
            message = f"{symbol.name} is priced above zero with {symbol.digits} decimals."
            raise Invalid("PRICE_INVALID", message, path=("input", name))


def _is_price(price: Decimal, digits: int) -> bool:
    exponent = price.normalize().as_tuple().exponent
    return price > 0 and isinstance(exponent, int) and -exponent <= digits


def _decide_levels(wish: OrderWish) -> None:
    """For a pending order both levels are on the right side of its price."""
    if wish.price is None:
        return
    sign = 1 if wish.side is Side.BUY else -1
    loss, profit = wish.stop_loss, wish.take_profit
    if loss is not None and (wish.price - loss) * sign <= 0:
        path = ("input", "stopLoss")
        raise Invalid("PRICE_INVALID", "The stop loss is on the wrong side.", path=path)
    if profit is not None and (profit - wish.price) * sign <= 0:
        path = ("input", "takeProfit")
        raise Invalid("PRICE_INVALID", "The take profit is on the wrong side.", path=path)
