"""Let what an ib sees follow it to where it moved."""

from uuid import UUID

from sqlalchemy import Table, func, literal, select, update

from domain.ibs.tables import ib, ib_former_place
from tenants.database import metadata
from tenants.work import WriteWork


def followers() -> list[Table]:
    """Tables whose rows say by a path who sees them and may be changed: no log and no deal, which
    stay as they were written."""
    return [
        table
        for table in metadata.sorted_tables
        if "ib_path" in table.c and "update" in table.info["grants"]["worker"]
    ]


async def follow_move(
    work: WriteWork, table: Table, ib_id: UUID, version: int, *, limit: int
) -> int:
    """Move up to `limit` rows of the branch that left a place to where their ibs are now; how many.

    Each row bears the whole path of one ib, so that moves that follow each other end alike in
    whatever order they are followed, and repeating one is harmless.
    """
    left = (
        select(ib_former_place.c.path)
        .where(
            ib_former_place.c.brand_id == work.scope.brand_id,
            ib_former_place.c.ib_id == ib_id,
            ib_former_place.c.version == version,
        )
        .scalar_subquery()
    )
    former = ib_former_place.alias("former")
    places = (
        select(former.c.path.label("old"), ib.c.path.label("new"))
        .join(ib, (ib.c.brand_id == former.c.brand_id) & (ib.c.id == former.c.ib_id))
        .where(
            former.c.brand_id == work.scope.brand_id,
            func.starts_with(former.c.path, left),
            ib.c.path != former.c.path,
        )
        .distinct()
        .subquery("places")
    )
    keys = [column for column in table.primary_key if column.name != "brand_id"]
    chosen = (
        select(*keys, places.c.new)
        .join(places, places.c.old == table.c.ib_path)
        .where(table.c.brand_id == work.scope.brand_id)
        .limit(limit)
        .with_for_update(of=table)
        .subquery("chosen")
    )
    moved = await work.rows(
        update(table)
        .where(
            table.c.brand_id == work.scope.brand_id,
            *(column == chosen.c[column.name] for column in keys),
        )
        .values(ib_path=chosen.c.new)
        .returning(literal(1))
    )
    return len(moved)
