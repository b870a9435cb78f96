"""Commissions of introducing brokers: plans, links, accruals."""

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled by the context's tables."""


def downgrade() -> None:
    """The reverse."""
