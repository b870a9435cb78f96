"""What the API shows of money to those who look after it: disputes, differences, the books.

All but a client's own disputes are for staff, by permission, by row-level security, and here.
"""

from sqlalchemy import Table, Text, cast, false, func, select, type_coerce
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by

from domain.payments.disputes.tables import dispute, dispute_evidence
from domain.payments.ledger.tables import (
    ledger_account,
    ledger_hold_leg,
    ledger_posting,
    ledger_transfer,
)
from domain.payments.reconciliation.tables import discrepancy, settlement
from domain.payments.tables import psp, psp_connection
from domain.reads import (
    Entity,
    Field,
    Many,
    One,
    RowScope,
    Through,
    Viewer,
    columns,
    own_rows,
)


def _is_narrowed(viewer: Viewer) -> bool:
    return viewer.client_id is not None or viewer.ib_path is not None


_FOR_STAFF = RowScope(false(), when=_is_narrowed)

_psp_name = select(psp.c.name).where(psp.c.id == psp_connection.c.psp_id)

PSP_CONNECTION = Entity(
    name="psp_connection",
    table=psp_connection,
    fields={
        **columns(psp_connection, "name", "status", "created_at"),
        "psp_name": _psp_name.correlate(psp_connection).scalar_subquery(),
    },
    relations={"legal_entity": One("legal_entity", own="legal_entity_id")},
    scopes=(_FOR_STAFF,),
)

DISPUTE = Entity(
    name="dispute",
    table=dispute,
    fields={
        **columns(dispute, "reference", "version", "status", "reason_code", "currency"),
        **columns(dispute, "amount_minor", "fee_minor", "held_minor"),
        **columns(dispute, "evidence_due_at", "opened_at", "closed_at"),
    },
    relations={
        "payment": One("payment", own="payment_id"),
        "client": One("client", own="client_id"),
        "evidence": Many("dispute_evidence", theirs="dispute_id"),
    },
    filters={
        "status": dispute.c.status,
        "client_id": dispute.c.client_id,
        "opened_at": dispute.c.opened_at,
    },
    orders={"OPENED_AT": dispute.c.opened_at},
    default_order="-OPENED_AT",
    scopes=(*own_rows(dispute), Through("client")),
)

DISPUTE_EVIDENCE = Entity(
    name="dispute_evidence",
    table=dispute_evidence,
    fields=columns(dispute_evidence, "text", "status", "created_at", "sent_at"),
    relations={
        "dispute": One("dispute", own="dispute_id"),
        "staff": One("staff", own="staff_id"),
    },
    orders={"CREATED_AT": dispute_evidence.c.created_at},
    scopes=(_FOR_STAFF, Through("dispute")),
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
    scopes=(_FOR_STAFF,),
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
    scopes=(_FOR_STAFF,),
)


def _legs(table: Table) -> Field:
    """Postings of a transfer, or what it holds: account, what that stands for, amount."""
    leg = func.jsonb_build_array(
        ledger_account.c.id,
        ledger_account.c.kind,
        ledger_account.c.reference,
        ledger_account.c.asset,
        cast(table.c.amount, Text),
    )
    found = (
        select(
            func.coalesce(
                func.jsonb_agg(aggregate_order_by(leg, table.c.n)),
                type_coerce([], JSONB),
                type_=JSONB,
            )
        )
        .select_from(
            table.join(
                ledger_account,
                (ledger_account.c.brand_id == table.c.brand_id)
                & (ledger_account.c.id == table.c.account_id),
            )
        )
        .where(
            table.c.brand_id == ledger_transfer.c.brand_id,
            table.c.transfer_id == ledger_transfer.c.id,
        )
    )
    return Field(found.correlate(ledger_transfer).scalar_subquery())


LEDGER_TRANSFER = Entity(
    name="ledger_transfer",
    table=ledger_transfer,
    fields={
        "transfer_key": ledger_transfer.c.key,
        **columns(ledger_transfer, "kind", "state", "source", "external_id", "reason"),
        **columns(ledger_transfer, "actor_kind", "actor_id", "effective_at", "recorded_at"),
        "postings": _legs(ledger_posting),
        "holds": _legs(ledger_hold_leg),
    },
    relations={
        "client": One("client", own="client_id"),
        "resolves": One("ledger_transfer", own="resolves_id"),
    },
    filters={"key": ledger_transfer.c.key, "recorded_at": ledger_transfer.c.recorded_at},
    orders={"RECORDED_AT": ledger_transfer.c.recorded_at},
    default_order="-RECORDED_AT",
    scopes=(_FOR_STAFF, Through("client")),
)

READS = (
    PSP_CONNECTION,
    DISPUTE,
    DISPUTE_EVIDENCE,
    DISCREPANCY,
    SETTLEMENT,
    LEDGER_TRANSFER,
)
