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
class Burst:
    """Items read in one go. `moved` names the logins whose positions must be read again; `states`
    has the newest of each login, `ticks` every one that came."""

    deals: list[Deal] = field(default_factory=list)
    orders: list[OrderChange] = field(default_factory=list)
    calls: list[MarginCall] = field(default_factory=list)
    moved: set[int] = field(default_factory=set)
    states: dict[int, AccountState] = field(default_factory=dict)
    ticks: list[AccountState] = field(default_factory=list)
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
                self.ticks.append(item)
            case Quote():
                self.quotes[item.symbol] = item
            case _:
                pass

    def touched(self) -> set[int]:
        """Logins about which there is something to record."""
        orders = {one.login for one in self.orders}
        return self.moved | orders | {one.login for one in self.calls}
