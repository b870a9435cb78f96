"""A past for a book: accounts, money and trades of days gone by, at the prices of those days.

Play is a function of wall time, so a past instant has its prices; a trade of then is filled and
closed by the desk of now. Stops, margin calls and swaps of the time between are not played.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from simulator import accounts, dealing
from simulator.accounts import AccountSpec, Transfer
from simulator.book import Draft
from simulator.dealing import Closing, OrderSpec
from simulator.market import Market
from simulator.prices import Prices
from simulator.values import BalanceKind, OrderType, Reason, Refusal, Side

_ACCOUNT, _MONEY, _CLOSE, _OPEN = range(4)


@dataclass(frozen=True, slots=True)
class PastAccount:
    """An account that was opened at `at`; nobody knows its passwords."""

    at: datetime
    login: int
    group: str
    leverage: int
    currency: str
    client_ref: str


@dataclass(frozen=True, slots=True)
class PastTransfer:
    """Money put in or, with a negative amount, taken out."""

    at: datetime
    login: int
    amount: Decimal
    op_id: str
    comment: str


@dataclass(frozen=True, slots=True)
class PastTrade:
    """A position that was opened at `at` and closed at `closed_at`."""

    at: datetime
    closed_at: datetime
    login: int
    symbol: str
    side: Side
    lots: Decimal


@dataclass(frozen=True, slots=True)
class Past:
    """What happened in a stretch of time."""

    accounts: Sequence[PastAccount]
    transfers: Sequence[PastTransfer]
    trades: Sequence[PastTrade]


@dataclass(frozen=True, slots=True)
class Told:
    """How many deals a past made, and how many of its acts the platform refused."""

    deals: int
    refused: int


def tell(draft: Draft, market: Market, past: Past, password_hash: str) -> Told:
    """Play a past into a draft, in order of time: deals get the numbers of that order.

    An act that would have been refused then (no money, an unknown login) is left out and counted.
    """
    now, refused = draft.now, 0
    opened: dict[int, int] = {}
    for at, _, what in sorted(_acts(past), key=lambda act: act[:2]):
        draft.now = at
        try:
            _act(draft, market, what, opened, password_hash)
        except Refusal:
            refused += 1
    draft.now = now
    return Told(len(draft.deals), refused)


_Act = PastAccount | PastTransfer | tuple[int, PastTrade]


def _acts(past: Past) -> Iterable[tuple[datetime, int, _Act]]:
    """Each act with its instant and its turn among those of one instant."""
    for account in past.accounts:
        yield account.at, _ACCOUNT, account
    for transfer in past.transfers:
        yield transfer.at, _MONEY, transfer
    for n, trade in enumerate(past.trades):
        yield trade.at, _OPEN, (n, trade)
        yield trade.closed_at, _CLOSE, (n, replace(trade, at=trade.closed_at))


def _act(
    draft: Draft, market: Market, what: _Act, opened: dict[int, int], password_hash: str
) -> None:
    if isinstance(what, PastAccount):
        spec = AccountSpec(
            what.login, what.group, what.leverage, what.currency, what.client_ref,
            password_hash, password_hash,
        )  # fmt: skip
        accounts.create(draft, spec)
        return
    prices = Prices()
    for quote in market.at(draft.now):
        prices.show(quote)
    if isinstance(what, PastTransfer):
        kind = BalanceKind.DEPOSIT if what.amount > 0 else BalanceKind.WITHDRAWAL
        wanted = Transfer(kind, what.amount, what.comment, what.op_id)
        accounts.transfer(draft, prices, what.login, wanted)
        return
    n, trade = what
    if trade.at < trade.closed_at:
        _open(draft, prices, trade, n, opened)
    elif n in opened:
        position = draft.position(trade.login, opened.pop(n))
        dealing.close(draft, prices, position, Closing(Reason.REQUEST))


def _open(draft: Draft, prices: Prices, trade: PastTrade, n: int, opened: dict[int, int]) -> None:
    spec = OrderSpec("", trade.symbol, OrderType.MARKET, trade.side, trade.lots, None, None, None)
    deal = dealing.place(draft, prices, trade.login, spec).deal
    assert deal is not None, "a market order is filled at once"
    assert deal.position_id is not None, "a fill opens a position"
    opened[n] = deal.position_id
