"""The cashier: notices, PSPs, methods, policies, destinations and quotes."""

import sqlalchemy as sa

from alembic import op
from tenants.isolation import add_for_nobody, grant, isolate

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Whoever made a token is a maker of what the token does. Rows from before have nobody.
    op.add_column("token", sa.Column("issued_by", sa.UUID(), nullable=True))
    op.create_table(
        "approval_rule",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("risk", sa.Text(), nullable=False),
        sa.Column("upto_minor", sa.Numeric(precision=38, scale=0), nullable=True),
        sa.Column("levels", sa.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_approval_rule")),
        sa.UniqueConstraint(
            "brand_id",
            "currency",
            "risk",
            "upto_minor",
            name=op.f("uq_approval_rule_brand_id_currency_risk_upto_minor"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    isolate("approval_rule", visible_to="brand")
    op.create_table(
        "inbox",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("endpoint_id", sa.UUID(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("verified_with", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state in ('RECEIVED', 'HANDLED', 'UNKNOWN')", name=op.f("ck_inbox_state")
        ),
        sa.PrimaryKeyConstraint("brand_id", "provider", "event_id", name=op.f("pk_inbox")),
    )
    op.create_index(
        op.f("ix_inbox_brand_id_state_received_at"),
        "inbox",
        ["brand_id", "state", "received_at"],
        unique=False,
    )
    isolate("inbox", visible_to="log")
    op.create_table(
        "payment_policy",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("cooling_off_hours", sa.Integer(), nullable=False),
        sa.Column("fx_spread_bps", sa.Integer(), nullable=False),
        sa.Column("fx_quote_seconds", sa.Integer(), nullable=False),
        sa.Column("withdrawal_days", sa.Integer(), nullable=False),
        sa.Column("clearing_hours", sa.Integer(), nullable=False),
        sa.Column("dispute_closes_trading", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", name=op.f("pk_payment_policy")),
    )
    isolate("payment_policy", visible_to="brand")
    op.create_table(
        "psp",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.CheckConstraint("kind in ('SANDBOX')", name=op.f("ck_psp_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_psp")),
        sa.UniqueConstraint("name", name=op.f("uq_psp_name")),
    )
    grant("psp")
    op.create_table(
        "psp_connection",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("psp_id", sa.UUID(), nullable=False),
        sa.Column("legal_entity_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("api_key_cipher", sa.LargeBinary(), nullable=False),
        sa.Column("notice_secrets_cipher", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status in ('ACTIVE', 'PAUSED')", name=op.f("ck_psp_connection_status")),
        sa.ForeignKeyConstraint(
            ["legal_entity_id"], ["legal_entity.id"], name=op.f("fk_psp_connection_legal_entity_id")
        ),
        sa.ForeignKeyConstraint(["psp_id"], ["psp.id"], name=op.f("fk_psp_connection_psp_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_psp_connection")),
        sa.UniqueConstraint("brand_id", "name", name=op.f("uq_psp_connection_brand_id_name")),
    )
    isolate("psp_connection", visible_to="brand")
    op.create_table(
        "fx_quote",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("client_id", sa.UUID(), nullable=False),
        sa.Column("ib_path", sa.Text(), server_default="", nullable=False),
        sa.Column("from_currency", sa.Text(), nullable=False),
        sa.Column("to_currency", sa.Text(), nullable=False),
        sa.Column("from_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("to_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("spread_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("mid", sa.Numeric(), nullable=False),
        sa.Column("rate", sa.Numeric(), nullable=False),
        sa.Column("spread_bps", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("priced_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_by", sa.UUID(), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "client_id"],
            ["client.brand_id", "client.id"],
            name=op.f("fk_fx_quote_brand_id_client_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_fx_quote")),
        sa.UniqueConstraint("brand_id", "used_by", name=op.f("uq_fx_quote_brand_id_used_by")),
    )
    op.create_index(
        op.f("ix_fx_quote_brand_id_client_id_created_at_id"),
        "fx_quote",
        ["brand_id", "client_id", "created_at", "id"],
        unique=False,
    )
    isolate("fx_quote", visible_to="client")
    op.create_table(
        "payment_method",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("connection_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("logo_url", sa.Text(), nullable=True),
        sa.Column("refundable_days", sa.Integer(), nullable=False),
        sa.Column("countries", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "kind in ('CARD', 'EWALLET', 'BANK', 'CRYPTO')", name=op.f("ck_payment_method_kind")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "connection_id"],
            ["psp_connection.brand_id", "psp_connection.id"],
            name=op.f("fk_payment_method_brand_id_connection_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_payment_method")),
        sa.UniqueConstraint("brand_id", "name", name=op.f("uq_payment_method_brand_id_name")),
    )
    isolate("payment_method", visible_to="brand")
    op.create_table(
        "payment_method_terms",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("method_id", sa.UUID(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("min_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("max_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("fee_fixed_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("fee_bps", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "direction in ('DEPOSIT', 'WITHDRAWAL')", name=op.f("ck_payment_method_terms_direction")
        ),
        sa.CheckConstraint(
            "fee_fixed_minor >= 0 and fee_bps between 0 and 10000",
            name=op.f("ck_payment_method_terms_fees"),
        ),
        sa.CheckConstraint(
            "min_minor > 0 and max_minor >= min_minor", name=op.f("ck_payment_method_terms_limits")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "method_id"],
            ["payment_method.brand_id", "payment_method.id"],
            name=op.f("fk_payment_method_terms_brand_id_method_id"),
        ),
        sa.PrimaryKeyConstraint(
            "brand_id", "method_id", "direction", "currency", name=op.f("pk_payment_method_terms")
        ),
    )
    isolate("payment_method_terms", visible_to="brand")
    op.create_table(
        "payout_destination",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("client_id", sa.UUID(), nullable=False),
        sa.Column("ib_path", sa.Text(), server_default="", nullable=False),
        sa.Column("method_id", sa.UUID(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("holder_name", sa.Text(), nullable=False),
        sa.Column("account_cipher", sa.LargeBinary(), nullable=False),
        sa.Column("account_digest", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("maker_ids", sa.ARRAY(sa.UUID()), server_default="{}", nullable=False),
        sa.Column("usable_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status in ('ACTIVE', 'REMOVED')", name=op.f("ck_payout_destination_status")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "client_id"],
            ["client.brand_id", "client.id"],
            name=op.f("fk_payout_destination_brand_id_client_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "method_id"],
            ["payment_method.brand_id", "payment_method.id"],
            name=op.f("fk_payout_destination_brand_id_method_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_payout_destination")),
    )
    op.create_index(
        op.f("ix_payout_destination_brand_id_client_id_created_at_id"),
        "payout_destination",
        ["brand_id", "client_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "uq_payout_destination_active",
        "payout_destination",
        ["brand_id", "client_id", "account_digest"],
        unique=True,
        postgresql_where=sa.text("status = 'ACTIVE'"),
    )
    isolate("payout_destination", visible_to="client")
    # What a client's transfer does to the house's accounts is an event of the house.
    add_for_nobody("event")


def downgrade() -> None:
    op.drop_table("payout_destination")
    op.drop_table("payment_method_terms")
    op.drop_table("payment_method")
    op.drop_table("fx_quote")
    op.drop_table("psp_connection")
    op.drop_table("psp")
    op.drop_table("payment_policy")
    op.drop_table("inbox")
    op.drop_table("approval_rule")
    op.drop_column("token", "issued_by")
