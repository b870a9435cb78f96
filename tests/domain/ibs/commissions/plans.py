"""Plans and deals to judge, written short."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.accounts.values import DealEntry
from domain.ibs.commissions.values import (
    Applied,
    ClosedDeal,
    Component,
    Gates,
    Member,
    Opening,
    Rate,
    SymbolGroup,
    Terms,
)
from domain.ibs.values import ComponentKind, Convention

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
EVERYTHING = (SymbolGroup("ALL", ("*",)),)


def terms(per_lot: str, *shares: str, gates: Gates | None = None, **component: Any) -> Terms:
    """So much per lot of whatever symbol; a pool when there are shares."""
    rates = (Rate(Decimal(per_lot), group="ALL"),)
    made = Component(
        "REBATE", ComponentKind.REBATE_PER_LOT, rates, tuple(map(Decimal, shares)), **component
    )
    convention = Convention.POOL if shares else Convention.OVERRIDE
    return Terms("USD", convention, (made,), EVERYTHING, gates or Gates())


def line(*plans: Terms | None) -> list[Member]:
    """A line of ibs with these plans, the introducer first."""
    return [
        Member(
            UUID(int=tier),
            tier,
            "USD",
            None if plan is None else Applied(UUID(int=100 + tier), UUID(int=200 + tier), 1, plan),
        )
        for tier, plan in enumerate(plans, 1)
    ]


def deal(lots: str = "1", *, seconds: int = 600, pips: str = "25", **changes: Any) -> ClosedDeal:
    """A deal that closed EURUSD after some seconds and pips."""
    pip = Decimal("0.0001")
    opening = Opening(UUID(int=5), AT - timedelta(seconds=seconds), Decimal("1.1"))
    price = opening.price - Decimal(pips) * pip
    fields: dict[str, Any] = {"opening": opening, "pip": pip} | changes
    return ClosedDeal(
        UUID(int=6),
        fields.pop("symbol", "EURUSD"),
        fields.pop("entry", DealEntry.OUT),
        Decimal(lots),
        price,
        AT,
        **fields,
    )


def minors(earned: Sequence[Any]) -> list[tuple[int, int]]:
    """Tier and amount of each part."""
    return [(one.member.tier, one.minor) for one in earned]
