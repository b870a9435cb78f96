"""What withdrawals are decided from, and what they are made of."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from domain.payments.values import ApprovalLevel, ApprovalStatus, LegKind, LegStatus, MethodKind


@dataclass(frozen=True, slots=True)
class ApprovalRule:
    """Whose approvals amounts up to `upto_minor` need; None is any amount."""

    upto_minor: int | None
    levels: tuple[ApprovalLevel, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A settled deposit that money can go back to, and how much of it is left.

    Left is what was credited, less what was refunded and what is on its way back.
    """

    deposit_id: UUID
    method_id: UUID
    connection_id: UUID
    kind: MethodKind
    label: str
    left_minor: int
    settled_at: datetime
    refundable_days: int

    def takes_back(self, at: datetime) -> bool:
        """Whether its method still refunds it."""
        return at < self.settled_at + timedelta(days=self.refundable_days)


@dataclass(frozen=True, slots=True)
class Payout:
    """A payout destination that may be used."""

    destination_id: UUID
    method_id: UUID
    connection_id: UUID
    label: str


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a withdrawal: back to a deposit, or to a payout destination."""

    kind: LegKind
    method_id: UUID
    connection_id: UUID
    label: str
    amount_minor: int
    deposit_id: UUID | None = None
    destination_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What a method takes for withdrawals in one currency, and what it costs the client."""

    min_minor: int
    max_minor: int
    fee_fixed_minor: int
    fee_bps: int


@dataclass(frozen=True, slots=True)
class Plan:
    """How an amount would leave: its parts, its fee on top, whose approvals it needs."""

    parts: tuple[Part, ...]
    fee_minor: int
    levels: tuple[ApprovalLevel, ...]


@dataclass(frozen=True, slots=True)
class LegState:
    """A leg as far as the withdrawal's status depends on it."""

    status: LegStatus
    paid_minor: int = 0


@dataclass(frozen=True, slots=True)
class ApprovalState:
    """An approval of the current round."""

    id: UUID
    level: ApprovalLevel
    status: ApprovalStatus
    decided_by: UUID | None = None
