"""What the API shows of reconciliation, to staff alone."""

from sqlalchemy import select

from domain.payments.ledger.reads import STAFF_ONLY
from domain.payments.reconciliation.tables import discrepancy, settlement
from domain.payments.tables import psp, psp_connection
from domain.reads import Entity, One, columns

_psp_name = select(psp.c.name).where(psp.c.id == psp_connection.c.psp_id)

PSP_CONNECTION = Entity(
    name="psp_connection",
    table=psp_connection,
    fields={
        **columns(psp_connection, "name", "status", "created_at"),
        "psp_name": _psp_name.correlate(psp_connection).scalar_subquery(),
    },
    relations={"legal_entity": One("legal_entity", own="legal_entity_id")},
    scopes=(STAFF_ONLY,),
)

DISCREPANCY = Entity(
    name="discrepancy",
    table=discrepancy,
    fields={
        **columns(discrepancy, "kind", "status", "subject", "version", "currency", "facts"),
        **columns(discrepancy, "expected_minor", "actual_minor"),
        **columns(discrepancy, "opened_at", "resolved_at", "resolution"),
    },
    relations={
        "payment": One("payment", own="payment_id"),
        "connection": One("psp_connection", own="connection_id"),
        "account": One("account", own="account_id"),
        "resolved_by": One("staff", own="resolved_by"),
    },
    filters={
        "kind": discrepancy.c.kind,
        "status": discrepancy.c.status,
        "opened_at": discrepancy.c.opened_at,
    },
    orders={"OPENED_AT": discrepancy.c.opened_at},
    default_order="-OPENED_AT",
    scopes=(STAFF_ONLY,),
)

SETTLEMENT = Entity(
    name="settlement",
    table=settlement,
    fields=columns(settlement, "name", "lines", "matched", "differing", "imported_at"),
    relations={
        "connection": One("psp_connection", own="connection_id"),
        "imported_by": One("staff", own="imported_by"),
    },
    filters={"imported_at": settlement.c.imported_at},
    orders={"IMPORTED_AT": settlement.c.imported_at},
    default_order="-IMPORTED_AT",
    scopes=(STAFF_ONLY,),
)

READS = (PSP_CONNECTION, DISCREPANCY, SETTLEMENT)
