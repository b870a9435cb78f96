"""Tables of disputes."""

from sqlalchemy import Column, ForeignKeyConstraint, Integer, UniqueConstraint

from domain.payments.disputes.values import EvidenceStatus
from domain.payments.ledger.tables import minor
from domain.payments.tables import of_client
from domain.payments.values import DisputeStatus
from tenants.database import (
    brand_index,
    brand_table,
    id_column,
    one_of,
    text_column,
    time_column,
    uuid_column,
)

dispute = brand_table(
    "dispute",
    id_column(),
    uuid_column("payment_id"),
    *of_client(),
    uuid_column("connection_id"),
    text_column("reference"),
    text_column("ext_id"),
    Column("ext_version", Integer, nullable=False),
    text_column("status"),
    text_column("reason_code"),
    text_column("currency"),
    minor("amount_minor"),
    minor("fee_minor"),
    minor("held_minor"),
    uuid_column("hold_id", nullable=True),
    Column("version", Integer, nullable=False),
    time_column("evidence_due_at", nullable=True),
    time_column("opened_at"),
    time_column("closed_at", nullable=True),
    ForeignKeyConstraint(["brand_id", "payment_id"], ["payment.brand_id", "payment.id"]),
    UniqueConstraint("brand_id", "connection_id", "ext_id"),
    UniqueConstraint("brand_id", "reference"),
    one_of("status", DisputeStatus),
    brand_index("client_id", "opened_at", "id"),
    brand_index("payment_id", "opened_at", "id"),
    brand_index("status", "opened_at", "id"),
    brand_index("opened_at", "id"),
    visible_to="client",
)
dispute_evidence = brand_table(
    "dispute_evidence",
    id_column(),
    uuid_column("dispute_id"),
    text_column("text"),
    text_column("status"),
    uuid_column("staff_id"),
    time_column("created_at"),
    time_column("sent_at", nullable=True),
    ForeignKeyConstraint(["brand_id", "dispute_id"], ["dispute.brand_id", "dispute.id"]),
    one_of("status", EvidenceStatus),
    brand_index("dispute_id", "created_at", "id"),
    visible_to="staff",
)
# Accounts that a dispute set to CLOSE_ONLY, and the request to the platform that did.
dispute_restriction = brand_table(
    "dispute_restriction",
    id_column("dispute_id"),
    id_column("account_id"),
    uuid_column("request_id"),
    ForeignKeyConstraint(["brand_id", "dispute_id"], ["dispute.brand_id", "dispute.id"]),
    visible_to="staff",
)
