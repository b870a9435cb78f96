"""Commissions of introducing brokers: plans, links, accruals; deals that take others back."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op
from tenants.isolation import isolate

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

ENTRIES_BEFORE = "entry in ('IN', 'OUT', 'INOUT', 'OUT_BY', 'BALANCE', 'CREDIT')"
ENTRIES = "entry in ('IN', 'OUT', 'INOUT', 'OUT_BY', 'CANCEL', 'BALANCE', 'CREDIT')"


def upgrade() -> None:
    # Constant defaults rewrite nothing, and a check that is not valid yet scans nothing.
    op.add_column("ib", sa.Column("currency", sa.Text(), server_default="USD", nullable=False))
    op.add_column(
        "ib", sa.Column("place_version", sa.Integer(), server_default="1", nullable=False)
    )
    op.add_column("client", sa.Column("ib_link_id", sa.UUID(), nullable=True))
    op.add_column("deal", sa.Column("reverses_ext_id", sa.Text(), nullable=True))
    op.create_index(
        "ix_deal_reverses",
        "deal",
        ["brand_id", "server_id", "reverses_ext_id"],
        unique=False,
        postgresql_where=sa.text("reverses_ext_id IS NOT NULL"),
    )
    op.execute("alter table simulator.deal add column reverses_id bigint")
    _replace_entries(ENTRIES)
    _tree()
    _plans()
    _accruals()


def _replace_entries(condition: str) -> None:
    op.execute("alter table deal drop constraint ck_deal_entry")
    op.execute(f"alter table deal add constraint ck_deal_entry check ({condition}) not valid")
    op.execute("alter table deal validate constraint ck_deal_entry")


def _tree() -> None:
    op.create_table(
        "ib_former_place",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("ib_id", sa.UUID(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "ib_id"],
            ["ib.brand_id", "ib.id"],
            name=op.f("fk_ib_former_place_brand_id_ib_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "ib_id", "version", name=op.f("pk_ib_former_place")),
    )
    isolate("ib_former_place", visible_to="staff", worker="select, insert")
    op.create_table(
        "ib_link",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("ib_id", sa.UUID(), nullable=False),
        sa.Column("ib_path", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "ib_id"], ["ib.brand_id", "ib.id"], name=op.f("fk_ib_link_brand_id_ib_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_ib_link")),
        sa.UniqueConstraint("brand_id", "code", name=op.f("uq_ib_link_brand_id_code")),
        sa.UniqueConstraint(
            "brand_id", "ib_id", "campaign", name=op.f("uq_ib_link_brand_id_ib_id_campaign")
        ),
    )
    isolate("ib_link", visible_to="ib")
    op.create_table(
        "ib_invitation",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("ib_id", sa.UUID(), nullable=False),
        sa.Column("ib_path", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_id", sa.UUID(), nullable=True),
        sa.CheckConstraint(
            "status in ('SENT', 'ACCEPTED', 'EXPIRED')", name=op.f("ck_ib_invitation_status")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "accepted_id"],
            ["ib.brand_id", "ib.id"],
            name=op.f("fk_ib_invitation_brand_id_accepted_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "ib_id"],
            ["ib.brand_id", "ib.id"],
            name=op.f("fk_ib_invitation_brand_id_ib_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_ib_invitation")),
    )
    op.create_index(
        op.f("ix_ib_invitation_brand_id_ib_id_created_at_id"),
        "ib_invitation",
        ["brand_id", "ib_id", "created_at", "id"],
        unique=False,
    )
    isolate("ib_invitation", visible_to="ib")


def _plans() -> None:
    op.create_table(
        "ib_plan",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_ib_plan")),
        sa.UniqueConstraint("brand_id", "name", name=op.f("uq_ib_plan_brand_id_name")),
    )
    isolate("ib_plan", visible_to="brand")
    op.create_table(
        "ib_plan_version",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("plan_id", sa.UUID(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("terms", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "plan_id"],
            ["ib_plan.brand_id", "ib_plan.id"],
            name=op.f("fk_ib_plan_version_brand_id_plan_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_ib_plan_version")),
        sa.UniqueConstraint(
            "brand_id", "plan_id", "number", name=op.f("uq_ib_plan_version_brand_id_plan_id_number")
        ),
    )
    isolate("ib_plan_version", visible_to="brand", app="select, insert", worker="select, insert")
    op.create_table(
        "ib_assignment",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("ib_id", sa.UUID(), nullable=False),
        sa.Column("ib_path", sa.Text(), nullable=False),
        sa.Column("plan_id", sa.UUID(), nullable=False),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "ib_id"],
            ["ib.brand_id", "ib.id"],
            name=op.f("fk_ib_assignment_brand_id_ib_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "plan_id"],
            ["ib_plan.brand_id", "ib_plan.id"],
            name=op.f("fk_ib_assignment_brand_id_plan_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_ib_assignment")),
        sa.UniqueConstraint(
            "brand_id", "ib_id", "from_at", name=op.f("uq_ib_assignment_brand_id_ib_id_from_at")
        ),
    )
    op.create_index(
        op.f("ix_ib_assignment_brand_id_plan_id"),
        "ib_assignment",
        ["brand_id", "plan_id"],
        unique=False,
    )
    isolate("ib_assignment", visible_to="ib")
    op.create_table(
        "ib_fx_rate",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("base", sa.Text(), nullable=False),
        sa.Column("quote", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rate", sa.Numeric(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "base", "quote", "at", name=op.f("pk_ib_fx_rate")),
    )
    isolate("ib_fx_rate", visible_to="staff", app="select", worker="select, insert")


def _accruals() -> None:
    op.create_table(
        "ib_judgement",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("deal_id", sa.UUID(), nullable=False),
        sa.Column("client_id", sa.UUID(), nullable=False),
        sa.Column("judgement", sa.Text(), nullable=False),
        sa.Column("seen", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("deal_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "judgement in ('ACCRUED', 'NO_PLAN', 'NO_RATE', 'CLOSED_BY', 'HEDGED', 'OWN_ACCOUNT', "
            "'OPENING_UNKNOWN', 'TOO_SHORT', 'TOO_FEW_PIPS', 'TOO_SMALL', 'CANCELLED', "
            "'WAITING_FOR_RATE')",
            name=op.f("ck_ib_judgement_judgement"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "deal_id", name=op.f("pk_ib_judgement")),
    )
    op.create_index(
        op.f("ix_ib_judgement_brand_id_deal_at_deal_id"),
        "ib_judgement",
        ["brand_id", "deal_at", "deal_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_ib_judgement_brand_id_judgement_deal_at"),
        "ib_judgement",
        ["brand_id", "judgement", "deal_at"],
        unique=False,
    )
    isolate("ib_judgement", visible_to="staff", app="select")
    op.create_table(
        "ib_statement",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("ib_id", sa.UUID(), nullable=False),
        sa.Column("ib_path", sa.Text(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("accrued_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("reversed_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("accruals", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "ib_id"],
            ["ib.brand_id", "ib.id"],
            name=op.f("fk_ib_statement_brand_id_ib_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_ib_statement")),
        sa.UniqueConstraint(
            "brand_id",
            "ib_id",
            "month",
            "currency",
            name=op.f("uq_ib_statement_brand_id_ib_id_month_currency"),
        ),
    )
    isolate("ib_statement", visible_to="ib", app="select")
    op.create_table(
        "ib_accrual",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("ib_id", sa.UUID(), nullable=False),
        sa.Column("ib_path", sa.Text(), nullable=False),
        sa.Column("client_id", sa.UUID(), nullable=False),
        sa.Column("deal_id", sa.UUID(), nullable=False),
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column("tier", sa.Integer(), nullable=False),
        sa.Column("plan_version_id", sa.UUID(), nullable=False),
        sa.Column("place_version", sa.Integer(), nullable=False),
        sa.Column("lots", sa.Numeric(), nullable=False),
        sa.Column("rate", sa.Numeric(), nullable=False),
        sa.Column("plan_currency", sa.Text(), nullable=False),
        sa.Column("plan_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("fx_rate", sa.Numeric(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.Numeric(precision=38, scale=0), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reverses_id", sa.UUID(), nullable=True),
        sa.Column("grounds", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("deal_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payable_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payable_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("statement_id", sa.UUID(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status in ('PROVISIONAL', 'PAYABLE', 'REVERSED')", name=op.f("ck_ib_accrual_status")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "ib_id"],
            ["ib.brand_id", "ib.id"],
            name=op.f("fk_ib_accrual_brand_id_ib_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "plan_version_id"],
            ["ib_plan_version.brand_id", "ib_plan_version.id"],
            name=op.f("fk_ib_accrual_brand_id_plan_version_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "reverses_id"],
            ["ib_accrual.brand_id", "ib_accrual.id"],
            name=op.f("fk_ib_accrual_brand_id_reverses_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "statement_id"],
            ["ib_statement.brand_id", "ib_statement.id"],
            name=op.f("fk_ib_accrual_brand_id_statement_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_ib_accrual")),
        sa.UniqueConstraint(
            "brand_id",
            "deal_id",
            "component",
            "tier",
            "reverses_id",
            name="uq_ib_accrual_once",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index(
        op.f("ix_ib_accrual_brand_id_deal_at_id"),
        "ib_accrual",
        ["brand_id", "deal_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_ib_accrual_brand_id_ib_id_deal_at_id"),
        "ib_accrual",
        ["brand_id", "ib_id", "deal_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_ib_accrual_brand_id_statement_id"),
        "ib_accrual",
        ["brand_id", "statement_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_ib_accrual_brand_id_status_payable_at"),
        "ib_accrual",
        ["brand_id", "status", "payable_at"],
        unique=False,
    )
    op.create_index(
        "ix_ib_accrual_unstated",
        "ib_accrual",
        ["brand_id", "payable_since"],
        unique=False,
        postgresql_where=sa.text("statement_id IS NULL"),
    )
    isolate("ib_accrual", visible_to="ib", app="select")


def downgrade() -> None:
    op.drop_table("ib_accrual")
    op.drop_table("ib_statement")
    op.drop_table("ib_judgement")
    op.drop_table("ib_fx_rate")
    op.drop_table("ib_assignment")
    op.drop_table("ib_plan_version")
    op.drop_table("ib_plan")
    op.drop_table("ib_invitation")
    op.drop_table("ib_link")
    op.drop_table("ib_former_place")
    # Deals that took others back stay, as what they moved: an older release knows no word for it.
    op.execute("alter table deal drop constraint ck_deal_entry")
    op.execute(f"alter table deal add constraint ck_deal_entry check ({ENTRIES_BEFORE}) not valid")
    op.execute("alter table simulator.deal drop column reverses_id")
    op.drop_index("ix_deal_reverses", table_name="deal")
    op.drop_column("deal", "reverses_ext_id")
    op.drop_column("client", "ib_link_id")
    op.drop_column("ib", "place_version")
    op.drop_column("ib", "currency")
