"""Sanctions lists, and what clients' names matched on them."""

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled by the context's tables."""


def downgrade() -> None:
    """The reverse."""
