"""Tables of trading accounts.

Money is minor units of the account's currency; lots and prices are exact decimals as the platform
states them.
"""

from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Numeric,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as PgUUID

from domain.accounts.values import (
    AccountAccess,
    AccountKind,
    AccountStatus,
    DealEntry,
    OrderStatus,
    OrderType,
    PlatformKind,
    RequestKind,
    RequestStatus,
    Side,
    StateSource,
    WishStatus,
)
from tenants.database import (
    brand_index,
    brand_table,
    id_column,
    one_of,
    shared_table,
    text_column,
    time_column,
    uuid_column,
)


def _minor(name: str) -> Column[Any]:
    return Column(name, Numeric(38, 0), nullable=False)


def _exact(name: str, *, nullable: bool = False) -> Column[Any]:
    """Lots and prices with the decimals they came with."""
    return Column(name, Numeric, nullable=nullable)


def _of_account() -> tuple[Any, ...]:
    """What every row of an account carries, so that row-level security can judge it alone."""
    return (
        uuid_column("account_id"),
        uuid_column("client_id"),
        text_column("ib_path", default=""),
        ForeignKeyConstraint(
            ["brand_id", "account_id"], ["trading_account.brand_id", "trading_account.id"]
        ),
    )


platform_server = shared_table(
    "platform_server",
    id_column(),
    Column("name", Text, nullable=False, unique=True),
    text_column("kind"),
    text_column("endpoint"),
    text_column("time_zone"),
    one_of("kind", PlatformKind),
    place="reference",
)
platform_grant = shared_table(
    "platform_grant",
    Column("server_id", ForeignKey("platform_server.id"), primary_key=True),
    Column("brand_id", ForeignKey("brand.id"), primary_key=True),
    Column("login_from", BigInteger, nullable=False),
    Column("login_to", BigInteger, nullable=False),
    Column("groups", ARRAY(Text), nullable=False),
    CheckConstraint("login_from <= login_to", name="range"),
    place="reference",
)
platform_group = shared_table(
    "platform_group",
    Column("server_id", ForeignKey("platform_server.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    text_column("account_kind"),
    text_column("currency"),
    Column("leverage_max", Integer, nullable=False),
    Column("swap_free", Boolean, nullable=False),
    one_of("account_kind", AccountKind),
    place="reference",
)
platform_symbol = shared_table(
    "platform_symbol",
    Column("server_id", ForeignKey("platform_server.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("id", PgUUID(as_uuid=True), nullable=False, unique=True),
    text_column("description"),
    text_column("asset_class"),
    text_column("base_currency"),
    text_column("quote_currency"),
    Column("digits", Integer, nullable=False),
    _exact("contract_size"),
    _exact("lots_min"),
    _exact("lots_max"),
    _exact("lots_step"),
    place="reference",
    worker="select, insert, update",
)
platform_cursor = shared_table(
    "platform_cursor",
    Column("server_id", ForeignKey("platform_server.id"), primary_key=True),
    text_column("cursor"),
    time_column("updated_at"),
    place="local",
    worker="select, insert, update",
)
quarantine = shared_table(
    "quarantine",
    Column("server_id", ForeignKey("platform_server.id"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("ext_id", Text, primary_key=True),
    text_column("reason"),
    Column("payload", JSONB, nullable=False),
    time_column("seen_at"),
    place="local",
    worker="select, insert",
)

trading_account = brand_table(
    "trading_account",
    id_column(),
    uuid_column("client_id"),
    text_column("ib_path", default=""),
    Column("legal_entity_id", PgUUID(as_uuid=True), ForeignKey("legal_entity.id"), nullable=False),
    Column("server_id", PgUUID(as_uuid=True), ForeignKey("platform_server.id"), nullable=False),
    Column("login", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    text_column("kind"),
    text_column("status"),
    text_column("access"),
    text_column("currency"),
    Column("leverage", Integer, nullable=False),
    text_column("group_name"),
    Column("swap_free", Boolean, nullable=False),
    time_column("created_at"),
    UniqueConstraint("brand_id", "server_id", "login"),
    ForeignKeyConstraint(["brand_id", "client_id"], ["client.brand_id", "client.id"]),
    one_of("kind", AccountKind),
    one_of("status", AccountStatus),
    one_of("access", AccountAccess),
    brand_index("client_id", "created_at", "id"),
    brand_index("created_at", "id"),
    brand_index("login", "id"),
    brand_index("status", "created_at", "id"),
    brand_index("kind", "created_at", "id"),
    brand_index("currency", "created_at", "id"),
    visible_to="client",
)
account_state = brand_table(
    "account_state",
    id_column("account_id"),
    uuid_column("client_id"),
    text_column("ib_path", default=""),
    *(_minor(f"{name}_minor") for name in
      ("balance", "equity", "credit", "margin", "free_margin", "floating")),
    text_column("currency"),
    time_column("as_of"),
    text_column("source"),
    ForeignKeyConstraint(
        ["brand_id", "account_id"], ["trading_account.brand_id", "trading_account.id"]
    ),
    one_of("source", StateSource),
    visible_to="client",
)  # fmt: skip
equity_point = brand_table(
    "equity_point",
    id_column("account_id"),
    Column("at", time_column("at").type, primary_key=True),
    uuid_column("client_id"),
    text_column("ib_path", default=""),
    _minor("balance_minor"),
    _minor("equity_minor"),
    ForeignKeyConstraint(
        ["brand_id", "account_id"], ["trading_account.brand_id", "trading_account.id"]
    ),
    visible_to="client",
    app="select",
)
platform_request = brand_table(
    "platform_request",
    id_column(),
    *_of_account(),
    text_column("kind"),
    text_column("status"),
    uuid_column("order_id", nullable=True),
    Column("arguments", JSONB, nullable=False),
    text_column("reason_code", nullable=True),
    time_column("created_at"),
    time_column("updated_at"),
    one_of("kind", RequestKind),
    one_of("status", RequestStatus),
    brand_index("account_id", "created_at"),
    brand_index("status", "updated_at"),
    visible_to="client",
)
trade_order = brand_table(
    "trade_order",
    id_column(),
    *_of_account(),
    text_column("symbol"),
    text_column("side"),
    text_column("type"),
    _exact("lots"),
    _exact("price", nullable=True),
    _exact("stop_loss", nullable=True),
    _exact("take_profit", nullable=True),
    text_column("status"),
    text_column("ext_id", nullable=True),
    text_column("reason_code", nullable=True),
    _exact("filled_price", nullable=True),
    time_column("created_at"),
    time_column("updated_at"),
    one_of("side", Side),
    one_of("type", OrderType),
    one_of("status", OrderStatus),
    brand_index("account_id", "created_at", "id"),
    brand_index("account_id", "ext_id"),
    visible_to="client",
)
position = brand_table(
    "position",
    id_column(),
    *_of_account(),
    text_column("ext_id"),
    text_column("symbol"),
    text_column("side"),
    _exact("lots"),
    _exact("open_price"),
    _exact("price"),
    _exact("stop_loss", nullable=True),
    _exact("take_profit", nullable=True),
    text_column("currency"),
    _minor("swap_minor"),
    _minor("floating_minor"),
    time_column("opened_at"),
    time_column("as_of"),
    UniqueConstraint("brand_id", "account_id", "ext_id"),
    one_of("side", Side),
    brand_index("account_id", "opened_at", "id"),
    visible_to="client",
    app="select",
)
deal = brand_table(
    "deal",
    id_column(),
    *_of_account(),
    uuid_column("server_id"),
    text_column("ext_id"),
    text_column("order_ext_id", nullable=True),
    text_column("position_ext_id", nullable=True),
    text_column("symbol", nullable=True),
    text_column("side", nullable=True),
    text_column("entry"),
    _exact("lots"),
    _exact("closed_lots"),
    _exact("price"),
    text_column("currency"),
    _minor("profit_minor"),
    _minor("swap_minor"),
    _minor("commission_minor"),
    text_column("comment", default=""),
    time_column("at"),
    # CANCEL: the number of the deal that it takes back.
    text_column("reverses_ext_id", nullable=True),
    UniqueConstraint("brand_id", "server_id", "ext_id"),
    one_of("entry", DealEntry),
    brand_index("account_id", "at", "id"),
    visible_to="client",
    app="select",
    worker="select, insert",
)
REVERSING = Index(
    "ix_deal_reverses",
    deal.c.brand_id,
    deal.c.server_id,
    deal.c.reverses_ext_id,
    postgresql_where=deal.c.reverses_ext_id.is_not(None),
)
# A live account that opens by itself once the client has proven who it is.
account_wish = brand_table(
    "account_wish",
    id_column(),
    uuid_column("client_id"),
    text_column("ib_path", default=""),
    text_column("kind"),
    text_column("currency"),
    Column("leverage", Integer, nullable=True),
    Column("swap_free", Boolean, nullable=False),
    text_column("status"),
    text_column("reason_code", nullable=True),
    uuid_column("account_id", nullable=True),
    time_column("created_at"),
    time_column("ended_at", nullable=True),
    ForeignKeyConstraint(["brand_id", "client_id"], ["client.brand_id", "client.id"]),
    ForeignKeyConstraint(
        ["brand_id", "account_id"], ["trading_account.brand_id", "trading_account.id"]
    ),
    one_of("kind", AccountKind),
    one_of("status", WishStatus),
    Index(
        "uq_account_wish_waiting",
        "brand_id",
        "client_id",
        unique=True,
        postgresql_where=text("status = 'WAITING'"),
    ),
    brand_index("client_id", "created_at", "id"),
    visible_to="client",
)
