"""What clients of introducing brokers trade on the day on which the demo is started. Pure.

The story ends yesterday, so that a board would have nothing of its own day to show before somebody
trades. These trades end between the brand's midnight and the start, at whatever hour that is, and
on weekends too: the demo's market never closes.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from api.demo.past.people import TRADED, Person
from api.demo.story import BrandStory

Json = dict[str, Any]
TRADERS_MAX = 8
_A_TRADER = 2
# Longer than what plans ask for, and begun the evening before where the day is young.
_HELD_MINUTES = (5, 150)
_HUNDREDTHS = (1, 6)


def midnight_of(story: BrandStory, now: datetime) -> datetime:
    """When the brand's day of an instant began, in UTC."""
    local = now.astimezone(ZoneInfo(story.plan.time_zone))
    return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).astimezone(UTC)


def traders_of(known: Sequence[Person], told: int) -> list[Person]:
    """Who trades: the newest of those an ib brought and who had paid in before the day `told`."""
    there = [
        one
        for one in known
        if one.trades and one.ib is not None and one.pays_on is not None and one.pays_on < told
    ]
    return sorted(there, key=lambda one: (one.day, one.n))[-TRADERS_MAX:]


def trades_of(
    story: BrandStory, traders: Sequence[Person], logins: Mapping[UUID, int], now: datetime
) -> list[Json]:
    """What they closed since midnight, as the simulator's control takes it."""
    began = midnight_of(story, now)
    dice = Random(f"{story.plan.slug}:today:{began.date()}")  # noqa: S311 - a story that repeats
    made = []
    for one in (one for one in traders if one.account_id in logins):
        for _ in range(_A_TRADER):
            closed = began + (now - began) * dice.uniform(0.05, 0.95)
            made.append(
                {
                    "at": (closed - timedelta(minutes=dice.randint(*_HELD_MINUTES))).isoformat(),
                    "closed_at": closed.isoformat(),
                    "login": logins[one.account_id],
                    "symbol": dice.choice(TRADED[:3]),
                    "side": dice.choice(("BUY", "SELL")),
                    "lots": str(Decimal(dice.randint(*_HUNDREDTHS)) / 100),
                }
            )
    return made
