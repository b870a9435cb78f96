"""An ib's clients are counted in an index alone: it holds what row security asks for, too.

The index is built beside whoever writes, outside any transaction, and takes the old one's place
once it is there. A migration that was stopped may run again.
"""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_INDEX, _BUILDING = "ix_client_brand_id_ib_id_created_at_id", "ix_client_building"


def upgrade() -> None:
    _replace(["ib_path"])


def downgrade() -> None:
    _replace([])


def _replace(include: list[str]) -> None:
    with op.get_context().autocommit_block():
        op.execute(f"drop index concurrently if exists {_BUILDING}")
        op.create_index(
            _BUILDING,
            "client",
            ["brand_id", "ib_id", "created_at", "id"],
            unique=False,
            postgresql_include=include,
            postgresql_concurrently=True,
        )
        op.execute(f"drop index concurrently if exists {_INDEX}")
        op.execute(f"alter index {_BUILDING} rename to {_INDEX}")
