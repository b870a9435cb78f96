"""Introducing brokers and clients."""

import sqlalchemy as sa

from alembic import op
from tenants.isolation import isolate

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ib",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.UUID(), nullable=True),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("path like '%/'", name=op.f("ck_ib_path")),
        sa.CheckConstraint("status in ('ACTIVE', 'SUSPENDED')", name=op.f("ck_ib_status")),
        sa.ForeignKeyConstraint(
            ["brand_id", "parent_id"],
            ["ib.brand_id", "ib.id"],
            name=op.f("fk_ib_brand_id_parent_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_ib")),
        sa.UniqueConstraint("brand_id", "code", name=op.f("uq_ib_brand_id_code")),
        sa.UniqueConstraint("brand_id", "path", name=op.f("uq_ib_brand_id_path")),
    )
    op.create_index(
        op.f("ix_ib_brand_id_created_at_id"), "ib", ["brand_id", "created_at", "id"], unique=False
    )
    op.create_index(
        op.f("ix_ib_brand_id_parent_id_created_at_id"),
        "ib",
        ["brand_id", "parent_id", "created_at", "id"],
        unique=False,
    )
    isolate("ib", visible_to="ib", ib_column="path")
    op.create_table(
        "client",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("legal_entity_id", sa.UUID(), nullable=False),
        sa.Column("ib_id", sa.UUID(), nullable=True),
        sa.Column("ib_path", sa.Text(collation="C"), server_default="", nullable=False),
        sa.Column("owner_id", sa.UUID(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("tags", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("email_verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind in ('INDIVIDUAL', 'CORPORATE', 'JOINT')", name=op.f("ck_client_kind")
        ),
        sa.CheckConstraint(
            "status in ('REGISTERED', 'ACTIVE', 'RESTRICTED', 'CLOSED')",
            name=op.f("ck_client_status"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "ib_id"], ["ib.brand_id", "ib.id"], name=op.f("fk_client_brand_id_ib_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "owner_id"],
            ["staff.brand_id", "staff.id"],
            name=op.f("fk_client_brand_id_owner_id"),
        ),
        sa.ForeignKeyConstraint(
            ["legal_entity_id"], ["legal_entity.id"], name=op.f("fk_client_legal_entity_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_client")),
        sa.UniqueConstraint("brand_id", "email", name=op.f("uq_client_brand_id_email")),
        sa.UniqueConstraint("brand_id", "reference", name=op.f("uq_client_brand_id_reference")),
    )
    op.create_index(
        op.f("ix_client_brand_id_created_at_id"),
        "client",
        ["brand_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_client_brand_id_ib_id_created_at_id"),
        "client",
        ["brand_id", "ib_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_client_brand_id_ib_path"), "client", ["brand_id", "ib_path"], unique=False
    )
    op.create_index(
        op.f("ix_client_brand_id_name_id"), "client", ["brand_id", "name", "id"], unique=False
    )
    op.create_index(
        op.f("ix_client_brand_id_owner_id_created_at_id"),
        "client",
        ["brand_id", "owner_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_client_brand_id_status_created_at_id"),
        "client",
        ["brand_id", "status", "created_at", "id"],
        unique=False,
    )
    isolate("client", visible_to="client", client_column="id")
    op.create_table(
        "client_note",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("client_id", sa.UUID(), nullable=False),
        sa.Column("author_id", sa.UUID(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "author_id"],
            ["staff.brand_id", "staff.id"],
            name=op.f("fk_client_note_brand_id_author_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "client_id"],
            ["client.brand_id", "client.id"],
            name=op.f("fk_client_note_brand_id_client_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_client_note")),
    )
    op.create_index(
        op.f("ix_client_note_brand_id_client_id_created_at_id"),
        "client_note",
        ["brand_id", "client_id", "created_at", "id"],
        unique=False,
    )
    isolate("client_note", visible_to="staff")
    op.create_table(
        "client_search",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("suffix", sa.Text(collation="C"), nullable=False),
        sa.Column("client_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ib_path", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "kind in ('name', 'email', 'phone')", name=op.f("ck_client_search_kind")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "client_id"],
            ["client.brand_id", "client.id"],
            name=op.f("fk_client_search_brand_id_client_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "brand_id", "suffix", "client_id", "kind", name=op.f("pk_client_search")
        ),
    )
    op.create_index(
        op.f("ix_client_search_brand_id_client_id_kind"),
        "client_search",
        ["brand_id", "client_id", "kind"],
        unique=False,
    )
    isolate("client_search", visible_to="client", app="select, insert, delete")


def downgrade() -> None:
    op.drop_table("client_search")
    op.drop_table("client_note")
    op.drop_table("client")
    op.drop_table("ib")
