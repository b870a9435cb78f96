"""What the line of a deal is due, in the currency each is paid in, with the grounds of it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.ibs.commissions.rules import convert
from domain.ibs.commissions.values import Applied, ClosedDeal, Component, Earned, Gates
from domain.ibs.values import Convention


@dataclass(frozen=True, slots=True)
class FxRate:
    """What one unit of `base` was worth in `quote`; its own currency's rate is 1, of no time."""

    rate: Decimal
    at: datetime | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """What one of the line is due of one component of a deal: an accrual to be, or to compare."""

    ib_id: UUID
    component: str
    tier: int
    plan_version_id: UUID
    lots: Decimal
    rate: Decimal
    plan_currency: str
    plan_minor: int
    fx_rate: Decimal
    currency: str
    amount_minor: int
    payable_at: datetime
    grounds: Mapping[str, Any]


def figure_of(deal: ClosedDeal, earned: Earned, governing: Applied, fx: FxRate) -> Figure:
    """What was earned, converted once and rounded down, with what it was reckoned from."""
    terms, member = earned.plan.terms, earned.member
    return Figure(
        ib_id=member.ib_id,
        component=earned.component,
        tier=member.tier,
        plan_version_id=earned.plan.version_id,
        lots=earned.lots,
        rate=earned.rate,
        plan_currency=terms.currency,
        plan_minor=earned.minor,
        fx_rate=fx.rate,
        currency=member.currency,
        amount_minor=convert(earned.minor, terms.currency, rate=fx.rate, to=member.currency),
        payable_at=deal.at + timedelta(days=terms.hold_days),
        grounds=_grounds(deal, earned, governing, fx),
    )


def pair_of(base: str, quote: str) -> str:
    """How an exchange rate is named: `USD/EUR` is what a dollar is worth in euros."""
    return f"{base}/{quote}"


def _grounds(deal: ClosedDeal, earned: Earned, governing: Applied, fx: FxRate) -> dict[str, Any]:
    """JSON of everything that the amount depends on: numbers as text, instants as ISO."""
    opening = deal.opening
    component = next(one for one in governing.terms.components if one.name == earned.component)
    return {
        "deal": {
            "symbol": deal.symbol,
            "entry": deal.entry.value,
            "closed_lots": _text(deal.closed_lots),
            "price": _text(deal.price),
            "at": deal.at.isoformat(),
            "pip": None if deal.pip is None else _text(deal.pip),
            "is_hedged": deal.is_hedged,
            "is_own": bool(deal.owners),
        },
        "opening": None
        if opening is None
        else {
            "id": str(opening.deal_id),
            "at": opening.at.isoformat(),
            "price": _text(opening.price),
        },
        "plan": {"id": str(earned.plan.plan_id), "number": earned.plan.number},
        "governing": {
            "version_id": str(governing.version_id),
            "number": governing.number,
            "convention": governing.terms.convention.value,
            "gates": _gates(governing.terms.gates),
            **_caps(component),
        },
        "found_by": earned.found.by,
        "per_lot": _text(earned.found.per_lot),
        "share": None if earned.share is None else _text(earned.share),
        "entitled_minor": str(earned.entitled_minor),
        "below_minor": str(earned.below_minor),
        "hold_days": earned.plan.terms.hold_days,
        "fx": None if fx.at is None else {"at": fx.at.isoformat(), "source": fx.source},
    }


def _gates(gates: Gates) -> dict[str, Any]:
    return {
        "min_seconds": gates.min_seconds,
        "min_pips": _text(gates.min_pips),
        "close_by": gates.close_by.value,
        "pays_hedged": gates.pays_hedged,
        "pays_own_accounts": gates.pays_own_accounts,
    }


def _caps(component: Component) -> dict[str, Any]:
    lots, minor = component.max_lots, component.max_minor
    return {
        "max_lots": None if lots is None else _text(lots),
        "max_minor": None if minor is None else str(minor),
    }


def _text(number: Decimal) -> str:
    """A decimal in one spelling, whatever the scale it was stored with."""
    plain = f"{number:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def is_pooled(grounds: Mapping[str, Any]) -> bool:
    """Whether the line shared a pool."""
    return bool(grounds["governing"]["convention"] == Convention.POOL)
