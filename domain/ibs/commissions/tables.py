"""Tables of commissions. Amounts are minor units of the currency beside them."""

from typing import Any

from sqlalchemy import (
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    Numeric,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

from domain.ibs.values import AccrualStatus, Judgement
from tenants.database import (
    brand_index,
    brand_table,
    id_column,
    one_of,
    text_column,
    time_column,
    uuid_column,
)


def _minor(name: str) -> Column[Any]:
    return Column(name, Numeric(38, 0), nullable=False)


def _exact(name: str) -> Column[Any]:
    return Column(name, Numeric, nullable=False)


ib_plan = brand_table(
    "ib_plan",
    id_column(),
    text_column("name"),
    Column("version", Integer, nullable=False),
    time_column("created_at"),
    UniqueConstraint("brand_id", "name"),
    brand_index("created_at", "id"),
    visible_to="brand",
)
# Published once, never changed: what closed under it is judged by it for ever.
ib_plan_version = brand_table(
    "ib_plan_version",
    id_column(),
    uuid_column("plan_id"),
    Column("number", Integer, nullable=False),
    time_column("from_at"),
    Column("terms", JSONB, nullable=False),
    time_column("created_at"),
    UniqueConstraint("brand_id", "plan_id", "number"),
    ForeignKeyConstraint(["brand_id", "plan_id"], ["ib_plan.brand_id", "ib_plan.id"]),
    visible_to="brand",
    app="select, insert",
    worker="select, insert",
)
ib_assignment = brand_table(
    "ib_assignment",
    id_column(),
    uuid_column("ib_id"),
    text_column("ib_path"),
    uuid_column("plan_id"),
    time_column("from_at"),
    time_column("created_at"),
    UniqueConstraint("brand_id", "ib_id", "from_at"),
    ForeignKeyConstraint(["brand_id", "ib_id"], ["ib.brand_id", "ib.id"]),
    ForeignKeyConstraint(["brand_id", "plan_id"], ["ib_plan.brand_id", "ib_plan.id"]),
    brand_index("plan_id", "ib_path"),
    visible_to="ib",
)
# What one unit of `base` was worth in `quote`, as the platform said at `at`.
ib_fx_rate = brand_table(
    "ib_fx_rate",
    Column("base", Text, primary_key=True),
    Column("quote", Text, primary_key=True),
    Column("at", time_column("at").type, primary_key=True),
    _exact("rate"),
    text_column("source"),
    visible_to="staff",
    app="select",
    worker="select, insert",
)
# One row for each closed deal of an introduced client: paid for, or why not.
ib_judgement = brand_table(
    "ib_judgement",
    id_column("deal_id"),
    uuid_column("client_id"),
    text_column("judgement"),
    # What the rows of other contexts said then and may not say again.
    Column("seen", JSONB, nullable=False),
    time_column("deal_at"),
    time_column("judged_at"),
    one_of("judgement", Judgement),
    brand_index("judgement", "deal_at"),
    brand_index("deal_at", "deal_id"),
    visible_to="staff",
    app="select",
)
ib_statement = brand_table(
    "ib_statement",
    id_column(),
    uuid_column("ib_id"),
    text_column("ib_path"),
    Column("month", Date, nullable=False),
    text_column("currency"),
    _minor("accrued_minor"),
    _minor("reversed_minor"),
    Column("accruals", Integer, nullable=False),
    time_column("created_at"),
    UniqueConstraint("brand_id", "ib_id", "month", "currency"),
    ForeignKeyConstraint(["brand_id", "ib_id"], ["ib.brand_id", "ib.id"]),
    visible_to="ib",
    app="select",
)
ib_accrual = brand_table(
    "ib_accrual",
    id_column(),
    uuid_column("ib_id"),
    text_column("ib_path"),
    uuid_column("client_id"),
    uuid_column("deal_id"),
    text_column("component"),
    Column("tier", Integer, nullable=False),
    uuid_column("plan_version_id"),
    # The place of the client's introducer in the tree, as it counts places.
    Column("place_version", Integer, nullable=False),
    _exact("lots"),
    _exact("rate"),
    text_column("plan_currency"),
    _minor("plan_minor"),
    _exact("fx_rate"),
    text_column("currency"),
    _minor("amount_minor"),
    text_column("status"),
    uuid_column("reverses_id", nullable=True),
    # What it was reckoned from, so that it can be explained and reckoned again.
    Column("grounds", JSONB, nullable=False),
    time_column("deal_at"),
    time_column("payable_at"),
    time_column("payable_since", nullable=True),
    uuid_column("statement_id", nullable=True),
    time_column("created_at"),
    UniqueConstraint(
        "brand_id",
        "deal_id",
        "component",
        "tier",
        "reverses_id",
        name="uq_ib_accrual_once",
        postgresql_nulls_not_distinct=True,
    ),
    ForeignKeyConstraint(["brand_id", "ib_id"], ["ib.brand_id", "ib.id"]),
    ForeignKeyConstraint(
        ["brand_id", "plan_version_id"], ["ib_plan_version.brand_id", "ib_plan_version.id"]
    ),
    ForeignKeyConstraint(["brand_id", "reverses_id"], ["ib_accrual.brand_id", "ib_accrual.id"]),
    ForeignKeyConstraint(
        ["brand_id", "statement_id"], ["ib_statement.brand_id", "ib_statement.id"]
    ),
    one_of("status", AccrualStatus),
    brand_index("ib_id", "deal_at", "id"),
    brand_index("deal_at", "id"),
    brand_index("status", "payable_at"),
    brand_index("client_id", "deal_at", "id"),
    brand_index("statement_id", "deal_at", "id"),
    visible_to="ib",
    app="select",
)
OPEN_FOR_STATEMENT = Index(
    "ix_ib_accrual_unstated",
    ib_accrual.c.brand_id,
    ib_accrual.c.payable_since,
    postgresql_where=ib_accrual.c.statement_id.is_(None),
)
