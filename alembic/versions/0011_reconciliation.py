"""Disputes and reconciliation; a client's risk; money onto accounts."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op
from tenants.isolation import isolate

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

REQUESTS_BEFORE = (
    "kind in ('OPEN', 'LEVERAGE', 'ACCESS', 'PASSWORD', 'PLACE', 'CHANGE_ORDER', 'CANCEL',"
    " 'CHANGE_POSITION', 'CLOSE')"
)
REQUESTS = REQUESTS_BEFORE.removesuffix(")") + ", 'BALANCE')"


def upgrade() -> None:
    _afterwards()
    # A constant default rewrites nothing, and a check that is not valid yet scans nothing.
    op.add_column("client", sa.Column("risk", sa.Text(), server_default="LOW", nullable=False))
    _add_check("client", "ck_client_risk", "risk in ('LOW', 'MEDIUM', 'HIGH')")
    _replace_kinds(REQUESTS)


def _replace_kinds(condition: str) -> None:
    op.execute("alter table platform_request drop constraint ck_platform_request_kind")
    _add_check("platform_request", "ck_platform_request_kind", condition)


def _add_check(table: str, name: str, condition: str) -> None:
    op.execute(f"alter table {table} add constraint {name} check ({condition}) not valid")
    op.execute(f"alter table {table} validate constraint {name}")


def _afterwards() -> None:
    op.create_table(
        "balance_proof",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("ledger_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("platform_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("proved_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "day", "account_id", name=op.f("pk_balance_proof")),
    )
    isolate("balance_proof", visible_to="staff")
    op.create_table(
        "discrepancy",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.UUID(), nullable=True),
        sa.Column("connection_id", sa.UUID(), nullable=True),
        sa.Column("account_id", sa.UUID(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("expected_minor", sa.Numeric(precision=38, scale=0), nullable=True),
        sa.Column("actual_minor", sa.Numeric(precision=38, scale=0), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_by", sa.UUID(), nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind in ('AMOUNT_DIFFERS', 'CURRENCY_DIFFERS', 'LATE', 'UNKNOWN_PAYMENT', "
            "'OUTCOME_UNKNOWN', 'SETTLEMENT_MISSING', 'SETTLEMENT_EXTRA', 'SETTLEMENT_DIFFERS', "
            "'PLATFORM_DIFFERS', 'CLEARING_AGED')",
            name=op.f("ck_discrepancy_kind"),
        ),
        sa.CheckConstraint("status in ('OPEN', 'RESOLVED')", name=op.f("ck_discrepancy_status")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_discrepancy")),
        sa.UniqueConstraint(
            "brand_id", "kind", "subject", name=op.f("uq_discrepancy_brand_id_kind_subject")
        ),
    )
    op.create_index(
        op.f("ix_discrepancy_brand_id_opened_at_id"),
        "discrepancy",
        ["brand_id", "opened_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_discrepancy_brand_id_status_opened_at_id"),
        "discrepancy",
        ["brand_id", "status", "opened_at", "id"],
        unique=False,
    )
    isolate("discrepancy", visible_to="log")
    op.create_table(
        "settlement",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("connection_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("matched", sa.Integer(), nullable=False),
        sa.Column("differing", sa.Integer(), nullable=False),
        sa.Column("imported_by", sa.UUID(), nullable=True),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "connection_id"],
            ["psp_connection.brand_id", "psp_connection.id"],
            name=op.f("fk_settlement_brand_id_connection_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_settlement")),
        sa.UniqueConstraint(
            "brand_id",
            "connection_id",
            "digest",
            name=op.f("uq_settlement_brand_id_connection_id_digest"),
        ),
    )
    op.create_index(
        op.f("ix_settlement_brand_id_imported_at_id"),
        "settlement",
        ["brand_id", "imported_at", "id"],
        unique=False,
    )
    isolate("settlement", visible_to="staff")
    op.create_table(
        "settlement_line",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("settlement_id", sa.UUID(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("connection_id", sa.UUID(), nullable=False),
        sa.Column("ext_line_id", sa.Text(), nullable=False),
        sa.Column("ext_settlement_id", sa.Text(), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("psp_id", sa.Text(), nullable=False),
        sa.Column("payment_reference", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("gross_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("fee_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("net_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("cleared_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.UUID(), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "settlement_id"],
            ["settlement.brand_id", "settlement.id"],
            name=op.f("fk_settlement_line_brand_id_settlement_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "settlement_id", "n", name=op.f("pk_settlement_line")),
        sa.UniqueConstraint(
            "brand_id",
            "connection_id",
            "ext_line_id",
            name=op.f("uq_settlement_line_brand_id_connection_id_ext_line_id"),
        ),
        sa.CheckConstraint(
            "verdict in ('MATCHED', 'DIFFERS', 'EXTRA')", name=op.f("ck_settlement_line_verdict")
        ),
    )
    op.create_index(
        op.f("ix_settlement_line_brand_id_connection_id_subject"),
        "settlement_line",
        ["brand_id", "connection_id", "subject"],
        unique=False,
    )
    isolate("settlement_line", visible_to="staff")
    op.create_table(
        "dispute",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("payment_id", sa.UUID(), nullable=False),
        sa.Column("client_id", sa.UUID(), nullable=False),
        sa.Column("ib_path", sa.Text(), server_default="", nullable=False),
        sa.Column("connection_id", sa.UUID(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("ext_id", sa.Text(), nullable=False),
        sa.Column("ext_version", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("fee_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("held_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("hold_id", sa.UUID(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("evidence_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status in ('OPEN', 'UNDER_REVIEW', 'WON', 'LOST')", name=op.f("ck_dispute_status")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "payment_id"],
            ["payment.brand_id", "payment.id"],
            name=op.f("fk_dispute_brand_id_payment_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_dispute")),
        sa.UniqueConstraint(
            "brand_id",
            "connection_id",
            "ext_id",
            name=op.f("uq_dispute_brand_id_connection_id_ext_id"),
        ),
        sa.UniqueConstraint("brand_id", "reference", name=op.f("uq_dispute_brand_id_reference")),
    )
    op.create_index(
        op.f("ix_dispute_brand_id_client_id_opened_at_id"),
        "dispute",
        ["brand_id", "client_id", "opened_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_dispute_brand_id_payment_id"), "dispute", ["brand_id", "payment_id"], unique=False
    )
    op.create_index(
        op.f("ix_dispute_brand_id_opened_at_id"),
        "dispute",
        ["brand_id", "opened_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_dispute_brand_id_status_opened_at_id"),
        "dispute",
        ["brand_id", "status", "opened_at", "id"],
        unique=False,
    )
    isolate("dispute", visible_to="client")
    op.create_table(
        "dispute_evidence",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("dispute_id", sa.UUID(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.UUID(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status in ('WAITING', 'SENT', 'REFUSED')", name=op.f("ck_dispute_evidence_status")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "dispute_id"],
            ["dispute.brand_id", "dispute.id"],
            name=op.f("fk_dispute_evidence_brand_id_dispute_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_dispute_evidence")),
    )
    op.create_index(
        op.f("ix_dispute_evidence_brand_id_dispute_id_created_at_id"),
        "dispute_evidence",
        ["brand_id", "dispute_id", "created_at", "id"],
        unique=False,
    )
    isolate("dispute_evidence", visible_to="staff")
    op.create_table(
        "dispute_restriction",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("dispute_id", sa.UUID(), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("request_id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "dispute_id"],
            ["dispute.brand_id", "dispute.id"],
            name=op.f("fk_dispute_restriction_brand_id_dispute_id"),
        ),
        sa.PrimaryKeyConstraint(
            "brand_id", "dispute_id", "account_id", name=op.f("pk_dispute_restriction")
        ),
    )
    isolate("dispute_restriction", visible_to="staff")
    op.create_table(
        "ledger_correction",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("transfer_id", sa.UUID(), nullable=True),
        sa.Column("discrepancy_id", sa.UUID(), nullable=True),
        sa.Column("move", sa.Text(), nullable=True),
        sa.Column("client_id", sa.UUID(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("amount_minor", sa.Numeric(precision=38, scale=0), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.UUID(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.UUID(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("posted_id", sa.UUID(), nullable=True),
        sa.CheckConstraint(
            "(transfer_id is null) <> (discrepancy_id is null)"
            " and (discrepancy_id is null) = (move is null)"
            " and (move is null) = (amount_minor is null)",
            name=op.f("ck_ledger_correction_subject"),
        ),
        sa.CheckConstraint(
            "decided_by is null or decided_by <> proposed_by",
            name=op.f("ck_ledger_correction_two_people"),
        ),
        sa.CheckConstraint(
            "status in ('PROPOSED', 'APPROVED', 'REJECTED')",
            name=op.f("ck_ledger_correction_status"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "discrepancy_id"],
            ["discrepancy.brand_id", "discrepancy.id"],
            name=op.f("fk_ledger_correction_brand_id_discrepancy_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "transfer_id"],
            ["ledger_transfer.brand_id", "ledger_transfer.id"],
            name=op.f("fk_ledger_correction_brand_id_transfer_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_ledger_correction")),
    )
    op.create_index(
        op.f("ix_ledger_correction_brand_id_status_proposed_at_id"),
        "ledger_correction",
        ["brand_id", "status", "proposed_at", "id"],
        unique=False,
    )
    isolate("ledger_correction", visible_to="staff")


def downgrade() -> None:
    _replace_kinds(REQUESTS_BEFORE)
    op.drop_column("client", "risk")
    op.drop_table("ledger_correction")
    op.drop_table("dispute_restriction")
    op.drop_table("dispute_evidence")
    op.drop_table("dispute")
    op.drop_table("settlement_line")
    op.drop_table("settlement")
    op.drop_table("discrepancy")
    op.drop_table("balance_proof")
