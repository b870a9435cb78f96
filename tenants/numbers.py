"""Numbers people say on the telephone: per brand and kind, ever rising, never given twice."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from tenants.tables import brand_counter
from tenants.work import ReadWork, WriteWork


async def next_number(work: WriteWork, name: str, start: int = 1) -> int:
    """The brand's next number of a kind; the first is `start`. A work that fails leaves no gap.

    The counter's row stays locked until the work ends, so that takers of one kind follow each
    other.
    """
    counter = insert(brand_counter).values(brand_id=work.scope.brand_id, name=name, value=start)
    row = await work.one(
        counter.on_conflict_do_update(
            index_elements=["brand_id", "name"], set_={"value": brand_counter.c.value + 1}
        ).returning(brand_counter.c.value)
    )
    return int(row.value)


async def next_numbers(work: WriteWork, name: str, count: int, start: int = 1) -> range:
    """As many numbers of a kind as are asked for, in one statement."""
    assert count > 0, "numbers for nobody"
    counter = insert(brand_counter).values(
        brand_id=work.scope.brand_id, name=name, value=start + count - 1
    )
    row = await work.one(
        counter.on_conflict_do_update(
            index_elements=["brand_id", "name"], set_={"value": brand_counter.c.value + count}
        ).returning(brand_counter.c.value)
    )
    last = int(row.value)
    return range(last - count + 1, last + 1)


async def last_number(work: WriteWork | ReadWork, name: str) -> int | None:
    """The number of a kind that was given last; None before the first."""
    rows = await work.rows(
        select(brand_counter.c.value).where(
            brand_counter.c.brand_id == work.scope.brand_id, brand_counter.c.name == name
        )
    )
    return int(rows[0].value) if rows else None


async def reach_number(work: WriteWork, name: str, number: int) -> None:
    """Let the last number of a kind be at least this one, for marks of how far something is."""
    before = await last_number(work, name) or 0
    if before < number:
        await next_numbers(work, name, number - before)
