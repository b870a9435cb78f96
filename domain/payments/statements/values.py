"""What a statement is asked for and made of."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from domain.kernel.money import Money


class StatementFormat(StrEnum):
    CSV = "CSV"
    PDF = "PDF"


@dataclass(frozen=True, slots=True)
class StatementAsked:
    """A wallet, two days of the brand (both included) and a form."""

    wallet_id: UUID
    start: date
    end: date
    format: StatementFormat


@dataclass(frozen=True, slots=True)
class StatementHead:
    """What stands above a statement. `client_name` as whoever asked may see it."""

    brand_name: str
    legal_entity: str
    client_reference: str
    client_name: str
    currency: str
    time_zone: str
    start: date
    end: date


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One posting: when, what for, the number to quote, how much, the balance behind it."""

    at: datetime
    kind: str
    reference: str
    amount: Money
    balance: Money
