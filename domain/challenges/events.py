"""Events of topic CHALLENGE. Payloads hold ids and figures and no personal data.

Money is text in minor units (`…_minor`). An order is called `purchase_id` here, since `order_id`
is an order to trade.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.challenges.values import DayBegan, FloorBroken, PhaseExpired, PhasePassed, Verdict
from tenants.log import Event

TOPIC = "CHALLENGE"


class ChallengeEventKind(StrEnum):
    """What happened, in the past tense."""

    PROGRAM_PUBLISHED = "program_published"
    PROGRAM_CLOSED = "program_closed"
    ORDER_CREATED = "order_created"
    ORDER_PAID = "order_paid"
    ORDER_CANCELLED = "order_cancelled"
    ORDER_REFUNDING = "order_refunding"
    ORDER_REFUND_FAILED = "order_refund_failed"
    ORDER_REFUNDED = "order_refunded"
    ORDER_DISPUTED = "order_disputed"
    ORDER_CHARGED_BACK = "order_charged_back"
    CHALLENGE_STARTED = "challenge_started"
    ACCOUNT_REFUSED = "account_refused"
    PHASE_STARTED = "phase_started"
    DAY_BEGAN = "day_began"
    PHASE_PAUSED = "phase_paused"
    PHASE_RESUMED = "phase_resumed"
    PHASE_PASSED = "phase_passed"
    PHASE_BREACHED = "phase_breached"
    PHASE_EXPIRED = "phase_expired"
    PHASE_CANCELLED = "phase_cancelled"
    POSITIONS_CLOSED = "positions_closed"
    ACCOUNT_DISABLED = "account_disabled"
    REVIEW_BEGAN = "review_began"
    LIQUIDATION_HALTED = "liquidation_halted"
    LIQUIDATION_RESUMED = "liquidation_resumed"


def order_event(kind: ChallengeEventKind, order: Any, **more: Any) -> Event:
    """An event of an order; `order` is its row."""
    total = int(order.net_minor) + int(order.tax_minor)
    return Event(
        topic=TOPIC,
        kind=kind,
        object_id=order.id,
        client_id=order.client_id,
        ib_path=order.ib_path,
        payload={
            "purchase_id": str(order.id),
            "reference": order.reference,
            "currency": order.currency,
            "total_minor": str(total),
            "tax_minor": str(order.tax_minor),
            **more,
        },
    )


def phase_event(
    kind: ChallengeEventKind, phase: Any, more: Mapping[str, Any] | None = None
) -> Event:
    """An event of a phase; `phase` is its row."""
    payload = {
        "challenge_id": str(phase.challenge_id),
        "phase_id": str(phase.id),
        "phase_number": phase.number,
    }
    if phase.account_id is not None:
        payload["account_id"] = str(phase.account_id)
    return Event(
        topic=TOPIC,
        kind=kind,
        object_id=phase.challenge_id,
        client_id=phase.client_id,
        ib_path=phase.ib_path,
        payload=payload | dict(more or {}),
    )


def brand_event(kind: ChallengeEventKind, object_id: UUID | None = None, **payload: Any) -> Event:
    """An event that concerns no client, for staff."""
    return Event(topic=TOPIC, kind=kind, object_id=object_id, payload=payload)


def told_of(verdict: Verdict) -> dict[str, Any]:
    """What a verdict's event says."""
    match verdict:
        case DayBegan():
            return {
                "day": verdict.day.isoformat(),
                "anchor_minor": str(verdict.anchor_minor),
                "floor_daily_minor": _text(verdict.floor_daily_minor),
                "floor_total_minor": _text(verdict.floor_total_minor),
                "at": verdict.at.isoformat(),
            }
        case FloorBroken():
            return {
                "rule": verdict.rule,
                "severity": verdict.severity,
                "floor_minor": str(verdict.floor_minor),
                "equity_minor": str(verdict.equity_minor),
                "seen_at": verdict.seen_at.isoformat(),
                "at": verdict.at.isoformat(),
            }
        case PhasePassed():
            return {
                "balance_minor": str(verdict.balance_minor),
                "target_minor": str(verdict.target_minor),
                "days": len(verdict.days),
                "at": verdict.at.isoformat(),
            }
        case PhaseExpired():
            return {
                "balance_minor": str(verdict.balance_minor),
                "target_minor": _text(verdict.target_minor),
                "at": verdict.at.isoformat(),
            }


def _text(amount: int | None) -> str | None:
    return None if amount is None else str(amount)
