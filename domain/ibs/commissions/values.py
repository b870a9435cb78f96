"""What a plan says, what is known of a deal, and what the line earned. Pure data.

Rates and lots are exact decimals; amounts are minor units of the currency beside them.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from domain.accounts.values import DealEntry
from domain.ibs.values import CloseBy, ComponentKind, Convention, Judgement

EVERY_OTHER = "*"
"""In a symbol group: every symbol that no other group names."""


@dataclass(frozen=True, slots=True)
class SymbolGroup:
    name: str
    symbols: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rate:
    """Money per lot for one symbol or one symbol group; exactly one of the two is set."""

    per_lot: Decimal
    symbol: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Component:
    """One thing a plan pays for. Components of a line's plans belong together by their names."""

    name: str
    kind: ComponentKind
    rates: tuple[Rate, ...]
    shares: tuple[Decimal, ...] = ()
    """POOL: percent for the introducer, the one above, and so on; 100 in all."""
    max_lots: Decimal | None = None
    max_minor: int | None = None
    """At most so much for one deal, in the plan's currency, all tiers together."""


@dataclass(frozen=True, slots=True)
class Gates:
    """Which deals are paid for at all."""

    min_seconds: int = 0
    min_pips: Decimal = Decimal(0)
    close_by: CloseBy = CloseBy.ONCE
    pays_hedged: bool = True
    pays_own_accounts: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """A version of a plan: never changed once it is published."""

    currency: str
    convention: Convention
    components: tuple[Component, ...]
    groups: tuple[SymbolGroup, ...] = ()
    gates: Gates = Gates()
    hold_days: int = 0
    """Days from the deal's close until its accruals become payable."""


@dataclass(frozen=True, slots=True)
class Excess:
    """Where a plan pays more per lot than the one above it. `limit` is what that pays at most;
    None: no rate at all, and with `has_component` false it lacks the component altogether."""

    component: str
    symbol: str
    per_lot: Decimal
    limit: Decimal | None
    has_component: bool = True


@dataclass(frozen=True, slots=True)
class Applied:
    """The version of a plan that was in force for an ib."""

    plan_id: UUID
    version_id: UUID
    number: int
    terms: Terms


@dataclass(frozen=True, slots=True)
class Member:
    """One of the line, from the introducer (tier 1) upwards, as it was when the deal closed."""

    ib_id: UUID
    tier: int
    currency: str
    plan: Applied | None


@dataclass(frozen=True, slots=True)
class Opening:
    """The deal that last opened or enlarged the position before it was closed."""

    deal_id: UUID
    at: datetime
    price: Decimal


@dataclass(frozen=True, slots=True)
class ClosedDeal:
    """What is known of a deal; `pip` is the symbol's, None when the platform does not list it.

    `owners` are those of the line whose own account this is.
    """

    id: UUID
    symbol: str
    entry: DealEntry
    closed_lots: Decimal
    price: Decimal
    at: datetime
    opening: Opening | None = None
    pip: Decimal | None = None
    is_hedged: bool = False
    owners: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Found:
    """The rate that a component has for a symbol, and by what it was found."""

    per_lot: Decimal
    by: str


@dataclass(frozen=True, slots=True)
class Earned:
    """What one of the line earned of one component, in the plan's currency.

    `entitled_minor` is what it and all below it are due together; `below_minor` what those below
    it are. `rate` is the money per lot that came to it, before caps and rounding.
    """

    component: str
    member: Member
    plan: Applied
    lots: Decimal
    found: Found
    rate: Decimal
    minor: int
    entitled_minor: int
    below_minor: int
    share: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a deal is judged to be worth. `inverted` are ibs whose rate is below one under them."""

    judgement: Judgement
    earned: tuple[Earned, ...] = ()
    inverted: tuple[UUID, ...] = ()
