"""Tables of reconciliation: settlements, proofs of platform balances, discrepancies."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Integer,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

from domain.payments.ledger.tables import minor
from domain.payments.reconciliation.values import CorrectionStatus, LineVerdict
from domain.payments.values import DiscrepancyKind, DiscrepancyStatus
from tenants.database import (
    brand_index,
    brand_table,
    id_column,
    one_of,
    text_column,
    time_column,
    uuid_column,
)

discrepancy = brand_table(
    "discrepancy",
    id_column(),
    text_column("kind"),
    text_column("status"),
    # What it is about, in the words of whoever found it; one row per kind and subject.
    text_column("subject"),
    uuid_column("payment_id", nullable=True),
    uuid_column("connection_id", nullable=True),
    uuid_column("account_id", nullable=True),
    text_column("currency", nullable=True),
    minor("expected_minor", nullable=True),
    minor("actual_minor", nullable=True),
    Column("facts", JSONB, nullable=False),
    Column("version", Integer, nullable=False),
    time_column("opened_at"),
    time_column("resolved_at", nullable=True),
    uuid_column("resolved_by", nullable=True),
    text_column("resolution", nullable=True),
    UniqueConstraint("brand_id", "kind", "subject"),
    one_of("kind", DiscrepancyKind),
    one_of("status", DiscrepancyStatus),
    brand_index("status", "opened_at", "id"),
    brand_index("opened_at", "id"),
    visible_to="log",
)
settlement = brand_table(
    "settlement",
    id_column(),
    uuid_column("connection_id"),
    text_column("name"),
    text_column("digest"),
    Column("lines", Integer, nullable=False),
    Column("matched", Integer, nullable=False),
    Column("differing", Integer, nullable=False),
    uuid_column("imported_by", nullable=True),
    time_column("imported_at"),
    ForeignKeyConstraint(
        ["brand_id", "connection_id"], ["psp_connection.brand_id", "psp_connection.id"]
    ),
    UniqueConstraint("brand_id", "connection_id", "digest"),
    brand_index("imported_at", "id"),
    visible_to="staff",
)
settlement_line = brand_table(
    "settlement_line",
    id_column("settlement_id"),
    Column("n", Integer, primary_key=True),
    uuid_column("connection_id"),
    # The file's own id of the line, or what tells it apart where the file has none.
    text_column("ext_line_id"),
    text_column("ext_settlement_id"),
    Column("date", Date, nullable=False),
    text_column("type"),
    text_column("psp_id"),
    text_column("payment_reference"),
    text_column("currency"),
    minor("gross_minor"),
    minor("fee_minor"),
    minor("net_minor"),
    # What of gross answers to something we booked; the rest is in suspense.
    minor("cleared_minor"),
    text_column("verdict"),
    # What of ours it is about (`deposit:<hex>`); '' when nothing is.
    text_column("subject"),
    uuid_column("payment_id", nullable=True),
    ForeignKeyConstraint(
        ["brand_id", "settlement_id"], ["settlement.brand_id", "settlement.id"]
    ),
    UniqueConstraint("brand_id", "connection_id", "ext_line_id"),
    one_of("verdict", LineVerdict),
    brand_index("connection_id", "subject"),
    visible_to="staff",
)  # fmt: skip
# The daily proof that the ledger has what the platform has, one row per live trading login.
balance_proof = brand_table(
    "balance_proof",
    Column("day", Date, primary_key=True),
    id_column("account_id"),
    text_column("currency"),
    minor("ledger_minor"),
    minor("platform_minor"),
    Column("attempts", Integer, nullable=False),
    time_column("proved_at"),
    visible_to="staff",
)
# A booking by hand, which a second person approves: the reversal of a transfer, or what settles a
# discrepancy.
ledger_correction = brand_table(
    "ledger_correction",
    id_column(),
    text_column("status"),
    uuid_column("transfer_id", nullable=True),
    uuid_column("discrepancy_id", nullable=True),
    # As it was when the booking was proposed; of older proposals nobody knows.
    Column("discrepancy_version", Integer, nullable=True),
    text_column("move", nullable=True),
    uuid_column("client_id", nullable=True),
    text_column("currency", nullable=True),
    minor("amount_minor", nullable=True),
    text_column("reason"),
    uuid_column("proposed_by"),
    time_column("proposed_at"),
    uuid_column("decided_by", nullable=True),
    time_column("decided_at", nullable=True),
    uuid_column("posted_id", nullable=True),
    ForeignKeyConstraint(
        ["brand_id", "transfer_id"], ["ledger_transfer.brand_id", "ledger_transfer.id"]
    ),
    ForeignKeyConstraint(
        ["brand_id", "discrepancy_id"], ["discrepancy.brand_id", "discrepancy.id"]
    ),
    one_of("status", CorrectionStatus),
    CheckConstraint(
        "(transfer_id is null) <> (discrepancy_id is null)"
        " and (discrepancy_id is null) = (move is null)"
        " and (move is null) = (amount_minor is null)",
        name="subject",
    ),
    CheckConstraint("decided_by is null or decided_by <> proposed_by", name="two_people"),
    brand_index("status", "proposed_at", "id"),
    visible_to="staff",
)
