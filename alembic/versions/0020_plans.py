"""Compiled plans: a statement that sets for itself whose rows it may touch."""

from alembic import op
from tenants.isolation import ENTER, role

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(ENTER)
    op.execute("revoke all on function app_enter(uuid, uuid, text) from public")
    op.execute(
        f"grant execute on function app_enter(uuid, uuid, text) to {role('app')}, {role('worker')}"
    )


def downgrade() -> None:
    op.execute("drop function app_enter(uuid, uuid, text)")
