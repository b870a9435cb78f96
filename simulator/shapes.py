"""How the simulator's values look on the wire. Money and prices are text, times RFC 3339 UTC,
tickets text, logins numbers. Password hashes never leave."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from domain.kernel.money import scale_of
from simulator import rules
from simulator.book import Draft, OrderStep
from simulator.dealing import Placed
from simulator.past import Told
from simulator.prices import Prices
from simulator.rules import Valued
from simulator.symbols import SYMBOLS
from simulator.values import Account, Deal, Funds, Order, Position

Json = dict[str, object]
_HUNDREDTH = Decimal("0.01")


def plain(value: object) -> Any:
    """JSON of a value or a dataclass, field by field."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    return value


def account(item: Account) -> Json:
    shown = plain(item)
    for name in ("balance", "credit", "is_margin_called", "main_hash", "investor_hash"):
        del shown[name]
    return dict(shown)


def state(item: Account, money: Funds, at: datetime) -> Json:
    """The account's money at one moment, every figure with the currency's decimals."""
    percent = money.level and money.level.quantize(_HUNDREDTH, ROUND_HALF_UP)
    figures = {
        name: rules.round_money(getattr(money, name), item.currency)
        for name in ("balance", "credit", "equity", "margin", "free_margin", "floating")
    }
    return {
        "login": item.login,
        **{name: format(figure, "f") for name, figure in figures.items()},
        "margin_level_percent": None if percent is None else plain(percent),
        "currency": item.currency,
        "digits": scale_of(item.currency),
        "as_of": plain(at),
    }


def position(valued: Valued, owner: Account, prices: Prices) -> Json:
    item = valued.position
    shown = plain(item)
    del shown["margin_rate"], shown["carry"]
    quote = prices.quote(item.symbol)
    shown["position_id"] = str(item.position_id)
    shown["current_price"] = plain(rules.close_price(item.side, quote))
    shown["profit"] = plain(valued.floating - item.swap)
    shown["margin"] = plain(rules.position_margin(item, owner, SYMBOLS[item.symbol]))
    return dict(shown)


def order(item: Order) -> Json:
    return {**plain(item), "order_id": str(item.order_id)}


def deal(item: Deal) -> Json:
    shown = plain(item)
    for name in ("deal_id", "position_id", "order_id", "reverses_id"):
        shown[name] = shown[name] and str(shown[name])
    return {**shown, "cursor": str(item.deal_id)}


def placed(item: Placed) -> Json:
    return {
        "order": order(item.order),
        "position_id": item.deal and str(item.deal.position_id),
        "deal": item.deal and deal(item.deal),
    }


def position_step(draft: Draft, prices: Prices, position_id: int, item: Position | None) -> Json:
    """A position that was opened or changed, or (None) closed. Draft: saved and applied."""
    owner = draft.account(item.login if item else draft.closed[position_id])
    return {
        "login": owner.login,
        "position_id": str(position_id),
        "position": item and position(prices.value(item, owner.currency), owner, prices),
        "at": plain(draft.now),
    }


def order_step(step: OrderStep, at: datetime) -> Json:
    return {
        "login": step.order.login,
        "order": order(step.order),
        "state": step.state,
        "at": plain(at),
    }


def balance_step(item: Deal, owner: Account) -> Json:
    """Money that came or went; `credit` is that of the account after the whole operation."""
    return {
        "login": item.login,
        "deal_id": str(item.deal_id),
        "op_id": item.op_id,
        "kind": item.kind,
        "amount": plain(item.amount),
        "balance": plain(item.balance_after),
        "credit": plain(owner.credit),
        "at": plain(item.at),
    }


def margin_call(draft: Draft, prices: Prices, login: int) -> Json:
    shown = state(draft.account(login), prices.funds_of(draft, login), draft.now)
    names = ("login", "margin_level_percent", "equity", "margin")
    return {**{name: shown[name] for name in names}, "at": plain(draft.now)}


def message(kind: str, body: Mapping[str, object]) -> Json:
    """A message of the stream."""
    return {"type": kind, **body}


def past(told: Told) -> Json:
    """What a past made; a low is an account's money at a tick, with the position it was for."""
    held = {one.position_id: one for one in told.positions}
    lows = [
        {
            "login": one.login,
            "position_id": str(one.position_id),
            "symbol": one.quote.symbol,
            "side": held[one.position_id].side,
            "lots": plain(held[one.position_id].lots),
            "open_price": plain(held[one.position_id].open_price),
            "balance": plain(one.balance),
            "equity": plain(one.equity),
            "quote": plain(one.quote),
        }
        for one in told.lows
    ]
    return {"deals": told.deals, "refused": told.refused, "lows": lows}
