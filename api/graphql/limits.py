"""How much a caller may ask for: budgets per operation and leaky buckets per token and brand.

Buckets live in this process, keyed `<kind>:<brand>:<id>` so that no brand can fill another's, and
are bounded in number; a bucket that has run full again is forgotten. Costs are the points of
`schema.shared.cost`. The names in `extensions.cost` are Shopify's.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from time import monotonic
from typing import Any

from api.graphql.errors import EdgeRefusal
from schema.shared.cost import TRUSTED_BUDGET
from tenants.context import Actor, ActorKind

_HOUSE = (ActorKind.STAFF, ActorKind.OPERATOR, ActorKind.SYSTEM)


@dataclass(frozen=True, slots=True)
class BucketSize:
    """`maximum` points at rest, `restore` points back each second."""

    maximum: float
    restore: float


@dataclass(frozen=True, slots=True)
class EdgeLimits:
    """Every number the edge holds callers to. Times are in seconds, sizes in bytes.

    `strangers` is the bucket of an address for credentials that turn out wrong.
    """

    budget: int = 2_000
    trusted_budget: int = TRUSTED_BUDGET
    refusal_cost: int = 10
    buckets: Mapping[str, BucketSize] = field(
        default_factory=lambda: {
            "token": BucketSize(20_000, 1_000),
            "anonymous": BucketSize(4_000, 100),
            "brand": BucketSize(400_000, 20_000),
        }
    )
    strangers: BucketSize = BucketSize(4_000, 100)
    max_buckets: int = 50_000
    max_body: int = 256 * 1024
    max_answer: int = 5 * 1024 * 1024
    operation_seconds: float = 10.0
    init_seconds: float = 5.0
    write_seconds: float = 10.0
    body_seconds: float = 10.0
    ping_seconds: float = 15.0
    subscriptions_per_socket: int = 20
    sockets_per_token: int = 50

    def budget_of(self, actor: Actor, *, trusted: bool = False) -> int:
        """The most one operation of this actor may cost; `trusted` is said of its document."""
        trusted = trusted or actor.kind in _HOUSE
        return self.trusted_budget if trusted else self.budget


@dataclass(slots=True)
class _Bucket:
    maximum: float
    restore: float
    left: float
    at: float

    def fill(self, now: float) -> None:
        """Count what came back since it was looked at."""
        left = self.left + (now - self.at) * self.restore
        self.left = left if left < self.maximum else self.maximum
        self.at = now


@dataclass(frozen=True, slots=True)
class ThrottleStatus:
    """The caller's own bucket after an operation."""

    maximum: float
    left: float
    restore: float

    def shown(self) -> dict[str, Any]:
        """As `extensions.cost.throttleStatus`."""
        return {
            "maximumAvailable": int(self.maximum),
            "currentlyAvailable": int(self.left),
            "restoreRate": int(self.restore),
        }

    def headers(self) -> dict[str, str]:
        """As headers; `Reset` is the seconds until the bucket is full."""
        return {
            "X-RateLimit-Limit": str(int(self.maximum)),
            "X-RateLimit-Remaining": str(int(self.left)),
            "X-RateLimit-Reset": str(ceil((self.maximum - self.left) / self.restore)),
        }


class Throttle:
    """Leaky buckets of one process. `clock` gives seconds and never goes back."""

    def __init__(
        self,
        sizes: Mapping[str, BucketSize],
        max_buckets: int,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._sizes = sizes
        self._max_buckets = max_buckets
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, keys: Sequence[str], cost: float) -> None:
        """Takes `cost` from every bucket, or from none: THROTTLED with the seconds to wait.

        A cost above a bucket's maximum waits for a full bucket, so that no allowed operation is
        refused for ever.
        """
        buckets = self._filled(keys)
        wait = 0.0
        for bucket in buckets:
            if bucket.left < cost:
                missing = min(cost, bucket.maximum) - bucket.left
                wait = max(wait, missing / bucket.restore)
        if wait > 0:
            raise EdgeRefusal(
                "THROTTLED",
                429,
                "Too many points asked for; wait and try again.",
                retry_after=wait,
                headers={**_status(buckets[0]).headers(), "Retry-After": str(ceil(wait))},
            )
        for bucket in buckets:
            bucket.left -= cost

    def refund(self, keys: Sequence[str], points: float) -> ThrottleStatus | None:
        """Gives back what an operation asked for and did not use; then the first key's bucket: the
        caller's own, which tells nothing about its neighbours."""
        buckets = self._filled(keys)
        for bucket in buckets:
            bucket.left = min(bucket.left + points, bucket.maximum)
        return _status(buckets[0]) if buckets else None

    def charge(self, keys: Sequence[str], cost: float) -> None:
        """Takes without asking: what a refused document cost us."""
        for bucket in self._filled(keys):
            bucket.left = max(bucket.left - cost, -bucket.maximum)

    def __len__(self) -> int:
        return len(self._buckets)

    def _filled(self, keys: Sequence[str]) -> list[_Bucket]:
        """The buckets of all keys as they are now, the new ones full."""
        now, known, found = self._clock(), self._buckets, []
        for key in keys:
            bucket = known.get(key)
            if bucket is None:
                self._add(keys, now)
                return self._filled(keys)
            bucket.fill(now)
            known.move_to_end(key)
            found.append(bucket)
        return found

    def _add(self, keys: Sequence[str], now: float) -> None:
        # Room for all of them before any is there, so that none is forgotten for another.
        self._make_room(now, len(keys))
        for key in keys:
            if key not in self._buckets:
                kind, _, rest = key.partition(":")
                assert rest, f"a throttle key is <kind>:<brand>:<id>, not {key!r}"
                size = self._sizes[kind]
                self._buckets[key] = _Bucket(size.maximum, size.restore, size.maximum, now)

    def _make_room(self, now: float, places: int) -> None:
        """Forgets the buckets untouched for longest: the full ones, and past the bound any."""
        while self._buckets:
            key, oldest = next(iter(self._buckets.items()))
            full = oldest.left + (now - oldest.at) * oldest.restore >= oldest.maximum
            if not full and len(self._buckets) + places <= self._max_buckets:
                return
            del self._buckets[key]


def _status(bucket: _Bucket) -> ThrottleStatus:
    return ThrottleStatus(bucket.maximum, max(bucket.left, 0.0), bucket.restore)
