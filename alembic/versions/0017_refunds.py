"""Whether a purchase's refund was sent before: only then may it have been done without a word."""

import sqlalchemy as sa

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("refund_sent_at", sa.DateTime(timezone=True), nullable=True)
    op.add_column("challenge_order", column)
    # Of a refund that was begun by an earlier program nobody knows whether it was sent.
    op.execute(
        "update challenge_order set refund_sent_at = updated_at where status = 'REFUNDING'"
        " and reason_code is null"
    )


def downgrade() -> None:
    op.drop_column("challenge_order", "refund_sent_at")
