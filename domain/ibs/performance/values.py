"""Closed lists and rows of performance."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class Span(StrEnum):
    """How long a row's stretch of time is."""

    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"


@dataclass(slots=True)
class Stretch:
    """What happened in one stretch; `accrued` is net of reversals, in minor units by currency."""

    begins_at: datetime
    new_clients: int = 0
    trading_clients: int = 0
    deals: int = 0
    lots: Decimal = Decimal(0)
    accrued: dict[str, int] = field(default_factory=dict)
