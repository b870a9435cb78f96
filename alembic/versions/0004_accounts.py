"""Trading accounts."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op
from tenants.isolation import grant, isolate

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "platform_server",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.CheckConstraint("kind in ('SIMULATOR')", name=op.f("ck_platform_server_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_platform_server")),
        sa.UniqueConstraint("name", name=op.f("uq_platform_server_name")),
    )
    grant("platform_server")
    op.create_table(
        "platform_cursor",
        sa.Column("server_id", sa.UUID(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["server_id"], ["platform_server.id"], name=op.f("fk_platform_cursor_server_id")
        ),
        sa.PrimaryKeyConstraint("server_id", name=op.f("pk_platform_cursor")),
    )
    grant("platform_cursor", worker="select, insert, update")
    op.create_table(
        "platform_grant",
        sa.Column("server_id", sa.UUID(), nullable=False),
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("login_from", sa.BigInteger(), nullable=False),
        sa.Column("login_to", sa.BigInteger(), nullable=False),
        sa.Column("groups", sa.ARRAY(sa.Text()), nullable=False),
        sa.CheckConstraint("login_from <= login_to", name=op.f("ck_platform_grant_range")),
        sa.ForeignKeyConstraint(
            ["brand_id"], ["brand.id"], name=op.f("fk_platform_grant_brand_id")
        ),
        sa.ForeignKeyConstraint(
            ["server_id"], ["platform_server.id"], name=op.f("fk_platform_grant_server_id")
        ),
        sa.PrimaryKeyConstraint("server_id", "brand_id", name=op.f("pk_platform_grant")),
    )
    grant("platform_grant")
    op.create_table(
        "platform_group",
        sa.Column("server_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("account_kind", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("leverage_max", sa.Integer(), nullable=False),
        sa.Column("swap_free", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "account_kind in ('DEMO', 'LIVE', 'EVALUATION', 'FUNDED_SIMULATED', 'FUNDED_LIVE')",
            name=op.f("ck_platform_group_account_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["server_id"], ["platform_server.id"], name=op.f("fk_platform_group_server_id")
        ),
        sa.PrimaryKeyConstraint("server_id", "name", name=op.f("pk_platform_group")),
    )
    grant("platform_group")
    op.create_table(
        "platform_symbol",
        sa.Column("server_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("asset_class", sa.Text(), nullable=False),
        sa.Column("base_currency", sa.Text(), nullable=False),
        sa.Column("quote_currency", sa.Text(), nullable=False),
        sa.Column("digits", sa.Integer(), nullable=False),
        sa.Column("contract_size", sa.Numeric(), nullable=False),
        sa.Column("lots_min", sa.Numeric(), nullable=False),
        sa.Column("lots_max", sa.Numeric(), nullable=False),
        sa.Column("lots_step", sa.Numeric(), nullable=False),
        sa.ForeignKeyConstraint(
            ["server_id"], ["platform_server.id"], name=op.f("fk_platform_symbol_server_id")
        ),
        sa.PrimaryKeyConstraint("server_id", "name", name=op.f("pk_platform_symbol")),
        sa.UniqueConstraint("id", name=op.f("uq_platform_symbol_id")),
    )
    grant("platform_symbol", worker="select, insert, update")
    op.create_table(
        "quarantine",
        sa.Column("server_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ext_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["server_id"], ["platform_server.id"], name=op.f("fk_quarantine_server_id")
        ),
        sa.PrimaryKeyConstraint("server_id", "kind", "ext_id", name=op.f("pk_quarantine")),
    )
    grant("quarantine", worker="select, insert")
    op.create_table(
        "trading_account",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("client_id", sa.UUID(), nullable=False),
        sa.Column("ib_path", sa.Text(), server_default="", nullable=False),
        sa.Column("legal_entity_id", sa.UUID(), nullable=False),
        sa.Column("server_id", sa.UUID(), nullable=False),
        sa.Column("login", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("access", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("leverage", sa.Integer(), nullable=False),
        sa.Column("group_name", sa.Text(), nullable=False),
        sa.Column("swap_free", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "access in ('FULL', 'CLOSE_ONLY', 'NO_TRADING', 'NO_LOGIN')",
            name=op.f("ck_trading_account_access"),
        ),
        sa.CheckConstraint(
            "kind in ('DEMO', 'LIVE', 'EVALUATION', 'FUNDED_SIMULATED', 'FUNDED_LIVE')",
            name=op.f("ck_trading_account_kind"),
        ),
        sa.CheckConstraint(
            "status in ('OPENING', 'ACTIVE', 'FAILED', 'CLOSED')",
            name=op.f("ck_trading_account_status"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "client_id"],
            ["client.brand_id", "client.id"],
            name=op.f("fk_trading_account_brand_id_client_id"),
        ),
        sa.ForeignKeyConstraint(
            ["legal_entity_id"],
            ["legal_entity.id"],
            name=op.f("fk_trading_account_legal_entity_id"),
        ),
        sa.ForeignKeyConstraint(
            ["server_id"], ["platform_server.id"], name=op.f("fk_trading_account_server_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_trading_account")),
        sa.UniqueConstraint(
            "brand_id",
            "server_id",
            "login",
            name=op.f("uq_trading_account_brand_id_server_id_login"),
        ),
    )
    op.create_index(
        op.f("ix_trading_account_brand_id_client_id_created_at_id"),
        "trading_account",
        ["brand_id", "client_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_trading_account_brand_id_created_at_id"),
        "trading_account",
        ["brand_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_trading_account_brand_id_login_id"),
        "trading_account",
        ["brand_id", "login", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_trading_account_brand_id_status_created_at_id"),
        "trading_account",
        ["brand_id", "status", "created_at", "id"],
        unique=False,
    )
    isolate("trading_account", visible_to="client")
    op.create_table(
        "account_state",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("client_id", sa.UUID(), nullable=False),
        sa.Column("ib_path", sa.Text(), server_default="", nullable=False),
        sa.Column("balance_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("equity_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("credit_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("margin_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("free_margin_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("floating_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.CheckConstraint("source in ('STREAM', 'POLL')", name=op.f("ck_account_state_source")),
        sa.ForeignKeyConstraint(
            ["brand_id", "account_id"],
            ["trading_account.brand_id", "trading_account.id"],
            name=op.f("fk_account_state_brand_id_account_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "account_id", name=op.f("pk_account_state")),
    )
    isolate("account_state", visible_to="client")
    op.create_table(
        "deal",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("client_id", sa.UUID(), nullable=False),
        sa.Column("ib_path", sa.Text(), server_default="", nullable=False),
        sa.Column("server_id", sa.UUID(), nullable=False),
        sa.Column("ext_id", sa.Text(), nullable=False),
        sa.Column("order_ext_id", sa.Text(), nullable=True),
        sa.Column("position_ext_id", sa.Text(), nullable=True),
        sa.Column("symbol", sa.Text(), nullable=True),
        sa.Column("side", sa.Text(), nullable=True),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("lots", sa.Numeric(), nullable=False),
        sa.Column("closed_lots", sa.Numeric(), nullable=False),
        sa.Column("price", sa.Numeric(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("profit_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("swap_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("commission_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("comment", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "entry in ('IN', 'OUT', 'INOUT', 'OUT_BY', 'BALANCE', 'CREDIT')",
            name=op.f("ck_deal_entry"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "account_id"],
            ["trading_account.brand_id", "trading_account.id"],
            name=op.f("fk_deal_brand_id_account_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_deal")),
        sa.UniqueConstraint(
            "brand_id", "server_id", "ext_id", name=op.f("uq_deal_brand_id_server_id_ext_id")
        ),
    )
    op.create_index(
        op.f("ix_deal_brand_id_account_id_at_id"),
        "deal",
        ["brand_id", "account_id", "at", "id"],
        unique=False,
    )
    isolate("deal", visible_to="client", app="select", worker="select, insert")
    op.create_table(
        "equity_point",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("client_id", sa.UUID(), nullable=False),
        sa.Column("ib_path", sa.Text(), server_default="", nullable=False),
        sa.Column("balance_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("equity_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "account_id"],
            ["trading_account.brand_id", "trading_account.id"],
            name=op.f("fk_equity_point_brand_id_account_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "account_id", "at", name=op.f("pk_equity_point")),
    )
    isolate("equity_point", visible_to="client", app="select")
    op.create_table(
        "platform_request",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("client_id", sa.UUID(), nullable=False),
        sa.Column("ib_path", sa.Text(), server_default="", nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=True),
        sa.Column("arguments", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind in ('OPEN', 'LEVERAGE', 'ACCESS', 'PASSWORD', 'PLACE', 'CHANGE_ORDER', 'CANCEL',"
            " 'CHANGE_POSITION', 'CLOSE')",
            name=op.f("ck_platform_request_kind"),
        ),
        sa.CheckConstraint(
            "status in ('SENDING', 'UNKNOWN', 'DONE', 'REFUSED')",
            name=op.f("ck_platform_request_status"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "account_id"],
            ["trading_account.brand_id", "trading_account.id"],
            name=op.f("fk_platform_request_brand_id_account_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_platform_request")),
    )
    op.create_index(
        op.f("ix_platform_request_brand_id_account_id_created_at"),
        "platform_request",
        ["brand_id", "account_id", "created_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_platform_request_brand_id_status_updated_at"),
        "platform_request",
        ["brand_id", "status", "updated_at"],
        unique=False,
    )
    isolate("platform_request", visible_to="client")
    op.create_table(
        "position",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("client_id", sa.UUID(), nullable=False),
        sa.Column("ib_path", sa.Text(), server_default="", nullable=False),
        sa.Column("ext_id", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("lots", sa.Numeric(), nullable=False),
        sa.Column("open_price", sa.Numeric(), nullable=False),
        sa.Column("price", sa.Numeric(), nullable=False),
        sa.Column("stop_loss", sa.Numeric(), nullable=True),
        sa.Column("take_profit", sa.Numeric(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("swap_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("floating_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("side in ('BUY', 'SELL')", name=op.f("ck_position_side")),
        sa.ForeignKeyConstraint(
            ["brand_id", "account_id"],
            ["trading_account.brand_id", "trading_account.id"],
            name=op.f("fk_position_brand_id_account_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_position")),
        sa.UniqueConstraint(
            "brand_id", "account_id", "ext_id", name=op.f("uq_position_brand_id_account_id_ext_id")
        ),
    )
    op.create_index(
        op.f("ix_position_brand_id_account_id_opened_at_id"),
        "position",
        ["brand_id", "account_id", "opened_at", "id"],
        unique=False,
    )
    isolate("position", visible_to="client", app="select")
    op.create_table(
        "trade_order",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("client_id", sa.UUID(), nullable=False),
        sa.Column("ib_path", sa.Text(), server_default="", nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("lots", sa.Numeric(), nullable=False),
        sa.Column("price", sa.Numeric(), nullable=True),
        sa.Column("stop_loss", sa.Numeric(), nullable=True),
        sa.Column("take_profit", sa.Numeric(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("ext_id", sa.Text(), nullable=True),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("filled_price", sa.Numeric(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("side in ('BUY', 'SELL')", name=op.f("ck_trade_order_side")),
        sa.CheckConstraint(
            "status in ('SENDING', 'UNKNOWN', 'PLACED', 'FILLED', 'REJECTED', 'CANCELLED', "
            "'EXPIRED')",
            name=op.f("ck_trade_order_status"),
        ),
        sa.CheckConstraint("type in ('MARKET', 'LIMIT', 'STOP')", name=op.f("ck_trade_order_type")),
        sa.ForeignKeyConstraint(
            ["brand_id", "account_id"],
            ["trading_account.brand_id", "trading_account.id"],
            name=op.f("fk_trade_order_brand_id_account_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_trade_order")),
    )
    op.create_index(
        op.f("ix_trade_order_brand_id_account_id_created_at_id"),
        "trade_order",
        ["brand_id", "account_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_trade_order_brand_id_account_id_ext_id"),
        "trade_order",
        ["brand_id", "account_id", "ext_id"],
        unique=False,
    )
    isolate("trade_order", visible_to="client")


def downgrade() -> None:
    op.drop_table("trade_order")
    op.drop_table("position")
    op.drop_table("platform_request")
    op.drop_table("equity_point")
    op.drop_table("deal")
    op.drop_table("account_state")
    op.drop_table("trading_account")
    op.drop_table("quarantine")
    op.drop_table("platform_symbol")
    op.drop_table("platform_group")
    op.drop_table("platform_grant")
    op.drop_table("platform_cursor")
    op.drop_table("platform_server")
