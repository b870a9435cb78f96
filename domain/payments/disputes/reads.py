"""What the API shows of disputes: a client its own, staff those of clients they may see."""

from domain.payments.disputes.tables import dispute, dispute_evidence
from domain.payments.ledger.reads import STAFF_ONLY
from domain.reads import Entity, Many, One, Through, columns, own_rows

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
    scopes=(STAFF_ONLY, Through("dispute")),
)

READS = (DISPUTE, DISPUTE_EVIDENCE)
