"""Offer a payment method: what it is called, where, and on which terms."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from domain.kernel.errors import Invalid
from domain.payments.tables import payment_method, payment_method_terms
from domain.payments.values import MethodKind, PaymentDirection
from tenants.log import Change
from tenants.work import WriteWork

_BPS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class TermsPlan:
    """Limits and fee in one currency and direction, in minor units and hundredths of a percent."""

    direction: PaymentDirection
    currency: str
    min_minor: int
    max_minor: int
    fee_fixed_minor: int = 0
    fee_bps: int = 0


@dataclass(frozen=True, slots=True)
class MethodPlan:
    """A method over a connection. `countries` of clients who may use it, all when empty;
    `refundable_days` how long a deposit can be sent back to its source, 0 for never."""

    id: UUID
    connection_id: UUID
    kind: MethodKind
    name: str
    terms: Sequence[TermsPlan]
    refundable_days: int = 180
    countries: Sequence[str] = ()
    position: int = 0
    enabled: bool = True
    logo_url: str | None = None


async def save_method(work: WriteWork, plan: MethodPlan) -> None:
    """Add a method, or change the one with its id; its connection stays.

    Terms are added and changed. Refusals: INVALID for limits or fees that can't be, and for coins,
    which no provider takes: a client could neither be told an address nor wait for confirmations.
    Effects: audit.
    """
    if plan.kind is MethodKind.CRYPTO:
        raise Invalid("INVALID", "No payment provider here takes coins yet.")
    for one in plan.terms:
        if not 0 < one.min_minor <= one.max_minor:
            raise Invalid("INVALID", "The smallest amount is above zero and below the largest.")
        if one.fee_fixed_minor < 0 or not 0 <= one.fee_bps <= _BPS_MAX:
            raise Invalid("INVALID", "A fee is not negative and at most the whole amount.")
    shown: dict[str, Any] = {
        "kind": plan.kind,
        "name": plan.name,
        "refundable_days": plan.refundable_days,
        "countries": list(plan.countries),
        "position": plan.position,
        "enabled": plan.enabled,
        "logo_url": plan.logo_url,
    }
    method = insert(payment_method).values(
        brand_id=work.scope.brand_id, id=plan.id, connection_id=plan.connection_id, **shown
    )
    changed = {name: method.excluded[name] for name in shown}
    await work.rows(method.on_conflict_do_update(index_elements=["brand_id", "id"], set_=changed))
    await _save_terms(work, plan)
    work.audit(
        Change("payment_method.save", object_kind="payment_method", object_id=plan.id, after=shown)
    )


async def _save_terms(work: WriteWork, plan: MethodPlan) -> None:
    if not plan.terms:
        return
    rows = [
        {"brand_id": work.scope.brand_id, "method_id": plan.id, **asdict(one)} for one in plan.terms
    ]
    terms = insert(payment_method_terms).values(rows)
    key = ("brand_id", "method_id", "direction", "currency")
    changed = {name: terms.excluded[name] for name in rows[0] if name not in key}
    await work.rows(terms.on_conflict_do_update(index_elements=list(key), set_=changed))
