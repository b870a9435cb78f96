"""Which brands this installation serves and which hosts they claim, from the reference tables.

A host that no brand claims (an address, localhost) is neutral: it says nothing about the brand.
The facts here are public; they are at most two seconds old.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Text, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from tenants.context import Scope, system_scope
from tenants.tables import brand, brand_host
from tenants.tokens import NO_BRAND
from tenants.values import BrandStatus
from tenants.work import Database, ReadWork

FRESH_S = 2.0


@dataclass(frozen=True, slots=True)
class BrandFacts:
    """What anybody may know about a brand."""

    id: UUID
    slug: str
    name: str
    status: BrandStatus
    sandbox: bool
    time_zone: str
    languages: tuple[str, ...]
    currencies: tuple[str, ...]
    features: tuple[str, ...]
    branding: Mapping[str, Any]
    created_at: datetime
    hosts: tuple[str, ...]

    def next_day_reset(self, now: datetime) -> datetime:
        """When the brand's day ends."""
        return next_day_reset(now, self.time_zone)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All brands at one moment."""

    by_id: Mapping[UUID, BrandFacts] = field(default_factory=dict)
    by_slug: Mapping[str, BrandFacts] = field(default_factory=dict)
    by_host: Mapping[str, BrandFacts] = field(default_factory=dict)

    def claimed_by(self, host: str | None) -> BrandFacts | None:
        """The brand that claims the host of a request; None when it is neutral."""
        return self.by_host.get(host_name(host)) if host else None


class Directory:
    """The brands of this installation, reloaded at most every two seconds."""

    def __init__(
        self, database: Database, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._monotonic = monotonic
        self._loaded_at = float("-inf")
        self._snapshot = Snapshot()
        self._loading = asyncio.Lock()

    async def current(self) -> Snapshot:
        """The brands, at most two seconds old. Refusals: UNAVAILABLE."""
        if self._is_fresh():
            return self._snapshot
        async with self._loading:
            if not self._is_fresh():
                asked_at = self._monotonic()
                self._snapshot = await load(self._database)
                self._loaded_at = asked_at
        return self._snapshot

    async def find(self, brand_id: UUID) -> BrandFacts | None:
        """A brand that something proven names: one not seen before is looked for at once."""
        known = (await self.current()).by_id.get(brand_id)
        if known is None:
            self.forget()
            known = (await self.current()).by_id.get(brand_id)
        return known

    def forget(self) -> None:
        """Load again at the next question: this process has just changed a brand."""
        self._loaded_at = float("-inf")

    def _is_fresh(self) -> bool:
        return self._monotonic() - self._loaded_at < FRESH_S


async def load(database: Database, scope: Scope | None = None) -> Snapshot:
    """Read all brands with their hosts, in one statement. The tables belong to no brand."""
    hosts = func.coalesce(
        func.array_agg(brand_host.c.host, type_=ARRAY(Text)).filter(brand_host.c.host.is_not(None)),
        cast([], ARRAY(Text)),
    )
    statement = (
        select(brand, hosts.label("hosts"))
        .select_from(brand.outerjoin(brand_host, brand_host.c.brand_id == brand.c.id))
        .group_by(brand.c.id)
    )
    async with database.read(scope or system_scope(NO_BRAND)) as work:
        found = [_facts(row) for row in await work.rows(statement)]
    return Snapshot(
        by_id={one.id: one for one in found},
        by_slug={one.slug: one for one in found},
        by_host={host: one for one in found for host in one.hosts},
    )


def next_day_reset(now: datetime, time_zone: str) -> datetime:
    """The next local midnight in UTC: the day boundary goes by the calendar, not by 24 hours.

    Where a change of clocks skips midnight, it is the first instant of the day.
    """
    zone = ZoneInfo(time_zone)
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, clock_time(), zone).astimezone(UTC)


async def list_brands(work: ReadWork) -> list[UUID]:
    """Every brand of this installation."""
    return [row.id for row in await work.rows(select(brand.c.id).order_by(brand.c.id))]


def host_name(host: str) -> str:
    """The name in a Host header: lower case, without port or the dot of the root."""
    name = host.strip().lower()
    if name.startswith("["):
        return name.partition("]")[0].removeprefix("[")
    return name.partition(":")[0].removesuffix(".")


def _facts(row: Any) -> BrandFacts:
    return BrandFacts(
        id=row.id,
        slug=row.slug,
        name=row.name,
        status=BrandStatus(row.status),
        sandbox=row.sandbox,
        time_zone=row.time_zone,
        languages=tuple(row.languages),
        currencies=tuple(row.currencies),
        features=tuple(row.features),
        branding=row.branding,
        created_at=row.created_at,
        hosts=tuple(sorted(host_name(host) for host in row.hosts)),
    )
