"""Resolve discrepancies that something made good by itself."""

from collections.abc import Mapping, Sequence

from sqlalchemy import ARRAY, Text, bindparam, text

from domain.payments.events import PaymentEventKind
from domain.payments.reconciliation.commands.open_discrepancies import discrepancy_event
from domain.payments.values import DiscrepancyKind
from tenants.work import WriteWork

_SETTLE = text(
    "update discrepancy d set status = 'RESOLVED', version = d.version + 1, resolved_at = :now,"
    " resolved_by = null, resolution = :resolution"
    " from unnest(:kinds, :subjects) as s(kind, subject)"
    " where d.brand_id = :brand_id and d.kind = s.kind and d.subject = s.subject"
    "  and d.status = 'OPEN'"
    " returning d.id, d.kind, d.subject, d.payment_id, d.currency, d.expected_minor,"
    "  d.actual_minor"
).bindparams(bindparam("kinds", type_=ARRAY(Text)), bindparam("subjects", type_=ARRAY(Text)))


async def settle_discrepancies(
    work: WriteWork, subjects: Mapping[DiscrepancyKind, Sequence[str]], *, resolution: str
) -> int:
    """Resolve the open ones of these subjects, by the system; how many. Effects: an event each."""
    named = [(kind, each) for kind, several in subjects.items() for each in several]
    if not named:
        return 0
    rows = await work.rows(
        _SETTLE,
        {
            "brand_id": work.scope.brand_id,
            "now": work.now(),
            "resolution": resolution,
            "kinds": [kind for kind, _ in named],
            "subjects": [subject for _, subject in named],
        },
    )
    for row in rows:
        work.emit(discrepancy_event(PaymentEventKind.DISCREPANCY_RESOLVED, row))
    return len(rows)
