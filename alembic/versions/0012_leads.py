"""Leads: captured, owned, converted."""

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled by the context's tables."""


def downgrade() -> None:
    """The reverse."""
