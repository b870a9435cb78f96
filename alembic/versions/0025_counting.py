"""An ib's clients are counted in an index alone: it holds what row security asks for, too.

The index is built beside whoever writes, outside any transaction, and takes the old one's place
once it is there. A migration that was stopped may run again; one of the two is there all the time.
"""

import sqlalchemy as sa

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_INDEX = "ix_client_brand_id_ib_id_created_at_id"
_BUILDING, _OLD = "ix_client_building", "ix_client_replaced"
_SWAP = f"""do $$ begin
    alter index {_INDEX} rename to {_OLD};
    alter index {_BUILDING} rename to {_INDEX};
end $$"""
_INCLUDED = sa.text(
    "select a.attname from pg_index i"
    " join pg_attribute a on a.attrelid = i.indexrelid and a.attnum > i.indnkeyatts"
    " where i.indexrelid = cast(:index as regclass) order by a.attnum"
)


def upgrade() -> None:
    _replace(["ib_path"])


def downgrade() -> None:
    _replace([])


def _included() -> list[str]:
    return list(op.get_bind().execute(_INCLUDED, {"index": _INDEX}).scalars())


def _replace(include: list[str]) -> None:
    with op.get_context().autocommit_block():
        if _included() != include:
            op.execute(f"drop index concurrently if exists {_BUILDING}")
            op.create_index(
                _BUILDING,
                "client",
                ["brand_id", "ib_id", "created_at", "id"],
                unique=False,
                postgresql_include=include,
                postgresql_concurrently=True,
            )
            op.execute(_SWAP)
        op.execute(f"drop index concurrently if exists {_OLD}")
