"""Challenges: programs, orders, phases, evidence; and payments that pay for a purchase."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op
from tenants.isolation import isolate

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_KINDS = (
    "CLIENT_WALLET",
    "CLIENT_TRADING",
    "PLATFORM_CLEARING",
    "PSP_CLEARING",
    "BANK",
    "FX_POOL",
    "FX_REVENUE",
    "FEE_REVENUE",
    "PSP_FEES",
    "TRADING_RESULT",
    "IB_PAYABLE",
    "IB_RECEIVABLE",
    "PROP_FEE_REVENUE",
    "PAYOUT_PAYABLE",
    "CHARGEBACK_RECEIVABLE",
    "CHARGEBACK_LOSS",
    "NBP_EXPENSE",
    "ROUNDING",
    "SUSPENSE",
)
_MORE_KINDS = (
    "CLIENT_WALLET",
    "CLIENT_TRADING",
    "PLATFORM_CLEARING",
    "PSP_CLEARING",
    "BANK",
    "FX_POOL",
    "FX_REVENUE",
    "FEE_REVENUE",
    "PSP_FEES",
    "TRADING_RESULT",
    "IB_PAYABLE",
    "IB_RECEIVABLE",
    "PROP_FEE_REVENUE",
    "PURCHASE_PREPAID",
    "TAX_PAYABLE",
    "PAYOUT_PAYABLE",
    "CHARGEBACK_RECEIVABLE",
    "CHARGEBACK_LOSS",
    "NBP_EXPENSE",
    "ROUNDING",
    "SUSPENSE",
)


def upgrade() -> None:
    op.add_column("payment", sa.Column("purchase_id", sa.UUID(), nullable=True))
    _allow(_MORE_KINDS)
    op.create_table(
        "liquidation_breaker",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("halted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("resumed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resumed_by", sa.UUID(), nullable=True),
        sa.PrimaryKeyConstraint("brand_id", name=op.f("pk_liquidation_breaker")),
        info={
            "place": "brand",
            "visible_to": "staff",
            "client_column": "client_id",
            "ib_column": "ib_path",
            "grants": {"app": "select, insert, update", "worker": "select, insert, update, delete"},
        },
    )
    isolate("liquidation_breaker", visible_to="staff")
    op.create_table(
        "program",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status in ('OPEN', 'CLOSED')", name=op.f("ck_program_status")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_program")),
        sa.UniqueConstraint("brand_id", "code", name=op.f("uq_program_brand_id_code")),
        info={
            "place": "brand",
            "visible_to": "brand",
            "client_column": "client_id",
            "ib_column": "ib_path",
            "grants": {"app": "select, insert, update", "worker": "select"},
        },
    )
    isolate("program", visible_to="brand", worker="select")
    op.create_table(
        "purchase_tax",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("bps", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("bps between 0 and 10000", name=op.f("ck_purchase_tax_bps")),
        sa.PrimaryKeyConstraint("brand_id", "country", name=op.f("pk_purchase_tax")),
        info={
            "place": "brand",
            "visible_to": "brand",
            "client_column": "client_id",
            "ib_column": "ib_path",
            "grants": {"app": "select, insert, update", "worker": "select"},
        },
    )
    isolate("purchase_tax", visible_to="brand", worker="select")
    op.create_table(
        "program_version",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("program_id", sa.UUID(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("balance_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("price_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("leverage", sa.Integer(), nullable=False),
        sa.Column("phases", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_by", sa.UUID(), nullable=True),
        sa.CheckConstraint(
            "balance_minor > 0 and price_minor > 0", name=op.f("ck_program_version_amounts")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "program_id"],
            ["program.brand_id", "program.id"],
            name=op.f("fk_program_version_brand_id_program_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_program_version")),
        sa.UniqueConstraint(
            "brand_id",
            "program_id",
            "number",
            name=op.f("uq_program_version_brand_id_program_id_number"),
        ),
        info={
            "place": "brand",
            "visible_to": "brand",
            "client_column": "client_id",
            "ib_column": "ib_path",
            "grants": {"app": "select, insert", "worker": "select"},
        },
    )
    isolate("program_version", visible_to="brand", app="select, insert", worker="select")
    op.create_table(
        "challenge_order",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("client_id", sa.UUID(), nullable=False),
        sa.Column("ib_path", sa.Text(), server_default="", nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("program_version_id", sa.UUID(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("net_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("tax_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("tax_bps", sa.Integer(), nullable=False),
        sa.Column("tax_label", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.UUID(), nullable=True),
        sa.Column("wallet_id", sa.UUID(), nullable=True),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status in ('AWAITING_PAYMENT', 'PAID', 'REFUNDING', 'REFUNDED', 'DISPUTED', "
            "'CHARGED_BACK', 'CANCELLED')",
            name=op.f("ck_challenge_order_status"),
        ),
        sa.CheckConstraint(
            "net_minor > 0 and tax_minor >= 0", name=op.f("ck_challenge_order_amounts")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "client_id"],
            ["client.brand_id", "client.id"],
            name=op.f("fk_challenge_order_brand_id_client_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "payment_id"],
            ["payment.brand_id", "payment.id"],
            name=op.f("fk_challenge_order_brand_id_payment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "program_version_id"],
            ["program_version.brand_id", "program_version.id"],
            name=op.f("fk_challenge_order_brand_id_program_version_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_challenge_order")),
        sa.UniqueConstraint(
            "brand_id", "payment_id", name=op.f("uq_challenge_order_brand_id_payment_id")
        ),
        sa.UniqueConstraint(
            "brand_id", "reference", name=op.f("uq_challenge_order_brand_id_reference")
        ),
        info={
            "place": "brand",
            "visible_to": "client",
            "client_column": "client_id",
            "ib_column": "ib_path",
            "grants": {"app": "select, insert, update", "worker": "select, insert, update, delete"},
        },
    )
    op.create_index(
        op.f("ix_challenge_order_brand_id_client_id_created_at_id"),
        "challenge_order",
        ["brand_id", "client_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_challenge_order_brand_id_status_updated_at"),
        "challenge_order",
        ["brand_id", "status", "updated_at"],
        unique=False,
    )
    isolate("challenge_order", visible_to="client")
    op.create_table(
        "challenge",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("client_id", sa.UUID(), nullable=False),
        sa.Column("ib_path", sa.Text(), server_default="", nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("program_id", sa.UUID(), nullable=False),
        sa.Column("program_version_id", sa.UUID(), nullable=False),
        sa.Column("program_number", sa.Integer(), nullable=False),
        sa.Column("phase_count", sa.Integer(), nullable=False),
        sa.Column("current_phase_id", sa.UUID(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status in ('ACTIVE', 'REVIEW', 'FAILED', 'EXPIRED', 'CANCELLED')",
            name=op.f("ck_challenge_status"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "client_id"],
            ["client.brand_id", "client.id"],
            name=op.f("fk_challenge_brand_id_client_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "order_id"],
            ["challenge_order.brand_id", "challenge_order.id"],
            name=op.f("fk_challenge_brand_id_order_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "program_id"],
            ["program.brand_id", "program.id"],
            name=op.f("fk_challenge_brand_id_program_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_challenge")),
        sa.UniqueConstraint("brand_id", "order_id", name=op.f("uq_challenge_brand_id_order_id")),
        sa.UniqueConstraint("brand_id", "reference", name=op.f("uq_challenge_brand_id_reference")),
        info={
            "place": "brand",
            "visible_to": "client",
            "client_column": "client_id",
            "ib_column": "ib_path",
            "grants": {"app": "select, insert, update", "worker": "select, insert, update, delete"},
        },
    )
    op.create_index(
        op.f("ix_challenge_brand_id_client_id_created_at_id"),
        "challenge",
        ["brand_id", "client_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_challenge_brand_id_created_at_id"),
        "challenge",
        ["brand_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_challenge_brand_id_status_created_at_id"),
        "challenge",
        ["brand_id", "status", "created_at", "id"],
        unique=False,
    )
    isolate("challenge", visible_to="client")
    op.create_table(
        "challenge_phase",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("client_id", sa.UUID(), nullable=False),
        sa.Column("ib_path", sa.Text(), server_default="", nullable=False),
        sa.Column("challenge_id", sa.UUID(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("start_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("leverage", sa.Integer(), nullable=False),
        sa.Column("rules", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=True),
        sa.Column("server_id", sa.UUID(), nullable=True),
        sa.Column("login", sa.BigInteger(), nullable=True),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("closing", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "closing in ('WAITING', 'HELD', 'CLOSED', 'DISABLED')",
            name=op.f("ck_challenge_phase_closing"),
        ),
        sa.CheckConstraint(
            "status in ('PENDING_ACCOUNT', 'ACTIVE', 'PAUSED', 'PASSED', 'LIQUIDATING', 'FAILED', "
            "'EXPIRED', 'CANCELLED')",
            name=op.f("ck_challenge_phase_status"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "account_id"],
            ["trading_account.brand_id", "trading_account.id"],
            name=op.f("fk_challenge_phase_brand_id_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "challenge_id"],
            ["challenge.brand_id", "challenge.id"],
            name=op.f("fk_challenge_phase_brand_id_challenge_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_challenge_phase")),
        sa.UniqueConstraint(
            "brand_id", "account_id", name=op.f("uq_challenge_phase_brand_id_account_id")
        ),
        sa.UniqueConstraint(
            "brand_id",
            "challenge_id",
            "number",
            name=op.f("uq_challenge_phase_brand_id_challenge_id_number"),
        ),
        info={
            "place": "brand",
            "visible_to": "client",
            "client_column": "client_id",
            "ib_column": "ib_path",
            "grants": {"app": "select, insert, update", "worker": "select, insert, update, delete"},
        },
    )
    op.create_index(
        op.f("ix_challenge_phase_brand_id_closing_updated_at"),
        "challenge_phase",
        ["brand_id", "closing", "updated_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_challenge_phase_brand_id_status_id"),
        "challenge_phase",
        ["brand_id", "status", "id"],
        unique=False,
    )
    isolate("challenge_phase", visible_to="client")
    op.create_table(
        "breach",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("client_id", sa.UUID(), nullable=False),
        sa.Column("ib_path", sa.Text(), server_default="", nullable=False),
        sa.Column("challenge_id", sa.UUID(), nullable=False),
        sa.Column("phase_id", sa.UUID(), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("floor_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("equity_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("balance_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("anchor_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("peak_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("prices", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("positions", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("second_prices", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("suspicion", sa.Text(), nullable=True),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "rule in ('PROFIT_TARGET', 'MAX_LOSS', 'DAILY_LOSS', 'MIN_TRADING_DAYS', "
            "'TIME_LIMIT', 'CONSISTENCY')",
            name=op.f("ck_breach_rule"),
        ),
        sa.CheckConstraint("source in ('STREAM', 'POLL')", name=op.f("ck_breach_source")),
        sa.ForeignKeyConstraint(
            ["brand_id", "challenge_id"],
            ["challenge.brand_id", "challenge.id"],
            name=op.f("fk_breach_brand_id_challenge_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "phase_id"],
            ["challenge_phase.brand_id", "challenge_phase.id"],
            name=op.f("fk_breach_brand_id_phase_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_breach")),
        sa.UniqueConstraint("brand_id", "phase_id", name=op.f("uq_breach_brand_id_phase_id")),
        info={
            "place": "brand",
            "visible_to": "client",
            "client_column": "client_id",
            "ib_column": "ib_path",
            "grants": {"app": "select", "worker": "select, insert, update, delete"},
        },
    )
    op.create_index(
        op.f("ix_breach_brand_id_challenge_id"),
        "breach",
        ["brand_id", "challenge_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_breach_brand_id_created_at"), "breach", ["brand_id", "created_at"], unique=False
    )
    isolate("breach", visible_to="client", app="select")
    op.create_table(
        "phase_event",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("phase_id", sa.UUID(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.UUID(), nullable=False),
        sa.Column("ib_path", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("verdicts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "phase_id"],
            ["challenge_phase.brand_id", "challenge_phase.id"],
            name=op.f("fk_phase_event_brand_id_phase_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "phase_id", "n", name=op.f("pk_phase_event")),
        info={
            "place": "brand",
            "visible_to": "client",
            "client_column": "client_id",
            "ib_column": "ib_path",
            "grants": {"app": "select", "worker": "select, insert"},
        },
    )
    isolate("phase_event", visible_to="client", app="select", worker="select, insert")


def downgrade() -> None:
    op.drop_table("phase_event")
    op.drop_table("breach")
    op.drop_table("challenge_phase")
    op.drop_table("challenge")
    op.drop_table("challenge_order")
    op.drop_table("program_version")
    op.drop_table("purchase_tax")
    op.drop_table("program")
    op.drop_table("liquidation_breaker")
    _allow(_KINDS)
    op.drop_column("payment", "purchase_id")


def _allow(kinds: tuple[str, ...]) -> None:
    """Let accounts of the ledger be of these kinds."""
    allowed = ", ".join(f"'{kind}'" for kind in kinds)
    op.execute("alter table ledger_account drop constraint ck_ledger_account_kind")
    op.execute(
        "alter table ledger_account add constraint ck_ledger_account_kind "
        f"check (kind in ({allowed}))"
    )
