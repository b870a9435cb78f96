"""Tables of the ledger. Nobody writes them but the functions of the schema `ledger`."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from domain.payments.ledger.values import LedgerAccountKind, TransferState
from tenants.database import (
    brand_index,
    brand_table,
    id_column,
    one_of,
    text_column,
    time_column,
    uuid_column,
)


class Minor(TypeDecorator[int]):
    """Minor units, an `int` in Python: the driver's own decimals may say 60000 as 6E+4."""

    impl = Numeric(38, 0)
    cache_ok = True

    def process_result_value(self, value: Any, _dialect: Any) -> int | None:
        """What the row has, whole."""
        return None if value is None else int(value)


def minor(name: str, *, nullable: bool = False, default: str | None = None) -> Column[Any]:
    """An amount in minor units."""
    return Column(name, Minor, nullable=nullable, server_default=default)


ledger_account = brand_table(
    "ledger_account",
    id_column(),
    text_column("kind"),
    text_column("reference", default=""),
    text_column("asset"),
    uuid_column("client_id", nullable=True),
    minor("min_balance", nullable=True),
    minor("posted", default="0"),
    minor("pending_in", default="0"),
    minor("pending_out", default="0"),
    # When its last posting was recorded: the next one is later, even when the clock is set back.
    time_column("posted_at", nullable=True),
    Column("version", BigInteger, nullable=False, server_default="0"),
    time_column("created_at"),
    time_column("closed_at", nullable=True),
    UniqueConstraint("brand_id", "kind", "reference", "asset"),
    UniqueConstraint("brand_id", "id", "asset"),
    one_of("kind", LedgerAccountKind),
    CheckConstraint(
        "min_balance is null or posted - pending_out >= min_balance", name="floor"
    ),
    CheckConstraint("pending_in >= 0 and pending_out >= 0", name="pending"),
    CheckConstraint(
        "kind not in ('CLIENT_WALLET', 'IB_PAYABLE') or min_balance >= 0", name="floored"
    ),
    # A null bound would make the check above neither true nor false, which passes.
    CheckConstraint(
        "kind not in ('CLIENT_WALLET', 'IB_PAYABLE') or min_balance is not null", name="bounded"
    ),
    brand_index("client_id", "kind", "asset"),
    visible_to="own",
    app="select",
    worker="select",
)  # fmt: skip
ledger_transfer = brand_table(
    "ledger_transfer",
    id_column(),
    text_column("key"),
    text_column("kind"),
    text_column("state"),
    uuid_column("resolves_id", nullable=True),
    time_column("expires_at", nullable=True),
    text_column("source", nullable=True),
    text_column("external_id", nullable=True),
    uuid_column("client_id", nullable=True),
    text_column("actor_kind"),
    uuid_column("actor_id", nullable=True),
    text_column("reason", nullable=True),
    Column("meta", JSONB, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    time_column("effective_at"),
    time_column("recorded_at"),
    UniqueConstraint("brand_id", "key"),
    ForeignKeyConstraint(
        ["brand_id", "resolves_id"], ["ledger_transfer.brand_id", "ledger_transfer.id"]
    ),
    one_of("state", TransferState),
    CheckConstraint(
        "state in ('POSTED', 'PENDING') or resolves_id is not null", name="release"
    ),
    CheckConstraint("state <> 'PENDING' or resolves_id is null", name="hold"),
    # Most transfers resolve nothing, hold nothing and have no outside name.
    Index(
        None, "brand_id", "resolves_id", unique=True,
        postgresql_where=text("resolves_id is not null"),
    ),
    Index(
        None, "brand_id", "source", "external_id", unique=True,
        postgresql_where=text("external_id is not null"),
    ),
    Index(None, "brand_id", "state", "expires_at", postgresql_where=text("state = 'PENDING'")),
    brand_index("recorded_at", "id"),
    visible_to="own",
    app="select",
    worker="select",
)  # fmt: skip
ledger_posting = brand_table(
    "ledger_posting",
    id_column("transfer_id"),
    Column("n", Integer, primary_key=True),
    uuid_column("account_id"),
    text_column("asset"),
    minor("amount"),
    minor("balance_after", nullable=True),
    uuid_column("client_id", nullable=True),
    time_column("recorded_at"),
    ForeignKeyConstraint(
        ["brand_id", "transfer_id"], ["ledger_transfer.brand_id", "ledger_transfer.id"]
    ),
    ForeignKeyConstraint(
        ["brand_id", "account_id", "asset"],
        ["ledger_account.brand_id", "ledger_account.id", "ledger_account.asset"],
    ),
    CheckConstraint("amount <> 0", name="amount"),
    brand_index("account_id", "recorded_at", "transfer_id", "n"),
    visible_to="own",
    app="select",
    worker="select",
)
ledger_hold_leg = brand_table(
    "ledger_hold_leg",
    id_column("transfer_id"),
    Column("n", Integer, primary_key=True),
    uuid_column("account_id"),
    text_column("asset"),
    minor("amount"),
    uuid_column("client_id", nullable=True),
    ForeignKeyConstraint(
        ["brand_id", "transfer_id"], ["ledger_transfer.brand_id", "ledger_transfer.id"]
    ),
    ForeignKeyConstraint(
        ["brand_id", "account_id", "asset"],
        ["ledger_account.brand_id", "ledger_account.id", "ledger_account.asset"],
    ),
    CheckConstraint("amount <> 0", name="amount"),
    brand_index("account_id", "transfer_id"),
    visible_to="own",
    app="select",
    worker="select",
)
ledger_snapshot = brand_table(
    "ledger_snapshot",
    id_column("account_id"),
    Column("at", DateTime(timezone=True), primary_key=True),
    minor("posted"),
    ForeignKeyConstraint(
        ["brand_id", "account_id"], ["ledger_account.brand_id", "ledger_account.id"]
    ),
    visible_to="staff",
    app="select",
    worker="select",
)
