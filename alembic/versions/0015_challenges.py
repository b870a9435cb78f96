"""Challenges: programs, orders, phases, evidence."""

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled by the context's tables."""


def downgrade() -> None:
    """The reverse."""
