"""The book in memory, and drafts of changes to it.

A draft overlays the book: an operation reads and writes the draft, the store saves it in one
transaction, and only then is it applied here. A draft that fails is dropped and has changed
nothing, ids included; so the ids of deals have no gaps and grow in commit order.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from simulator.values import (
    Account,
    Deal,
    Entry,
    Funds,
    Group,
    Order,
    Position,
    Refusal,
)


@dataclass(frozen=True, slots=True)
class Operation:
    """What was answered to an operation id; `fingerprint` tells another use of the same id."""

    op_id: str
    fingerprint: str
    status: int
    answer: dict[str, object]
    at: datetime


class Book:
    """Everything that is open, with the indexes that a tick needs."""

    def __init__(self, *, next_ticket: int, last_deal: int, rolled_day: date) -> None:
        self.groups: dict[str, Group] = {}
        self.accounts: dict[int, Account] = {}
        self.positions: dict[int, Position] = {}
        self.orders: dict[int, Order] = {}
        self.next_ticket = next_ticket
        self.last_deal = last_deal
        self.rolled_day = rolled_day
        self.positions_of: defaultdict[int, set[int]] = defaultdict(set)
        self.orders_of: defaultdict[int, set[int]] = defaultdict(set)
        self.positions_on: defaultdict[str, set[int]] = defaultdict(set)
        self.orders_on: defaultdict[str, set[int]] = defaultdict(set)

    def put_position(self, position_id: int, position: Position | None) -> None:
        old = self.positions.pop(position_id, None)
        if position is not None:
            self.positions[position_id] = position
            self.positions_of[position.login].add(position_id)
            self.positions_on[position.symbol].add(position_id)
        elif old is not None:
            self.positions_of[old.login].discard(position_id)
            self.positions_on[old.symbol].discard(position_id)

    def put_order(self, order_id: int, order: Order | None) -> None:
        old = self.orders.pop(order_id, None)
        if order is not None:
            self.orders[order_id] = order
            self.orders_of[order.login].add(order_id)
            self.orders_on[order.symbol].add(order_id)
        elif old is not None:
            self.orders_of[old.login].discard(order_id)
            self.orders_on[old.symbol].discard(order_id)

    def apply(self, draft: "Draft") -> None:
        """Takes over a draft that has been saved."""
        self.groups.update(draft.groups)
        self.accounts.update(draft.accounts)
        for position_id, position in draft.positions.items():
            self.put_position(position_id, position)
        for order_id, order in draft.orders.items():
            self.put_order(order_id, order)
        self.last_deal += len(draft.deals)
        self.next_ticket = draft.next_ticket
        self.rolled_day = draft.rolled_day


@dataclass(slots=True)
class OrderStep:
    """What happened to a pending order: PLACED, CHANGED, FILLED, CANCELLED or REJECTED."""

    order: Order
    state: str


@dataclass(slots=True)
class Draft:
    """Changes to a book that are not yet saved. None in `positions` or `orders` means gone."""

    book: Book
    now: datetime
    next_ticket: int = 0
    rolled_day: date = date.min
    groups: dict[str, Group] = field(default_factory=dict)
    accounts: dict[int, Account] = field(default_factory=dict)
    positions: dict[int, Position | None] = field(default_factory=dict)
    orders: dict[int, Order | None] = field(default_factory=dict)
    deals: list[Deal] = field(default_factory=list)
    order_steps: list[OrderStep] = field(default_factory=list)
    margin_calls: list[int] = field(default_factory=list)
    closed: dict[int, int] = field(default_factory=dict)
    funds: dict[int, Funds] = field(default_factory=dict)
    operation: Operation | None = None

    def __post_init__(self) -> None:
        self.next_ticket = self.book.next_ticket
        self.rolled_day = self.book.rolled_day

    @property
    def is_empty(self) -> bool:
        changes = (self.groups, self.accounts, self.positions, self.orders, self.deals)
        return (
            not any(changes) and self.operation is None and self.rolled_day == self.book.rolled_day
        )

    def ticket(self) -> int:
        """The next number for a position or an order."""
        self.next_ticket += 1
        return self.next_ticket - 1

    def group(self, name: str) -> Group:
        """Refusals: UNKNOWN_GROUP."""
        group = self.groups.get(name) or self.book.groups.get(name)
        if group is None:
            raise Refusal("UNKNOWN_GROUP", f"There is no group {name}.")
        return group

    def find_account(self, login: int) -> Account | None:
        return self.accounts.get(login) or self.book.accounts.get(login)

    def account(self, login: int) -> Account:
        """Refusals: UNKNOWN_LOGIN."""
        account = self.find_account(login)
        if account is None:
            raise Refusal("UNKNOWN_LOGIN", f"There is no account {login}.")
        return account

    def position(self, login: int, position_id: int) -> Position:
        """Refusals: UNKNOWN_POSITION; that of another login is as unknown."""
        position = self._position(position_id)
        if position is None or position.login != login:
            raise Refusal("UNKNOWN_POSITION", f"{login} has no position {position_id}.")
        return position

    def order(self, login: int, order_id: int) -> Order:
        """Refusals: UNKNOWN_ORDER; that of another login is as unknown."""
        order = self._order(order_id)
        if order is None or order.login != login:
            raise Refusal("UNKNOWN_ORDER", f"{login} has no pending order {order_id}.")
        return order

    def positions_of(self, login: int) -> list[Position]:
        """Open positions, oldest first."""
        ids = self.book.positions_of.get(login, set()) | _new(self.positions, login)
        return [p for p in map(self._position, sorted(ids)) if p is not None]

    def orders_of(self, login: int) -> list[Order]:
        """Pending orders, oldest first."""
        ids = self.book.orders_of.get(login, set()) | _new(self.orders, login)
        return [o for o in map(self._order, sorted(ids)) if o is not None]

    def positions_on(self, symbol: str) -> list[Position]:
        ids = sorted(self.book.positions_on.get(symbol, ()))
        return [p for p in map(self._position, ids) if p is not None]

    def orders_on(self, symbol: str) -> list[Order]:
        ids = sorted(self.book.orders_on.get(symbol, ()))
        return [o for o in map(self._order, ids) if o is not None]

    def _position(self, position_id: int) -> Position | None:
        if position_id in self.positions:
            return self.positions[position_id]
        return self.book.positions.get(position_id)

    def _order(self, order_id: int) -> Order | None:
        if order_id in self.orders:
            return self.orders[order_id]
        return self.book.orders.get(order_id)

    def end_position(self, position: Position) -> None:
        """Takes a position off the book and remembers whose it was."""
        self.positions[position.position_id] = None
        self.closed[position.position_id] = position.login

    def step_order(self, order: Order, state: str) -> None:
        """Changes or ends a pending order and remembers the step for the stream."""
        is_pending = state in ("PLACED", "CHANGED")
        self.orders[order.order_id] = order if is_pending else None
        self.order_steps.append(OrderStep(order, state))

    def record(self, deal: Deal) -> Deal:
        """Numbers a deal and moves its account's money by what it made."""
        account = self.account(deal.login)
        moved = deal.profit + deal.swap + deal.commission + deal.amount
        if deal.entry is Entry.CREDIT:
            account = replace(account, credit=account.credit + moved)
        else:
            account = replace(account, balance=account.balance + moved)
        self.accounts[deal.login] = account
        deal_id = self.book.last_deal + len(self.deals) + 1
        recorded = replace(deal, deal_id=deal_id, balance_after=account.balance)
        self.deals.append(recorded)
        return recorded


def _new(changes: Mapping[int, Position | Order | None], login: int) -> set[int]:
    return {key for key, item in changes.items() if item is not None and item.login == login}


def touched(draft: Draft) -> set[int]:
    """Logins whose money or positions a draft changes."""
    old = (draft.book.positions.get(position_id) for position_id in draft.positions)
    held = (item.login for item in [*old, *draft.positions.values()] if item is not None)
    return {*draft.accounts, *held}
