"""Payments with their steps, legs and approvals."""

import sqlalchemy as sa

from alembic import op
from tenants.isolation import isolate

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "payment",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("client_id", sa.UUID(), nullable=False),
        sa.Column("ib_path", sa.Text(), server_default="", nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("fee_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("wallet_id", sa.UUID(), nullable=True),
        sa.Column("method_id", sa.UUID(), nullable=True),
        sa.Column("connection_id", sa.UUID(), nullable=True),
        sa.Column("ext_id", sa.Text(), nullable=True),
        sa.Column("ext_version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("return_url", sa.Text(), nullable=True),
        sa.Column("checkout_url", sa.Text(), nullable=True),
        sa.Column("credited_minor", sa.Numeric(precision=38, scale=0), nullable=True),
        sa.Column("credited_currency", sa.Text(), nullable=True),
        sa.Column(
            "refunded_minor", sa.Numeric(precision=38, scale=0), server_default="0", nullable=False
        ),
        sa.Column(
            "taken_back_minor",
            sa.Numeric(precision=38, scale=0),
            server_default="0",
            nullable=False,
        ),
        sa.Column("source_id", sa.Text(), nullable=True),
        sa.Column("source_label", sa.Text(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("destination_id", sa.UUID(), nullable=True),
        sa.Column("risk", sa.Text(), nullable=True),
        sa.Column("approval_round", sa.Integer(), server_default="0", nullable=False),
        sa.Column("maker_ids", sa.ARRAY(sa.UUID()), server_default="{}", nullable=False),
        sa.Column("from_kind", sa.Text(), nullable=True),
        sa.Column("from_id", sa.UUID(), nullable=True),
        sa.Column("to_kind", sa.Text(), nullable=True),
        sa.Column("to_id", sa.UUID(), nullable=True),
        sa.Column("received_minor", sa.Numeric(precision=38, scale=0), nullable=True),
        sa.Column("received_currency", sa.Text(), nullable=True),
        sa.Column("quote_id", sa.UUID(), nullable=True),
        sa.Column("hold_id", sa.UUID(), nullable=True),
        sa.Column("platform_request_id", sa.UUID(), nullable=True),
        sa.CheckConstraint("from_kind in ('WALLET', 'ACCOUNT')", name=op.f("ck_payment_from_kind")),
        sa.CheckConstraint(
            "kind in ('DEPOSIT', 'WITHDRAWAL', 'TRANSFER')", name=op.f("ck_payment_kind")
        ),
        sa.CheckConstraint(
            "status in ('CREATED', 'PENDING', 'AUTHORISED', 'SETTLED', 'PARTLY_REFUNDED', "
            "'REFUNDED', 'DISPUTED', 'CHARGED_BACK', 'FAILED', 'EXPIRED', 'CANCELLED', "
            "'REQUESTED', 'APPROVED', 'REJECTED', 'SENDING', 'UNKNOWN', 'SENT', 'PAID', "
            "'PARTLY_PAID', 'RETURNED', 'DONE')",
            name=op.f("ck_payment_status"),
        ),
        sa.CheckConstraint("to_kind in ('WALLET', 'ACCOUNT')", name=op.f("ck_payment_to_kind")),
        sa.CheckConstraint("amount_minor > 0 and fee_minor >= 0", name=op.f("ck_payment_amounts")),
        sa.CheckConstraint(
            "refunded_minor between 0 and coalesce(credited_minor, 0)",
            name=op.f("ck_payment_refunded"),
        ),
        sa.CheckConstraint(
            "taken_back_minor between 0 and coalesce(credited_minor, 0)",
            name=op.f("ck_payment_taken_back"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "client_id"],
            ["client.brand_id", "client.id"],
            name=op.f("fk_payment_brand_id_client_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "connection_id"],
            ["psp_connection.brand_id", "psp_connection.id"],
            name=op.f("fk_payment_brand_id_connection_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "destination_id"],
            ["payout_destination.brand_id", "payout_destination.id"],
            name=op.f("fk_payment_brand_id_destination_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "method_id"],
            ["payment_method.brand_id", "payment_method.id"],
            name=op.f("fk_payment_brand_id_method_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_payment")),
        sa.UniqueConstraint(
            "brand_id",
            "connection_id",
            "ext_id",
            name=op.f("uq_payment_brand_id_connection_id_ext_id"),
        ),
        sa.UniqueConstraint("brand_id", "reference", name=op.f("uq_payment_brand_id_reference")),
    )
    op.create_index(
        op.f("ix_payment_brand_id_client_id_created_at_id"),
        "payment",
        ["brand_id", "client_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_payment_brand_id_created_at_id"),
        "payment",
        ["brand_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_payment_brand_id_kind_created_at_id"),
        "payment",
        ["brand_id", "kind", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_payment_brand_id_kind_status_updated_at"),
        "payment",
        ["brand_id", "kind", "status", "updated_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_payment_brand_id_platform_request_id"),
        "payment",
        ["brand_id", "platform_request_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_payment_brand_id_status_created_at_id"),
        "payment",
        ["brand_id", "status", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_payment_brand_id_currency_created_at_id"),
        "payment",
        ["brand_id", "currency", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_payment_brand_id_wallet_id_created_at_id"),
        "payment",
        ["brand_id", "wallet_id", "created_at", "id"],
        unique=False,
    )
    isolate("payment", visible_to="client")
    op.create_table(
        "approval",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("payment_id", sa.UUID(), nullable=False),
        sa.Column("client_id", sa.UUID(), nullable=False),
        sa.Column("ib_path", sa.Text(), server_default="", nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.UUID(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "level in ('BACK_OFFICE', 'FINANCE', 'COMPLIANCE')", name=op.f("ck_approval_level")
        ),
        sa.CheckConstraint(
            "status in ('PENDING', 'APPROVED', 'REJECTED', 'RESET', 'DROPPED')",
            name=op.f("ck_approval_status"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "payment_id"],
            ["payment.brand_id", "payment.id"],
            name=op.f("fk_approval_brand_id_payment_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_approval")),
        sa.UniqueConstraint(
            "brand_id",
            "payment_id",
            "round",
            "n",
            name=op.f("uq_approval_brand_id_payment_id_round_n"),
        ),
    )
    op.create_index(
        op.f("ix_approval_brand_id_status_created_at_id"),
        "approval",
        ["brand_id", "status", "created_at", "id"],
        unique=False,
    )
    isolate("approval", visible_to="client")
    op.create_table(
        "payment_step",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("payment_id", sa.UUID(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.UUID(), nullable=False),
        sa.Column("ib_path", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.UUID(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status in ('CREATED', 'PENDING', 'AUTHORISED', 'SETTLED', 'PARTLY_REFUNDED', "
            "'REFUNDED', 'DISPUTED', 'CHARGED_BACK', 'FAILED', 'EXPIRED', 'CANCELLED', "
            "'REQUESTED', 'APPROVED', 'REJECTED', 'SENDING', 'UNKNOWN', 'SENT', 'PAID', "
            "'PARTLY_PAID', 'RETURNED', 'DONE')",
            name=op.f("ck_payment_step_status"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "payment_id"],
            ["payment.brand_id", "payment.id"],
            name=op.f("fk_payment_step_brand_id_payment_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "payment_id", "n", name=op.f("pk_payment_step")),
    )
    isolate("payment_step", visible_to="client")
    op.create_table(
        "withdrawal_leg",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("payment_id", sa.UUID(), nullable=False),
        sa.Column("client_id", sa.UUID(), nullable=False),
        sa.Column("ib_path", sa.Text(), server_default="", nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("deposit_id", sa.UUID(), nullable=True),
        sa.Column("destination_id", sa.UUID(), nullable=True),
        sa.Column("method_id", sa.UUID(), nullable=False),
        sa.Column("connection_id", sa.UUID(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("paid_minor", sa.Numeric(precision=38, scale=0), nullable=True),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("hold_id", sa.UUID(), nullable=False),
        sa.Column("ext_id", sa.Text(), nullable=True),
        sa.Column("ext_version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("sending_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ask_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(kind = 'REFUND') = (deposit_id is not null)", name=op.f("ck_withdrawal_leg_source")
        ),
        sa.CheckConstraint("kind in ('REFUND', 'PAYOUT')", name=op.f("ck_withdrawal_leg_kind")),
        sa.CheckConstraint(
            "status in ('HELD', 'SENDING', 'UNKNOWN', 'SENT', 'PAID', 'FAILED', 'RETURNED', "
            "'RELEASED')",
            name=op.f("ck_withdrawal_leg_status"),
        ),
        sa.CheckConstraint(
            "amount_minor > 0 and paid_minor between 0 and amount_minor",
            name=op.f("ck_withdrawal_leg_amount"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "payment_id"],
            ["payment.brand_id", "payment.id"],
            name=op.f("fk_withdrawal_leg_brand_id_payment_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_withdrawal_leg")),
        sa.UniqueConstraint(
            "brand_id", "payment_id", "n", name=op.f("uq_withdrawal_leg_brand_id_payment_id_n")
        ),
    )
    op.create_index(
        op.f("ix_withdrawal_leg_brand_id_ask_at"),
        "withdrawal_leg",
        ["brand_id", "ask_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_withdrawal_leg_brand_id_connection_id_ext_id"),
        "withdrawal_leg",
        ["brand_id", "connection_id", "ext_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_withdrawal_leg_brand_id_deposit_id"),
        "withdrawal_leg",
        ["brand_id", "deposit_id"],
        unique=False,
    )
    isolate("withdrawal_leg", visible_to="client")


def downgrade() -> None:
    op.drop_table("withdrawal_leg")
    op.drop_table("payment_step")
    op.drop_table("approval")
    op.drop_table("payment")
