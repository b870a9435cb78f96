"""Numbers people say on the telephone: per brand and kind, ever rising, never given twice."""

from sqlalchemy.dialects.postgresql import insert

from tenants.tables import brand_counter
from tenants.work import WriteWork


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
