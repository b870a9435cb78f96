"""A past for a book: accounts, money and trades of days gone by, at the prices of those days.

Play is a function of wall time, so a past instant has its prices; a trade of then is filled and
closed by the desk of now. Stops, margin calls and swaps of the time between are not played.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from heapq import heapify, heappop, heappush

from simulator import accounts, dealing, rules
from simulator.accounts import AccountSpec, Transfer
from simulator.aiming import Low, PastAim, plot
from simulator.book import Draft
from simulator.dealing import Closing, OrderSpec
from simulator.market import Market
from simulator.prices import Prices
from simulator.symbols import SYMBOLS
from simulator.values import BalanceKind, OrderType, Position, Reason, Refusal, Side

_ACCOUNT, _MONEY, _CLOSE, _OPEN = range(4)
_REACTION = timedelta(milliseconds=200)
"""How long after a tick that was waited for the desk closes, at the price that it showed."""


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
    aims: Sequence[PastAim] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """How many deals a past made, how many of its acts the platform refused, the lows of trades
    with an aim, and their positions."""

    deals: int
    refused: int
    lows: Sequence[Low] = ()
    positions: Sequence[Position] = ()


_Act = PastAccount | PastTransfer | tuple[int, PastTrade | PastAim]


def tell(draft: Draft, market: Market, past: Past, password_hash: str) -> Told:
    """Play a past into a draft, in order of time: deals get the numbers of that order.

    An act that would have been refused then (no money, an unknown login) is left out and counted.
    """
    return _Play(draft, market, password_hash).play(past)


@dataclass(slots=True)
class _Play:
    """A past that is being told: what is still to come, and what is open."""

    draft: Draft
    market: Market
    password_hash: str
    acts: list[tuple[datetime, int, int, _Act]] = field(default_factory=list)
    opened: dict[int, int] = field(default_factory=dict)
    lows: list[Low] = field(default_factory=list)
    positions: list[Position] = field(default_factory=list)

    def play(self, past: Past) -> Told:
        now, refused = self.draft.now, 0
        for number, (at, turn, what) in enumerate(_acts(past)):
            self.acts.append((at, turn, number, what))
        heapify(self.acts)
        while self.acts:
            self.draft.now, _, _, what = heappop(self.acts)
            try:
                self._act(what)
            except Refusal:
                refused += 1
        self.draft.now = now
        return Told(len(self.draft.deals), refused, self.lows, self.positions)

    def _act(self, what: _Act) -> None:
        if isinstance(what, PastAccount):
            spec = AccountSpec(
                what.login, what.group, what.leverage, what.currency, what.client_ref,
                self.password_hash, self.password_hash,
            )  # fmt: skip
            accounts.create(self.draft, spec)
            return
        prices = Prices()
        for quote in self.market.at(self.draft.now):
            prices.show(quote)
        if isinstance(what, PastTransfer):
            kind = BalanceKind.DEPOSIT if what.amount > 0 else BalanceKind.WITHDRAWAL
            wanted = Transfer(kind, what.amount, what.comment, what.op_id)
            accounts.transfer(self.draft, prices, what.login, wanted)
            return
        n, trade = what
        if trade.at < trade.closed_at:
            self._open(prices, n, trade)
        elif n in self.opened:
            position = self.draft.position(trade.login, self.opened.pop(n))
            dealing.close(self.draft, prices, position, Closing(Reason.REQUEST))

    def _open(self, prices: Prices, n: int, trade: PastTrade | PastAim) -> None:
        if isinstance(trade, PastTrade):
            self.opened[n] = self._place(prices, trade, trade.side)
            return
        account, quote = self.draft.account(trade.login), prices.quote(trade.symbol)
        if self.draft.positions_of(trade.login) or (
            SYMBOLS[trade.symbol].quote_currency != account.currency
        ):
            raise Refusal("INVALID_AIM", "One position at a time, in money of the account.")
        if trade.is_there(account.balance):
            return
        per_lot = self.draft.group(account.group).commission_per_lot
        balance = account.balance + rules.commission(trade.lots, per_lot, account.currency)
        course = plot(self.market, trade, quote, trade.equity - balance)
        key = self.opened[n] = self._place(prices, trade, course.side)
        self.positions.append(self.draft.position(trade.login, key))
        for seen, made in course.lows:
            self.lows.append(Low(trade.login, key, seen, balance, balance + made))
        end = trade.closed_at
        if course.ends_at is not None:
            end = min(end, course.ends_at + _REACTION)
        # Numbered below those that were known beforehand, so that no two are alike.
        heappush(self.acts, (end, _CLOSE, -1 - n, (n, replace(trade, at=trade.closed_at))))

    def _place(self, prices: Prices, trade: PastTrade | PastAim, side: Side) -> int:
        spec = OrderSpec("", trade.symbol, OrderType.MARKET, side, trade.lots, None, None, None)
        deal = dealing.place(self.draft, prices, trade.login, spec).deal
        assert deal is not None, "a market order is filled at once"
        assert deal.position_id is not None, "a fill opens a position"
        return deal.position_id


def _acts(past: Past) -> Iterable[tuple[datetime, int, _Act]]:
    """Each act that is known beforehand, with its instant and its turn among those of one."""
    for account in past.accounts:
        yield account.at, _ACCOUNT, account
    for transfer in past.transfers:
        yield transfer.at, _MONEY, transfer
    for n, trade in enumerate(past.trades):
        yield trade.at, _OPEN, (n, trade)
        yield trade.closed_at, _CLOSE, (n, replace(trade, at=trade.closed_at))
    for n, aim in enumerate(past.aims, len(past.trades)):
        yield aim.at, _OPEN, (n, aim)
