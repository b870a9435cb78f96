"""Identity: cases, documents, decisions, screening."""

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled by the context's tables."""


def downgrade() -> None:
    """The reverse."""
