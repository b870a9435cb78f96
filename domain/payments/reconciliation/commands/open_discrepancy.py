"""Put a difference where staff see it: one row per kind and subject, however often it is found."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert

from domain.kernel.money import Money
from domain.payments.events import PAYMENT_TOPIC, PaymentEventKind, as_text
from domain.payments.reconciliation.tables import discrepancy
from domain.payments.values import DiscrepancyKind, DiscrepancyStatus
from tenants.log import Event
from tenants.work import WriteWork


async def open_discrepancy(
    work: WriteWork,
    kind: DiscrepancyKind,
    *,
    subject: str,
    payment_id: UUID | None = None,
    connection_id: UUID | None = None,
    account_id: UUID | None = None,
    expected: Money | None = None,
    actual: Money | None = None,
    facts: Mapping[str, Any] | None = None,
) -> UUID:
    """Open a discrepancy, or tell an open one its newest figures; its id.

    `subject` says what it is about in few words that never change (`deposit:<hex>`). A resolved one
    opens again when the figures are others than those that were looked at. Effects: one event for
    staff when anything is new.
    """
    figures = _figures(expected, actual)
    shown = dict(facts or {}) | _other_currency(expected, actual)
    offered = insert(discrepancy).values(
        brand_id=work.scope.brand_id,
        id=work.new_id(),
        kind=kind,
        status=DiscrepancyStatus.OPEN,
        subject=subject,
        payment_id=payment_id,
        connection_id=connection_id,
        account_id=account_id,
        facts=shown,
        version=1,
        opened_at=work.now(),
        **figures,
    )
    changed = {name: offered.excluded[name] for name in (*figures, "facts", "status")}
    upsert = offered.on_conflict_do_update(
        index_elements=["brand_id", "kind", "subject"],
        set_={
            **changed,
            "version": discrepancy.c.version + 1,
            "resolved_at": None,
            "resolved_by": None,
            "resolution": None,
        },
        where=or_(
            *(discrepancy.c[name].is_distinct_from(offered.excluded[name]) for name in figures)
        ),
    ).returning(discrepancy.c.id, discrepancy.c.version)
    row = await work.maybe(upsert)
    if row is None:
        return await _same(work, kind, subject)
    payload = {"discrepancy_id": str(row.id), "kind": kind, "subject": subject}
    if payment_id is not None:
        payload["payment_id"] = str(payment_id)
    payload |= {name: as_text(value) for name, value in figures.items() if value is not None}
    found = PaymentEventKind.DISCREPANCY_FOUND
    work.emit(Event(PAYMENT_TOPIC, found, object_id=row.id, payload=payload))
    opened: UUID = row.id
    return opened


def _figures(expected: Money | None, actual: Money | None) -> dict[str, Any]:
    """The columns of the figures: in the currency of what is really there."""
    if actual is None and expected is None:
        return {"currency": None, "expected_minor": None, "actual_minor": None}
    currency = (actual or expected or Money(0, "")).currency
    named = {"expected_minor": expected, "actual_minor": actual}
    return {"currency": currency} | {
        name: None if one is None or one.currency != currency else one.amount_minor
        for name, one in named.items()
    }


def _other_currency(expected: Money | None, actual: Money | None) -> dict[str, Any]:
    """What was expected, where that can't be compared."""
    if expected is None or actual is None or expected.currency == actual.currency:
        return {}
    return {
        "expected_currency": expected.currency, "expected_minor": str(expected.amount_minor)
    }  # fmt: skip


async def _same(work: WriteWork, kind: DiscrepancyKind, subject: str) -> UUID:
    row = await work.one(
        select(discrepancy.c.id).where(
            discrepancy.c.brand_id == work.scope.brand_id,
            discrepancy.c.kind == kind.value,
            discrepancy.c.subject == subject,
        )
    )
    found: UUID = row.id
    return found
