"""The ledger: accounts, transfers, postings and holds. What writes them comes with 0008."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op
from tenants.isolation import isolate

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger_account",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), server_default="", nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("client_id", sa.UUID(), nullable=True),
        sa.Column("min_balance", sa.Numeric(precision=38, scale=0), nullable=True),
        sa.Column("posted", sa.Numeric(precision=38, scale=0), server_default="0", nullable=False),
        sa.Column(
            "pending_in", sa.Numeric(precision=38, scale=0), server_default="0", nullable=False
        ),
        sa.Column(
            "pending_out", sa.Numeric(precision=38, scale=0), server_default="0", nullable=False
        ),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind in ('CLIENT_WALLET', 'CLIENT_TRADING', 'PLATFORM_CLEARING', 'PSP_CLEARING', "
            "'BANK', 'FX_POOL', 'FX_REVENUE', 'FEE_REVENUE', 'PSP_FEES', 'TRADING_RESULT', "
            "'IB_PAYABLE', 'IB_RECEIVABLE', 'PROP_FEE_REVENUE', 'PAYOUT_PAYABLE', "
            "'CHARGEBACK_RECEIVABLE', 'CHARGEBACK_LOSS', 'NBP_EXPENSE', 'ROUNDING', 'SUSPENSE')",
            name=op.f("ck_ledger_account_kind"),
        ),
        sa.CheckConstraint(
            "kind not in ('CLIENT_WALLET', 'IB_PAYABLE') or min_balance >= 0",
            name=op.f("ck_ledger_account_floored"),
        ),
        sa.CheckConstraint(
            "kind not in ('CLIENT_WALLET', 'IB_PAYABLE') or min_balance is not null",
            name=op.f("ck_ledger_account_bounded"),
        ),
        sa.CheckConstraint(
            "min_balance is null or posted - pending_out >= min_balance",
            name=op.f("ck_ledger_account_floor"),
        ),
        sa.CheckConstraint(
            "pending_in >= 0 and pending_out >= 0", name=op.f("ck_ledger_account_pending")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_ledger_account")),
        sa.UniqueConstraint(
            "brand_id", "id", "asset", name=op.f("uq_ledger_account_brand_id_id_asset")
        ),
        sa.UniqueConstraint(
            "brand_id",
            "kind",
            "reference",
            "asset",
            name=op.f("uq_ledger_account_brand_id_kind_reference_asset"),
        ),
    )
    op.create_index(
        op.f("ix_ledger_account_brand_id_client_id_kind_asset"),
        "ledger_account",
        ["brand_id", "client_id", "kind", "asset"],
        unique=False,
    )
    isolate("ledger_account", visible_to="own", app="select", worker="select")
    op.create_table(
        "ledger_transfer",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("resolves_id", sa.UUID(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("client_id", sa.UUID(), nullable=True),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.UUID(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("meta", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state <> 'PENDING' or resolves_id is null", name=op.f("ck_ledger_transfer_hold")
        ),
        sa.CheckConstraint(
            "state in ('PENDING', 'POSTED', 'VOID', 'EXPIRED')",
            name=op.f("ck_ledger_transfer_state"),
        ),
        sa.CheckConstraint(
            "state in ('POSTED', 'PENDING') or resolves_id is not null",
            name=op.f("ck_ledger_transfer_release"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "resolves_id"],
            ["ledger_transfer.brand_id", "ledger_transfer.id"],
            name=op.f("fk_ledger_transfer_brand_id_resolves_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_ledger_transfer")),
        sa.UniqueConstraint("brand_id", "key", name=op.f("uq_ledger_transfer_brand_id_key")),
    )
    op.create_index(
        op.f("ix_ledger_transfer_brand_id_resolves_id"),
        "ledger_transfer",
        ["brand_id", "resolves_id"],
        unique=True,
        postgresql_where=sa.text("resolves_id is not null"),
    )
    op.create_index(
        op.f("ix_ledger_transfer_brand_id_source_external_id"),
        "ledger_transfer",
        ["brand_id", "source", "external_id"],
        unique=True,
        postgresql_where=sa.text("external_id is not null"),
    )
    op.create_index(
        op.f("ix_ledger_transfer_brand_id_recorded_at_id"),
        "ledger_transfer",
        ["brand_id", "recorded_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_ledger_transfer_brand_id_state_expires_at"),
        "ledger_transfer",
        ["brand_id", "state", "expires_at"],
        unique=False,
        postgresql_where=sa.text("state = 'PENDING'"),
    )
    isolate("ledger_transfer", visible_to="own", app="select", worker="select")
    op.create_table(
        "ledger_posting",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("transfer_id", sa.UUID(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("balance_after", sa.Numeric(precision=38, scale=0), nullable=True),
        sa.Column("client_id", sa.UUID(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_ledger_posting_amount")),
        sa.ForeignKeyConstraint(
            ["brand_id", "account_id", "asset"],
            ["ledger_account.brand_id", "ledger_account.id", "ledger_account.asset"],
            name=op.f("fk_ledger_posting_brand_id_account_id_asset"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "transfer_id"],
            ["ledger_transfer.brand_id", "ledger_transfer.id"],
            name=op.f("fk_ledger_posting_brand_id_transfer_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "transfer_id", "n", name=op.f("pk_ledger_posting")),
    )
    op.create_index(
        op.f("ix_ledger_posting_brand_id_account_id_recorded_at_transfer_id_n"),
        "ledger_posting",
        ["brand_id", "account_id", "recorded_at", "transfer_id", "n"],
        unique=False,
    )
    isolate("ledger_posting", visible_to="own", app="select", worker="select")
    op.create_table(
        "ledger_hold_leg",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("transfer_id", sa.UUID(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("client_id", sa.UUID(), nullable=True),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_ledger_hold_leg_amount")),
        sa.ForeignKeyConstraint(
            ["brand_id", "account_id", "asset"],
            ["ledger_account.brand_id", "ledger_account.id", "ledger_account.asset"],
            name=op.f("fk_ledger_hold_leg_brand_id_account_id_asset"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "transfer_id"],
            ["ledger_transfer.brand_id", "ledger_transfer.id"],
            name=op.f("fk_ledger_hold_leg_brand_id_transfer_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "transfer_id", "n", name=op.f("pk_ledger_hold_leg")),
    )
    op.create_index(
        op.f("ix_ledger_hold_leg_brand_id_account_id_transfer_id"),
        "ledger_hold_leg",
        ["brand_id", "account_id", "transfer_id"],
        unique=False,
    )
    isolate("ledger_hold_leg", visible_to="own", app="select", worker="select")
    op.create_table(
        "ledger_snapshot",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("posted", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "account_id"],
            ["ledger_account.brand_id", "ledger_account.id"],
            name=op.f("fk_ledger_snapshot_brand_id_account_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "account_id", "at", name=op.f("pk_ledger_snapshot")),
    )
    isolate("ledger_snapshot", visible_to="staff", app="select", worker="select")


def downgrade() -> None:
    for table in (
        "ledger_snapshot",
        "ledger_hold_leg",
        "ledger_posting",
        "ledger_transfer",
        "ledger_account",
    ):
        op.drop_table(table)
