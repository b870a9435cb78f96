"""Note what does not add up, one row per kind and subject; many in one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ARRAY, Numeric, Text, bindparam, text
from sqlalchemy.dialects.postgresql import UUID as PgUUID

from domain.kernel.money import Money
from domain.payments.events import PAYMENT_TOPIC, PaymentEventKind, as_text
from domain.payments.values import DiscrepancyKind
from tenants.log import Event
from tenants.work import WriteWork

_UUIDS, _TEXTS = ARRAY(PgUUID(as_uuid=True)), ARRAY(Text)
_TYPES: dict[str, Any] = {
    "ids": _UUIDS,
    "kinds": _TEXTS,
    "subjects": _TEXTS,
    "payments": _UUIDS,
    "connections": _UUIDS,
    "accounts": _UUIDS,
    "currencies": _TEXTS,
    "expected": ARRAY(Numeric),
    "actual": ARRAY(Numeric),
    "facts": _TEXTS,
}
# A row that says the same again is left alone; a resolved one that changed is open again.
_UPSERT = text(
    "insert into discrepancy (brand_id, id, kind, status, subject, payment_id, connection_id,"
    " account_id, currency, expected_minor, actual_minor, facts, version, opened_at)"
    " select :brand_id, f.id, f.kind, 'OPEN', f.subject, f.payment, f.connection, f.account,"
    "  f.currency, f.expected, f.actual, f.facts::jsonb, 1, :now"
    " from unnest(:ids, :kinds, :subjects, :payments, :connections, :accounts, :currencies,"
    "  :expected, :actual, :facts) as f(id, kind, subject, payment, connection, account, currency,"
    "  expected, actual, facts)"
    " order by f.kind, f.subject"
    " on conflict (brand_id, kind, subject) do update set status = 'OPEN',"
    "  payment_id = excluded.payment_id, connection_id = excluded.connection_id,"
    "  account_id = excluded.account_id, currency = excluded.currency,"
    "  expected_minor = excluded.expected_minor, actual_minor = excluded.actual_minor,"
    "  facts = excluded.facts, version = discrepancy.version + 1, opened_at = excluded.opened_at,"
    "  resolved_at = null, resolved_by = null, resolution = null"
    " where (discrepancy.currency, discrepancy.expected_minor, discrepancy.actual_minor)"
    "  is distinct from (excluded.currency, excluded.expected_minor, excluded.actual_minor)"
    " returning id, kind, subject, payment_id, currency, expected_minor, actual_minor"
).bindparams(*(bindparam(name, type_=type_) for name, type_ in _TYPES.items()))


@dataclass(frozen=True, slots=True)
class Found:
    """Something that does not add up. `subject` names it for ever, so that it is noted once."""

    kind: DiscrepancyKind
    subject: str
    payment_id: UUID | None = None
    connection_id: UUID | None = None
    account_id: UUID | None = None
    expected: Money | None = None
    actual: Money | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def currency(self) -> str | None:
        money = self.actual or self.expected
        return None if money is None else money.currency


async def open_discrepancies(work: WriteWork, found: Sequence[Found]) -> int:
    """Note these; how many are new or changed. Effects: an event for staff for each of those."""
    if not found:
        return 0
    rows = await work.rows(
        _UPSERT,
        {
            "brand_id": work.scope.brand_id,
            "now": work.now(),
            "ids": [work.new_id() for _ in found],
            "kinds": [one.kind for one in found],
            "subjects": [one.subject for one in found],
            "payments": [one.payment_id for one in found],
            "connections": [one.connection_id for one in found],
            "accounts": [one.account_id for one in found],
            "currencies": [one.currency for one in found],
            "expected": [one.expected and one.expected.amount_minor for one in found],
            "actual": [one.actual and one.actual.amount_minor for one in found],
            "facts": [orjson.dumps(dict(one.facts)).decode() for one in found],
        },
    )
    for row in rows:
        work.emit(discrepancy_event(PaymentEventKind.DISCREPANCY_FOUND, row))
    return len(rows)


def discrepancy_event(kind: PaymentEventKind, row: Any) -> Event:
    """An event of a discrepancy. It names no client: discrepancies are for staff."""
    shown = ("payment_id", "currency", "expected_minor", "actual_minor")
    payload = {"discrepancy_id": str(row.id), "kind": row.kind, "subject": row.subject}
    payload |= {name: as_text(value) for name in shown if (value := getattr(row, name)) is not None}
    return Event(PAYMENT_TOPIC, kind, object_id=row.id, payload=payload)
