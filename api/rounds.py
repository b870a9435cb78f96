"""Rounds over all brands."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from tenants.brands import list_brands
from tenants.context import NO_BRAND, system_scope
from tenants.work import Database


async def each_brand(database: Database, run: Callable[[UUID], Awaitable[None]]) -> None:
    """Do something for every brand of this installation, one after the other."""
    async with database.read(system_scope(NO_BRAND)) as work:
        brands = await list_brands(work)
    for brand_id in brands:
        await run(brand_id)
