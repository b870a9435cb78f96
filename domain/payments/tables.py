"""Tables of the cashier: PSPs, methods, payments, destinations, approvals, quotes."""

from typing import Any

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import UUID as PgUUID

from domain.payments.ledger.tables import minor
from domain.payments.values import (
    ApprovalLevel,
    ApprovalStatus,
    ConnectionStatus,
    DestinationStatus,
    LegKind,
    LegStatus,
    MethodKind,
    PaymentDirection,
    PaymentKind,
    PaymentStatus,
    PspKind,
    TransferEndKind,
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


def of_client() -> tuple[Any, ...]:
    """What every row of a client's payment carries, so that row-level security can judge it."""
    return uuid_column("client_id"), text_column("ib_path", default="")


def _of_payment() -> tuple[Any, ...]:
    return (
        *of_client(),
        ForeignKeyConstraint(["brand_id", "payment_id"], ["payment.brand_id", "payment.id"]),
    )


def _makers() -> Column[Any]:
    return Column("maker_ids", ARRAY(PgUUID(as_uuid=True)), nullable=False, server_default="{}")


psp = shared_table(
    "psp",
    id_column(),
    Column("name", Text, nullable=False, unique=True),
    text_column("kind"),
    text_column("endpoint"),
    one_of("kind", PspKind),
    place="reference",
)
# A brand's merchant account at a PSP. Secrets are sealed (`tenants.secrets.Vault`).
psp_connection = brand_table(
    "psp_connection",
    id_column(),
    Column("psp_id", PgUUID(as_uuid=True), ForeignKey("psp.id"), nullable=False),
    Column("legal_entity_id", PgUUID(as_uuid=True), ForeignKey("legal_entity.id"), nullable=False),
    text_column("name"),
    text_column("status"),
    Column("api_key_cipher", LargeBinary, nullable=False),
    Column("notice_secrets_cipher", LargeBinary, nullable=False),
    time_column("created_at"),
    UniqueConstraint("brand_id", "name"),
    one_of("status", ConnectionStatus),
    visible_to="brand",
)
payment_method = brand_table(
    "payment_method",
    id_column(),
    uuid_column("connection_id"),
    text_column("kind"),
    text_column("name"),
    text_column("logo_url", nullable=True),
    Column("refundable_days", Integer, nullable=False),
    Column("countries", ARRAY(Text), nullable=False),
    Column("position", Integer, nullable=False),
    Column("enabled", Boolean, nullable=False),
    ForeignKeyConstraint(
        ["brand_id", "connection_id"], ["psp_connection.brand_id", "psp_connection.id"]
    ),
    UniqueConstraint("brand_id", "name"),
    one_of("kind", MethodKind),
    visible_to="brand",
)
# Fees: a fixed part plus hundredths of a percent, rounded up to the minor unit.
payment_method_terms = brand_table(
    "payment_method_terms",
    id_column("method_id"),
    Column("direction", Text, primary_key=True),
    Column("currency", Text, primary_key=True),
    minor("min_minor"),
    minor("max_minor"),
    minor("fee_fixed_minor"),
    Column("fee_bps", Integer, nullable=False),
    ForeignKeyConstraint(
        ["brand_id", "method_id"], ["payment_method.brand_id", "payment_method.id"]
    ),
    one_of("direction", PaymentDirection),
    CheckConstraint("min_minor > 0 and max_minor >= min_minor", name="limits"),
    CheckConstraint("fee_fixed_minor >= 0 and fee_bps between 0 and 10000", name="fees"),
    visible_to="brand",
)
# One row per brand; without one the defaults of `rules.Policy` hold.
payment_policy = brand_table(
    "payment_policy",
    Column("cooling_off_hours", Integer, nullable=False),
    Column("fx_spread_bps", Integer, nullable=False),
    Column("fx_quote_seconds", Integer, nullable=False),
    Column("withdrawal_days", Integer, nullable=False),
    Column("clearing_hours", Integer, nullable=False),
    Column("dispute_closes_trading", Boolean, nullable=False),
    visible_to="brand",
)
approval_rule = brand_table(
    "approval_rule",
    id_column(),
    text_column("currency"),
    text_column("risk"),
    minor("upto_minor", nullable=True),
    Column("levels", ARRAY(Text), nullable=False),
    # One rule a bound, and one for the rest.
    UniqueConstraint(
        "brand_id", "currency", "risk", "upto_minor", postgresql_nulls_not_distinct=True
    ),
    visible_to="brand",
)
payout_destination = brand_table(
    "payout_destination",
    id_column(),
    *of_client(),
    uuid_column("method_id"),
    text_column("label"),
    text_column("holder_name"),
    Column("account_cipher", LargeBinary, nullable=False),
    text_column("account_digest"),
    text_column("status"),
    # Who wrote it: the client, or others whose withdrawals to it somebody else must look at.
    _makers(),
    time_column("usable_from"),
    time_column("created_at"),
    ForeignKeyConstraint(["brand_id", "client_id"], ["client.brand_id", "client.id"]),
    ForeignKeyConstraint(
        ["brand_id", "method_id"], ["payment_method.brand_id", "payment_method.id"]
    ),
    one_of("status", DestinationStatus),
    # The same account of a client is active once.
    Index(
        "uq_payout_destination_active",
        "brand_id",
        "client_id",
        "account_digest",
        unique=True,
        postgresql_where=text("status = 'ACTIVE'"),
    ),
    brand_index("client_id", "created_at", "id"),
    visible_to="client",
)
fx_quote = brand_table(
    "fx_quote",
    id_column(),
    *of_client(),
    text_column("from_currency"),
    text_column("to_currency"),
    minor("from_minor"),
    minor("to_minor"),
    minor("spread_minor"),
    Column("mid", Numeric, nullable=False),
    Column("rate", Numeric, nullable=False),
    Column("spread_bps", Integer, nullable=False),
    text_column("source"),
    time_column("priced_at"),
    time_column("created_at"),
    time_column("expires_at"),
    uuid_column("used_by", nullable=True),
    ForeignKeyConstraint(["brand_id", "client_id"], ["client.brand_id", "client.id"]),
    UniqueConstraint("brand_id", "used_by"),
    brand_index("client_id", "created_at", "id"),
    visible_to="client",
)
payment = brand_table(
    "payment",
    id_column(),
    *of_client(),
    text_column("kind"),
    text_column("reference"),
    text_column("status"),
    Column("version", Integer, nullable=False),
    text_column("currency"),
    minor("amount_minor"),
    minor("fee_minor"),
    uuid_column("wallet_id", nullable=True),
    uuid_column("method_id", nullable=True),
    uuid_column("connection_id", nullable=True),
    text_column("ext_id", nullable=True),
    Column("ext_version", Integer, nullable=False, server_default="0"),
    text_column("reason_code", nullable=True),
    time_column("created_at"),
    time_column("updated_at"),
    time_column("expires_at", nullable=True),
    # Deposits.
    text_column("return_url", nullable=True),
    text_column("checkout_url", nullable=True),
    minor("credited_minor", nullable=True),
    text_column("credited_currency", nullable=True),
    minor("refunded_minor", default="0"),
    # The part of it that the PSP gave back by itself and that we took back from the client.
    minor("taken_back_minor", default="0"),
    text_column("source_id", nullable=True),
    text_column("source_label", nullable=True),
    time_column("settled_at", nullable=True),
    # What is bought by it: such money never was in a wallet and never goes back to one.
    uuid_column("purchase_id", nullable=True),
    # Withdrawals.
    uuid_column("destination_id", nullable=True),
    text_column("risk", nullable=True),
    Column("approval_round", Integer, nullable=False, server_default="0"),
    # Who asked for it or named its payee: none of them decides on it.
    _makers(),
    # Transfers and conversions.
    text_column("from_kind", nullable=True),
    uuid_column("from_id", nullable=True),
    text_column("to_kind", nullable=True),
    uuid_column("to_id", nullable=True),
    minor("received_minor", nullable=True),
    text_column("received_currency", nullable=True),
    uuid_column("quote_id", nullable=True),
    uuid_column("hold_id", nullable=True),
    uuid_column("platform_request_id", nullable=True),
    ForeignKeyConstraint(["brand_id", "client_id"], ["client.brand_id", "client.id"]),
    ForeignKeyConstraint(
        ["brand_id", "method_id"], ["payment_method.brand_id", "payment_method.id"]
    ),
    ForeignKeyConstraint(
        ["brand_id", "connection_id"], ["psp_connection.brand_id", "psp_connection.id"]
    ),
    ForeignKeyConstraint(
        ["brand_id", "destination_id"], ["payout_destination.brand_id", "payout_destination.id"]
    ),
    UniqueConstraint("brand_id", "reference"),
    UniqueConstraint("brand_id", "connection_id", "ext_id"),
    one_of("kind", PaymentKind),
    one_of("status", PaymentStatus),
    one_of("from_kind", TransferEndKind),
    one_of("to_kind", TransferEndKind),
    CheckConstraint("amount_minor > 0 and fee_minor >= 0", name="amounts"),
    CheckConstraint("refunded_minor between 0 and coalesce(credited_minor, 0)", name="refunded"),
    CheckConstraint(
        "taken_back_minor between 0 and coalesce(credited_minor, 0)", name="taken_back"
    ),
    brand_index("client_id", "created_at", "id"),
    brand_index("created_at", "id"),
    brand_index("kind", "created_at", "id"),
    brand_index("status", "created_at", "id"),
    brand_index("currency", "created_at", "id"),
    brand_index("wallet_id", "created_at", "id"),
    brand_index("platform_request_id"),
    brand_index("kind", "status", "updated_at"),
    brand_index("settled_at"),
    visible_to="client",
)
payment_step = brand_table(
    "payment_step",
    id_column("payment_id"),
    Column("n", Integer, primary_key=True),
    *_of_payment(),
    text_column("status"),
    text_column("reason_code", nullable=True),
    text_column("actor_kind"),
    uuid_column("actor_id", nullable=True),
    time_column("at"),
    one_of("status", PaymentStatus),
    visible_to="client",
)
withdrawal_leg = brand_table(
    "withdrawal_leg",
    id_column(),
    uuid_column("payment_id"),
    *_of_payment(),
    Column("n", Integer, nullable=False),
    text_column("kind"),
    text_column("status"),
    uuid_column("deposit_id", nullable=True),
    uuid_column("destination_id", nullable=True),
    uuid_column("method_id"),
    uuid_column("connection_id"),
    text_column("currency"),
    minor("amount_minor"),
    # What the PSP says it paid, which may be less than was asked.
    minor("paid_minor", nullable=True),
    text_column("label"),
    uuid_column("hold_id"),
    text_column("ext_id", nullable=True),
    Column("ext_version", Integer, nullable=False, server_default="0"),
    text_column("reason_code", nullable=True),
    # When it was first taken up to be sent, and when somebody looks after it next.
    time_column("sending_at", nullable=True),
    time_column("ask_at", nullable=True),
    time_column("updated_at"),
    UniqueConstraint("brand_id", "payment_id", "n"),
    one_of("kind", LegKind),
    one_of("status", LegStatus),
    CheckConstraint("amount_minor > 0 and paid_minor between 0 and amount_minor", name="amount"),
    CheckConstraint("(kind = 'REFUND') = (deposit_id is not null)", name="source"),
    brand_index("ask_at"),
    brand_index("connection_id", "ext_id"),
    brand_index("deposit_id"),
    visible_to="client",
)
approval = brand_table(
    "approval",
    id_column(),
    uuid_column("payment_id"),
    *_of_payment(),
    Column("round", Integer, nullable=False),
    Column("n", Integer, nullable=False),
    text_column("level"),
    text_column("status"),
    uuid_column("decided_by", nullable=True),
    time_column("decided_at", nullable=True),
    text_column("reason", nullable=True),
    time_column("created_at"),
    UniqueConstraint("brand_id", "payment_id", "round", "n"),
    one_of("level", ApprovalLevel),
    one_of("status", ApprovalStatus),
    brand_index("status", "created_at", "id"),
    brand_index("decided_by"),
    visible_to="client",
)
