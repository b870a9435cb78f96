"""Which version of its discrepancy a proposed booking is about; unknown of older proposals."""

import sqlalchemy as sa

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("discrepancy_version", sa.Integer(), nullable=True)
    op.add_column("ledger_correction", column)


def downgrade() -> None:
    op.drop_column("ledger_correction", "discrepancy_version")
