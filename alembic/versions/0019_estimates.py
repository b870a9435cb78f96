"""Row policies that leave the planner's estimates alone; see decision 0012.

`isolate` writes new policies so by itself; those that were made before are rewritten here.
"""

import sqlalchemy as sa

from alembic import op
from tenants.isolation import unjudged

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_BEGINS, _ENDS = "(NULLIF(", ", false) IS NOT NULL)"
_POLICIES = sa.text(
    "select tablename, policyname, qual from pg_policies where schemaname = 'public'"
    " and policyname in ('brand', 'own_client', 'own_ib', 'no_client', 'no_ib')"
)


def upgrade() -> None:
    for table, policy, condition in op.get_bind().execute(_POLICIES).all():
        if not condition.startswith(_BEGINS):
            op.execute(f"alter policy {policy} on {table} using ({unjudged(condition)})")


def downgrade() -> None:
    for table, policy, condition in op.get_bind().execute(_POLICIES).all():
        if condition.startswith(_BEGINS) and condition.endswith(_ENDS):
            plain = condition.removeprefix(_BEGINS).removesuffix(_ENDS)
            op.execute(f"alter policy {policy} on {table} using ({plain})")
