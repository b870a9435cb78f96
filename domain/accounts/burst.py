"""What a burst of a platform's stream came to: facts are kept one by one, states conflated."""

from dataclasses import dataclass, field

from domain.accounts.trading import (
    AccountState,
    Deal,
    MarginCall,
    OrderChange,
    PositionChange,
    Quote,
    StreamItem,
)


@dataclass(slots=True)
class Tick:
    """Prices, newest by symbol, and the states that came after them and before the next ones."""

    quotes: dict[str, Quote] = field(default_factory=dict)
    states: list[AccountState] = field(default_factory=list)


@dataclass(slots=True)
class Burst:
    """Items read in one go. `moved` names the logins whose positions must be read again; `states`
    and `quotes` have the newest of each login and symbol, `ticks` every state that came, each
    beside the prices it was made of."""

    deals: list[Deal] = field(default_factory=list)
    orders: list[OrderChange] = field(default_factory=list)
    calls: list[MarginCall] = field(default_factory=list)
    moved: set[int] = field(default_factory=set)
    states: dict[int, AccountState] = field(default_factory=dict)
    ticks: list[Tick] = field(default_factory=list)
    quotes: dict[str, Quote] = field(default_factory=dict)

    def add(self, item: StreamItem) -> None:
        """Take one item; a BalanceChange adds nothing, since its deal says the same."""
        match item:
            case Deal():
                self.deals.append(item)
                self.moved.add(item.login)
            case PositionChange():
                self.moved.add(item.login)
            case OrderChange():
                self.orders.append(item)
            case MarginCall():
                self.calls.append(item)
            case AccountState():
                self.states[item.login] = item
                self._tick().states.append(item)
            case Quote():
                self.quotes[item.symbol] = item
                self._tick(is_new=True).quotes[item.symbol] = item
            case _:
                pass

    def _tick(self, *, is_new: bool = False) -> Tick:
        """The tick an item belongs to; a price after a state begins one."""
        if not self.ticks or (is_new and self.ticks[-1].states):
            self.ticks.append(Tick())
        return self.ticks[-1]

    def touched(self) -> set[int]:
        """Logins about which there is something to record."""
        orders = {one.login for one in self.orders}
        return self.moved | orders | {one.login for one in self.calls}
