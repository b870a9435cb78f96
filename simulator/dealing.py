"""What the dealing desk does with a draft: fill, close, trigger, stop out, charge swap.

Everything here is synchronous and works on one draft at the prices of one moment.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from simulator import rules
from simulator.book import Draft
from simulator.prices import Prices, find_symbol, symbols_moved_by
from simulator.symbols import CURRENCIES, SYMBOLS
from simulator.values import (
    ZERO,
    Access,
    Account,
    Deal,
    Entry,
    Order,
    OrderType,
    Position,
    Reason,
    Refusal,
    Side,
)

_MOVED = {name: symbols_moved_by(name, CURRENCIES) for name in SYMBOLS}


@dataclass(frozen=True, slots=True)
class OrderSpec:
    """An order as it was asked for."""

    client_order_id: str
    symbol: str
    type: OrderType
    side: Side
    lots: Decimal
    price: Decimal | None
    sl: Decimal | None
    tp: Decimal | None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """An accepted order: filled at once (`deal`) or pending."""

    order: Order
    deal: Deal | None


@dataclass(frozen=True, slots=True)
class Closing:
    """Why and on whose word a position is closed."""

    reason: Reason
    op_id: str | None = None
    comment: str = ""


def place(draft: Draft, prices: Prices, login: int, spec: OrderSpec) -> Placed:
    """Fills a market order or takes a pending one.

    Refusals: UNKNOWN_LOGIN, TRADING_DISABLED, CLOSE_ONLY, UNKNOWN_SYMBOL, INVALID_VOLUME,
    INVALID_PRICE, INVALID_STOPS, NO_PRICE, NO_MONEY, ORDER_EXPIRED.
    """
    account = draft.account(login)
    if spec.expires_at is not None and draft.now >= spec.expires_at:
        raise Refusal("ORDER_EXPIRED", "The order came too late.")
    check_may_open(account)
    symbol = find_symbol(spec.symbol)
    rules.check_lots(symbol, spec.lots)
    order = Order(
        draft.ticket(), login, spec.client_order_id, spec.symbol, spec.type, spec.side, spec.lots,
        spec.price, spec.sl, spec.tp, draft.now,
    )  # fmt: skip
    quote = prices.quote(spec.symbol)
    _check_grid(order)
    if spec.type is OrderType.MARKET:
        if spec.price is not None:
            raise Refusal("INVALID_PRICE", "A market order has no price.")
        rules.check_stops(spec.side, rules.close_price(spec.side, quote), sl=spec.sl, tp=spec.tp)
        return Placed(order, fill(draft, prices, order, Reason.REQUEST))
    if spec.price is None:
        raise Refusal("INVALID_PRICE", "A pending order needs a price.")
    rules.check_pending(order, quote)
    rules.check_stops(spec.side, spec.price, sl=spec.sl, tp=spec.tp)
    draft.step_order(order, "PLACED")
    return Placed(order, None)


def check_may_open(account: Account) -> None:
    """Refusals: CLOSE_ONLY, TRADING_DISABLED."""
    if account.access is Access.CLOSE_ONLY:
        raise Refusal("CLOSE_ONLY", "This account may only close.")
    check_may_close(account)


def check_may_close(account: Account) -> None:
    """Refusals: TRADING_DISABLED."""
    if account.access in (Access.NO_TRADING, Access.NO_LOGIN):
        raise Refusal("TRADING_DISABLED", "This account may not trade.")


def _check_grid(order: Order) -> None:
    symbol = SYMBOLS[order.symbol]
    for price in (order.price, order.sl, order.tp):
        if price is not None and price % symbol.point:
            raise Refusal("INVALID_PRICE", f"{order.symbol} has {symbol.digits} decimals.")


def modify_order(
    draft: Draft, prices: Prices, order: Order, *, price: Decimal, stops: tuple[Decimal | None, ...]
) -> Order:
    """Moves a pending order. Refusals: TRADING_DISABLED, CLOSE_ONLY, INVALID_PRICE,
    INVALID_STOPS, NO_PRICE."""
    check_may_open(draft.account(order.login))
    moved = replace(order, price=price, sl=stops[0], tp=stops[1])
    _check_grid(moved)
    rules.check_pending(moved, prices.quote(order.symbol))
    rules.check_stops(order.side, price, sl=moved.sl, tp=moved.tp)
    draft.step_order(moved, "CHANGED")
    return moved


def cancel_order(draft: Draft, order: Order) -> Order:
    """Takes a pending order back. Refusals: TRADING_DISABLED."""
    check_may_close(draft.account(order.login))
    draft.step_order(order, "CANCELLED")
    return order


def modify_position(
    draft: Draft, prices: Prices, position: Position, *, stops: tuple[Decimal | None, ...]
) -> Position:
    """Sets stop loss and take profit. Refusals: TRADING_DISABLED, INVALID_PRICE, INVALID_STOPS."""
    check_may_close(draft.account(position.login))
    moved = replace(position, sl=stops[0], tp=stops[1])
    point = SYMBOLS[position.symbol].point
    if any(price is not None and price % point for price in stops):
        raise Refusal("INVALID_PRICE", f"{position.symbol} moves in steps of {point}.")
    price = rules.close_price(position.side, prices.quote(position.symbol))
    rules.check_stops(position.side, price, sl=moved.sl, tp=moved.tp)
    draft.positions[position.position_id] = moved
    return moved


def fill(draft: Draft, prices: Prices, order: Order, reason: Reason) -> Deal:
    """Opens a position at the price of now, if the free margin after it, with commission and
    spread paid, is not below zero. Refusals: NO_MONEY."""
    account, symbol = draft.account(order.login), SYMBOLS[order.symbol]
    price = rules.open_price(order.side, prices.quote(order.symbol))
    position = Position(
        draft.ticket(), order.login, order.symbol, order.side, order.lots, price,
        rules.notional_per_lot(
            symbol, price, currency=account.currency,
            quote_to_account=prices.rate(symbol.quote_currency, account.currency),
        ),
        order.sl, order.tp, ZERO, ZERO, draft.now,
    )  # fmt: skip
    cost = rules.commission(
        order.lots, draft.group(account.group).commission_per_lot, account.currency
    )
    held = prices.values([*draft.positions_of(order.login), position], account.currency)
    after = prices.funds(replace(account, balance=account.balance + cost), held)
    if after.free_margin < 0:
        raise Refusal("NO_MONEY", "The free margin is too small.")
    draft.positions[position.position_id] = position
    return draft.record(
        Deal(
            order.login, draft.now, Entry.IN, reason, order.symbol, order.side, order.lots, price,
            position.position_id, order.order_id, commission=cost, op_id=order.client_order_id,
        )
    )  # fmt: skip


def close(
    draft: Draft, prices: Prices, position: Position, why: Closing, *, lots: Decimal | None = None
) -> Deal:
    """Closes a position, or a part of it, at the price of now. Refusals: INVALID_VOLUME."""
    symbol = SYMBOLS[position.symbol]
    currency = draft.account(position.login).currency
    part = position.lots if lots is None else lots
    rules.check_part(symbol, lots=part, of=position.lots)
    price = rules.close_price(position.side, prices.quote(position.symbol))
    exact = rules.profit_exact(
        replace(position, lots=part), symbol, price=price,
        quote_to_account=prices.rate(symbol.quote_currency, currency),
    )  # fmt: skip
    profit = rules.round_money(exact, currency)
    swap = rules.swap_part(position, part, currency)
    rest = position.lots - part
    if rest:
        kept = replace(position, lots=rest, swap=position.swap - swap, carry=exact - profit)
        draft.positions[position.position_id] = kept
    else:
        draft.end_position(position)
    side = Side.SELL if position.side is Side.BUY else Side.BUY
    return draft.record(
        Deal(
            position.login, draft.now, Entry.OUT, why.reason, position.symbol, side, part, price,
            position.position_id, profit=profit, swap=swap, op_id=why.op_id, comment=why.comment,
        )
    )  # fmt: skip


def cancel(draft: Draft, known: Sequence[Deal]) -> Deal:
    """Takes a closing deal back: what it moved is moved the other way; no position opens again.
    `known` is the deal, and the one that took it back before if there is one.

    Refusals: INVALID_REQUEST for no closing deal and for one that was taken back.
    """
    if len(known) != 1 or known[0].entry is not Entry.OUT:
        raise Refusal("INVALID_REQUEST", "This is no closing deal, or it was cancelled before.")
    (taken,) = known
    return draft.record(
        Deal(
            taken.login, draft.now, Entry.CANCEL, Reason.REQUEST, taken.symbol, taken.side,
            taken.lots, taken.price, taken.position_id, profit=-taken.profit, swap=-taken.swap,
            commission=-taken.commission, reverses_id=taken.deal_id, comment="cancelled",
        )
    )  # fmt: skip


def close_all(draft: Draft, prices: Prices, login: int, why: Closing) -> list[Deal]:
    """Cancels all pending orders, then closes all positions, oldest first, whatever the access."""
    for order in draft.orders_of(login):
        draft.step_order(order, "CANCELLED")
    return [close(draft, prices, position, why) for position in draft.positions_of(login)]


def react(draft: Draft, prices: Prices, symbol: str) -> set[int]:
    """What a new price of `symbol` sets off: stops and targets, then pending orders, then margin.

    Answers the logins whose money the price has moved.
    """
    quote = prices.quote(symbol)
    for position in draft.positions_on(symbol):
        reason = rules.exit_reason(position, quote)
        if reason is not None:
            close(draft, prices, position, Closing(reason))
    for order in draft.orders_on(symbol):
        if rules.is_triggered(order, quote):
            _fill_pending(draft, prices, order)
    moved = _logins_moved_by(draft, symbol) | set(draft.accounts)
    for login in sorted(moved):
        watch_margin(draft, prices, login)
    return moved


def _fill_pending(draft: Draft, prices: Prices, order: Order) -> None:
    try:
        check_may_open(draft.account(order.login))
        fill(draft, prices, order, Reason.PENDING)
    except Refusal:
        draft.step_order(order, "REJECTED")
    else:
        draft.step_order(order, "FILLED")


def _logins_moved_by(draft: Draft, symbol: str) -> set[int]:
    moved = set()
    for currency, held in _MOVED[symbol].items():
        for name in held:
            for position in draft.positions_on(name):
                if draft.account(position.login).currency == currency:
                    moved.add(position.login)
    return moved


def watch_margin(draft: Draft, prices: Prices, login: int) -> None:
    """Stops out, largest loss first, until the level is above the group's; warns once."""
    account = draft.account(login)
    group = draft.group(account.group)
    while True:
        valued = prices.values(draft.positions_of(login), account.currency)
        state = prices.funds(draft.account(login), valued)
        if not rules.must_stop_out(state, group.stop_out_level):
            break
        close(draft, prices, rules.stop_out_choice(valued), Closing(Reason.STOP_OUT))
    draft.funds[login] = state
    is_called = state.level is not None and state.level <= group.margin_call_level
    if is_called is not draft.account(login).is_margin_called:
        draft.accounts[login] = replace(draft.account(login), is_margin_called=is_called)
        if is_called:
            draft.margin_calls.append(login)


def roll_over(draft: Draft, prices: Prices, day: date) -> None:
    """Charges the swap of the night after `day` to every position that was open then."""
    for position in list(draft.book.positions.values()):
        account, symbol = draft.account(position.login), SYMBOLS[position.symbol]
        nights = rules.swap_nights(symbol.asset_class, day)
        is_free = draft.group(account.group).swap_free
        if nights == 0 or is_free or position.opened_at.date() > day:
            continue
        current = draft.position(position.login, position.position_id)
        charge = rules.swap_charge(
            current, symbol, nights=nights, currency=account.currency,
            quote_to_account=prices.rate(symbol.quote_currency, account.currency),
        )  # fmt: skip
        draft.positions[position.position_id] = replace(current, swap=current.swap + charge)
    draft.rolled_day = day
