"""Trusted documents, and what a brand's list of them is for."""

import sqlalchemy as sa

from alembic import op
from tenants.isolation import isolate

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "trusted_document",
        sa.Column("brand_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("operations", sa.Text(), nullable=False),
        sa.Column("cost", sa.Integer(), nullable=False),
        sa.Column("added_by_kind", sa.Text(), nullable=False),
        sa.Column("added_by", sa.UUID(), nullable=True),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "added_by_kind in ('OPERATOR', 'STAFF', 'CLIENT', 'IB', 'TOKEN', 'SYSTEM', "
            "'ANONYMOUS')",
            name=op.f("ck_trusted_document_added_by_kind"),
        ),
        sa.CheckConstraint(
            "sha256 = encode(sha256(convert_to(text, 'UTF8')), 'hex')",
            name=op.f("ck_trusted_document_sha256"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_trusted_document")),
        sa.UniqueConstraint("brand_id", "sha256", name=op.f("uq_trusted_document_brand_id_sha256")),
        info={
            "place": "brand",
            "visible_to": "staff",
            "client_column": "client_id",
            "ib_column": "ib_path",
            "grants": {"app": "select, insert, delete", "worker": "select, insert"},
        },
    )
    op.create_index(
        op.f("ix_trusted_document_brand_id_added_at_id"),
        "trusted_document",
        ["brand_id", "added_at", "id"],
        unique=False,
    )
    isolate(
        "trusted_document",
        visible_to="staff",
        app="select, insert, delete",
        worker="select, insert",
    )
    op.add_column(
        "brand_state",
        sa.Column("document_policy", sa.Text(), server_default="OFF", nullable=False),
    )
    op.add_column(
        "brand_state",
        sa.Column("documents_version", sa.Integer(), server_default=sa.text("0"), nullable=False),
    )
    op.create_check_constraint(
        op.f("ck_brand_state_document_policy"),
        "brand_state",
        "document_policy in ('OFF', 'ACCEPT', 'ENFORCE')",
    )


def downgrade() -> None:
    op.drop_column("brand_state", "documents_version")
    op.drop_column("brand_state", "document_policy")
    op.drop_table("trusted_document")
