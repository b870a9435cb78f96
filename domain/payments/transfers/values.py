"""What a transfer is asked for, and what it is made of once its ends are known."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.kernel.money import Money
from domain.payments.values import TransferEndKind


@dataclass(frozen=True, slots=True)
class EndWish:
    """One end as a caller names it: a wallet or an account by id, or a wallet by its currency."""

    kind: TransferEndKind
    id: UUID | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class TransferWish:
    """A transfer as asked for. `amount` is what leaves `source`, in its currency."""

    source: EndWish
    target: EndWish
    amount: Money
    quote_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class End:
    """One end as it was found. `id` is None for a wallet that is opened by this transfer;
    `account` is the row of a trading account."""

    kind: TransferEndKind
    client_id: UUID
    currency: str
    id: UUID | None = None
    account: Any = None


@dataclass(frozen=True, slots=True)
class QuoteWish:
    """A conversion to be priced. `amount` is what leaves the wallet, in its currency."""

    wallet_id: UUID
    to_currency: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Pair:
    """A symbol of a platform that prices one currency in another."""

    symbol: str
    base: str
    quote: str


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of a price: a symbol, upside down when `is_inverted`."""

    symbol: str
    is_inverted: bool


@dataclass(frozen=True, slots=True)
class Price:
    """A mid price of one unit: where it came from, and when its oldest part was shown."""

    mid: Decimal
    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Converted:
    """A conversion with both totals. `mid_minor` is what the pool gives: what the client gets and
    what we earn, so that each currency sums to zero without a remainder."""

    rate: Decimal
    from_minor: int
    to_minor: int
    spread_minor: int

    @property
    def mid_minor(self) -> int:
        return self.to_minor + self.spread_minor


@dataclass(frozen=True, slots=True)
class Attempt:
    """One time that a platform was asked to lift a balance, and whether it refused."""

    at: datetime
    is_refused: bool
