"""Figures of the dashboard. Money is minor units of the currency beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from domain.challenges.values import RuleState


@dataclass(frozen=True, slots=True)
class BusinessDay:
    """A day of the brand, from local midnight to local midnight, as seen at `now`."""

    day: date
    time_zone: str
    began_at: datetime
    ends_at: datetime
    now: datetime


@dataclass(frozen=True, slots=True)
class Amounts:
    """Payments of one currency: how many, how much, and since when the oldest is there."""

    currency: str
    minor: int
    count: int
    since: datetime


@dataclass(frozen=True, slots=True)
class IbVolume:
    """What introduced clients traded and what it earned their ibs, by currency, net of what was
    taken back."""

    lots: Decimal
    deals: int
    trading_clients: int
    accrued: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class NearFloor:
    """A challenge that is traded, and its nearest floor. `start_minor` is what it began with."""

    challenge_id: UUID
    phase: int
    currency: str
    start_minor: int
    state: RuleState
    as_of: datetime

    @property
    def distance_minor(self) -> int:
        """What is left to the floor; below zero where the newest figures are under it."""
        return self.state.distance_minor or 0

    @property
    def share(self) -> Decimal:
        """The same as a part of what the account began with: the order of nearness."""
        return Decimal(self.distance_minor) / self.start_minor
