"""Leads: captured, owned, converted."""

import sqlalchemy as sa

from alembic import op
from tenants.isolation import isolate

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lead",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("lost_reason", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=True),
        sa.Column("last_source", sa.Text(), nullable=False),
        sa.Column("last_campaign", sa.Text(), nullable=True),
        sa.Column("owner_id", sa.UUID(), nullable=True),
        sa.Column("ib_id", sa.UUID(), nullable=True),
        sa.Column("ib_code", sa.Text(), nullable=True),
        sa.Column("ib_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("client_id", sa.UUID(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stage_since", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "lost_reason in ('NO_ANSWER', 'NOT_INTERESTED', 'WRONG_CONTACT', 'NOT_ELIGIBLE', "
            "'COMPETITOR', 'OTHER')",
            name=op.f("ck_lead_lost_reason"),
        ),
        sa.CheckConstraint(
            "stage in ('NEW', 'ASSIGNED', 'CONTACTED', 'INTERESTED', 'REGISTERED', 'KYC', 'FTD', "
            "'ACTIVE', 'LOST', 'DNC')",
            name=op.f("ck_lead_stage"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "client_id"],
            ["client.brand_id", "client.id"],
            name=op.f("fk_lead_brand_id_client_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "ib_id"], ["ib.brand_id", "ib.id"], name=op.f("fk_lead_brand_id_ib_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "owner_id"],
            ["staff.brand_id", "staff.id"],
            name=op.f("fk_lead_brand_id_owner_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_lead")),
        sa.UniqueConstraint("brand_id", "client_id", name=op.f("uq_lead_brand_id_client_id")),
        sa.UniqueConstraint("brand_id", "email", name=op.f("uq_lead_brand_id_email")),
        sa.UniqueConstraint("brand_id", "phone", name=op.f("uq_lead_brand_id_phone")),
        sa.UniqueConstraint("brand_id", "reference", name=op.f("uq_lead_brand_id_reference")),
        info={
            "place": "brand",
            "visible_to": "staff",
            "client_column": "client_id",
            "ib_column": "ib_path",
            "grants": {"app": "select, insert, update", "worker": "select, insert, update, delete"},
        },
    )
    op.create_index(
        op.f("ix_lead_brand_id_created_at_id"),
        "lead",
        ["brand_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_lead_brand_id_owner_id_created_at_id"),
        "lead",
        ["brand_id", "owner_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_lead_brand_id_owner_id_stage"),
        "lead",
        ["brand_id", "owner_id", "stage"],
        unique=False,
    )
    op.create_index(
        op.f("ix_lead_brand_id_source_created_at_id"),
        "lead",
        ["brand_id", "source", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_lead_brand_id_stage_created_at_id"),
        "lead",
        ["brand_id", "stage", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_lead_brand_id_touched_at_id"),
        "lead",
        ["brand_id", "touched_at", "id"],
        unique=False,
    )
    isolate("lead", visible_to="staff")
    op.create_table(
        "lead_touch",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("lead_id", sa.UUID(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=True),
        sa.Column("medium", sa.Text(), nullable=True),
        sa.Column("term", sa.Text(), nullable=True),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("click_id", sa.Text(), nullable=True),
        sa.Column("landing_page", sa.Text(), nullable=True),
        sa.Column("referrer", sa.Text(), nullable=True),
        sa.Column("ib_code", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "lead_id"],
            ["lead.brand_id", "lead.id"],
            name=op.f("fk_lead_touch_brand_id_lead_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_lead_touch")),
        info={
            "place": "brand",
            "visible_to": "staff",
            "client_column": "client_id",
            "ib_column": "ib_path",
            "grants": {"app": "select, insert, update", "worker": "select, insert, update, delete"},
        },
    )
    op.create_index(
        op.f("ix_lead_touch_brand_id_lead_id_created_at_id"),
        "lead_touch",
        ["brand_id", "lead_id", "created_at", "id"],
        unique=False,
    )
    isolate("lead_touch", visible_to="staff")
    op.create_table(
        "lead_ownership",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("lead_id", sa.UUID(), nullable=False),
        sa.Column("owner_id", sa.UUID(), nullable=True),
        sa.Column("given_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "given_by in ('ROUND_ROBIN', 'STAFF')", name=op.f("ck_lead_ownership_given_by")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "lead_id"],
            ["lead.brand_id", "lead.id"],
            name=op.f("fk_lead_ownership_brand_id_lead_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "owner_id"],
            ["staff.brand_id", "staff.id"],
            name=op.f("fk_lead_ownership_brand_id_owner_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_lead_ownership")),
        info={
            "place": "brand",
            "visible_to": "staff",
            "client_column": "client_id",
            "ib_column": "ib_path",
            "grants": {"app": "select, insert, update", "worker": "select, insert, update, delete"},
        },
    )
    op.create_index(
        op.f("ix_lead_ownership_brand_id_lead_id_created_at_id"),
        "lead_ownership",
        ["brand_id", "lead_id", "created_at", "id"],
        unique=False,
    )
    isolate("lead_ownership", visible_to="staff")
    op.create_table(
        "lead_agent",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("staff_id", sa.UUID(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("languages", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("countries", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "staff_id"],
            ["staff.brand_id", "staff.id"],
            name=op.f("fk_lead_agent_brand_id_staff_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_lead_agent")),
        sa.UniqueConstraint("brand_id", "staff_id", name=op.f("uq_lead_agent_brand_id_staff_id")),
        info={
            "place": "brand",
            "visible_to": "staff",
            "client_column": "client_id",
            "ib_column": "ib_path",
            "grants": {"app": "select, insert, update", "worker": "select, insert, update, delete"},
        },
    )
    isolate("lead_agent", visible_to="staff")


def downgrade() -> None:
    op.drop_table("lead_agent")
    op.drop_table("lead_ownership")
    op.drop_table("lead_touch")
    op.drop_table("lead")
