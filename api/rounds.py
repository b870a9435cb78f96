"""Rounds over all brands: what fails for one is no other's loss."""

import random
from collections.abc import Awaitable, Callable
from uuid import UUID

import structlog
from prometheus_client import Counter

from domain.kernel.errors import Unavailable
from tenants.brands import list_brands
from tenants.context import NO_BRAND, system_scope
from tenants.work import Database

_failed = Counter("backdesk_round_failures", "Rounds that failed for a brand", ["round"])
_log = structlog.get_logger(__name__)


async def each_brand(name: str, database: Database, run: Callable[[UUID], Awaitable[None]]) -> None:
    """Do something for every brand of this installation, one after the other, in any order.

    A brand for which it fails is logged and counted, and the next round tries it again; the order
    differs each time, so that no brand is always behind a slow one. Raises only when the database
    is away, since then it is for all of them.
    """
    async with database.read(system_scope(NO_BRAND)) as work:
        brands = list(await list_brands(work))
    random.shuffle(brands)
    for brand_id in brands:
        try:
            await run(brand_id)
        except Unavailable:
            raise
        except Exception as error:  # a round's own loop: one brand's trouble stays its own
            _failed.labels(name).inc()
            _log.error(
                "round_failed", round=name, brand=brand_id.hex, error=repr(error), exc_info=True
            )
