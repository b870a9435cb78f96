"""Tables of challenges: what is sold, what was bought, how it is judged and why it ended.

A phase keeps its own copy of the rules: no later version of a program changes it. What was judged
is only ever added (`phase_event`), so that a phase can be judged again from its rows.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Integer,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

from domain.accounts.values import StateSource
from domain.challenges.lifecycle import (
    ChallengeStatus,
    ClosingStatus,
    OrderStatus,
    PhaseStatus,
    ProgramStatus,
)
from domain.challenges.values import RuleKind
from domain.payments.ledger.tables import minor
from domain.payments.tables import of_client
from tenants.database import (
    brand_index,
    brand_table,
    id_column,
    one_of,
    text_column,
    time_column,
    uuid_column,
)


def _whole(name: str) -> Column[Any]:
    return Column(name, Integer, nullable=False)


def _json(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, JSONB, nullable=nullable)


program = brand_table(
    "program",
    id_column(),
    text_column("code"),
    text_column("name"),
    text_column("status"),
    _whole("version"),
    time_column("created_at"),
    UniqueConstraint("brand_id", "code"),
    one_of("status", ProgramStatus),
    brand_index("name", "code", "id"),
    brand_index("status", "name", "code", "id"),
    brand_index("created_at", "id"),
    visible_to="brand",
    worker="select",
)
# Never changed: what was sold is what it says.
program_version = brand_table(
    "program_version",
    id_column(),
    uuid_column("program_id"),
    _whole("number"),
    text_column("name"),
    text_column("currency"),
    minor("balance_minor"),
    minor("price_minor"),
    _whole("leverage"),
    _json("phases"),
    time_column("published_at"),
    uuid_column("published_by", nullable=True),
    ForeignKeyConstraint(["brand_id", "program_id"], ["program.brand_id", "program.id"]),
    UniqueConstraint("brand_id", "program_id", "number"),
    CheckConstraint("balance_minor > 0 and price_minor > 0", name="amounts"),
    visible_to="brand",
    app="select, insert",
    worker="select",
)
purchase_tax = brand_table(
    "purchase_tax",
    Column("country", Text, primary_key=True),
    text_column("label"),
    _whole("bps"),
    time_column("updated_at"),
    CheckConstraint("bps between 0 and 10000", name="bps"),
    visible_to="brand",
    worker="select",
)
challenge_order = brand_table(
    "challenge_order",
    id_column(),
    *of_client(),
    text_column("reference"),
    text_column("status"),
    _whole("version"),
    uuid_column("program_version_id"),
    text_column("currency"),
    minor("net_minor"),
    minor("tax_minor"),
    _whole("tax_bps"),
    text_column("tax_label"),
    text_column("country"),
    # One of both: the payment at a PSP, or the wallet that its owner named.
    uuid_column("payment_id", nullable=True),
    uuid_column("wallet_id", nullable=True),
    text_column("reason_code", nullable=True),
    time_column("created_at"),
    time_column("updated_at"),
    time_column("paid_at", nullable=True),
    # The PSP was asked to give the money back, and has not refused since.
    time_column("refund_sent_at", nullable=True),
    ForeignKeyConstraint(["brand_id", "client_id"], ["client.brand_id", "client.id"]),
    ForeignKeyConstraint(
        ["brand_id", "program_version_id"], ["program_version.brand_id", "program_version.id"]
    ),
    ForeignKeyConstraint(["brand_id", "payment_id"], ["payment.brand_id", "payment.id"]),
    UniqueConstraint("brand_id", "reference"),
    UniqueConstraint("brand_id", "payment_id"),
    one_of("status", OrderStatus),
    CheckConstraint("net_minor > 0 and tax_minor >= 0", name="amounts"),
    brand_index("client_id", "created_at", "id"),
    brand_index("status", "updated_at"),
    brand_index("created_at", "id"),
    brand_index("status", "created_at", "id"),
    visible_to="client",
)
challenge = brand_table(
    "challenge",
    id_column(),
    *of_client(),
    text_column("reference"),
    text_column("status"),
    _whole("version"),
    uuid_column("order_id"),
    uuid_column("program_id"),
    uuid_column("program_version_id"),
    # Of the program, to say it without another look.
    _whole("program_number"),
    _whole("phase_count"),
    uuid_column("current_phase_id", nullable=True),
    time_column("created_at"),
    time_column("updated_at"),
    ForeignKeyConstraint(["brand_id", "client_id"], ["client.brand_id", "client.id"]),
    ForeignKeyConstraint(
        ["brand_id", "order_id"], ["challenge_order.brand_id", "challenge_order.id"]
    ),
    ForeignKeyConstraint(["brand_id", "program_id"], ["program.brand_id", "program.id"]),
    UniqueConstraint("brand_id", "order_id"),
    UniqueConstraint("brand_id", "reference"),
    one_of("status", ChallengeStatus),
    brand_index("client_id", "created_at", "id"),
    brand_index("created_at", "id"),
    brand_index("status", "created_at", "id"),
    brand_index("program_id", "created_at", "id"),
    visible_to="client",
)
challenge_phase = brand_table(
    "challenge_phase",
    id_column(),
    *of_client(),
    uuid_column("challenge_id"),
    _whole("number"),
    text_column("name"),
    text_column("status"),
    _whole("version"),
    text_column("currency"),
    minor("start_minor"),
    _whole("leverage"),
    # The snapshot, and what the rules remember.
    _json("rules"),
    _json("state", nullable=True),
    # How many `phase_event` rows it has: whoever adds one was the last to read it.
    _whole("events"),
    uuid_column("account_id", nullable=True),
    uuid_column("server_id", nullable=True),
    Column("login", BigInteger, nullable=True),
    text_column("reason_code", nullable=True),
    text_column("closing", nullable=True),
    time_column("created_at"),
    time_column("started_at", nullable=True),
    time_column("ended_at", nullable=True),
    time_column("updated_at"),
    ForeignKeyConstraint(["brand_id", "challenge_id"], ["challenge.brand_id", "challenge.id"]),
    ForeignKeyConstraint(
        ["brand_id", "account_id"], ["trading_account.brand_id", "trading_account.id"]
    ),
    UniqueConstraint("brand_id", "challenge_id", "number"),
    UniqueConstraint("brand_id", "account_id"),
    one_of("status", PhaseStatus),
    one_of("closing", ClosingStatus),
    brand_index("status", "id"),
    brand_index("closing", "updated_at"),
    visible_to="client",
)
phase_event = brand_table(
    "phase_event",
    id_column("phase_id"),
    Column("n", Integer, primary_key=True),
    *of_client(),
    time_column("at"),
    _json("event"),
    _json("verdicts"),
    ForeignKeyConstraint(
        ["brand_id", "phase_id"], ["challenge_phase.brand_id", "challenge_phase.id"]
    ),
    visible_to="client",
    app="select",
    worker="select, insert",
)
# The evidence of a broken rule: the figures and prices of that tick, and of a second look.
breach = brand_table(
    "breach",
    id_column(),
    *of_client(),
    uuid_column("challenge_id"),
    uuid_column("phase_id"),
    uuid_column("account_id"),
    # Which row of `phase_event` decided it.
    _whole("n"),
    text_column("rule"),
    text_column("zone"),
    Column("day", Date, nullable=False),
    text_column("currency"),
    minor("floor_minor"),
    minor("equity_minor"),
    minor("balance_minor"),
    minor("anchor_minor"),
    minor("peak_minor"),
    time_column("at"),
    time_column("seen_at"),
    text_column("source"),
    _json("prices"),
    _json("positions", nullable=True),
    _json("second_prices", nullable=True),
    text_column("suspicion", nullable=True),
    time_column("verified_at", nullable=True),
    time_column("disabled_at", nullable=True),
    time_column("created_at"),
    ForeignKeyConstraint(["brand_id", "challenge_id"], ["challenge.brand_id", "challenge.id"]),
    ForeignKeyConstraint(
        ["brand_id", "phase_id"], ["challenge_phase.brand_id", "challenge_phase.id"]
    ),
    UniqueConstraint("brand_id", "phase_id"),
    one_of("rule", RuleKind),
    one_of("source", StateSource),
    brand_index("challenge_id"),
    brand_index("created_at"),
    visible_to="client",
    app="select",
)
# A brand's breaker: without a row, or with `halted_at` null, accounts are closed as they come.
liquidation_breaker = brand_table(
    "liquidation_breaker",
    time_column("halted_at", nullable=True),
    text_column("reason", nullable=True),
    time_column("resumed_at", nullable=True),
    uuid_column("resumed_by", nullable=True),
    visible_to="staff",
)
