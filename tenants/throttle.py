"""Throttling of guesses: per account, per address and per brand, in the brand's own rows.

An attempt is counted before it is judged, so that a thousand at once are a thousand; a right one
takes its count back. Beyond a free allowance each further failure doubles the wait. Failures leak
away with time, and attempts during a wait are refused without lengthening it, so that nobody can
lock an account for good. Accounts are counted by a hash of what was typed: known and unknown ones
behave alike. No row is shared between brands.
"""

import hashlib
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from sqlalchemy import ARRAY, Text, any_, delete, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from tenants.refusals import Throttled
from tenants.tables import throttle
from tenants.work import WriteWork

_KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Allowance:
    """`free` failures cost nothing; then waits double from `first_s` to `most_s`.

    One failure is forgotten per `forget_s` seconds.
    """

    free: int
    first_s: float
    most_s: float
    forget_s: float

    def wait_s(self, failures: int) -> float:
        """How long after this many failures the next attempt is refused, in seconds."""
        if failures <= self.free:
            return 0.0
        return min(self.first_s * 2.0 ** min(failures - self.free - 1, 30), self.most_s)

    def left(self, failures: int, since: datetime, now: datetime) -> tuple[int, datetime]:
        """Failures that are still remembered now, and since when the next one is being forgotten.

        Whoever asks more often than one is forgotten has them forgotten none the less.
        """
        each = timedelta(seconds=self.forget_s)
        forgotten = max(0, (now - since) // each)
        if forgotten >= failures:
            return 0, now
        return failures - forgotten, since + forgotten * each


ACCOUNT = Allowance(free=5, first_s=2, most_s=900, forget_s=600)
ADDRESS = Allowance(free=30, first_s=2, most_s=900, forget_s=60)
BRAND = Allowance(free=1000, first_s=1, most_s=10, forget_s=0.5)


@dataclass(frozen=True, slots=True)
class Counted:
    """One row that an attempt counts against."""

    key: str
    allowance: Allowance


def counted_by(operation: str, account: str, ip: str | None) -> tuple[Counted, ...]:
    """What an attempt of an operation on an account counts against, in the order of locking."""
    digest = hashlib.sha256(account.encode()).hexdigest()[:32]
    found = [
        Counted(f"{operation}:account:{digest}", ACCOUNT),
        Counted(f"{operation}:brand", BRAND),
    ]
    if ip is not None:
        found.append(Counted(f"{operation}:address:{network_of(ip)}", ADDRESS))
    return tuple(sorted(found, key=lambda one: one.key))


@lru_cache(maxsize=4_096)
def network_of(ip: str) -> str:
    """What one caller can be assumed to own: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        address = ipaddress.ip_address(ip.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        if mapped is not None:
            return str(mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


async def count_attempt(work: WriteWork, against: Sequence[Counted]) -> None:
    """Count an attempt as a failure until it is forgiven. Refusals: THROTTLED, uncounted."""
    now = work.database_now()
    seen = await _lock(work, against, now)
    waits = [until - now for until in seen.blocked.values() if until > now]
    if waits:
        raise Throttled(max(waits).total_seconds())
    rows = []
    for one in against:
        left, since = one.allowance.left(seen.failures[one.key], seen.since[one.key], now)
        failures = left + 1
        wait_s = one.allowance.wait_s(failures)
        rows.append(
            {
                "brand_id": work.scope.brand_id,
                "key": one.key,
                "failures": failures,
                "blocked_until": now + timedelta(seconds=wait_s) if wait_s else None,
                "updated_at": since,
            }
        )
    counted = insert(throttle).values(rows)
    await work.rows(
        counted.on_conflict_do_update(
            index_elements=["brand_id", "key"],
            set_={
                name: counted.excluded[name] for name in ("failures", "blocked_until", "updated_at")
            },
        )
    )


async def forgive_attempt(work: WriteWork, against: Sequence[Counted]) -> None:
    """Take a right attempt back: the account starts anew, address and brand lose this one count.

    A wait that others' failures have earned an address or brand goes on, so that whoever has one
    account can't buy guesses at the rest with it.
    """
    now = work.database_now()
    seen = await _lock(work, against, now)
    for one in against:
        clean = one.allowance is ACCOUNT
        failures = 0 if clean else max(0, seen.failures[one.key] - 1)
        earned = seen.blocked.get(one.key) if one.allowance.wait_s(failures) else None
        await work.rows(
            update(throttle)
            .where(throttle.c.brand_id == work.scope.brand_id, throttle.c.key == one.key)
            .values(failures=failures, blocked_until=earned)
        )


async def sweep(work: WriteWork) -> int:
    """Delete what has been quiet for a day; how many rows that were."""
    gone = await work.rows(
        delete(throttle)
        .where(
            throttle.c.brand_id == work.scope.brand_id,
            throttle.c.updated_at < work.database_now() - _KEPT,
        )
        .returning(throttle.c.key)
    )
    return len(gone)


@dataclass(frozen=True, slots=True)
class _Seen:
    failures: dict[str, int]
    since: dict[str, datetime]
    blocked: dict[str, datetime]


async def _lock(work: WriteWork, against: Sequence[Counted], now: datetime) -> _Seen:
    """Make and lock the rows, in the order of their keys."""
    fresh = [
        {"brand_id": work.scope.brand_id, "key": one.key, "failures": 0, "updated_at": now}
        for one in against
    ]
    await work.rows(insert(throttle).values(fresh).on_conflict_do_nothing())
    rows = await work.rows(
        select(throttle)
        .where(
            throttle.c.brand_id == work.scope.brand_id,
            throttle.c.key == any_(literal([one.key for one in against], ARRAY(Text))),
        )
        .order_by(throttle.c.key)
        .with_for_update()
    )
    return _Seen(
        failures={row.key: row.failures for row in rows},
        since={row.key: row.updated_at for row in rows},
        blocked={row.key: row.blocked_until for row in rows if row.blocked_until},
    )
