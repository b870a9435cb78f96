"""What the accounts context asks of a trading platform, and what it offers to those who watch it.

The port fits MT4, MT5, cTrader, DXtrade, Match-Trader and the simulator. The stream is a hint for
latency; `deals_since` with an overlap is the truth, and deals are deduplicated by `deal_id`. Every
write carries our id (`op_id`), by which the platform, or its adapter, applies it at most once.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from domain.accounts.trading import (
    AccountRequest,
    AccountSettings,
    AccountState,
    BalanceKind,
    Capability,
    CloseResult,
    Deal,
    Group,
    Interval,
    Order,
    OrderRequest,
    Passwords,
    Placed,
    Position,
    PriceBar,
    Quote,
    ServerClock,
    StreamItem,
    Symbol,
)
from domain.accounts.values import AccountAccess
from domain.kernel.errors import Refused, Upstream


class PlatformRefused(Refused):
    """The platform said no and nothing changed; `code` is the wire's refusal code."""


class PlatformUnavailable(Upstream):
    """The platform could not be asked; nothing was applied, and the call may be repeated."""

    def __init__(self, message: str = "The trading platform does not answer.") -> None:
        super().__init__("PLATFORM_UNAVAILABLE", message, retryable=True)


class OutcomeUnknown(Upstream):
    """A write was sent and no proof came back: a state to resolve by `op_id`, never a failure."""

    def __init__(self, op_id: str) -> None:
        super().__init__("OUTCOME_UNKNOWN", "The platform's answer was lost.", retryable=True)
        self.op_id = op_id


class Platform(Protocol):
    """One platform server. Every call may raise PlatformUnavailable; every write may also raise
    PlatformRefused or OutcomeUnknown. Repeating a write with its `op_id` is always safe."""

    async def capabilities(self) -> frozenset[Capability]: ...
    async def server_clock(self) -> ServerClock: ...
    async def groups(self) -> list[Group]: ...
    async def ensure_groups(self, groups: Sequence[Group]) -> list[Group]: ...
    async def symbols(self, group: str | None = None) -> list[Symbol]: ...
    async def quotes(self, symbols: Sequence[str] = ()) -> list[Quote]: ...
    async def price_history(
        self, symbol: str, *, start: datetime, end: datetime, interval: Interval
    ) -> list[PriceBar]: ...

    async def create_account(self, request: AccountRequest, *, op_id: str) -> AccountSettings: ...
    async def account(self, login: int) -> AccountSettings: ...
    async def set_group(self, login: int, group: str, *, op_id: str) -> AccountSettings: ...
    async def set_leverage(self, login: int, leverage: int, *, op_id: str) -> AccountSettings: ...
    async def set_access(
        self, login: int, access: AccountAccess, *, op_id: str
    ) -> AccountSettings: ...
    async def set_passwords(self, login: int, passwords: Passwords, *, op_id: str) -> None: ...
    async def check_password(self, login: int, password: str, *, investor: bool) -> bool: ...

    async def balance_op(
        self, login: int, *, kind: BalanceKind, amount: Decimal, comment: str, op_id: str
    ) -> str:
        """Moves money by the signed `amount` at most once; the same `op_id` answers the same
        ticket (the deal's id)."""
        ...

    async def account_states(self, logins: Sequence[int]) -> list[AccountState]:
        """States of the known logins among those asked; unknown ones are left out."""
        ...

    async def positions(self, login: int) -> list[Position]: ...
    async def positions_of(self, logins: Sequence[int]) -> dict[int, list[Position]]:
        """Open positions of each of these logins; none for one that is unknown."""
        ...

    async def orders(self, login: int) -> list[Order]: ...
    async def deals_since(self, cursor: str, *, limit: int = 500) -> tuple[list[Deal], str]:
        """Deals of all logins after the cursor ('' is the beginning), oldest first, and the cursor
        to go on from, which is the given one when there were none."""
        ...

    async def place_order(self, login: int, request: OrderRequest) -> Placed: ...
    async def modify_order(
        self,
        login: int,
        order_id: str,
        *,
        price: Decimal,
        sl: Decimal | None,
        tp: Decimal | None,
        op_id: str,
    ) -> Order: ...
    async def cancel_order(self, login: int, order_id: str, *, op_id: str) -> Order: ...
    async def modify_position(
        self, login: int, position_id: str, *, sl: Decimal | None, tp: Decimal | None, op_id: str
    ) -> Position: ...
    async def close_position(
        self, login: int, position_id: str, *, lots: Decimal | None = None, op_id: str
    ) -> Deal:
        """Closes the position, or `lots` of it, at the price of now."""
        ...

    async def close_all(self, login: int, *, reason: str, op_id: str) -> list[CloseResult]:
        """Cancels pending orders and closes positions, whatever the access; read again after."""
        ...

    def stream(self, after: str) -> AsyncIterator[StreamItem]:
        """Deals after the cursor, then everything live. Ends by raising PlatformUnavailable."""
        ...

    async def aclose(self) -> None: ...


class EquitySink(Protocol):
    """Who is told of account states by the one process that reads a server's stream."""

    async def observe(
        self,
        server_id: UUID,
        states: Sequence[AccountState],
        quotes: Sequence[Quote],
        *,
        dealt: frozenset[int],
    ) -> None:
        """A batch: every state in the order it came, none left out, and the prices that came just
        before them. States may be missing, or prices: the last ones hold. The deals that came with
        them are in the event log; `dealt` says whose they are."""
        ...
